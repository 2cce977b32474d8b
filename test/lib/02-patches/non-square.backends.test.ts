import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { topPatches } from '../../../lib/02-patches/patches';
import { patchImage } from '../../../lib/02-patches/patch-image';
import { fieldMask } from '../../../lib/05-deconv/clarity';
import { inputGradient } from '../../../lib/05-deconv/gradients';
import { patchProjections } from '../../../lib/05-deconv/projections';
import { projectionSheets } from '../../../lib/05-deconv/projection-sheets';
import { fromLayersModel } from '../../../lib/09-your-own/from-layers';
import { loadImage } from '../../../lib/image/image';
import { coursePhotos } from '../../../lib/image/photos';
import type { ImageModel } from '../../../lib/model/model';
import { startBackend, tf } from '../../../lib/tf/backend';
import { assertClose, failure, leakFree } from '../../helpers';

/** An input with an odd and an even side, under strides and `same`, and at the end a kernel that is wider than high. */
function oddAndEven(...more: tf.layers.Layer[]): ImageModel {
  const conv = (name: string, seed: number, kernelSize: number | [number, number], strides: number) =>
    tf.layers.conv2d({ name, filters: 4, kernelSize, strides, padding: 'same', activation: 'relu', kernelInitializer: tf.initializers.heNormal({ seed }) }); // prettier-ignore
  const input = tf.input({ shape: [48, 33, 3] });
  const maps = [conv('a', 1, 3, 2), conv('b', 2, 5, 2), conv('wide', 3, [1, 3], 1), ...more];
  const last = maps.reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, input as tf.SymbolicTensor);
  const scores = tf.layers.dense({ units: 3 }).apply(tf.layers.globalAveragePooling2d({}).apply(last));
  return fromLayersModel(tf.model({ inputs: input, outputs: scores as tf.SymbolicTensor }));
}

const photos = coursePhotos().slice(0, 3);

test.before(async () => {
  await startBackend();
});

test('一奇一偶的输入：图块的方框是单元看到的像素，外面涂灰不改变它，里面涂灰改变它', async () => {
  const model = oddAndEven();
  for (const layer of ['a', 'b', 'wide']) {
    const [{ patches }] = await topPatches(model, photos, layer, { channels: [1], count: 2 });
    for (const { photo, at, value } of patches) {
      const image = await loadImage(photo.path, { size: model.inputSize, crop: photo.crop });
      const { outside, inside, edges } = tf.tidy(() => {
        const mask = tf.expandDims(fieldMask(model, layer, at), 2);
        const unit = (x: tf.Tensor) =>
          tf.slice(model.activations(x, layer), [at[0], at[1], 1], [1, 1, 1]).dataSync()[0];
        const grey = (where: tf.Tensor) => tf.where(where.toBool(), tf.fill(image.shape, 0.5), image);
        const gradient = tf.max(tf.abs(inputGradient(model, image, { layer, channel: 1, at })), 2, true);
        return {
          outside: unit(grey(tf.sub(1, mask))),
          inside: unit(grey(mask)),
          edges: tf.sum(tf.mul(gradient, tf.sub(1, mask))).dataSync()[0],
        };
      });
      assertClose([outside], [value], 1e-5, `${layer} 外面`);
      assert.ok(Math.abs(inside - value) > 1e-3, `${layer} 里面`);
      assert.is(edges, 0, '方框之外没有梯度');
      image.dispose();
    }
  }
  model.dispose();
});

test('不是正方形的感受野：小样不拉长，投影与梯度逐个像素相同', async () => {
  const model = oddAndEven();
  const [rows, columns] = model.layers.find((l) => l.name === 'wide')!.receptiveFields!;
  assert.equal([rows.size, columns.size], [11, 19]);
  assert.is(model.layers.find((l) => l.name === 'wide')!.receptiveField, undefined);
  const [channel] = await topPatches(model, photos, 'wide', { channels: [1], count: 2 });
  const [{ box, photo, at }] = channel.patches;
  assertClose([box.width / box.height], [19 / 11], 1e-6);

  const tile = await patchImage(channel.patches[0], { size: 19, fill: 0 });
  const dark = (await tf.tidy(() => tf.sum(tf.mean(tile, 2), 1)).data()).map((sum) => Number(sum < 1e-6));
  assert.equal([...dark.slice(0, 3), ...dark.slice(-3)], [1, 1, 1, 1, 1, 1], '上下是补的边');
  assert.is(dark[9], 0);

  const { maps } = await patchProjections(model, 'wide', channel, { rule: 'guided', size: 19 });
  const image = await loadImage(photo.path, { size: model.inputSize, crop: photo.crop });
  const expected = tf.tidy(() => {
    const gradient = inputGradient(model, image, { layer: 'wide', channel: 1, at }, { rule: 'guided' });
    const padded = tf.pad(gradient, [[30, 30], [30, 30], [0, 0]]); // prettier-ignore
    const [y, x] = [rows.offset + rows.stride * at[0], columns.offset + columns.stride * at[1]];
    return tf.slice(padded, [30 + y - 4, 30 + x, 0], [19, 19, 3]).dataSync();
  });
  assertClose(maps.dataSync().subarray(0, 19 * 19 * 3), expected, 1e-6);
  tf.dispose([tile, maps, image]);
  await leakFree(() => projectionSheets(model, 'wide', [channel]));
  model.dispose();
});

test('放大之后：有空间位置，但没有一个窗口，说明白', async () => {
  const model = oddAndEven(tf.layers.upSampling2d({ name: 'up', size: [2, 2] }));
  const { message } = await failure(() => topPatches(model, photos, 'up'));
  assert.match(message, /^up 层的单元看到的不是.*放大.*可用的层到 wide 为止/);
  model.dispose();
});

test.run();
