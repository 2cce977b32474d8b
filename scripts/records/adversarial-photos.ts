import { targeted } from '../../lib/08-adversarial/attacks';
import { deepFool } from '../../lib/08-adversarial/deepfool';
import { alignment, blockSigns, logitsAlong, signNoise, weightVector } from '../../lib/08-adversarial/directions';
import { growthExponent } from '../../lib/08-adversarial/linear-growth';
import { loadPhoto, rightPhotos } from '../../lib/08-adversarial/robustness';
import { powerSpectrum } from '../../lib/08-adversarial/spectrum';
import { randomGenerator } from '../../lib/base/random';
import { bootstrap } from '../../lib/base/statistics';
import { coursePhotos } from '../../lib/image/photos';
import { findClass } from '../../lib/model/classes';
import { classify } from '../../lib/model/classify';
import type { ImageModel } from '../../lib/model/model';
import { loadModel } from '../../lib/model/networks/load';
import { showPlot } from '../../lib/show/plot';
import { capturePng } from '../../lib/show/record';
import { tf } from '../../lib/tf/backend';
import type { Recipe } from './recipe';

/** Two grey levels, as everywhere in chapter 08. */
const EPSILON = 2 / 255;
/** Grey levels at which the tangent is compared with the curve. */
const LEVELS = [0.25, 0.5, 1, 2];
/** Pixels along the side of a block that changes as one: from 224 × 224 blocks down to 7 × 7. */
const BLOCKS = [1, 2, 4, 8, 16, 32];

type Row = Record<string, number>;

/** Everything that is measured on one photo; `before` is the previous photo's weight vector, a control. */
async function measure(model: ImageModel, image: tf.Tensor3D, to: number, seed: number, before?: tf.Tensor3D) {
  const attack = await targeted(model, image, { class: to }, { epsilon: EPSILON, steps: 20, confidence: 0.9 });
  const { from } = attack;
  const noise = signNoise(image, EPSILON, { seed });
  const noisy = tf.tidy(() => tf.clipByValue(tf.add(image, noise), 0, 1) as tf.Tensor3D);
  const content = tf.tidy(() => tf.sub(image, tf.tensor1d([...model.mean])) as tf.Tensor3D);
  const w = weightVector(model, image, { away: { class: from }, to: { class: to } });
  const direction = tf.tidy(() => tf.sign(w) as tf.Tensor3D);
  const ceiling = (await alignment(direction, w)).cosine;
  const slope = (await alignment(direction, w)).inner / 255;
  const [zFrom, zTo] = await logitsAlong(
    model,
    image,
    direction,
    [0, ...LEVELS].map((e) => e / 255),
    [{ class: from }, { class: to }],
  );
  const gain = zTo.map((z, i) => z - zFrom[i] - (zTo[0] - zFrom[0])).slice(1);
  const row: Row = {
    success: Number(attack.success8bit),
    steps: attack.trace.length - 1,
    noiseChanged: Number((await classify(model, noisy, { count: 1 }))[0].index !== from),
    ceiling,
    attack: (await alignment(attack.perturbation, w)).cosine,
    noise: (await alignment(noise, w)).cosine,
    content: (await alignment(content, w)).cosine,
    attackInner: (await alignment(attack.perturbation, w)).inner,
    contentInner: Math.abs((await alignment(content, w)).inner),
    amplitude: (await alignment(content, w)).l2 / attack.l2,
    ...(before ? { other: (await alignment(attack.perturbation, before)).cosine } : {}),
    ...Object.fromEntries(LEVELS.map((e, i) => [`reached ${e}`, gain[i] / (slope * e)])),
  };
  tf.dispose([noisy, content, direction]);
  return { row, w, attack, noise };
}

/** What takes longer, on every fourth photo. */
async function more(model: ImageModel, image: tf.Tensor3D, { w, attack, noise }: Awaited<ReturnType<typeof measure>>) {
  const nearest = await deepFool(model, image, { candidates: 3 });
  const rival = nearest.after.find(({ index }) => index !== nearest.from)!.index;
  const own = weightVector(model, image, { away: { class: nearest.from }, to: { class: rival } });
  const random = tf.tidy(() => tf.randomNormal(image.shape, 0, 1, 'float32', 1) as tf.Tensor3D);
  const gains: { aligned: number; random: number }[] = [];
  for (const block of BLOCKS) {
    const change = async (weights: tf.Tensor3D) => {
      const direction = blockSigns(weights, block);
      const [a, b] = await logitsAlong(
        model,
        image,
        direction,
        [0, 0.5 / 255],
        [{ class: nearest.from }, { class: attack.to! }],
      );
      direction.dispose();
      return Math.abs(b[1] - a[1] - (b[0] - a[0]));
    };
    gains.push({ aligned: await change(w), random: await change(random) });
  }
  const freedom = BLOCKS.map((b) => Math.ceil(image.shape[0] / b) ** 2 * 3);
  const share = async (x: tf.Tensor3D) => (await powerSpectrum(x)).highShare;
  const row: Row = {
    deepFool: (await alignment(nearest.perturbation, own)).cosine,
    deepFoolOther: (await alignment(nearest.perturbation, w)).cosine,
    deepFool8bit: Number(nearest.success8bit),
    alignedGrowth: growthExponent(
      freedom,
      gains.map((g) => g.aligned),
    ),
    randomGrowth: growthExponent(
      freedom,
      gains.map((g) => g.random),
    ),
    highAttack: await share(attack.perturbation),
    highDeepFool: await share(nearest.perturbation),
    highNoise: await share(noise),
    highPhoto: await share(image),
  };
  tf.dispose([nearest.image, nearest.perturbation, own, random]);
  return row;
}

