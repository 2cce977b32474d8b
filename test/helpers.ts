import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Callback, Context, Test } from 'uvu';
import * as assert from 'uvu/assert';
import { shared } from '../lib/base/state';
import { tf } from '../lib/tf/backend';
import { collect, type DisplayBundle } from '../lib/show/sink';
import { type ImageModel, imageModel } from '../lib/model/model';
import { Convolution, Relu } from '../lib/model/networks/layers';
import type { NetworkFilesId } from '../lib/model/weights/catalogue';
import { networkFilesPresent } from '../lib/model/weights/present';

export const root = resolve(__dirname, '..');

/** What the kernel does when the learner presses 中断 (kernel/run/executor.cjs). */
export function requestInterrupt(): void {
  shared('interrupts', () => ({ count: 0 })).count++;
}

/** Folder with the weight files (CONVSCOPE_MODELS), or undefined. */
export const modelsFolder = process.env.CONVSCOPE_MODELS;

/** PyTorch's numbers for the pictures dog-224.png and dog-227.png (data/photos/mammal/dog.jpg). */
export const checksFolder = join(root, 'test', 'checks');

/**
 * A test that needs networks' downloaded weights, wherever they lie on this machine; without them it is reported as
 * skipped, by name. `npm test` runs without them, and `npm run test:all` then asks each file for these tests alone
 * (CONVSCOPE_TESTS=weights).
 */
export function withNetworks(test: Test<Context>, ids: NetworkFilesId[], name: string, run: Callback<Context>): void {
  const missing = ids.filter((id) => !networkFilesPresent(id).present);
  if (missing.length === 0) {
    return process.env.CONVSCOPE_TESTS === 'weights' ? test.only(name, run) : longTest(test, name, run);
  }
  console.log(`SKIP ${name}：没有 ${missing.join('、')} 的权值`);
  test.skip(name, run);
}

/** On WebGPU that the processor plays: a test does less of the same where it can. */
export const isSmall = process.env.CONVSCOPE_TESTS === 'small';

/**
 * A test on a whole network, or of hundreds of steps: minutes on WebGPU that the processor plays, where they are left
 * out by name.
 */
export function longTest(test: Test<Context>, name: string, run: Callback<Context>): void {
  if (!isSmall) return test(name, run);
  console.log(`SKIP ${name}：处理器扮的显卡要算几分钟`);
  test.skip(name, run);
}

/** Asserts that a call leaves the number of tensors as it was; what it returns is disposed first. */
export async function leakFree(run: () => unknown, release: (result: unknown) => void = disposeAll): Promise<void> {
  const before = tf.memory().numTensors;
  release(await run());
  assert.is(tf.memory().numTensors, before, '张量数量变了（泄漏）');
}

/** Disposes every tensor in a result, at any depth. */
export function disposeAll(value: unknown): void {
  if (value instanceof tf.Tensor) {
    if (!value.isDisposed) value.dispose();
  } else if (value && typeof value === 'object' && !ArrayBuffer.isView(value)) {
    Object.values(value).forEach(disposeAll);
  }
}

type Numbers = ArrayLike<number>;

/** l2 of the difference over l2 of what is expected; NaN never passes a "< bound". */
export function relativeError(got: Numbers, expected: Numbers): number {
  assert.is(got.length, expected.length, '长度不同');
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += (got[i] - expected[i]) ** 2;
    norm += expected[i] ** 2;
  }
  return Math.sqrt(difference / (norm || 1));
}

export function assertClose(got: Numbers, expected: Numbers, bound = 1e-5, message = ''): void {
  const error = relativeError(got, expected);
  assert.ok(error < bound, `${message} 相对误差 ${error}，上限 ${bound}`);
}

/** Asserts that a promise (or a function) fails, and returns the error. */
export async function failure(run: () => unknown): Promise<Error> {
  try {
    await run();
  } catch (error) {
    return error as Error;
  }
  return assert.unreachable('应当报错，却没有') as never;
}

export interface Check {
  readonly top5: { index: number; logit: number; probability: number }[];
  readonly layers: Record<string, { shape: number[]; index: number[]; value: number[]; l2: number; max: number }>;
  readonly gradientOf: number | { layer: string; channel: number; at: [number, number]; value: number };
  readonly gradients: Record<string, { shape: number[]; index: number[]; value: number[]; l2: number }>;
}

export const readCheck = (name: string): Check => JSON.parse(readFileSync(join(checksFolder, `${name}.json`), 'utf8'));

export interface TinyLayer {
  /** [kh, kw, in, out], in C order. */
  readonly kernel: number[];
  readonly size: [number, number];
  readonly filters: number;
  readonly bias?: number[];
  readonly stride?: number;
  readonly relu?: boolean;
}

/**
 * A hand-made network small enough to compute on paper: convolutions c1, c2 … (each with relu1 … unless
 * `relu: false`), then the spatial mean as class scores. `scale` multiplies 255 x: by default the network
 * sees the image's own values in [0, 1].
 */
export function tinyModel(inputSize: [number, number], layers: TinyLayer[], { scale = 1 / 255 } = {}): ImageModel {
  const input = tf.input({ shape: [...inputSize, 3] });
  let x: tf.SymbolicTensor = input;
  const weights: [Convolution, tf.Tensor[]][] = [];
  layers.forEach(({ kernel, size, filters, bias, stride = 1, relu = true }, i) => {
    const layer = new Convolution({ name: `c${i + 1}`, size, filters, stride });
    const channels = x.shape[3] as number;
    x = layer.apply(x) as tf.SymbolicTensor;
    weights.push([
      layer,
      [tf.tensor4d(kernel, [...size, channels, filters]), tf.tensor1d(bias ?? Array(filters).fill(0))],
    ]);
    if (relu) x = new Relu({ name: `relu${i + 1}` }).apply(x) as tf.SymbolicTensor;
  });
  const last = x;
  x = tf.layers.globalAveragePooling2d({ name: 'scores' }).apply(x) as tf.SymbolicTensor;
  const network = tf.model({ inputs: input, outputs: x });
  for (const [layer, tensors] of weights) {
    layer.setWeights(tensors);
    tf.dispose(tensors);
  }
  const names = network.layers.map((l) => l.name).filter((n) => /^(c|relu)\d/.test(n));
  const stage = (i: number) => names[Math.min(i, names.length - 1)];
  const filters = last.shape[3] as number;
  return imageModel(network, {
    id: 'tiny',
    title: '手算网络',
    classes: Array.from({ length: filters }, (_, index) => ({
      index,
      wnid: `t${index}`,
      en: `class ${index}`,
      zh: `第${index}类`,
    })),
    roles: {
      firstConv: 'c1',
      lastConv: `c${layers.length}`,
      lastPool: 'scores',
      features: 'scores',
      logits: 'scores',
      stages: [stage(0), stage(1), stage(2), stage(3), stage(4)],
    },
    preprocess: { mean: [0, 0, 0], scale },
  });
}

/** An image whose every number is another, the same each time. */
export const madeUpImage = (height: number, width: number): tf.Tensor3D =>
  tf.tensor3d(
    Float32Array.from({ length: height * width * 3 }, (_, i) => 0.5 + 0.5 * Math.sin(i * i)),
    [height, width, 3],
  );

/** What a show function displays: exactly one bundle. */
export async function displayed(draw: () => Promise<unknown>): Promise<DisplayBundle> {
  const sent = await collect(draw);
  assert.is(sent.length, 1);
  return sent[0];
}
