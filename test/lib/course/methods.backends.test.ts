/**
 * The methods of the chapters on the course's two largest networks, as a chapter calls them. What is compared stands
 * on another way to the same number: a closed form, another method, the network itself.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { topPatches } from '../../../lib/02-patches/patches';
import { featureMatrix } from '../../../lib/03-embedding/features';
import { featureMapGradients, strongestUnits } from '../../../lib/05-deconv/feature-map-gradients';
import { gradCam, guidedGradCam } from '../../../lib/05-deconv/grad-cam';
import { inputGradient, type Rule } from '../../../lib/05-deconv/gradients';
import { cascadingRandomisation } from '../../../lib/05-deconv/sanity';
import { smoothGrad } from '../../../lib/05-deconv/smooth-grad';
import { invert } from '../../../lib/07-inversion/inversion';
import { cellCorrelation, codeError } from '../../../lib/07-inversion/measures';
import { deepFool } from '../../../lib/08-adversarial/deepfool';
import { targeted } from '../../../lib/08-adversarial/attacks';
import { loadImage } from '../../../lib/image/image';
import { photo } from '../../../lib/image/photos';
import { classify } from '../../../lib/model/classify';
import type { ImageModel } from '../../../lib/model/model';
import { loadModel, type NetworkId } from '../../../lib/model/networks/load';
import type { Target } from '../../../lib/model/target';
import { startBackend, tf } from '../../../lib/tf/backend';
import { assertClose, disposeAll, isSmall, withNetworks } from '../../helpers';

test.before(async () => void (await startBackend()));

const isNative = () => tf.getBackend() === 'tensorflow';

/** Runs `body` on a network and one photo; nothing may be left over. */
async function on(id: NetworkId, body: (model: ImageModel, image: tf.Tensor3D) => Promise<void>) {
  const model = await loadModel(id, { offline: true });
  const { path, crop } = photo('red-panda');
  const image = await loadImage(path, { size: model.inputSize, crop });
  const before = tf.memory().numTensors;
  await body(model, image);
  assert.is(tf.memory().numTensors, before, `${id}：张量数量变了`);
  image.dispose();
  model.dispose();
}

/** 02, 03: a photo's code and strongest place are those of the network itself. */
async function scans(model: ImageModel, image: tf.Tensor3D) {
  const layer = model.roles.lastPool === 'pool5' && model.id === 'googlenet' ? 'inception_5b' : model.roles.lastConv;
  const photos = [photo('red-panda'), photo('sheep')];
  const map = tf.tidy(() => model.activations(image, layer) as tf.Tensor3D);
  const [strongest, mean] = tf.tidy(() => [tf.max(map, [0, 1]), tf.mean(map, [0, 1])].map((t) => t.dataSync()));
  const channels = [3, 10];
  for (const { channel, patches } of await topPatches(model, photos, layer, { channels, count: 2, cache: false })) {
    const own = patches.find((patch) => patch.photo.path === photos[0].path)!;
    assertClose([own.value], [strongest[channel]], 1e-4, `${layer} ${channel}`);
  }
  const { data, columns } = await featureMatrix(model, photos, layer, { pool: 'mean' });
  assertClose(data.slice(0, columns), mean, 1e-4, `${layer}，各位置的平均`);
  map.dispose();
}

/** 05: every way to one gradient gives the same gradient; weights that were shuffled are back. */
async function gradients(model: ImageModel, image: tf.Tensor3D, target: Target, layer: string) {
  const rules: Rule[] = ['backprop', 'deconv', 'guided'];
  const [{ channel }] = await strongestUnits(model, image, layer, { count: 1 });
  for (const rule of rules) {
    const one = inputGradient(model, image, { layer, channel, at: 'max' }, { rule });
    const many = await featureMapGradients(model, image, layer, { rule, channels: [channel] });
    assertClose(many.maps.dataSync(), one.dataSync(), 1e-4, rule);
    disposeAll([one, many]);
  }
  const plain = inputGradient(model, image, target);
  const quiet = await smoothGrad((x) => inputGradient(model, x, target), image, { noise: 1e-7, samples: 2 });
  assertClose(quiet.map.dataSync(), plain.dataSync(), 0.05, 'smoothGrad 没有噪声');
  const shuffled = await cascadingRandomisation(
    model,
    image,
    { plain: (m, x) => inputGradient(m, x, target) },
    { layers: [model.roles.firstConv] },
  );
  const again = inputGradient(model, image, target);
  assert.equal(again.dataSync(), plain.dataSync(), '打乱之后权值没有复原');
  disposeAll([plain, quiet, shuffled, again]);
}

