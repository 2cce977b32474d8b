// Tries a binding of WebGPU in a process of its own: one that crashes must not take set-up with it.
// usage: webgpu-check.ts      prints { adapter, software, error } as JSON
import { adapterName, isSoftware } from '../../lib/tf/adapter';
import { tf } from '../../lib/tf/backend';
import { useWebgpu } from '../../lib/tf/webgpu';

// eslint-disable-next-line @typescript-eslint/no-require-imports
const { gradientError, TOLERANCE } = require('./gradient-check.cjs') as {
  gradientError(tensorflow: typeof tf, backend: string): Promise<number>;
  TOLERANCE: number;
};

async function main(): Promise<void> {
  const info = await useWebgpu(true);
  const error = await gradientError(tf, 'webgpu');
  console.log(JSON.stringify({ adapter: adapterName(info), software: isSoftware(info), error }));
  process.exitCode = error < TOLERANCE ? 0 : 1;
}

void main().catch((error: Error) => {
  console.error(`Error: ${error.message}`);
  process.exitCode = 1;
});
