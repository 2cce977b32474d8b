import { tf } from '../tf/backend';
import { checkList } from '../base/check';
import type { ImageModel } from '../model/model';
import { type StopReason, watchInterrupts } from '../base/interrupt';
import { type ChannelPatches, checkChannel, spatialLayer } from '../02-patches/patches';
import { patchSheets } from '../02-patches/patch-image';
import { patchProjections, type PatchProjectionOptions } from './projections';

export interface ProjectionSheetOptions extends Omit<PatchProjectionOptions, 'size'> {
  /** 每格的边长（tile），像素；缺省是这一层的感受野，不小于 64。 */
  tile?: number;
  /** 每行几块（columns），缺省 3。 */
  columns?: number;
}

export interface ProjectionSheet {
  readonly channel: number;
  /** `[行数·tile, 2·columns·tile + 间隔, 3]`，[0, 1]：左边是图块，右边是各自的投影，位置一一对应；由调用者 dispose。 */
  readonly image: tf.Tensor3D;
  /** 画成全黑或全白的绝对值（limit）：同一通道的投影共用。 */
  readonly limit: number;
}

/** Between patches and projections, as a share of a tile. */
const GAP = 0.06;

/**
 * 图块与投影并排的小样（patches beside their projections; Zeiler & Fergus 2014, Fig. 2）：每个通道一幅。
 *
 * 投影的明暗只有一条规则：中灰是 0；同一通道的各幅共用一个尺度，绝对值的第 99.9 百分位画成全黑或全白。
 * 所以一个通道之内可以比较强弱，通道之间不能。
 *
 * @param layer 图块所属的层
 * @param channels `topPatches` 的几项
 * @param options `rule` 缺省 'guided'；`tile`、`columns` 见 ProjectionSheetOptions
 * @returns 第 i 幅属于 channels[i]；中断时只含已经画完的，并带 `stopped`；由调用者 dispose
 * @throws RangeError 层、通道、位置或规则不对；没有图块
 * @example
 * const layer = model.roles.lastConv;
 * const channels = await topPatches(model, coursePhotos().slice(0, 12), layer, { channels: [3], count: 3 });
 * const { sheets } = await projectionSheets(model, layer, channels);
 * dispose(sheets);
 */
export async function projectionSheets(
  model: ImageModel,
  layer: string,
  channels: readonly ChannelPatches[],
  { rule = 'guided', tile, columns = 3, onStep, signal, ...rest }: ProjectionSheetOptions = {},
): Promise<{ readonly sheets: readonly ProjectionSheet[]; readonly stopped?: StopReason }> {
  const fields = spatialLayer(model, layer).receptiveFields;
  const size = tile ?? Math.max(64, ...fields.map((field) => field.size));

  const watch = watchInterrupts({ onStep, signal });
  const sheets: ProjectionSheet[] = [];
  try {
    for (const entry of checkList('channels', channels, checkChannel)) {
      if (watch.stopped) break;
      const { maps, stopped } = await patchProjections(model, layer, entry, { rule, size, signal, ...rest });
      try {
        // half a channel's projections would stand beside the wrong patches
        if (!stopped) sheets.push(await sheetOf(entry, maps, { columns, size }));
      } finally {
        maps.dispose();
      }
      await watch.step({ done: sheets.length, total: channels.length });
    }
    return { sheets, ...(watch.stopped && { stopped: watch.stopped }) };
  } catch (error) {
    tf.dispose(sheets.map(({ image }) => image));
    throw error;
  }
}

async function sheetOf(entry: ChannelPatches, maps: tf.Tensor4D, layout: { columns: number; size: number }) {
  const limit = await percentile(maps, 99.9);
  const [patches] = await patchSheets([entry], layout);
  const image = sideBySide(patches, maps, limit, layout.columns);
  patches.dispose();
  return { channel: entry.channel, limit, image };
}

/** The q-th percentile of the absolute values: single pixels must not decide how bright all others are. */
async function percentile(maps: tf.Tensor, q: number): Promise<number> {
  const sorted = Float32Array.from(await maps.data(), Math.abs).sort();
  return sorted[Math.floor(((sorted.length - 1) * q) / 100)];
}

function sideBySide(patches: tf.Tensor3D, maps: tf.Tensor4D, limit: number, columns: number): tf.Tensor3D {
  return tf.tidy(() => {
    const [count, size] = maps.shape;
    const shown = limit > 0 ? tf.clipByValue(tf.add(tf.mul(maps, 0.5 / limit), 0.5), 0, 1) : tf.fill(maps.shape, 0.5);
    const rows = patches.shape[0] / size;
    const full = tf.pad(shown as tf.Tensor4D, [[0, rows * columns - count], [0, 0], [0, 0], [0, 0]], 0.5); // prettier-ignore
    const grid = tf.transpose(tf.reshape(full, [rows, columns, size, size, 3]), [0, 2, 1, 3, 4]);
    const gap = tf.ones([rows * size, Math.max(2, Math.round(GAP * size)), 3]);
    return tf.concat([patches, gap, tf.reshape(grid, [rows * size, columns * size, 3])], 1) as tf.Tensor3D;
  });
}
