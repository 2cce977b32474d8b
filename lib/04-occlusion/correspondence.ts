import { tf } from '../tf/backend';
import { checkFields, checkList } from '../base/check';
import { checkImage } from '../image/check';
import { type LongRun, type StopReason, watchInterrupts } from '../base/interrupt';
import { FACE_PARTS, type FacePart } from './landmarks';
import type { ImageModel } from '../model/model';
import { randomGenerator } from '../base/random';
import { given } from '../model/given';

/**
 * 部位的对应（correspondence analysis, Zeiler & Fergus 2014, 4.3 节）：盖住每张脸的同一部位，各层特征的变化是否一致？
 * 变化只看符号；两张脸的符号有多少处不同（汉明距离, Hamming distance），越少说明网络越"认得"这个部位。
 */

/** 一幅图和要盖住的地方：方块中心 [行, 列]，像素。 */
export interface MaskedImage {
  readonly image: tf.Tensor3D;
  readonly center: readonly [row: number, col: number];
}

export interface SignDifference {
  /** 每对图像中符号不同的单元所占比例（0 到 1）的平均与标准差；越小越一致。 */
  readonly mean: number;
  readonly std: number;
  /**
   * 机会水平（chance）：两幅图各自的 −1、0、1 比例不变、但互不相关时，平均会有多少处不同。
   * 变化的单元越多，它越大；mean / chance 明显小于 1 才是真正的一致。
   */
  readonly chance: number;
  readonly pairs: number;
  /** 每幅图与其余各图的平均（per image），与上面的 mean、chance 相同的量：求区间时，彼此独立的是图，不是一对对。 */
  readonly images: readonly { readonly mean: number; readonly chance: number }[];
}

/** Shares of -1, 0 and 1. */
function shares(pattern: Int8Array): number[] {
  const counts = [0, 0, 0];
  for (const sign of pattern) counts[sign + 1]++;
  return counts.map((n) => n / pattern.length);
}

/**
 * 每对符号图样的汉明距离占比（sign-Hamming difference）的平均与标准差。
 * @example
 * signDifference([Int8Array.of(1, 0, -1, 1), Int8Array.of(1, 0, 1, 1)]).mean; // 0.25
 */
