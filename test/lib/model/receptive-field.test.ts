import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import type { ImageModel } from '../../../lib/model/model';
import { alexnet2012, buildAlexNet2012 } from '../../../lib/model/networks/alexnet-2012';
import { imageModel } from '../../../lib/model/model';
import { loadModel } from '../../../lib/model/networks/load';
import { pseudoAlexNetWeights } from '../../pseudo-weights';
import { withNetworks } from '../../helpers';

type Axis = 0 | 1;

/** Which rows (axis 0) or columns (axis 1) of a layer change when one row or column of pixels changes, by experiment. */
function changed(model: ImageModel, layer: string, line: number, axis: Axis): [number, number] | undefined {
  const [height, width] = model.inputSize;
  const [first, last] = tf.tidy(() => {
    // A textured image: on a constant one a max pool can hide the change.
    const image = tf.randomUniform<tf.Rank.R3>([height, width, 3], 0.2, 0.8, 'float32', 11);
    const spot = tf.buffer([height, width, 3]);
    for (let i = 0; i < (axis === 0 ? width : height); i++) {
      const [y, x] = axis === 0 ? [line, i] : [i, line];
      for (let c = 0; c < 3; c++) spot.set(i % 2 ? 40 : -40, y, x, c);
    }
    const other = tf.add(image, spot.toTensor()) as tf.Tensor3D;
    const difference = tf.abs(tf.sub(model.activations(other, layer), model.activations(image, layer)));
    const lines = Array.from(tf.max(difference, [1 - axis, 2]).dataSync())
      .map((v, i) => (v > 1e-7 ? i : -1))
      .filter((i) => i >= 0);
    return lines.length ? [lines[0], lines[lines.length - 1]] : [-1, -1];
  });
  return first < 0 ? undefined : [first, last];
}

/** Rows or columns of the layer whose receptive field holds this line of pixels, by the table. */
function expected(model: ImageModel, layer: string, line: number, axis: Axis): [number, number] {
  const info = model.layers.find((l) => l.name === layer)!;
  const { size, stride, offset } = info.receptiveField!;
  const seeing = Array.from({ length: info.shape[axis] }, (_, i) => i).filter((i) => {
    const start = offset + stride * i;
    return line >= start && line < start + size;
  });
  return [seeing[0], seeing[seeing.length - 1]];
}

/** Inside the theoretical field always; reaching (almost) its ends for layers that do not fade out. */
function check(model: ImageModel, layer: string, slack: number) {
  const last = model.inputSize[0] - 1;
  const lines: [number, Axis][] = [[0, 0], [61, 0], [113, 0], [last, 0], [61, 1], [last, 1]]; // prettier-ignore
  for (const [line, axis] of lines) {
    const got = changed(model, layer, line, axis);
    const [first, end] = expected(model, layer, line, axis);
    const place = `${layer} 第 ${line} ${axis === 0 ? '行' : '列'}：变化 ${got}，表中 ${[first, end]}`;
    assert.ok(got && got[0] >= first && got[1] <= end, place);
    assert.ok(got[0] - first <= slack && end - got[1] <= slack, place);
  }
}

test.before(async () => {
  await startBackend();
});

/** Both AlexNets: [size, stride], as in the papers. */
const ALEXNET: Record<string, [number, number]> = {
  conv1: [11, 4],
  pool1: [19, 8],
  conv2: [51, 8],
  pool2: [67, 16],
  conv3: [99, 16],
  conv4: [131, 16],
  conv5: [163, 16],
  pool5: [195, 32],
};

function checkAlexNet(model: ImageModel, offset: number, slack: number) {
  for (const [layer, [size, stride]] of Object.entries(ALEXNET)) {
    const field = model.layers.find((l) => l.name === layer)!.receptiveField!;
    assert.equal([field.size, field.stride], [size, stride], layer);
  }
  assert.equal(model.layers.find((l) => l.name === 'pool5')!.receptiveField, { size: 195, stride: 32, offset });
  for (const layer of ['conv1', 'pool1', 'conv2', 'conv3', 'conv5', 'pool5']) check(model, layer, slack);
  model.dispose();
}

test('AlexNet 的感受野与论文的表一致；第一层的两行填充把它向外移两个像素', async () => {
  checkAlexNet(await loadModel('alexnet'), -66, 1);
});

test('AlexNet 2012 的感受野与论文的表一致', () => {
  const weights = pseudoAlexNetWeights({ head: false });
  checkAlexNet(imageModel(buildAlexNet2012(weights), { ...alexnet2012, classes: [] }), -64, 0);
});

withNetworks(test, ['squeezenet'], 'SqueezeNet 的感受野与扰动实验一致', async () => {
  const model = await loadModel('squeezenet', { offline: true });
  for (const layer of ['conv1', 'pool1', 'fire3/concat', 'pool4', 'fire6/concat', 'pool8', 'fire9/concat'])
    check(model, layer, 1);
  model.dispose();
});

test('EfficientNet-Lite0 的感受野与扰动实验一致', async () => {
  const model = await loadModel('efficientnet-lite0');
  for (const layer of ['stem', 'b0', 'b1', 'b3', 'b5', 'b7', 'b10', 'head']) check(model, layer, 1);
  model.dispose();
});

test.run();
