import { tf } from '../../tf/backend';
import { shared } from '../../base/state';
import type { Placement } from './geometry';

/**
 * Cuts windows out of a layer's activations as they are under the patch: inside the changed window the new
 * values, around it the clean ones, outside the map the padding. No multiplication, only memory: this is the
 * price of recomputing so little.
 */
export interface WindowCopier {
  /** changed [b, h, w, c]: the values at the windows `at`; returns [b, h', w', c], the windows `wanted`. */
  copy(changed: tf.Tensor4D, at: Placement, wanted: Placement): tf.Tensor4D;
  dispose(): void;
}

/** @param clean [1, h, w, c]: the layer without a patch; the copier keeps a copy of its own */
export function windowCopier(clean: tf.Tensor4D, padValue: number): WindowCopier {
  return tf.getBackend() === 'wasm' ? wasmCopier(clean, padValue) : gatherCopier(clean, padValue);
}

/** Where the cells of one axis come from: >= 0 inside the changed window, PAD outside the map, else clean. */
const PAD = -1;
const CLEAN = -2;

function sources(from: { start: number; length: number }, to: { start: number; length: number }, extent: number) {
  return Int32Array.from({ length: to.length }, (_, i) => {
    const at = to.start + i;
    if (at < 0 || at >= extent) return PAD;
    return at >= from.start && at < from.start + from.length ? at - from.start : CLEAN;
  });
}

/** Places as row numbers of the table [padding; clean places; changed places]. */
function gatherIndices(at: Placement, wanted: Placement, height: number, width: number): Int32Array {
  const { rows, cols } = wanted;
  const index = new Int32Array(rows.starts.length * cols.starts.length * rows.length * cols.length);
  const firstChanged = 1 + height * width;
  const across = cols.starts.map((start, j) =>
    sources({ start: at.cols.starts[j], length: at.cols.length }, { start, length: cols.length }, width),
  );
  let next = 0;
  rows.starts.forEach((top, i) => {
    const down = sources(
      { start: at.rows.starts[i], length: at.rows.length },
      { start: top, length: rows.length },
      height,
    );
    cols.starts.forEach((left, j) => {
      const window = (i * cols.starts.length + j) * at.rows.length;
      for (let y = 0; y < rows.length; y++) {
        const changedRow = firstChanged + (window + down[y]) * at.cols.length;
        const cleanRow = 1 + (top + y) * width + left;
        for (let x = 0; x < cols.length; x++, next++) {
          const column = across[j][x];
          if (down[y] === PAD || column === PAD) continue; // row 0 of the table
          index[next] = down[y] >= 0 && column >= 0 ? changedRow + column : cleanRow + x;
        }
      }
    });
  });
  return index;
}

/** A map's places as rows of a table, behind a row for everything outside. */
export function tableOf(map: tf.Tensor4D, outside: number): tf.Tensor2D {
  const channels = map.shape[3];
  return tf.tidy(() => tf.concat([tf.fill([1, channels], outside), tf.reshape(map, [-1, channels])], 0)) as tf.Tensor2D;
}

function gatherCopier(clean: tf.Tensor4D, padValue: number): WindowCopier {
  const [, height, width, channels] = clean.shape;
  const table = tableOf(clean, padValue);
  return {
    copy: (changed, at, wanted) =>
      tf.tidy(() => {
        const index = tf.tensor1d(gatherIndices(at, wanted, height, width), 'int32');
        const places = tf.gather(tf.concat([table, tf.reshape(changed, [-1, channels])], 0), index);
        return tf.reshape(places, [changed.shape[0], wanted.rows.length, wanted.cols.length, channels]);
      }),
    dispose: () => table.dispose(),
  };
}

const KERNEL = 'ConvscopeCopyWindows';

interface WasmBackend {
  makeOutput(shape: number[], dtype: tf.DataType): tf.TensorInfo;
  typedArrayFromHeap(tensor: tf.TensorInfo): Float32Array;
}

