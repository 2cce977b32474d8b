import { iterate, targeted } from './attacks';
import { attackGradient } from './directions';
import { type Adversarial, cleanVerdict, succeeded, to8bit } from './result';
import { tf } from '../tf/backend';
import { checkImage } from '../image/check';
import { encodeJpeg, encodePng, loadImage } from '../image/image';
import { type LongRun, type StopReason, watchInterrupts } from '../base/interrupt';
import { type ClassScore, classify } from '../model/classify';
import type { ImageModel } from '../model/model';
import { classOf, type ClassTarget } from '../model/target';
import { checkFields, checkNumber } from '../base/check';
import { checkPhoto, checkPhotos, type Photo } from '../image/photos';
import { blurred } from '../image/blur';
import { photoInput } from '../model/photo-input';

/** 存成 PNG 再读回来（8 位，无损）。调用者 dispose。 */
export async function throughPng(image: tf.Tensor3D): Promise<tf.Tensor3D> {
  return loadImage(Buffer.from(await encodePng(image)));
}

/**
 * 存成 JPEG 再读回来（有损）；quality 1–100。调用者 dispose。
 * @example
 * const again = await throughJpeg(image, 75);
 * dispose(again);
 */
export async function throughJpeg(image: tf.Tensor3D, quality = 75): Promise<tf.Tensor3D> {
  return loadImage(Buffer.from(await encodeJpeg(image, quality)));
}

export interface Retest {
  /** 图像经过了什么，例如 'JPEG 75'。 */
  readonly form: string;
  readonly top: ClassScore;
  /** 攻击在这种处理之后仍然成功。 */
  readonly success: boolean;
  /** 回到了原来的类别：防御有效（与 success 不同：也可能变成第三个类别）。 */
  readonly recovered: boolean;
}

/**
 * 重新检验一个对抗样本（retest）：取整到 8 位、存成 PNG、存成 JPEG、模糊之后，网络怎么说。
 * @param options `jpeg`：质量，默认 [95, 75, 50]；`blur`：高斯模糊的 sigma（像素），默认 [1]
 * @example
 * const example = await fgsm(model, image, { epsilon: 2 / 255 });
 * const [float, rounded] = await retest(model, example, { jpeg: [75], blur: [] });
 * dispose(example);
 */
export async function retest(
  model: ImageModel,
  example: Pick<Adversarial, 'image' | 'from' | 'to'>,
  { jpeg = [95, 75, 50], blur = [1] }: { jpeg?: readonly number[]; blur?: readonly number[] } = {},
): Promise<Retest[]> {
  const { image } = checkFields('example', example, ['image', 'from'], ' fgsm、iterate 等的结果');
  const forms: [string, () => tf.Tensor3D | Promise<tf.Tensor3D>][] = [
    ['浮点', () => tf.clone(image)],
    ['8 位取整', () => to8bit(image)],
    ['PNG', () => throughPng(image)],
    ...jpeg.map((q) => [`JPEG ${q}`, () => throughJpeg(image, q)] as [string, () => Promise<tf.Tensor3D>]),
    ...blur.map((s) => [`模糊 ${s}`, () => blurred(image, s)] as [string, () => tf.Tensor3D]),
  ];
  const rows: Retest[] = [];
  for (const [form, make] of forms) {
    const changed = await make();
    try {
      const [top] = await classify(model, changed, { count: 1 });
      rows.push({ form, top, success: succeeded(top, example), recovered: top.index === example.from });
    } finally {
      changed.dispose();
    }
  }
  return rows;
}

export interface SmallestEpsilonOptions extends LongRun {
  /** 'fgsm'（默认，一步）或 'iterate'（每试一个 ε 就走 steps 步）。 */
  method?: 'fgsm' | 'iterate';
  /** 目标类别 `{ class: 编号 }`；不给就是任何别的类别。 */
  to?: ClassTarget;
  /** 要离开的、正确的类别 `{ class: 编号 }`；给了就要求网络本来答对，不给就用网络现在的答案。 */
  away?: ClassTarget;
  /** 最大试到多少，默认 16/255。 */
  max?: number;
  /** 二分到区间的上下端相差多少（倍数），默认 1.1。 */
  precision?: number;
  /** 迭代攻击的步数，默认 10。 */
  steps?: number;
}

export interface SmallestEpsilon {
  /** 找到的最小 ε，[0, 1] 单位；到 max 也不成功时为 Infinity。 */
  readonly epsilon: number;
  /** 试过的 ε 与是否成功，按试的次序。 */
  readonly tried: readonly { epsilon: number; success: boolean }[];
  readonly stopped?: StopReason;
}

/**
 * 一幅图的最小 ε（smallest epsilon），用二分法（bisection）：先从 max / 256 起每次加倍，直到成功，再在最后一段里二分。
 *
 * 成功与否不一定随 ε 单调（一步走太远可能越过那个类别），所以从小往大找第一次成功的一段。
 * 图像在每次尝试时截断到 [0, 1]，不取整。
 * @example
 * const { epsilon } = await smallestEpsilon(model, image, { max: 16 / 255, precision: 2 });
 */
