import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { imageNetClasses } from '../../../lib/model/classes';
import { inputGradient, type Rule, type Target } from '../../../lib/05-deconv/gradients';
import { loadImage } from '../../../lib/image/image';
import { type ImageModel, imageModel } from '../../../lib/model/model';
import { alexnet2012WithHead, buildAlexNet2012 } from '../../../lib/model/networks/alexnet-2012';
import { loadModel } from '../../../lib/model/networks/load';
import { assertClose, type Check, checksFolder, readCheck, longTest, withNetworks } from '../../helpers';
import { pseudoAlexNetWeights } from '../../pseudo-weights';

/** Rounding that flips one ReLU or one tie of a pool costs up to 1e-2; a real mistake costs 2.4e-2 and more. */
const BOUND = 1.5e-2;

const targetOf = ({ gradientOf }: Check): Target =>
  typeof gradientOf === 'number'
    ? { class: gradientOf }
    : { layer: gradientOf.layer, channel: gradientOf.channel, at: gradientOf.at };

function compare(model: ImageModel, image: tf.Tensor3D, check: Check, bound: number) {
  for (const [rule, expected] of Object.entries(check.gradients)) {
    const gradient = inputGradient(model, image, targetOf(check), { rule: rule as Rule });
    assert.equal(gradient.shape, expected.shape);
    const values = gradient.dataSync<'float32'>();
    gradient.dispose();
    assertClose(
      expected.index.map((i) => values[i]),
      expected.value,
      bound,
      rule,
    );
    const l2 = Math.sqrt(values.reduce((s, v) => s + v * v, 0));
    assert.ok(Math.abs(l2 / expected.l2 - 1) < bound, `${rule} 的范数 ${l2}，应为 ${expected.l2}`);
  }
}

async function check(model: ImageModel, size: number, name: string, bound: number) {
  const image = (await loadImage(join(checksFolder, `dog-${size}.png`))) as tf.Tensor3D;
  compare(model, image, readCheck(name), bound);
  image.dispose();
  model.dispose();
}

test.before(async () => {
  await startBackend();
});

withNetworks(test, ['squeezenet'], 'SqueezeNet：类别得分的三种梯度与 PyTorch 一致', async () => {
  await check(await loadModel('squeezenet', { offline: true }), 227, 'squeezenet', 1e-3);
});

test('AlexNet：conv5 一个神经元的三种梯度与 PyTorch 一致', async () => {
  await check(await loadModel('alexnet'), 224, 'alexnet-owt', BOUND);
});

withNetworks(test, ['googlenet'], 'GoogLeNet：类别得分的三种梯度与 PyTorch 一致', async () => {
  await check(await loadModel('googlenet', { offline: true }), 224, 'googlenet', BOUND);
});

withNetworks(test, ['alexnet-2012'], 'AlexNet 2012：conv5 一个神经元的三种梯度与 PyTorch 一致', async () => {
  await check(
    await loadModel('alexnet-2012', { offline: true, head: false, full: false }),
    227,
    'alexnet-trunk',
    BOUND,
  );
});

longTest(test, 'AlexNet 2012 整网（伪权值）：类别得分的三种梯度与 PyTorch 一致', async () => {
  const model = imageModel(buildAlexNet2012(pseudoAlexNetWeights()), {
    ...alexnet2012WithHead,
    classes: imageNetClasses(),
    preprocess: { mean: [123, 117, 104], scale: 1 },
  });
  await check(model, 227, 'alexnet-pseudo-weights', BOUND);
});

test('EfficientNet-Lite0：类别得分的三种梯度与 PyTorch 一致', async () => {
  await check(await loadModel('efficientnet-lite0'), 224, 'lite0', BOUND);
});

test.run();
