/** Every public function that takes an image refuses one that is no image of [0, 1], in Chinese, and leaves no tensor. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as course from '../../../lib';
import { failure } from '../../helpers';

const { tf } = course;
const layer = { filters: 4, kernelSize: 3, activation: 'relu' } as const;
const network = () =>
  course.fromLayersModel(
    tf.sequential({
      layers: [
        tf.layers.conv2d({ name: 'one', inputShape: [16, 16, 3], ...layer }),
        tf.layers.conv2d({ name: 'two', ...layer }),
        tf.layers.flatten({ name: 'flat' }),
        tf.layers.dense({ name: 'end', units: 3 }),
      ],
    }),
    { output: 'logits' },
  );

const target = { class: 1 };
const goal = { away: { class: 0 }, to: { class: 1 } };
type Call = (model: course.ImageModel, image: course.tf.Tensor3D) => unknown;
const CALLS: Record<string, Call> = {
  classify: (m, x) => course.classify(m, x),
  occlusionMap: (m, x) => course.occlusionMap(m, x, target, { size: 8, stride: 8 }),
  inputGradient: (m, x) => course.inputGradient(m, x, target),
  gradCam: (m, x) => course.gradCam(m, x, target, { layer: 'two' }),
  guidedGradCam: (m, x) => course.guidedGradCam(m, x, target, { layer: 'two' }),
  integratedGradients: (m, x) => course.integratedGradients(m, x, target, { steps: 4, maxSteps: 4 }),
  smoothGrad: (m, x) => course.smoothGrad((z) => course.inputGradient(m, z, target), x, { samples: 2 }),
  featureMapGradients: (m, x) => course.featureMapGradients(m, x, 'two'),
  strongestUnits: (m, x) => course.strongestUnits(m, x, 'two'),
  targetValue: (m, x) => course.targetValue(m, x, target),
  insertionDeletion: (m, x) => course.insertionDeletion(m, x, target, flat(), { steps: 2 }),
  responseAlong: (m, x) => course.responseAlong(m, x, target, x, [0, 1]),
  fgsm: (m, x) => course.fgsm(m, x),
  iterate: (m, x) => course.iterate(m, x, { steps: 1 }),
  targeted: (m, x) => course.targeted(m, x, { class: 2 }, { steps: 1 }),
  deepFool: (m, x) => course.deepFool(m, x, { steps: 1 }),
  smallestEpsilon: (m, x) => course.smallestEpsilon(m, x),
  attackGradient: (m, x) => course.attackGradient(m, x, goal),
  weightVector: (m, x) => course.weightVector(m, x, goal),
  logitsAlong: (m, x) => course.logitsAlong(m, x, x, [0, 0.1], [target]),
  decisionPlane: (m, x) => course.decisionPlane(m, x, [x, x], { target, across: [0], up: [0] }),
  pixelNoise: (m, x) => course.pixelNoise(m, x, target, [3], { samples: 1 }),
  codeError: (m, x) => course.codeError(m, x, x, 'two'),
  judge: (m, x) => course.judge(m, x, { class: 1 }),
  universal: (m, x) => course.universal(m, twice(x), { epochs: 1 }),
  foolingRate: (m, x) => course.foolingRate(m, twice(x), x),
  maximize: (m, x) => course.maximize(m, course.objective.classScore(1), { start: x, steps: 1 }),
  invert: (m, x) => course.invert(m, x, 'two', { steps: 1 }),
  dream: (m, x) => course.dream(m, x, { steps: 1, octaves: 1 }),
  swapSurround: (_, x) => course.swapSurround(x, x),
};
/** What a call makes besides the image. */
let made: course.tf.Tensor[] = [];
const twice = (x: course.tf.Tensor3D) => {
  if (!(x instanceof tf.Tensor) || x.isDisposed) return x as unknown as course.tf.Tensor4D;
  made.push(tf.stack([x, x]));
  return made[made.length - 1] as course.tf.Tensor4D;
};
const flat = () => {
  made.push(tf.ones([16, 16]));
  return made[made.length - 1];
};

const picture = () => tf.fill([16, 16, 3], 0.5) as course.tf.Tensor3D;
const BAD: Record<string, [make: () => unknown, message: RegExp]> = {
  '0 to 255': [() => tf.fill([16, 16, 3], 128), /0–255.*div\(255\)/],
  '-1 to 1': [
    () =>
      tf.tensor3d(
        Float32Array.from({ length: 768 }, (_, i) => (2 * i) / 767 - 1),
        [16, 16, 3],
      ),
    /取值 \[0, 1\]，得到 -1/,
  ],
  NaN: [() => tf.fill([16, 16, 3], NaN), /NaN/],
  disposed: [() => { const x = picture(); x.dispose(); return x; }, /已被释放/], // prettier-ignore
  nothing: [() => undefined, /得到 undefined/],
};

test.before(async () => {
  await course.startBackend('cpu');
});

