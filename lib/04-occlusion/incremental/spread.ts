import { tf } from '../../tf/backend';
import { isNative } from '../../tf/native-kernels';
import type { Convolution } from '../../model/networks/layers';
import type { Chain } from './chain';
import { tableOf } from './copy';
import type { Placement } from './geometry';

/**
 * A convolution is linear: what a patch adds to its output is the convolution of what it adds to its input, and around
 * that there are only zeros. TensorFlow's convolution passes over zeros that are padding, so a window spreads by the
 * kernel at the price of its own places (AlexNet's 3x3: 64 of 100), and the clean output is added. On other backends
 * padding costs as much as anything else.
 */

/** Multiplications saved per output number below which the additions cost more than they save (measured). */
const WORTH = 400;

/** Less than anything, so that behind the rectifier there is 0 outside the map. */
const LEAST = -3.4e38;

/** Per step: its convolution, where what it changes may be spread; the step behind it must cut its windows out anew. */
export function spreadable({ steps }: Chain): (Convolution | undefined)[] {
  return steps.map(({ branches: [branch, other], rows, cols, then }, i) => {
    const next = steps.at(i + 1);
    const alone = !other && branch.layers[0]?.getClassName() === 'Convolution' && rows.stride * cols.stride === 1;
    const rectified = ['Relu', 'Relu6'].includes(then[0]?.getClassName());
    const cutOut = next && next.branches.length === 1 && next.branches[0].layers.length > 0;
    return isNative() && i > 0 && alone && rectified && cutOut ? (branch.layers[0] as Convolution) : undefined;
  });
}

/** Windows of a map, cut from the table of its places. */
function windowsOf(map: tf.Tensor4D, outside: number) {
  const [, height, width, channels] = map.shape;
  const table = tableOf(map, outside);
  return {
    at({ rows, cols }: Placement): tf.Tensor4D {
      const shape: [number, number, number] = [rows.starts.length * cols.starts.length, rows.length, cols.length];
      const index = new Int32Array(shape[0] * shape[1] * shape[2]);
      let next = 0;
      for (const top of rows.starts)
        for (const left of cols.starts)
          for (let y = top; y < top + rows.length; y++)
            for (let x = left; x < left + cols.length; x++, next++)
              if (y >= 0 && y < height && x >= 0 && x < width) index[next] = 1 + y * width + x;
      return tf.tidy(() => tf.reshape(tf.gather(table, tf.tensor1d(index, 'int32')), [...shape, channels]));
    },
    dispose: () => table.dispose(),
  };
}

export interface CleanStep {
  readonly input: tf.Tensor4D;
  /** Its convolution and what that makes of the input, where what changes is spread. */
  readonly convolved?: { readonly layer: Convolution; readonly output: tf.Tensor4D };
}

/** One layer's way to spread what changes. */
export class Spread {
  private readonly input: ReturnType<typeof windowsOf>;
  private readonly output: ReturnType<typeof windowsOf>;

  /** The layer's input and output without a patch, [1, h, w, c]: not disposed, not needed afterwards. */
  constructor(
    private readonly layer: Convolution,
    input: tf.Tensor4D,
    output: tf.Tensor4D,
  ) {
    this.input = windowsOf(input, 0);
    this.output = windowsOf(output, LEAST);
  }

  /** Whether it is quicker than convolving the windows with what surrounds them. */
  worth({ rows, cols }: Placement): boolean {
    const [kh, kw, inputs] = this.layer.weights[0].shape as number[];
    const places = (rows.length + kh - 1) * (cols.length + kw - 1);
    return kh * kw * inputs * (1 - (rows.length * cols.length) / places) > WORTH;
  }

  /** The layer's output at the windows `out`, before its rectifier. */
  run(values: tf.Tensor4D, at: Placement, out: Placement): tf.Tensor4D {
    return tf.tidy(() => tf.add(this.output.at(out), this.layer.spread(tf.sub(values, this.input.at(at)))));
  }

  dispose(): void {
    this.input.dispose();
    this.output.dispose();
  }
}
