import { tf } from './tf';
import { CourseError } from '../base/errors';
import { shared } from '../base/state';
import { choose } from './choose';
import { sayWhatIsDisposed } from './disposed';
import { installGradientRepairs } from './gradient-repairs';
import { NAMES, type BackendName, type Started } from './starters';

export { tf };

export type { BackendName } from './starters';

export interface Backend extends Started {
  /** 为什么没有用更快的后端，一个一行；用上了最快的就是空的。 */
  readonly notes: readonly string[];
}

tf.enableProdMode();
sayWhatIsDisposed();

async function start(named?: BackendName): Promise<Backend> {
  const running = await choose(named);
  installGradientRepairs();
  return running;
}

/**
 * 启动计算后端（backend），取能用的最快一个：NVIDIA 显卡上的 TensorFlow → 别的显卡（webgpu，装了才有）→ 处理器上的
 * TensorFlow → wasm → 纯 JavaScript；进程内只启动一次。
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
