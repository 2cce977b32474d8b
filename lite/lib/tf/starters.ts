import { tf } from './tf';
import { isSoftware } from './adapter';
import { installWasmGradients } from './wasm-gradients';
import { threadsFor } from './threads';
import { installWebgpuRepairs } from './webgpu-repairs';

export type BackendName = 'tensorflow' | 'webgpu' | 'webgl' | 'wasm' | 'cpu';

export interface Started {
  readonly name: BackendName;
  readonly device: 'gpu' | 'cpu';
  readonly version: string;
}

/** One that may be taken. */
export interface Choice {
  readonly name: BackendName;
  readonly only?: 'gpu';
}

export type Starter = (named: boolean) => Promise<Started>;

/** The fastest first: a page's backends. (The twin of lib/tf/starters.ts.) */
export const NAMES: readonly BackendName[] = ['webgpu', 'webgl', 'wasm', 'cpu'];
export const order = (): readonly Choice[] => NAMES.map((name) => ({ name }));
export const HINT = '请换一个较新的浏览器（Chrome、Edge、Firefox、Safari 的近两年版本）。';

/** What a page has and Node's types do not tell; `convscopeSite` says where the kernel's files lie (kernel/course.cjs). */
interface Page {
  readonly navigator: { readonly hardwareConcurrency: number; readonly gpu?: { requestAdapter(): Promise<any> } }; // eslint-disable-line @typescript-eslint/no-explicit-any
  readonly OffscreenCanvas: new (width: number, height: number) => { getContext(kind: 'webgl2'): any }; // eslint-disable-line @typescript-eslint/no-explicit-any
  readonly convscopeSite: { readonly own: string };
}
const page = globalThis as unknown as Page;

interface Wasm {
  setWasmPaths(prefix: string): void;
  setThreadsCount(count: number): void;
}

async function use(name: BackendName, device: 'gpu' | 'cpu'): Promise<Started> {
  if (!(await tf.setBackend(name))) throw new Error('没有启动');
  await tf.ready();
  return { name, device, version: tf.version.tfjs };
}

async function startWebgpu(): Promise<Started> {
  const adapter = await page.navigator.gpu?.requestAdapter();
  if (!adapter) throw new Error('这个浏览器或这台机器没有 WebGPU');
  const { info, isFallbackAdapter } = adapter;
  if (isFallbackAdapter || isSoftware(info ?? {})) throw new Error('没有显卡，WebGPU 由处理器模拟');
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  require('@tensorflow/tfjs-backend-webgpu');
  const running = await use('webgpu', 'gpu');
  installWebgpuRepairs();
  return running;
}

async function startWebgl(): Promise<Started> {
  const context = new page.OffscreenCanvas(1, 1).getContext('webgl2');
  if (!context) throw new Error('这个浏览器或这台机器没有 WebGL 2');
  const facts = context.getExtension('WEBGL_debug_renderer_info');
  const renderer = String(context.getParameter(facts ? facts.UNMASKED_RENDERER_WEBGL : context.RENDERER));
  if (isSoftware({ description: renderer })) throw new Error('没有显卡，WebGL 由处理器模拟');
  const running = await use('webgl', 'gpu');
  // half precision would change what the chapters measure
  if (!tf.env().getBool('WEBGL_RENDER_FLOAT32_CAPABLE')) throw new Error('显卡只有 16 位浮点数');
  return running;
}

async function startWasm(): Promise<Started> {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const wasm = require('@tensorflow/tfjs-backend-wasm') as Wasm;
  wasm.setWasmPaths(page.convscopeSite.own);
  const threads = threadsFor(page.navigator.hardwareConcurrency);
  wasm.setThreadsCount(threads);
  // the program takes no more than half of the processors that it sees
  Object.defineProperty(page.navigator, 'hardwareConcurrency', { value: 2 * threads, configurable: true });
  const running = await use('wasm', 'cpu').finally(() => {
    Reflect.deleteProperty(page.navigator, 'hardwareConcurrency');
  });
  installWasmGradients();
  return running;
}

export const STARTERS: Partial<Record<BackendName, Starter>> = {
  webgpu: startWebgpu,
  webgl: startWebgl,
  wasm: startWasm,
  cpu: () => use('cpu', 'cpu'),
};

export const reasonOf = (line: string) => line;
