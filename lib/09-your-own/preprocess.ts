import type { tf } from '../tf/backend';
import type { Scaling } from '../model/preprocessing';
import { GraphLayer } from './graph-layer';

type Three = readonly [number, number, number];

/**
 * 预处理（preprocessing）：像素怎样变成网络的输入。写名字，或逐通道的数：
 * - '[0, 1]'、'[-1, 1]'、'0-255'：取值范围；
 * - 'torch'：(x − [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]，x 在 [0, 1]，RGB（torchvision，Keras 的 mode 'torch'）；
 * - 'caffe'：255·x − [103.939, 116.779, 123.68]，次序 BGR（Keras 的 VGG16、ResNet50）；
 * - `{ mean, std }`：(x − mean) / std；两者都不超过 1 时 x 在 [0, 1]，否则 x 在 0 … 255；
 * - `{ mean, scale }`：(255·x − mean)·scale，mean 在 0 … 255。
 * `mean`、`std`、`scale` 各是一个数或三个数，按网络的通道次序（`order`，缺省 'RGB'）；灰度网络用一个数。
 */
export type Preprocess =
  | '[0, 1]'
  | '[-1, 1]'
  | '0-255'
  | 'caffe'
  | 'torch'
  | { readonly mean: number | Three; readonly std: number | Three; readonly order?: 'RGB' | 'BGR' }
  | { readonly mean: number | Three; readonly scale: number | Three; readonly order?: 'RGB' | 'BGR' };

const NAMED: Readonly<Record<string, Scaling>> = {
  '[0, 1]': { mean: [0, 0, 0], scale: 1 / 255 },
  '[-1, 1]': { mean: [127.5, 127.5, 127.5], scale: 1 / 127.5 },
  '0-255': { mean: [0, 0, 0], scale: 1 },
  caffe: { mean: [103.939, 116.779, 123.68], scale: 1, order: 'BGR' },
  torch: { mean: [123.675, 116.28, 103.53], scale: [1 / 58.395, 1 / 57.12, 1 / 57.375] },
};

const HOW = `preprocess 应为 ${Object.keys(NAMED).map((name) => `'${name}'`).join('、')}、{ mean, std } 或 { mean, scale }`; // prettier-ignore

/** One number for all channels, or one for each. */
function three(value: unknown, what: string, positive: boolean): Three {
  const list = Array.isArray(value) ? value : [value, value, value];
  const good =
    list.length === 3 && list.every((n) => typeof n === 'number' && Number.isFinite(n) && (!positive || n > 0));
  if (good) return list as unknown as Three;
  throw new RangeError(`${HOW}；其中 ${what} 应为一个${positive ? '大于 0 的' : ''}数或三个，得到 ${JSON.stringify(value)}`); // prettier-ignore
}

function fromNumbers(given: Readonly<Record<string, unknown>>): Scaling {
  const { order = 'RGB' } = given;
  if (order !== 'RGB' && order !== 'BGR')
    throw new RangeError(`order 应为 'RGB' 或 'BGR'，得到 ${JSON.stringify(order)}`);
  if ('std' in given === 'scale' in given || !('mean' in given))
    throw new RangeError(`${HOW}，得到 ${JSON.stringify(given)}`);
  const mean = three(given.mean, 'mean', false);
  const unit = mean.every((m) => Math.abs(m) <= 1);
  if ('scale' in given) {
    if (unit && mean.some((m) => m !== 0)) {
      throw new RangeError(`{ mean, scale } 的 mean 在 0 … 255，得到 ${JSON.stringify(mean)}，像是 [0, 1] 的平均值；请乘以 255，或改用 { mean, std }`); // prettier-ignore
    }
    return { mean, scale: three(given.scale, 'scale', false), order };
  }
  const std = three(given.std, 'std', true);
  if (unit && std.every((s) => s <= 1)) return { mean: mean.map((m) => 255 * m) as unknown as Three, scale: std.map((s) => 1 / (255 * s)) as unknown as Three, order }; // prettier-ignore
  if (std.some((s) => s < 1)) {
    throw new RangeError(`{ mean, std } 的两者应在同一个范围：都不超过 1（像素在 [0, 1]），或都按 0 … 255；得到 mean ${JSON.stringify(mean)}、std ${JSON.stringify(std)}`); // prettier-ignore
  }
  return { mean, scale: std.map((s) => 1 / s) as unknown as Three, order };
}

function scalingOf(preprocess: Preprocess): Scaling {
  if (typeof preprocess === 'string' && preprocess in NAMED) return NAMED[preprocess];
  if (preprocess && typeof preprocess === 'object') return fromNumbers(preprocess as never);
  throw new RangeError(`${HOW}，得到 ${JSON.stringify(preprocess)}`);
}

/** One channel takes one number: which of three it should be, nobody has said. */
function checkGrey(network: tf.LayersModel, { mean, scale }: Scaling, given: Preprocess): void {
  const several = [mean, [scale].flat()].some((numbers) => new Set(numbers).size > 1);
  if (network.inputs[0].shape[3] !== 1 || !several) return;
  throw new RangeError(`灰度网络只有一个通道，preprocess 的 mean 与 std（scale）请各写一个数，例如 { mean: 0.1307, std: 0.3081 }；得到 ${JSON.stringify(given)}，是三个通道的。`); // prettier-ignore
}

/** By how much the first layers scale the pixels down; undefined: there is no such layer. */
function scaledInside(network: tf.LayersModel): { layer: string; scale: number } | undefined {
  let scale = 1;
  let layer: string | undefined;
  for (const candidate of network.layers.slice(1)) {
    const own = candidate as unknown as { scale?: number | number[]; scaling?: number };
    const kind = candidate.getClassName();
    const factor = candidate instanceof GraphLayer ? candidate.scaling : kind === 'KerasNormalization' ? own.scaling : kind === 'Rescaling' ? [own.scale ?? 1].flat()[0] : undefined; // prettier-ignore
    if (factor === undefined) {
      if (/Dropout|Padding|Activation$/.test(kind) && candidate.weights.length === 0) continue;
      break;
    }
    layer ??= candidate.name;
    scale *= factor;
  }
  return layer === undefined ? undefined : { layer, scale };
}

/** A network that brings pixels down itself wants them as they are in the file, 0 … 255. */
export function preprocessFor(
  network: tf.LayersModel,
  given?: Preprocess,
): { readonly scaling: Scaling; readonly note?: string } {
  const inside = scaledInside(network);
  // 1 / 255, 1 / 127.5 and 1 / 58 bring pixels down; a factor near 1 does something else
  const down = inside && Math.abs(inside.scale) <= 0.05;
  if (given !== undefined) {
    const scaling = scalingOf(given);
    checkGrey(network, scaling, given);
    const twice = down && [scaling.scale].flat().some((s) => Math.abs(s) < 0.5);
    return { scaling, note: twice ? `网络里的 ${inside.layer} 层已经缩小像素，preprocess 又缩小一次；若不是有意如此，请用 preprocess: '0-255'。` : undefined }; // prettier-ignore
  }
  if (!down) {
    const note = inside && `网络里的 ${inside.layer} 层自己换算像素；输入按 [0, 1]。`;
    return { scaling: NAMED['[0, 1]'], note };
  }
  return { scaling: NAMED['0-255'], note: `网络里的 ${inside.layer} 层自己缩小像素，所以输入按 0-255；要改请写明 preprocess。` }; // prettier-ignore
}
