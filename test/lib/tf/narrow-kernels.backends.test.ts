import { test } from 'uvu';
import { startBackend, tf } from '../../../lib/tf/backend';
import { assertClose } from '../../helpers';

/** Kernels that are smaller than their stride along one axis: against loops in plain JavaScript. */

test.before(async () => {
  await startBackend();
});

type Pair = [number, number];
const numbers = (count: number, seed: number) =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(seed + 1.3 * i));

/** Padding 'same' as TensorFlow defines it, channels last; `depthwise`: every channel by itself. */
function byHand(x: Float32Array, k: Float32Array, [h, w]: Pair, [kh, kw]: Pair, [sh, sw]: Pair, depthwise: boolean) {
  const [inputs, outputs] = [3, 4];
  const [rows, cols] = [Math.ceil(h / sh), Math.ceil(w / sw)];
  const top = Math.floor(Math.max(0, (rows - 1) * sh + kh - h) / 2);
  const left = Math.floor(Math.max(0, (cols - 1) * sw + kw - w) / 2);
  const last = depthwise ? inputs : outputs;
  const y = new Float32Array(rows * cols * last);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < cols; c++)
      for (let o = 0; o < last; o++)
        for (let i = 0; i < kh; i++)
          for (let j = 0; j < kw; j++) {
            const [row, col] = [r * sh - top + i, c * sw - left + j];
            if (row < 0 || col < 0 || row >= h || col >= w) continue;
            for (let ch = 0; ch < inputs; ch++) {
              if (depthwise && ch !== o) continue;
              const weight = depthwise ? k[(i * kw + j) * inputs + ch] : k[((i * kw + j) * inputs + ch) * outputs + o];
              y[(r * cols + c) * last + o] += x[(row * w + col) * inputs + ch] * weight;
            }
          }
  return y;
}

const SIZES: Pair[] = [[16, 16], [15, 16], [9, 12]]; // prettier-ignore
const KERNELS: Pair[] = [[1, 3], [3, 1], [1, 2], [2, 3], [1, 5], [1, 1], [3, 3]]; // prettier-ignore

test('1×N、N×1 的卷积核，步幅 2 以上，padding same：卷积与逐通道卷积都对', () => {
  for (const [h, w] of SIZES) for (const [kh, kw] of KERNELS) for (const s of [1, 2, 3]) {
    const what = `${h}×${w}，核 ${kh}×${kw}，步幅 ${s}`;
    const x = numbers(h * w * 3, 1);
    const image = tf.tensor4d(x, [1, h, w, 3]);
    const k = numbers(kh * kw * 12, 2);
    tf.tidy(() => {
      const kernel = tf.tensor4d(k, [kh, kw, 3, 4]);
      const whole = byHand(x, k, [h, w], [kh, kw], [s, s], false);
      assertClose(tf.conv2d(image, kernel, s, 'same').dataSync(), whole, 1e-5, `卷积 ${what}`);
      const fused = tf.fused.conv2d({ x: image, filter: kernel, strides: s, pad: 'same', activation: 'relu' });
      assertClose(fused.dataSync(), whole.map((v) => Math.max(0, v)), 1e-5, `带 ReLU ${what}`);
      const one = k.slice(0, kh * kw * 3);
      const each = byHand(x, one, [h, w], [kh, kw], [s, s], true);
      assertClose(tf.depthwiseConv2d(image, tf.tensor4d(one, [kh, kw, 3, 1]), s, 'same').dataSync(), each, 1e-5, `逐通道 ${what}`);
    });
    image.dispose();
  } // prettier-ignore
});

test('带步幅又去掉一轴的切片', () => {
  tf.tidy(() => {
    const x = tf.reshape(tf.range(0, 240), [2, 5, 6, 4]);
    const y = tf.stridedSlice(x, [0, 2, 0, 1], [2, 3, 6, 4], [1, 1, 2, 1], 0, 0, 0, 0, 2);
    const expected = [0, 1].flatMap((n) => [0, 2, 4].flatMap((c) => [1, 2, 3].map((ch) => n * 120 + 48 + c * 4 + ch)));
    assertClose(y.dataSync(), expected, 1e-7);
  });
});

test.run();