/** 07: a hundredth of what a chapter takes, and the code already comes nearer, and the layout with it. */
async function inversion(model: ImageModel, image: tf.Tensor3D, layer: string) {
  const steps = isNative() ? 30 : 12;
  const few = await invert(model, image, layer, { steps: 1 });
  const some = await invert(model, image, layer, { steps });
  assert.ok(some.error.ofCode < 0.9 * few.error.ofCode, `${few.error.ofCode} → ${some.error.ofCode}`);
  assertClose([some.error.ofCode], [await codeError(model, some.best, image, layer)], 1e-3);
  assert.ok((await cellCorrelation(some.best, image)) > (await cellCorrelation(few.best, image)));
  disposeAll([few, some]);
}

test('AlexNet：图块、编码、梯度、反演；Grad-CAM 的闭式', () =>
  on('alexnet', async (model, image) => {
    await scans(model, image);
    const [unit] = await strongestUnits(model, image, 'pool5', { count: 1 });
    const target = { layer: 'pool5', channel: unit.channel, at: unit.at } as const;
    await gradients(model, image, target, 'conv5');
    // a maximum hands its gradient to one place: the mean over 13 × 13 places is 1/169, of this channel alone
    const { map, coarse } = gradCam(model, image, target, { layer: 'relu5' });
    const channel = tf.tidy(() => {
      const relu5 = model.activations(image, 'relu5') as tf.Tensor3D;
      return tf.div(tf.slice(relu5, [0, 0, unit.channel], [-1, -1, 1]), 169);
    });
    assertClose(coarse.dataSync(), channel.dataSync(), 1e-4, 'Grad-CAM');
    disposeAll([map, coarse, channel, guidedGradCam(model, image, target, { layer: 'relu5' })]);
    if (!isSmall) await inversion(model, image, 'pool5');
  }));

withNetworks(test, ['googlenet'], 'GoogLeNet：图块、编码、梯度、反演、攻击；Grad-CAM 的闭式', () =>
  on('googlenet', async (model, image) => {
    await scans(model, image);
    const redPanda = { class: 387 };
    await gradients(model, image, redPanda, 'inception_4c');
    // the score is the classifier's weights times the means: their gradient is weight / 49, everywhere
    const { map, coarse } = gradCam(model, image, redPanda, { layer: 'inception_5b' });
    const expected = tf.tidy(() => {
      const maps = model.activations(image, 'inception_5b') as tf.Tensor3D;
      const [kernel] = model.network.getLayer('logits').getWeights();
      const column = tf.reshape(tf.gather(tf.reshape(kernel, [1024, 1000]), [387], 1), [1024]);
      return tf.relu(tf.sum(tf.mul(maps, tf.div(column, 49)), 2));
    });
    assertClose(coarse.dataSync(), expected.dataSync(), 1e-4, 'Grad-CAM');
    disposeAll([map, coarse, expected]);
    await inversion(model, image, 'inception_4a');
    const adversarial = await targeted(model, image, { class: 9 }, { epsilon: 4 / 255, steps: isNative() ? 15 : 6 });
    assert.is(adversarial.after[0].index, 9, '变成鸵鸟');
    const least = await deepFool(model, image, { candidates: 3 });
    assert.is.not((await classify(model, least.image))[0].index, 387, 'DeepFool');
    disposeAll([adversarial, least]);
  }),
);

test.run();