const column = (rows: readonly Row[], name: string) => rows.map((r) => r[name]).filter((v) => v !== undefined);

/** All photos that the network gets right: the attack, and how its perturbation lies to the weight vector. */
export const recipe: Recipe = {
  name: 'adversarial-photos',
  title: '全部认对的照片：攻击、噪声、切线，扰动与权重向量的夹角',
  settings: { model: 'efficientnet-lite0', target: '鸵鸟', epsilon: '2/255', steps: 20, confidence: 0.9, every: 4 },
  seed: 0,
  tolerance: 0.15,
  absolute: { noise: 0.01, content: 0.02, other: 0.01, deepFoolOther: 0.05, randomGrowth: 0.2 },
  async run({ every }, seed) {
    const model = await loadModel('efficientnet-lite0');
    const to = findClass('鸵鸟').index;
    const rows: Row[] = [];
    let before: tf.Tensor3D | undefined;
    const { photos } = await rightPhotos(model, coursePhotos({ labelled: true }));
    const right = photos.filter(({ top }) => top.index !== to);
    for (const [i, { photo }] of right.entries()) {
      const image = await loadPhoto(model, photo);
      const found = await measure(model, image, to, seed + i, before);
      rows.push(i % (every as number) ? found.row : { ...found.row, ...(await more(model, image, found)) });
      tf.dispose(
        [image, before, found.attack.image, found.attack.perturbation, found.noise].filter(Boolean) as tf.Tensor[],
      );
      before = found.w;
    }
    before?.dispose();
    model.dispose();
    const names = [...new Set(rows.flatMap((r) => Object.keys(r)))];
    const numbers = Object.fromEntries(names.map((n) => [n, bootstrap(column(rows, n), { seed })]));
    const images = { alignment: await alignmentFigure(rows), tangent: await tangentFigure(rows) };
    const counts = { photos: rows.length, some: column(rows, 'deepFool').length };
    return { numbers: { ...counts, ...numbers }, images };
  },
};

const KINDS: readonly (readonly [string, string])[] = [
  ['deepFool', 'DeepFool，自己的 w'],
  ['attack', '攻击，自己的 w'],
  ['other', '攻击，别的照片的 w'],
  ['noise', '噪声'],
  ['content', '图像内容'],
];

async function alignmentFigure(rows: readonly Row[]): Promise<Uint8Array> {
  const random = randomGenerator(5);
  const data = KINDS.map(([name, label], k) => {
    const y = column(rows, name);
    const x = y.map(() => k + 0.5 * (random.uniform() - 0.5));
    return { type: 'scatter', mode: 'markers', name: label, x, y, marker: { size: 7, opacity: 0.6 } };
  });
  const ticks = { tickvals: KINDS.map((_, k) => k), ticktext: KINDS.map(([, label]) => label) };
  const layout = {
    title: `扰动与权重向量 w 的夹角余弦，每点一张照片`,
    ...{ showlegend: false, height: 480, xaxis: { range: [-0.5, 4.5], zeroline: false, ...ticks } },
    yaxis: { title: '与 w 的余弦', zeroline: true },
  };
  return capturePng(() => showPlot({ data, layout }));
}

async function tangentFigure(rows: readonly Row[]): Promise<Uint8Array> {
  const random = randomGenerator(6);
  const data: Record<string, unknown>[] = LEVELS.map((e, k) => {
    const y = column(rows, `reached ${e}`);
    const x = y.map(() => k + 0.4 * (random.uniform() - 0.5));
    return {
      type: 'scatter',
      mode: 'markers',
      name: `${e} 级`,
      x,
      y,
      marker: { size: 7, opacity: 0.6, color: '#3b6fb6' },
    };
  });
  data.push({
    type: 'scatter',
    mode: 'lines',
    name: '笔直',
    x: [-0.5, 3.5],
    y: [1, 1],
    line: { color: '#c2571a', width: 3, dash: 'dash' },
  });
  const layout = {
    title: '得分之差的变化，是切线预言的几成；每点一张照片',
    ...{ showlegend: false, height: 460 },
    xaxis: {
      title: 'ε（灰度级）',
      range: [-0.5, 3.5],
      zeroline: false,
      tickvals: [0, 1, 2, 3],
      ticktext: LEVELS.map((e) => `${e}`),
    },
    yaxis: { title: '实际 / 预言（虚线 1 = 笔直）', range: [0, 1.2] },
  };
  return capturePng(() => showPlot({ data, layout }));
}
