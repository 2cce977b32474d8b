import { tf } from '../tf/backend';
import { checkImageNow } from '../image/check';

/**
 * 换掉四周（exchange the surround）：正中的椭圆里是 `front`，外面是 `back`。用来问一个网络：它看的是中间的东西，还是背景。
 *
 * @param front `[h, w, 3]`，[0, 1]；`back` 同样大小；都不会被 dispose
 * @param options `radius`：椭圆的两个半径占图像半边的比例，0 到 1，缺省 0.75（面积约占 44%）
 * @returns `[h, w, 3]`，由调用者 dispose
 * @throws RangeError 大小不同，或 radius 不在 0 与 1 之间
 * @example
 * const town = tf.reverse(image, 1);
 * const moved = swapSurround(image, town, { radius: 0.6 }); // 中间是 image，四周是 town
 * dispose(town, moved);
 */
export function swapSurround(
  front: tf.Tensor3D,
  back: tf.Tensor3D,
  { radius = 0.75 }: { radius?: number } = {},
): tf.Tensor3D {
  checkImageNow(front, { name: 'front' });
  checkImageNow(back, { name: 'back' });
  const [height, width] = front.shape;
  if (back.shape[0] !== height || back.shape[1] !== width) {
    throw new RangeError(
      `两幅图应同样大小，得到 ${height}×${width} 与 ${back.shape[0]}×${back.shape[1]}；请用同一个 size 读入`,
    );
  }
  if (!(radius >= 0 && radius <= 1)) throw new RangeError(`radius 应在 0 与 1 之间，得到 ${radius}`);
  const inside = Float32Array.from({ length: height * width }, (_, i) => {
    const [y, x] = [Math.floor(i / width), i % width];
    const [down, across] = [(2 * y + 1) / height - 1, (2 * x + 1) / width - 1];
    return down * down + across * across <= radius * radius ? 1 : 0;
  });
  return tf.tidy(() => {
    const mask = tf.tensor3d(inside, [height, width, 1]);
    return tf.add(tf.mul(front, mask), tf.mul(back, tf.sub(1, mask))) as tf.Tensor3D;
  });
}
