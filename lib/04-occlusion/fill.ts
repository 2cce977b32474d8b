import { randomGenerator } from '../base/random';

/** 遮挡块里填什么（fill）：[0, 1] 的灰度；'mean' 网络的"零"颜色；'blur' 模糊了的原图；'noise' 随机噪声。 */
export type Fill = number | 'mean' | 'blur' | 'noise';

type Picture = { height: number; width: number; channels: number; data: Float32Array };

/** One axis of a Gaussian blur; at the border the weights that remain are scaled up. */
function blurAxis(
  { data, channels }: Picture,
  lines: number,
  lineStep: number,
  length: number,
  step: number,
  sigma: number,
) {
  // beyond lie 0.3 % of the weight
  const radius = Math.ceil(3 * sigma);
  const weights = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * sigma * sigma)),
  );
  const result = new Float32Array(data.length);
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < length; i++) {
      const [from, to] = [Math.max(0, i - radius), Math.min(length - 1, i + radius)];
      for (let c = 0; c < channels; c++) {
        let [sum, total] = [0, 0];
        for (let k = from; k <= to; k++) {
          const w = weights[k - i + radius];
          sum += w * data[line * lineStep + k * step + c];
          total += w;
        }
        result[line * lineStep + i * step + c] = sum / total;
      }
    }
  }
  return result;
}

function blurred(picture: Picture, sigma: number): Float32Array {
  const { height, width, channels } = picture;
  const rows = blurAxis(picture, height, width * channels, width, channels, sigma);
  return blurAxis({ ...picture, data: rows }, width, channels, height, width * channels, sigma);
}

/**
 * The picture that shows through the patch: all fills are one thing, "inside the patch take the pixels from there".
 * The blur's sigma is a quarter of the patch: enough that nothing inside it can be recognised.
 */
export function fillPicture(
  picture: Picture,
  fill: Fill,
  { mean, size, seed }: { mean: readonly number[]; size: number; seed: number },
): Float32Array {
  if (fill === 'blur') return blurred(picture, size / 4);
  if (fill === 'noise') {
    const random = randomGenerator(seed);
    return picture.data.map(() => random.uniform());
  }
  if (fill === 'mean') return picture.data.map((_, i) => mean[i % picture.channels]);
  if (typeof fill === 'number' && fill >= 0 && fill <= 1) return new Float32Array(picture.data.length).fill(fill);
  throw new RangeError(`fill 应为 0 到 1 之间的灰度，或 'mean'、'blur'、'noise'；得到 ${JSON.stringify(fill)}`);
}
