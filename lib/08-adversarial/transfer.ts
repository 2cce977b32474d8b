import { iterate } from './attacks';
import { signNoise } from './directions';
import { loadPhoto } from './robustness';
import { type Adversarial, to8bit } from './result';
import { tf } from '../tf/backend';
import { type LongRun, type StopReason, watchInterrupts } from '../base/interrupt';
import { classify } from '../model/classify';
import type { ImageModel } from '../model/model';
import { checkList } from '../base/check';
import { checkPhotos, type Photo } from '../image/photos';
import { given } from '../model/given';

export interface TransferOptions extends LongRun {
  /** 扰动上界，默认 8/255：迁移比攻击自己难得多。 */
  epsilon?: number;
  steps?: number;
  seed?: number;
}

/** 在 source 上造的对抗样本拿去问 victim。 */
export interface Transfer {
  readonly source: string;
  readonly victim: string;
  /** 两个网络原来都答对的照片数：只有它们计数。 */
  readonly tested: number;
  /** 答案变错的比例。 */
  readonly fooled: number;
  /** 对照：同样大小的随机符号噪声。 */
  readonly fooledByNoise: number;
  /** 被骗时两个网络给出同一个错误答案的比例。 */
  readonly sameAnswer: number;
  readonly stopped?: StopReason;
}

interface Count {
  tested: number;
  fooled: number;
  noise: number;
  same: number;
}

/**
 * 迁移（transfer）：在一个网络上造的对抗样本（没有目标的 BIM，取整到 8 位），别的网络也上当吗？
 *
 * 输入大小不同的网络之间，图像用双线性插值缩放；原图经过同样的缩放也要被认对，才计数。
 *
 * @param victims 受测的网络，可以包括 source 自己
 * @param photos 带 ImageNet 类别的照片
 * @example
 * const victim = await untrainedModel('efficientnet-lite0', { seed: 1 });
 * const [result] = await transfer(victim, [victim], [photo('panda')], { steps: 1 });
 * victim.dispose();
 */
export async function transfer(
  source: ImageModel,
  victims: readonly ImageModel[],
  photos: readonly Photo[],
  { epsilon = 8 / 255, steps = 10, seed = 0, ...run }: TransferOptions = {},
): Promise<Transfer[]> {
  checkPhotos(photos);
  for (const model of [source, ...checkList('victims', victims)]) given(model).layerName();
  const watch = watchInterrupts(run);
  const counts: Count[] = victims.map(() => ({ tested: 0, fooled: 0, noise: 0, same: 0 }));
  for (const [i, photo] of photos.entries()) {
    if (watch.stopped) break;
    const label = photo.imagenet?.index;
    const clean = await loadPhoto(source, photo);
    try {
      if (label === (await topOf(source, clean))) {
        const example = await iterate(source, clean, { epsilon, steps, signal: run.signal });
        const noise = signNoise(clean, epsilon, { seed: seed + i });
        for (const [k, victim] of victims.entries()) await ask(victim, label, { clean, example, noise }, counts[k]);
        tf.dispose([example.image, example.perturbation, noise]);
      }
    } finally {
      clean.dispose();
    }
    await watch.step({ done: i + 1, total: photos.length });
  }
  return victims.map((victim, k) => {
    const { tested, fooled, noise, same } = counts[k];
    const share = (n: number, of: number) => (of > 0 ? n / of : 0);
    return {
      source: source.id,
      victim: victim.id,
      tested,
      fooled: share(fooled, tested),
      fooledByNoise: share(noise, tested),
      sameAnswer: share(same, fooled),
      ...(watch.stopped ? { stopped: watch.stopped } : {}),
    };
  });
}

/** Counts one photo, if this network gets it right without any change. */
async function ask(
  victim: ImageModel,
  label: number,
  { clean, example, noise }: { clean: tf.Tensor3D; example: Adversarial; noise: tf.Tensor3D },
  count: Count,
): Promise<void> {
  if ((await topOf(victim, clean)) !== label) return;
  const noisy = tf.tidy(() => tf.clipByValue(tf.add(clean, noise), 0, 1) as tf.Tensor3D);
  const rounded = to8bit(example.image);
  const answer = await topOf(victim, rounded);
  count.tested++;
  count.noise += Number((await topOf(victim, noisy)) !== label);
  count.fooled += Number(answer !== label);
  count.same += Number(answer !== label && answer === example.after8bit[0].index);
  tf.dispose([noisy, rounded]);
}

async function topOf(model: ImageModel, image: tf.Tensor3D): Promise<number> {
  const [height, width] = model.inputSize;
  const fitted = tf.tidy(() =>
    image.shape[0] === height && image.shape[1] === width
      ? tf.clone(image)
      : tf.image.resizeBilinear(image, [height, width], false, true),
  );
  try {
    return (await classify(model, fitted, { count: 1 }))[0].index;
  } finally {
    fitted.dispose();
  }
}