for (const [name, call] of Object.entries(CALLS)) {
  test(`${name}: what is no image is refused`, async () => {
    const model = network();
    const before = tf.memory().numTensors;
    for (const [what, [make, message]] of Object.entries(BAD)) {
      if (name === 'maximize' && what === 'nothing') continue; // no start is noise
      const image = make() as course.tf.Tensor3D;
      const error = await failure(async () => call(model, image));
      assert.match(error.message, message, `${name}, ${what}`);
      tf.dispose([...made, ...(image instanceof tf.Tensor && !image.isDisposed ? [image as course.tf.Tensor] : [])]);
      made = [];
    }
    assert.is(tf.memory().numTensors, before, 'no tensor is left');
    model.dispose();
  });
}

/** Functions of a network that the list above has not. */
const OF_MODELS: Record<string, (model: course.ImageModel, image: course.tf.Tensor3D) => unknown> = {
  showNetwork: (m) => course.showNetwork(m),
  filterImages: (m) => course.filterImages(m),
  kernelSlices: (m) => course.kernelSlices(m, 'one'),
  colourShare: (m) => course.colourShare(m),
  topPatches: (m) => course.topPatches(m, course.coursePhotos().slice(0, 1), 'two'),
  featureMatrix: (m) => course.featureMatrix(m, course.coursePhotos().slice(0, 1)),
  maximizeNoise: (m) => course.maximize(m, course.objective.classScore(1), { steps: 1 }),
  diverse: (m) => course.diverse(m, course.objective.classScore(1)),
  cascadingRandomisation: (m, x) => course.cascadingRandomisation(m, x, {}),
  explainRule: (m) => course.explainRule(m, target),
};

for (const [name, call] of Object.entries<Call>({ ...CALLS, ...OF_MODELS })) {
  if (['smoothGrad', 'swapSurround'].includes(name)) continue; // they take no network
  test(`${name}: what is no network is refused`, async () => {
    const image = picture();
    const before = tf.memory().numTensors;
    const nothing: [unknown, RegExp][] = [
      [undefined, /应为课程的网络.*得到 undefined/],
      [Promise.resolve(), /应为课程的网络.*忘了 await/],
      [3, /应为课程的网络.*得到 3/],
    ];
    for (const [model, message] of nothing) {
      assert.match((await failure(async () => call(model as course.ImageModel, image))).message, message, name);
      tf.dispose(made);
      made = [];
    }
    assert.is(tf.memory().numTensors, before, 'no tensor is left');
    image.dispose();
  });
}

test('a tensor that is gone, or none at all: said in Chinese by operations, figures and measures', async () => {
  const [model, image, gone] = [network(), picture(), picture()];
  gone.dispose();
  const before = tf.memory().numTensors;
  const uses: (() => unknown)[] = [
    () => tf.add(image, gone),
    () => gone.data(),
    () => course.showImage(gone),
    () => course.saliency(gone),
    () => course.ssim(image, gone),
    () => course.powerSpectrum(gone),
    () => course.insertionDeletion(model, image, target, gone),
    () => course.dream(model, gone),
  ];
  for (const use of uses) assert.match((await failure(use)).message, /已被释放/, String(use));
  const none = undefined as never;
  const without: (() => unknown)[] = [
    () => course.showImage(none),
    () => course.insertionDeletion(model, image, target, none),
    () => course.universal(model, none),
    () => course.foolingRate(model, none, image),
    () => course.decisionPlane(model, image, none, { target }),
    () => course.decisionPlane(model, image, [image, image], none),
  ];
  for (const use of without) assert.match((await failure(use)).message, /得到 undefined/, String(use));
  assert.match((await failure(() => course.universal(model, Promise.resolve() as never))).message, /忘了 await/);
  assert.is(tf.memory().numTensors, before);
  image.dispose();
  model.dispose();
});

test('a direction or a perturbation of another size is refused, and so is what is disposed', async () => {
  const [model, image] = [network(), picture()];
  const batch = tf.expandDims(image, 0) as course.tf.Tensor4D;
  const gone = picture();
  gone.dispose();
  const wrong = [tf.ones([1, 16, 3]), tf.ones([15, 16, 3]), gone] as course.tf.Tensor3D[];
  for (const change of wrong) {
    const told = /与图像一样大|应为一幅图像|已被释放/;
    assert.match((await failure(() => course.responseAlong(model, image, target, change, [0, 1]))).message, told);
    assert.match((await failure(() => course.foolingRate(model, batch, change))).message, told);
  }
  tf.dispose([image, batch, ...wrong.slice(0, 2)]);
  model.dispose();
});

test('what a method itself moves out of the range is no mistake', async () => {
  const model = network();
  const bright = tf.ones([16, 16, 3]) as course.tf.Tensor3D;
  const { map } = await course.smoothGrad((z) => course.inputGradient(model, z, target), bright, { noise: 0.5 });
  assert.equal(map.shape, [16, 16, 3]);
  tf.dispose([map, bright]);
  model.dispose();
});

test('pictures with NaN are not drawn', async () => {
  const wrong = tf.fill([4, 4, 3], NaN) as course.tf.Tensor3D;
  assert.match((await failure(() => course.encodePng(wrong))).message, /NaN/);
  wrong.dispose();
  assert.match((await failure(() => course.encodePng(wrong))).message, /已被释放/);
});

test.run();
