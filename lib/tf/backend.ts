import * as tf from '@tensorflow/tfjs';
import { CourseError } from '../base/errors';
import { shared } from '../base/state';
import { installGradientRepairs } from './gradient-repairs';
import { installNativeKernels } from './native-kernels';
import { installPrograms } from './programs';
import { installWasmGradients } from './wasm-gradients';

/** The one TensorFlow.js everybody uses: the native binding and wasm register themselves on it. */
export { tf };

export type BackendName = 'tensorflow' | 'wasm' | 'cpu';

export interface Backend {
  readonly name: BackendName;
  readonly device: 'gpu' | 'cpu';
  /** 原生后端是 TensorFlow 的版本，别处是 TensorFlow.js 的版本。 */
  readonly version: string;
  /** 为什么没有用更快的后端，一个一行；用上了最快的就是空的。 */
  readonly notes: readonly string[];
}

const NAMES: readonly BackendName[] = ['tensorflow', 'wasm', 'cpu'];

// TensorFlow's C++ library chatters on stderr, TF.js greets on the console: neither belongs into a notebook.
process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
tf.enableProdMode();

async function startTensorflow(): Promise<Omit<Backend, 'notes'>> {
  // The binding's JavaScript calls util.isNullOrUndefined: Node 22 warns of it, Node 23 has removed it.
  const legacy = require('node:util') as { isNullOrUndefined: (v: unknown) => boolean };
  legacy.isNullOrUndefined = (v) => v === null || v === undefined;
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  require('@tensorflow/tfjs-node-gpu');
  await tf.setBackend('tensorflow');
  await tf.ready();
  const backend = tf.backend() as unknown as { binding: { TF_Version: string }; isUsingGpuDevice: boolean };
  installNativeKernels(tf);
  installPrograms(tf);
  return {
    name: 'tensorflow',
    device: backend.isUsingGpuDevice ? 'gpu' : 'cpu',
    version: backend.binding.TF_Version,
  };
}

async function startWasm(): Promise<Omit<Backend, 'notes'>> {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  require('@tensorflow/tfjs-backend-wasm');
  if (!(await tf.setBackend('wasm'))) throw new Error('wasm 后端没有启动');
  await tf.ready();
  installWasmGradients(tf);
  return { name: 'wasm', device: 'cpu', version: tf.version.tfjs };
}

async function startCpu(): Promise<Omit<Backend, 'notes'>> {
  await tf.setBackend('cpu');
  await tf.ready();
  return { name: 'cpu', device: 'cpu', version: tf.version.tfjs };
}

const STARTERS: Record<BackendName, () => Promise<Omit<Backend, 'notes'>>> = {
  tensorflow: startTensorflow,
  wasm: startWasm,
  cpu: startCpu,
};

const firstLine = (error: unknown) =>
  String((error as Error)?.message ?? error)
    .split('\n')[0]
    .trim();

/** Why a backend does not start, in one line; the package itself speaks of rebuilding modules. */
function reason(error: unknown): string {
  const line = firstLine(error);
  return line.includes('tfjs_binding.node') ? '没有安装原生后端；怎样装上，见 npm run doctor' : line;
}

async function start(forced?: BackendName): Promise<Backend> {
  const notes: string[] = [];
  for (const name of forced ? [forced] : NAMES) {
    try {
      const running = await STARTERS[name]();
      installGradientRepairs(tf);
      return { ...running, notes };
    } catch (error) {
      notes.push(`${name}：${reason(error)}`);
    }
  }
  throw new CourseError(
    `后端启动失败。${notes.join('；')}。请运行 npm run doctor 查看缺什么，或去掉 CONVSCOPE_BACKEND 让程序自己选。`,
  );
}

/**
 * 启动计算后端（backend）：原生 TensorFlow → wasm → 纯 JavaScript，取能用的最快一个；进程内只启动一次。
 *
 * @param prefer 指定后端；缺省用环境变量 CONVSCOPE_BACKEND，再缺省自动选择
 * @returns 名称、设备、版本，以及没有用上更快后端的原因 `notes`
 * @throws RangeError 名称不认识；CourseError 指定的后端启动不了，或已经在用另一个后端
 * @example
 * const backend = await startBackend();
 * showNotice(`计算由 ${backend.name} 完成`);
 */
export async function startBackend(prefer?: BackendName): Promise<Backend> {
  const wanted = prefer ?? (process.env.CONVSCOPE_BACKEND as BackendName | undefined);
  if (wanted && !NAMES.includes(wanted)) {
    throw new RangeError(
      `没有名为"${wanted}"的后端；可选：${NAMES.join('、')}（参数 prefer 或环境变量 CONVSCOPE_BACKEND）`,
    );
  }
  const state = shared<{ started?: Promise<Backend> }>('backend', () => ({}));
  state.started ??= start(wanted || undefined);
  try {
    const running = await state.started;
    if (prefer && running.name !== prefer) {
      throw new CourseError(
        `这个进程已经在用 ${running.name} 后端，不能再换成 ${prefer}。请重启内核（Kernel → Restart），先调用 startBackend('${prefer}')。`,
      );
    }
    return running;
  } catch (error) {
    // A failed start must not be remembered: after a repair the next call may succeed.
    await state.started.catch(() => (state.started = undefined));
    throw error;
  }
}
