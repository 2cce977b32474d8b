import { tf } from '../tf/backend';
import { kindOf } from '../base/check';

/**
 * 检查一个张量的形状与类型是不是图像（assert the shape of an image）：[高, 宽, 3]，float32。取值范围由 checkImage 检查。
 *
 * @param image 要检查的张量，不会被释放
 * @param options `name`：报错时用的参数名
 * @throws TypeError 不是张量或类型不对；RangeError 形状不对；消息说明怎样改
 */
export function assertImage(image: tf.Tensor, { name = 'image' } = {}): asserts image is tf.Tensor3D {
  if (!(image instanceof tf.Tensor)) {
    throw new TypeError(`${name} 应为图像张量 [高, 宽, 3]，得到 ${kindOf(image)}；读图片请用 await loadImage(路径)`);
  }
  if (image.isDisposed) throw new TypeError(`${name} 已被释放（dispose），请重新读入图像`);
  const shape = `[${image.shape.join(', ')}]`;
  if (image.rank !== 3 || image.shape[2] !== 3) {
    throw new RangeError(`${name} 应为一幅图像 [高, 宽, 3]，得到形状 ${shape}${shapeAdvice(image, name)}`);
  }
  if (image.size === 0) throw new RangeError(`${name} 是空图像，形状 ${shape}`);
  if (image.dtype !== 'float32') {
    throw new TypeError(
      `${name} 应为 float32、取值 [0, 1]，得到 ${image.dtype}；0–255 的整数请用 ${name}.toFloat().div(255)`,
    );
  }
}

/**
 * 检查一个张量是不是图像（check an image）：[高, 宽, 3]，float32，取值 [0, 1]；要读出数据，所以是异步的。
 *
 * @param image 要检查的张量，不会被释放
 * @param options `name`：报错时用的参数名
 * @throws TypeError 不是张量或类型不对；RangeError 形状或取值范围不对；消息说明怎样改
 */
export async function checkImage(image: tf.Tensor, { name = 'image' } = {}): Promise<void> {
  assertImage(image, { name });
  assertUnitRange(await image.data(), name);
}

/**
 * 同 checkImage，给同步的函数用（for functions that cannot wait），也宽一些（见 assertNearRange）。只在后端能立刻读数时检查。
 */
export function checkImageNow(image: tf.Tensor, { name = 'image' } = {}): void {
  assertImage(image, { name });
  if (tf.getBackend() === 'webgpu') return;
  // eslint-disable-next-line no-restricted-syntax -- the caller gets a tensor at once: there is nothing to await
  assertNearRange(image.dataSync(), name);
}

/** A tensor that is still there; of any shape, or of one rank. */
export function checkTensor<T extends tf.Tensor>(value: T, name: string, rank?: number): T {
  if (!(value instanceof tf.Tensor)) throw new TypeError(`${name} 应为张量，得到 ${kindOf(value)}`);
  value.throwIfDisposed();
  if (rank === undefined || value.rank === rank) return value;
  throw new RangeError(`${name} 应为 ${rank} 维的张量，得到形状 [${value.shape.join(', ')}]`);
}

/** 一批图像 [n, 高, 宽, 3]，每一幅都取值 [0, 1]（check a batch of images）。 */
export async function checkBatch(images: tf.Tensor, { name = 'images' } = {}): Promise<void> {
  if (images instanceof tf.Tensor && images.isDisposed)
    throw new TypeError(`${name} 已被释放（dispose），请重新读入图像`);
  if (!(images instanceof tf.Tensor) || images.rank !== 4 || images.shape[3] !== 3) {
    const got = images instanceof tf.Tensor ? `形状 [${images.shape.join(', ')}]` : kindOf(images);
    throw new RangeError(`${name} 应为一批图像 [n, 高, 宽, 3]，得到 ${got}；几幅图像请用 tf.stack([…])`);
  }
  assertUnitRange(await images.data(), name);
}

/** 检查一个方向或扰动与图像同样大小（same size as the image）；取值不限。 */
export function assertSameSize(change: tf.Tensor, [height, width]: readonly number[], name: string): void {
  assertImage(change, { name });
  if (change.shape[0] === height && change.shape[1] === width) return;
  throw new RangeError(`${name} 应与图像一样大 [${height}, ${width}, 3]，得到 [${change.shape.join(', ')}]`);
}

function shapeAdvice(image: tf.Tensor, name: string): string {
  const { shape, rank } = image;
  if (rank === 4 && shape[0] === 1) return `；这是只有一幅的批，请用 ${name}.squeeze([0])`;
  if (rank === 4) return `；这是 ${shape[0]} 幅图像的批，取第 i 幅请用 ${name}.gather(i)`;
  if (rank === 2) return `；灰度图请先变成三个通道：tf.stack([${name}, ${name}, ${name}], 2)`;
  if (rank === 3 && shape[2] === 1) return `；灰度图请先变成三个通道：${name}.tile([1, 1, 3])`;
  if (rank === 3 && shape[2] === 4) return `；请去掉透明通道：${name}.slice([0, 0, 0], [-1, -1, 3])`;
  if (rank === 3 && shape[0] === 3) return `；像是 [3, 高, 宽] 的次序，请用 ${name}.transpose([1, 2, 0])`;
  return '';
}

function rangeOf(data: ArrayLike<number>, name: string): { min: number; max: number } {
  let [min, max] = [Infinity, -Infinity];
  for (let i = 0; i < data.length; i++) {
    const value = data[i];
    if (Number.isNaN(value)) throw new RangeError(`${name} 里有 NaN（不是数），请检查得到它的计算`);
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { min, max };
}

function assertUnitRange(data: ArrayLike<number>, name: string): void {
  const { min, max } = rangeOf(data, name);
  // rounding of a resampled picture leaves [0, 1] by less than that, a quarter of a step of 8 bits
  if (min < -1e-3 || max > 1.001) throw outOfRange(min, max, name);
}

/** Wider: a picture with noise on it leaves [0, 1] a little; one of 0 … 255 or −1 … 1 is a mistake. */
export function assertNearRange(data: ArrayLike<number>, name = 'image'): void {
  const { min, max } = rangeOf(data, name);
  if (max > 2 || (min < -0.5 && max <= 1.001)) throw outOfRange(min, max, name);
}

function outOfRange(min: number, max: number, name: string): RangeError {
  const advice =
    max > 2 && min >= 0
      ? `；像是 0–255，请用 ${name}.div(255)`
      : `；请截到范围之内（${name}.clipByValue(0, 1)），或先确认它没有减去均值`;
  return new RangeError(`${name} 应取值 [0, 1]，得到 ${min.toPrecision(4)} 到 ${max.toPrecision(4)}${advice}`);
}