export async function smallestEpsilon(
  model: ImageModel,
  image: tf.Tensor3D,
  options: SmallestEpsilonOptions = {},
): Promise<SmallestEpsilon> {
  const { method = 'fgsm', to: goal, away, max = 16 / 255, precision = 1.1, steps = 10, signal } = options;
  await checkImage(image);
  checkNumber('max', max, 1e-6, 1);
  checkNumber('precision', precision, 1.001, 100);
  if (method !== 'fgsm' && method !== 'iterate') {
    throw new RangeError(`method 应为 'fgsm' 或 'iterate'，得到 '${String(method)}'`);
  }
  const to = goal && classOf(model, goal, 'to');
  const { from } = await cleanVerdict(model, image, away, to);
  const watch = watchInterrupts(options);
  const total = mostTrials(precision);
  const tried: { epsilon: number; success: boolean }[] = [];
  // The direction of FGSM does not depend on epsilon: one gradient serves all trials.
  const direction = method === 'fgsm' ? oneStep(model, image, from, to) : undefined;
  const attempt = async (epsilon: number): Promise<boolean> => {
    const attacked = direction
      ? (tf.tidy(() => tf.clipByValue(tf.add(image, tf.mul(direction, epsilon)), 0, 1)) as tf.Tensor3D)
      : await moved(model, image, to, { epsilon, steps, signal });
    const [top] = await classify(model, attacked, { count: 1 });
    attacked.dispose();
    const success = succeeded(top, { from, to });
    tried.push({ epsilon, success });
    await watch.step({ done: tried.length, total });
    return success;
  };
  try {
    let [low, high] = [0, max / 256];
    let found = false;
    for (; !watch.stopped && !(found = await attempt(high)) && high < max; high = Math.min(max, 2 * high)) low = high;
    while (found && !watch.stopped && high > low * precision && high > max / 65536) {
      const middle = low > 0 ? Math.sqrt(low * high) : high / 2;
      if (await attempt(middle)) high = middle;
      else low = middle;
    }
    return { epsilon: found ? high : Infinity, tried, ...(watch.stopped ? { stopped: watch.stopped } : {}) };
  } finally {
    direction?.dispose();
  }
}

/** Nine from max / 256 on, or from there down to max / 65536; then a pair 2 apart is halved until `precision` apart. */
const mostTrials = (precision: number) => 9 + Math.max(0, Math.ceil(Math.log2(Math.LN2 / Math.log(precision))));

function oneStep(model: ImageModel, image: tf.Tensor3D, from: number, to?: number): tf.Tensor3D {
  const goal = to === undefined ? { away: { class: from } } : { to: { class: to } };
  return tf.tidy(() => tf.sign(attackGradient(model, image, goal)));
}

async function moved(
  model: ImageModel,
  image: tf.Tensor3D,
  to: number | undefined,
  options: { epsilon: number; steps: number; signal?: AbortSignal },
): Promise<tf.Tensor3D> {
  const example = await (to === undefined
    ? iterate(model, image, options)
    : targeted(model, image, { class: to }, options));
  example.perturbation.dispose();
  return example.image;
}

export interface RightPhoto {
  readonly photo: Photo;
  /** 网络的第一个答案，就是正确的那个。 */
  readonly top: ClassScore;
}

export interface RightPhotos {
  /** 认得对的照片，次序与给的相同。 */
  readonly photos: readonly RightPhoto[];
  /** 提前停下的原因；这时只看过前面的一部分。 */
  readonly stopped?: StopReason;
}

/**
 * 网络认得对的照片（correctly classified photos）：攻击只对它们有意义。
 * @param photos 带 ImageNet 类别的照片：`coursePhotos({ labelled: true })`
 * @example
 * const { photos } = await rightPhotos(model, coursePhotos({ labelled: true }).slice(0, 4));
 */
export async function rightPhotos(
  model: ImageModel,
  photos: readonly Photo[],
  run: LongRun = {},
): Promise<RightPhotos> {
  const watch = watchInterrupts(run);
  const right: RightPhoto[] = [];
  for (const [i, photo] of checkPhotos(photos).entries()) {
    if (watch.stopped) break;
    const image = await loadPhoto(model, photo);
    const [top] = await classify(model, image, { count: 1 });
    image.dispose();
    if (top.index === photo.imagenet?.index) right.push({ photo, top });
    await watch.step({ done: i + 1, total: photos.length });
  }
  return { photos: right, ...(watch.stopped && { stopped: watch.stopped }) };
}

/**
 * 按网络的输入大小读入一张课程照片，取整到 8 位：攻击前后都能原样存成图片文件。调用者 dispose。
 * @example
 * const picture = await loadPhoto(model, photo('panda'));
 * dispose(picture);
 */
export async function loadPhoto(model: ImageModel, photo: Photo): Promise<tf.Tensor3D> {
  const raw = await photoInput(model, checkPhoto(photo));
  const image = to8bit(raw);
  raw.dispose();
  return image;
}
