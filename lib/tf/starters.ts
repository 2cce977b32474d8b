import * as os from 'node:os';
import { tf } from './tf';
import { adapterName, isSoftware } from './adapter';
import { installNativeKernels } from './native-kernels';
import { installPrograms } from './programs';
import { threadsFor } from './threads';
import { useWebgpu, webgpuInstalled } from './webgpu';
import { installWasmGradients } from './wasm-gradients';
import { registerThreadedWasm } from './wasm-threads';

export type BackendName = 'tensorflow' | 'webgpu' | 'webgl' | 'wasm' | 'cpu';

export interface Started {
  readonly name: BackendName;
  readonly device: 'gpu' | 'cpu';
  /** 原生后端是 TensorFlow 的版本，别处是 TensorFlow.js 的版本；webgpu 之后还有显卡的名字。 */
  readonly version: string;
}

/** One that may be taken, perhaps only where it runs on a graphics card. */
export interface Choice {
  readonly name: BackendName;
  readonly only?: 'gpu';
}

/** Starts one. Whoever names it gets it also where it is of no use by itself: WebGPU played by the processor. */
export type Starter = (named: boolean) => Promise<Started>;

/** (A page has others: lite/lib/tf/starters.ts is this file's twin there.) */
export const NAMES: readonly BackendName[] = ['tensorflow', 'webgpu', 'wasm', 'cpu'];

/** The fastest first: TensorFlow on a card, WebGPU, TensorFlow on the processor. Most machines have no WebGPU here. */
export const order = (webgpu = webgpuInstalled()): readonly Choice[] =>
  webgpu
    ? [
        { name: 'tensorflow', only: 'gpu' },
        ...['webgpu', 'tensorflow', 'wasm', 'cpu'].map((name) => ({ name: name as BackendName })),
      ]
    : [{ name: 'tensorflow' }, { name: 'wasm' }, { name: 'cpu' }];

/** What to do when none starts. */
export const HINT = '请运行 npm run doctor 查看缺什么，或去掉 CONVSCOPE_BACKEND 让程序自己选。';

// TensorFlow's C++ library chatters on stderr, TF.js greets on the console: neither belongs into a notebook.
process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
async function startTensorflow(): Promise<Started> {
  // The binding's JavaScript calls util.isNullOrUndefined: Node 22 warns of it, Node 23 has removed it.
  const legacy = require('node:util') as { isNullOrUndefined: (v: unknown) => boolean };
  legacy.isNullOrUndefined = (v) => v === null || v === undefined;
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  require('@tensorflow/tfjs-node-gpu');
  await tf.setBackend('tensorflow');
  await tf.ready();
  const backend = tf.backend() as unknown as { binding: { TF_Version: string }; isUsingGpuDevice: boolean };
  installNativeKernels();
  installPrograms();
  return {
    name: 'tensorflow',
    device: backend.isUsingGpuDevice ? 'gpu' : 'cpu',
    version: backend.binding.TF_Version,
  };
}

async function startWebgpu(named: boolean): Promise<Started> {
  if (!webgpuInstalled()) throw new Error('没有安装；装上它：npm run setup -- --webgpu');
  const info = await useWebgpu(named);
  const device = isSoftware(info) ? 'cpu' : 'gpu';
  return { name: 'webgpu', device, version: `${tf.version.tfjs}，${adapterName(info)}` };
}

/** The wasm program listens for what nobody has caught, and ends the process: in a notebook with all variables. */
async function withoutListeners(start: () => Promise<void>): Promise<void> {
  const events = ['uncaughtException', 'unhandledRejection'] as const;
  const before = events.map((event) => process.rawListeners(event));
  await start();
  events.forEach((event, i) => {
    const added = process.rawListeners(event).filter((listener) => !before[i].includes(listener));
    added.forEach((listener) => process.removeListener(event, listener as (...args: unknown[]) => void));
  });
}

async function startWasm(): Promise<Started> {
  await withoutListeners(async () => {
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    require('@tensorflow/tfjs-backend-wasm');
    const threads = threadsFor(os.availableParallelism());
    if (threads > 1) registerThreadedWasm(threads);
    if (!(await tf.setBackend('wasm'))) throw new Error('wasm 后端没有启动');
    await tf.ready();
  });
  installWasmGradients();
  return { name: 'wasm', device: 'cpu', version: tf.version.tfjs };
}

async function startCpu(): Promise<Started> {
  await tf.setBackend('cpu');
  await tf.ready();
  return { name: 'cpu', device: 'cpu', version: tf.version.tfjs };
}

export const STARTERS: Partial<Record<BackendName, Starter>> = {
  tensorflow: startTensorflow,
  webgpu: startWebgpu,
  wasm: startWasm,
  cpu: startCpu,
};

/** Why a backend does not start, in one line; the package itself speaks of rebuilding modules. */
export const reasonOf = (line: string) =>
  line.includes('tfjs_binding.node') ? '没有安装原生后端；怎样装上，见 npm run doctor' : line;
