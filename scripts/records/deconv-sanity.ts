import { tf } from '../../lib/tf/backend';
import { bootstrap, type Interval } from '../../lib/base/statistics';
import { coursePhotos, type Photo } from '../../lib/image/photos';
import { photoInput } from '../../lib/model/photo-input';
import { classify } from '../../lib/model/classify';
import type { ImageModel } from '../../lib/model/model';
import { loadModel } from '../../lib/model/networks/load';
import { gradCam } from '../../lib/05-deconv/grad-cam';
import { inputGradient } from '../../lib/05-deconv/gradients';
import { cascadingRandomisation, weightedLayers } from '../../lib/05-deconv/sanity';
import { capturePng } from '../../lib/show/record';
import { showPlot } from '../../lib/show/plot';
import type { Recipe } from './recipe';

/** From the top down; every step shuffles one more section of GoogLeNet, all of its layers at once. */
const SECTIONS: readonly (readonly [string, RegExp])[] = [
  ['分类层', /^logits|^loss3/],
  ['5a、5b', /^inception_5/],
  ['4a … 4e', /^inception_4/],
  ['3a、3b', /^inception_3/],
  ['conv1、conv2', /^conv/],
];
const STEPS = ['未打乱', ...SECTIONS.map(([name]) => name)];
const METHODS = ['反向传播', '反向去卷积', '导向反向传播', 'Grad-CAM'] as const;
const DASHES = ['solid', 'dashdot', 'dot', 'dash'];
/** Of the shuffles: three for each photo, so that one lucky shuffle does not decide. */
const SEEDS = [0, 1, 2];

/** Photos that the network gets right, spread over the course's list: a map of a wrong answer explains something else. */
async function rightPhotos(model: ImageModel, count: number): Promise<{ photo: Photo; image: tf.Tensor3D }[]> {
  const all = coursePhotos({ labelled: true });
  const right: { photo: Photo; image: tf.Tensor3D }[] = [];
  // a stride that is prime to the list's length visits every photo once
  for (let i = 0; i < all.length && right.length < count; i++) {
    const photo = all[(i * 37) % all.length];
    const image = await photoInput(model, photo);
    const [first] = await classify(model, image);
    if (first.index === photo.imagenet!.index) right.push({ photo, image });
    else image.dispose();
  }
  return right;
}

const methodsFor = (target: { class: number }) => ({
  反向传播: (m: ImageModel, v: tf.Tensor3D) => inputGradient(m, v, target),
  反向去卷积: (m: ImageModel, v: tf.Tensor3D) => inputGradient(m, v, target, { rule: 'deconv' }),
  导向反向传播: (m: ImageModel, v: tf.Tensor3D) => inputGradient(m, v, target, { rule: 'guided' }),
  'Grad-CAM': (m: ImageModel, v: tf.Tensor3D) => tf.tidy(() => gradCam(m, v, target).map),
});

async function isEmpty(map: tf.Tensor): Promise<boolean> {
  const largest = tf.tidy(() => tf.max(tf.abs(map)));
  const [value] = await largest.data();
  largest.dispose();
  return value === 0;
}

type Curves = Record<string, { mean: number[]; low: number[]; high: number[] }>;

function draw(spearman: Curves): Promise<Uint8Array> {
  const data = METHODS.map((name, i) => ({
    ...{ type: 'scatter', mode: 'lines+markers', name, x: STEPS, line: { dash: DASHES[i], width: 3 } },
    y: spearman[name].mean,
    error_y: { type: 'data', array: spearman[name].high.map((high, k) => (high - spearman[name].low[k]) / 2) },
  }));
  const layout = {
    title: '从上到下逐段打乱权值，图还剩多少（20 张照片，95% 区间）',
    xaxis: { title: '打乱到哪里' },
    yaxis: { title: '与原图的等级相关', range: [-0.3, 1.05] },
  };
  return capturePng(() => showPlot({ data, layout }, { alt: '等级相关随打乱的进展' }));
}

/** Adebayo's test over many photos and several shufflings, with the spread that one photo cannot show. */
export const recipe: Recipe = {
  name: 'deconv-sanity',
  title: '逐段打乱 GoogLeNet 的权值：20 张照片，每张 3 次打乱',
  settings: { model: 'googlenet', photos: 20, seeds: SEEDS, steps: STEPS },
  seed: 0,
  tolerance: 0.3,
  absolute: Object.fromEntries(['mean', 'low', 'high', ...METHODS].map((name) => [name, 0.12])),
  async run(settings) {
    const model = await loadModel('googlenet');
    const names = weightedLayers(model);
    const layers = SECTIONS.map(([, pattern]) => names.filter((name) => pattern.test(name)));
    // [method][step]: one number a photo, the mean over its shufflings
    const scores = new Map(METHODS.map((name) => [name, [] as number[][]]));
    const zero = new Map(METHODS.map((name) => [name, { empty: 0, all: 0 }]));
    for (const { photo, image } of await rightPhotos(model, settings.photos as number)) {
      const methods = methodsFor({ class: photo.imagenet!.index });
      const perSeed: Record<string, number[][]> = {};
      for (const seed of SEEDS) {
        const result = await cascadingRandomisation(model, image, methods, { layers, seed });
        for (const name of METHODS) {
          const { spearman, maps } = result.methods[name];
          (perSeed[name] ??= []).push([...spearman]);
          for (const map of maps.slice(1)) {
            if (await isEmpty(map)) zero.get(name)!.empty++;
            zero.get(name)!.all++;
          }
          tf.dispose([...maps]);
        }
      }
      for (const name of METHODS) {
        const average = perSeed[name][0].map((_, k) => perSeed[name].reduce((sum, s) => sum + s[k], 0) / SEEDS.length);
        scores.get(name)!.push(average);
      }
      image.dispose();
    }
    model.dispose();
    const intervals = (name: (typeof METHODS)[number]): Interval[] =>
      STEPS.map((_, k) =>
        bootstrap(
          scores.get(name)!.map((photo) => photo[k]),
          { seed: 1 },
        ),
      );
    const spearman: Curves = Object.fromEntries(
      METHODS.map((name) => {
        const list = intervals(name);
        return [name, { mean: list.map((s) => s.mean), low: list.map((s) => s.low), high: list.map((s) => s.high) }];
      }),
    );
    const share = ({ empty, all }: { empty: number; all: number }) => empty / all;
    const zeroShare = Object.fromEntries(METHODS.map((name) => [name, share(zero.get(name)!)]));
    return { numbers: { spearman, zero: zeroShare }, images: { '': await draw(spearman) } };
  },
};
