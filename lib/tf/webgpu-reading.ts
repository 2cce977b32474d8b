import { tf } from './tf';
import { CourseError } from '../base/errors';
import { tick } from './webgpu-ticks';

/**
 * Reading on WebGPU in Node: also at once (TensorFlow.js does that by a page's canvas), and never silently wrong: what
 * the card refused, for want of memory perhaps, would else be read as zeros.
 */

interface Buffer {
  readonly size: number;
  readonly mapState: 'unmapped' | 'pending' | 'mapped';
  mapAsync(mode: number): Promise<void>;
  getMappedRange(): ArrayBuffer;
  unmap(): void;
}

interface TensorData {
  readonly values?: tf.backend_util.BackendValues;
  readonly dtype: tf.DataType;
  readonly complexTensorInfos?: object;
  readonly resource: Buffer;
}

interface Refusal {
  readonly error: { readonly message: string };
  preventDefault(): void;
}

interface WebgpuBackend {
  readonly device: { addEventListener(name: string, listener: (event: Refusal) => void): void };
  readonly tensorMap: { get(id: object): TensorData };
  readonly bufferManager: { acquireBuffer(size: number, usage: number): Buffer; releaseBuffer(buffer: Buffer): void };
  readonly commandEncoder: { copyBufferToBuffer(from: Buffer, a: number, to: Buffer, b: number, size: number): void };
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
  convertAndCacheOnCPU(id: object, values: tf.backend_util.BackendValues): tf.backend_util.BackendValues;
  read(id: object): Promise<tf.backend_util.BackendValues>;
  readSync(id: object): tf.backend_util.BackendValues;
}

/** WebGPU's constants for a buffer that is copied to and read. */
const [READ, MAP_READ, COPY_DST] = [1, 1, 8];

function readBuffer(backend: WebgpuBackend, resource: Buffer): ArrayBuffer {
  const { size } = resource;
  const staging = backend.bufferManager.acquireBuffer(size, COPY_DST | MAP_READ);
  backend.ensureCommandEncoderReady();
  backend.endComputePassEncoder();
  backend.commandEncoder.copyBufferToBuffer(resource, 0, staging, 0, size);
  backend.submitQueue();
  let failure: Error | undefined;
  staging.mapAsync(READ).catch((error: Error) => (failure = error));
  while (staging.mapState === 'pending' && tick());
  if (staging.mapState !== 'mapped') throw new CourseError(`显卡没有交出数来${failure ? `：${failure.message}` : ''}`);
  const values = staging.getMappedRange().slice(0);
  staging.unmap();
  backend.bufferManager.releaseBuffer(staging);
  return values;
}

function readAtOnce(backend: WebgpuBackend, id: object): tf.backend_util.BackendValues {
  const { values, dtype, resource, complexTensorInfos } = backend.tensorMap.get(id);
  if (values || dtype === 'string') return values!;
  if (complexTensorInfos) {
    const { real, imag } = complexTensorInfos as { real: tf.TensorInfo; imag: tf.TensorInfo };
    const [a, b] = [real, imag].map(({ dataId }) => readAtOnce(backend, dataId) as Float32Array);
    return backend.convertAndCacheOnCPU(id, tf.backend_util.mergeRealAndImagArrays(a, b));
  }
  const bytes = readBuffer(backend, resource);
  return backend.convertAndCacheOnCPU(id, tf.util.convertBackendValuesAndArrayBuffer(bytes, dtype));
}

export function installWebgpuReading(): void {
  const backend = tf.backend() as unknown as WebgpuBackend;
  let refused: string | undefined;
  backend.device.addEventListener('uncapturederror', (event) => {
    event.preventDefault(); // or Dawn prints it
    refused ??= event.error.message;
  });
  const sound = <T>(values: T): T => {
    const reason = refused;
    refused = undefined;
    if (reason) throw new CourseError(`显卡拒绝了一步计算，结果不可用：${reason.split('\n')[0]}`);
    return values;
  };
  const read = backend.read.bind(backend);
  backend.read = async (id) => sound(await read(id));
  backend.readSync = (id) => sound(readAtOnce(backend, id));
}