export function signDifference(patterns: readonly Int8Array[]): SignDifference {
  if (patterns.length < 2) throw new RangeError(`至少要两幅图才能比较，得到 ${patterns.length} 幅`);
  const distances: number[] = [];
  const expected: number[] = [];
  const parts = patterns.map(shares);
  const images = patterns.map(() => ({ mean: 0, chance: 0 }));
  patterns.forEach((a, i) => {
    patterns.slice(i + 1).forEach((b, j) => {
      if (a.length !== b.length) throw new RangeError(`符号图样应一样长，得到 ${a.length} 与 ${b.length}`);
      distances.push(a.reduce((n, sign, k) => n + Number(sign !== b[k]), 0) / a.length);
      expected.push(1 - parts[i].reduce((sum, share, k) => sum + share * parts[i + 1 + j][k], 0));
      for (const image of [images[i], images[i + 1 + j]]) {
        image.mean += distances[distances.length - 1] / (patterns.length - 1);
        image.chance += expected[expected.length - 1] / (patterns.length - 1);
      }
    });
  });
  const average = (values: number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;
  const mean = average(distances);
  const variance = distances.reduce((s, d) => s + (d - mean) ** 2, 0) / distances.length;
  return { mean, std: Math.sqrt(variance), chance: average(expected), pairs: distances.length, images };
}

export interface CorrespondenceOptions {
  /** 方块边长，像素；默认 40。 */
  size?: number;
  /** 方块的灰度，[0, 1]；默认 0.5。 */
  fill?: number;
}

/**
 * 盖住一处之后，一层里每个单元的变化的符号：sign(原来的激活值 − 盖住后的激活值)，取 −1、0、1。
 *
 * @param layer 任何一层
 * @returns 长度是该层的单元数；小于最大激活值百万分之一的变化算 0（舍入误差）
 * @throws RangeError 层、方块或位置不对
 * @example
 * const signs = await signPattern(model, { image, center: [20, 32] }, model.roles.lastConv, { size: 16 });
 */
export async function signPattern(
  model: ImageModel,
  { image, center }: MaskedImage,
  layer: string,
  { size = 40, fill = 0.5 }: CorrespondenceOptions = {},
): Promise<Int8Array> {
  await checkImage(image);
  const [height, width] = image.shape;
  if (!Number.isInteger(size) || size < 1 || size > Math.min(height, width)) {
    throw new RangeError(`方块边长 size 应为 1 到 ${Math.min(height, width)} 的整数，得到 ${size}`);
  }
  const [top, left] = center.map((c, axis) => {
    if (!(c >= 0 && c <= image.shape[axis])) throw new RangeError(`方块中心 [${center.join(', ')}] 不在图像内`);
    return Math.min(Math.max(0, Math.round(c - size / 2)), image.shape[axis] - size);
  });
  const [clean, covered] = tf.tidy(() => {
    const inside = tf.pad(tf.ones([size, size, 1]), [[top, height - top - size], [left, width - left - size], [0, 0]]); // prettier-ignore
    const masked = tf.add(tf.mul(image, tf.sub(1, inside)), tf.mul(inside, fill));
    // Both in one batch, so that what the patch cannot reach is computed in the same way twice.
    const [values] = given(model).forward(tf.stack([image, masked]) as tf.Tensor4D, [layer]);
    return tf.unstack(tf.reshape(values, [2, -1]));
  });
  const [a, b] = (await Promise.all([clean.data(), covered.data()])) as Float32Array[];
  tf.dispose([clean, covered]);
  const threshold = 1e-6 * a.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  return Int8Array.from(a, (v, i) => (Math.abs(v - b[i]) > threshold ? Math.sign(v - b[i]) : 0));
}

export interface CorrespondenceRunOptions extends CorrespondenceOptions, LongRun {
  /** 随机位置抽几轮（samples），默认 10。 */
  samples?: number;
  seed?: number;
}

export interface Correspondence extends Readonly<Record<FacePart | 'random', SignDifference>> {
  readonly layer: string;
  readonly stopped?: StopReason;
}

/**
 * 论文表 1 的一行（Table 1）：盖住右眼、左眼、鼻子，与盖住随机位置相比，各图的变化符号有多一致。
 *
 * @param faces 图像 [h, w, 3] 与三个部位的位置 [行, 列]；见 courseFaces、landmarkIn
 * @param options `size` 方块边长；`samples` 随机位置抽几轮；`seed` 种子；`onStep`、`signal`
 * @example
 * const faces = await Promise.all(
 *   courseFaces().slice(0, 2).map(async (face) => ({
 *     image: await loadImage(face.photo.path, { size: 64, crop: face.box }),
 *     rightEye: landmarkIn(face, 'rightEye', 64),
 *     leftEye: landmarkIn(face, 'leftEye', 64),
 *     nose: landmarkIn(face, 'nose', 64),
 *   })),
 * );
 * const { leftEye, random } = await correspondence(model, faces, model.roles.lastConv, { size: 16, samples: 2 });
 * dispose(faces);
 */
export async function correspondence(
  model: ImageModel,
  faces: readonly ({ readonly image: tf.Tensor3D } & Readonly<Record<FacePart, readonly [number, number]>>)[],
  layer: string,
  { size = 40, fill = 0.5, samples = 10, seed = 0, ...run }: CorrespondenceRunOptions = {},
): Promise<Correspondence> {
  checkList('faces', faces, (face, what) => checkFields(what, face, ['image', ...FACE_PARTS], '一张脸 { image, rightEye, leftEye, nose }')); // prettier-ignore
  given(model).layerName(layer ?? String(layer));
  const watch = watchInterrupts(run);
  const { uniform } = randomGenerator(seed);
  const total = faces.length * (FACE_PARTS.length + samples);
  let done = 0;
  const missing: SignDifference = { mean: NaN, std: NaN, chance: NaN, pairs: 0, images: [] };
  async function compare(places: (face: (typeof faces)[number]) => readonly [number, number]): Promise<SignDifference> {
    const patterns: Int8Array[] = [];
    for (const face of faces) {
      if (watch.stopped) return missing;
      patterns.push(await signPattern(model, { image: face.image, center: places(face) }, layer, { size, fill }));
      await watch.step({ done: ++done, total });
    }
    return signDifference(patterns);
  }
  const parts = {} as Record<FacePart, SignDifference>;
  for (const part of FACE_PARTS) parts[part] = await compare((face) => face[part]);
  const rounds: SignDifference[] = [];
  for (let i = 0; i < samples && !watch.stopped; i++) {
    rounds.push(await compare(({ image }) => [uniform() * image.shape[0], uniform() * image.shape[1]]));
  }
  return { layer, ...parts, random: pooled(rounds.filter((r) => r.pairs > 0)), stopped: watch.stopped };
}

/** Mean and deviation over the pairs of all rounds together. */
function pooled(rounds: readonly SignDifference[]): SignDifference {
  const mean = rounds.reduce((s, r) => s + r.mean, 0) / rounds.length;
  const chance = rounds.reduce((s, r) => s + r.chance, 0) / rounds.length;
  const square = rounds.reduce((s, r) => s + r.std ** 2 + r.mean ** 2, 0) / rounds.length;
  return {
    mean,
    chance,
    std: Math.sqrt(Math.max(0, square - mean * mean)),
    pairs: rounds.reduce((n, r) => n + r.pairs, 0),
    images: (rounds[0]?.images ?? []).map((_, i) => ({
      mean: rounds.reduce((s, r) => s + r.images[i].mean, 0) / rounds.length,
      chance: rounds.reduce((s, r) => s + r.images[i].chance, 0) / rounds.length,
    })),
  };
}
