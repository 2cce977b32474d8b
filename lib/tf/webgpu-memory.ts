import { tf } from './tf';

/**
 * TensorFlow.js keeps every buffer of the card that a tensor has given back, for the next of exactly the same size, for
 * ever. Occlusion and photos of many sizes would fill the card: beyond this the spare ones are given up.
 */
const MOST_SPARE_BYTES = 512e6;

interface Buffer {
  readonly size: number;
  destroy(): void;
}

interface Pool {
  readonly freeBuffers: Map<string, Buffer[]>;
  numFreeBuffers: number;
  numBytesAllocated: number;
  readonly numBytesUsed: number;
  releaseBuffer(buffer: Buffer, reuse?: boolean): void;
}

function giveUpSpare(pool: Pool): void {
  for (const buffers of pool.freeBuffers.values()) {
    for (const buffer of buffers.splice(0)) {
      buffer.destroy();
      pool.numFreeBuffers--;
      pool.numBytesAllocated -= buffer.size;
    }
  }
}

/** A buffer is given back only after its last command has been submitted: destroying it then is safe. */
export function limitSpareMemory(): void {
  const { bufferManager: pool } = tf.backend() as unknown as { bufferManager: Pool };
  const release = pool.releaseBuffer.bind(pool);
  pool.releaseBuffer = (buffer, reuse) => {
    release(buffer, reuse);
    if (pool.numBytesAllocated - pool.numBytesUsed > MOST_SPARE_BYTES) giveUpSpare(pool);
  };
}
