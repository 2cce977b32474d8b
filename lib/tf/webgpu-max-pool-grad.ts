import { tf } from './tf';
import { type Meeting, type PoolingAttributes, UNPOOL } from './max-pool-switches';

/**
 * The gradient of max pooling on WebGPU. The package's own kernel gives ties to the last element; TensorFlow, PyTorch
 * and the cpu backend give them to the first. Flat sky and the zeros after a ReLU are full of ties. With it comes the
 * unpooling by switches, which elsewhere reads the tensors: see max-pool-switches.ts.
 */

/** What the backend needs to know of a program in WGSL (its type is not exported by the package). */
interface Program {
  readonly variableNames: string[];
  readonly uniforms: string;
  readonly workgroupSize: [number, number, number];
  readonly size: boolean;
  readonly outputShape: number[];
  readonly dispatchLayout: { x: number[] };
  readonly dispatch: [number, number, number];
  readonly shaderKey: string;
  getUserCode(): string;
}

interface WebgpuBackend {
  runWebGPUProgram(program: Program, inputs: tf.TensorInfo[], dtype: tf.DataType, uniforms: object[]): tf.TensorInfo;
}

/** Each place of the image asks the windows over it, in order, whether it is their first maximum. */
const CODE = (meeting: Meeting) => `
fn isFirst(at: vec4<i32>, start: vec2<i32>, end: i32, maximum: f32) -> bool {
  for (var row = start.x; row <= at.y; row++) {
    let stop = select(end, at.z, row == at.y);
    for (var col = start.y; col < stop; col++) {
      if (getX(at.x, row, col, at.w) == maximum) { return false; }
    }
  }
  return true;
}

fn main(index: i32) {
  if (index >= uniforms.size) { return; }
  let at = getCoordsFromIndex(index);
  let own = getX(at.x, at.y, at.z, at.w);
  let padded = at.yz + uniforms.before;
  let last = min(padded / uniforms.strides, uniforms.windows - 1);
  let first = max((padded - uniforms.window + uniforms.strides) / uniforms.strides, vec2<i32>(0));
  var sum = 0.0;
  for (var row = first.x; row <= last.x; row++) {
    for (var col = first.y; col <= last.y; col++) {
      if (getMaxima(at.x, row, col, at.w) != own) { continue; }
      let corner = vec2<i32>(row, col) * uniforms.strides - uniforms.before;
      let end = min(corner.y + uniforms.window.y, uniforms.xShape.z);
      if (isFirst(at, max(corner, vec2<i32>(0)), end, own)) {
        sum = ${meeting === 'add' ? 'sum + ' : ''}getDy(at.x, row, col, at.w);
      }
    }
  }
  setOutputAtIndex(index, sum);
}`;

const SIZE = 64;

/** dy to the first maximum of each window of x; `maxima` are the windows' own. */
function scatterOnCard(
  backend: unknown,
  [x, maxima, dy]: readonly tf.TensorInfo[],
  info: tf.backend_util.Conv2DInfo,
  meeting: Meeting,
): tf.TensorInfo {
  const threads = info.inShape.reduce((a, b) => a * b, 1);
  const program: Program = {
    variableNames: ['x', 'maxima', 'dy'],
    uniforms: 'window: vec2<i32>, strides: vec2<i32>, before: vec2<i32>, windows: vec2<i32>,',
    workgroupSize: [SIZE, 1, 1],
    size: true,
    outputShape: info.inShape,
    dispatchLayout: { x: [0, 1, 2, 3] },
    dispatch: [Math.ceil(threads / SIZE), 1, 1],
    shaderKey: `convscopeMaxPoolGrad_${meeting}`,
    getUserCode: () => CODE(meeting),
  };
  const uniforms = [
    [info.effectiveFilterHeight, info.effectiveFilterWidth],
    [info.strideHeight, info.strideWidth],
    [info.padInfo.top, info.padInfo.left],
    [info.outHeight, info.outWidth],
  ].map((data) => ({ type: 'int32', data }));
  return (backend as WebgpuBackend).runWebGPUProgram(program, [x, maxima, dy], 'float32', uniforms);
}

function register(kernelName: string, meeting: Meeting): void {
  tf.registerKernel({
    kernelName,
    backendName: 'webgpu',
    kernelFunc: ({ inputs, backend, attrs }) => {
      const { dy, input, output } = inputs as Record<'dy' | 'input' | 'output', tf.TensorInfo>;
      const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as PoolingAttributes;
      const shape = input.shape as [number, number, number, number];
      const info = tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
      return scatterOnCard(backend, [input, output, dy], info, meeting);
    },
  });
}

export function installWebgpuMaxPoolGrad(): void {
  tf.unregisterKernel('MaxPoolGrad', 'webgpu');
  register('MaxPoolGrad', 'add');
  register(UNPOOL, 'overwrite');
}
