import { tf } from './tf';
import { shared } from '../base/state';
import { type AdapterInfo, adapterName, isSoftware } from './adapter';
import { catchTicks } from './webgpu-ticks';
import { installWebgpuReading } from './webgpu-reading';
import { installWebgpuRepairs } from './webgpu-repairs';

/**
 * WebGPU without a browser: Dawn, Chromium's implementation, as a binding for Node that set-up links to
 * (scripts/setup/webgpu.mjs), under TensorFlow.js' WebGPU backend.
 */

interface Adapter {
  readonly info: AdapterInfo;
}

interface Dawn {
  create(flags: string[]): { requestAdapter(options?: object): Promise<Adapter | null> };
  readonly globals: object;
}

/** Whether set-up has found a binding that works on this machine. */
export function webgpuInstalled(): boolean {
  if (process.env.CONVSCOPE_WEBGPU === 'off') return false;
  try {
    return Boolean(require.resolve('webgpu'));
  } catch {
    return false;
  }
}

/** Dawn's instance. It is kept for ever: when it is collected, the process dies. */
function openDawn() {
  return shared('webgpu', () => {
    catchTicks();
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    const { create, globals } = require('webgpu') as Dawn;
    Object.assign(globalThis, globals);
    return create([]);
  });
}

/** While `work` runs, Node looks like a page to whoever asks for WebGPU; afterwards no package takes it for one. */
async function asPage<T>(gpu: object, work: () => Promise<T>): Promise<T> {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true, writable: true });
  try {
    return await work();
  } finally {
    if (before) Object.defineProperty(globalThis, 'navigator', before);
    else delete (globalThis as { navigator?: unknown }).navigator;
  }
}

/** Starts the backend on the strongest adapter; with `software` also on one that the processor plays. */
export async function useWebgpu(software: boolean): Promise<AdapterInfo> {
  const gpu = openDawn();
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Error('没有找到显卡，或它没有 Vulkan、Metal、D3D12 的驱动');
  const { info } = adapter;
  if (!software && isSoftware(info)) throw new Error(`没有显卡，WebGPU 由处理器模拟（${adapterName(info)}）`);
  await asPage(gpu, async () => {
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    require('@tensorflow/tfjs-backend-webgpu');
    if (!(await tf.setBackend('webgpu'))) throw new Error('webgpu 后端没有启动');
    await tf.ready();
  });
  installWebgpuReading();
  installWebgpuRepairs();
  return info;
}