/** Writes one piece after another, so many places long; none where that is not positive. */
function appender(heap: Float32Array, start: number, channels: number, padValue: number) {
  let to = start;
  return {
    move(from: number, places: number) {
      if (places <= 0) return;
      heap.copyWithin(to, from, from + places * channels);
      to += places * channels;
    },
    pad(places: number) {
      if (places <= 0) return;
      heap.fill(padValue, to, to + places * channels);
      to += places * channels;
    },
  };
}

/** One row of a window: padding, clean, changed, clean, padding - at most five pieces, each contiguous. */
function copyRows(
  heap: Float32Array,
  place: { clean: number; changed: number; output: number },
  [, height, width, channels]: number[],
  { at, wanted, padValue }: { at: Placement; wanted: Placement; padValue: number },
): void {
  const { move, pad } = appender(heap, place.output, channels, padValue);
  wanted.rows.starts.forEach((top, i) => {
    wanted.cols.starts.forEach((left, j) => {
      const window = (i * wanted.cols.starts.length + j) * at.rows.length;
      const right = left + wanted.cols.length;
      const [inLeft, inRight] = [Math.max(left, 0), Math.min(right, width)];
      const changedLeft = Math.min(Math.max(at.cols.starts[j], inLeft), inRight);
      const changedRight = Math.max(Math.min(at.cols.starts[j] + at.cols.length, inRight), changedLeft);
      for (let y = 0; y < wanted.rows.length; y++) {
        const row = top + y;
        if (row < 0 || row >= height) {
          pad(wanted.cols.length);
          continue;
        }
        const cleanRow = place.clean + row * width * channels;
        const inside = row - at.rows.starts[i];
        pad(inLeft - left);
        if (inside < 0 || inside >= at.rows.length) {
          move(cleanRow + inLeft * channels, inRight - inLeft);
        } else {
          const skipped = changedLeft - at.cols.starts[j];
          const changedRow = place.changed + ((window + inside) * at.cols.length + skipped) * channels;
          move(cleanRow + inLeft * channels, changedLeft - inLeft);
          move(changedRow, changedRight - changedLeft);
          move(cleanRow + changedRight * channels, inRight - changedRight);
        }
        pad(right - inRight);
      }
    });
  });
}

/** On wasm `gather` is slow; rows copied inside the wasm memory are not. */
function registerWasmKernel(): void {
  shared('copy-windows', () => {
    tf.registerKernel({
      kernelName: KERNEL,
      backendName: 'wasm',
      kernelFunc: ({ inputs, backend, attrs }) => {
        const { clean, changed } = inputs as { clean: tf.TensorInfo; changed: tf.TensorInfo };
        const plan = attrs as unknown as { at: Placement; wanted: Placement; padValue: number };
        const wasm = backend as unknown as WasmBackend;
        const { rows, cols } = plan.wanted;
        // Allocate before taking views: growing the wasm memory moves the heap and detaches them.
        const output = wasm.makeOutput([changed.shape[0], rows.length, cols.length, changed.shape[3]], 'float32');
        const views = [clean, changed, output].map((t) => wasm.typedArrayFromHeap(t));
        const [cleanAt, changedAt, outputAt] = views.map((view) => view.byteOffset / 4);
        const heap = new Float32Array(views[2].buffer);
        copyRows(heap, { clean: cleanAt, changed: changedAt, output: outputAt }, clean.shape, plan);
        return output;
      },
    });
    return true;
  });
}

function wasmCopier(clean: tf.Tensor4D, padValue: number): WindowCopier {
  registerWasmKernel();
  const own = clean.clone();
  return {
    copy: (changed, at, wanted) =>
      tf
        .engine()
        .runKernel(
          KERNEL,
          { clean: own, changed },
          { at: at as never, wanted: wanted as never, padValue },
        ) as tf.Tensor4D,
    dispose: () => own.dispose(),
  };
}
