import * as fs from 'node:fs';
import { tf } from './tf';

/**
 * TensorFlow.js' wasm backend with several threads in Node, where its own start takes one only (its threads are made for
 * pages). The package's program is the same, started by its own means: XNNPACK shares an operation out by the rows of
 * its result, so every number is the same to the bit.
 */

/** The module itself, not a copy of its names: the program asks it for `Worker`. */
// eslint-disable-next-line @typescript-eslint/no-require-imports
const workerThreads = require('node:worker_threads') as { Worker: new (code: string, options: object) => Thread };

type Call = (...args: unknown[]) => unknown;
type Thread = { unref(): void; terminate(): Promise<number> };
type Imports = Record<'env', Record<string, Call>>;

/** (Node's types have no name for it.) */
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: { instantiate(bytes: Uint8Array, imports: Imports): Promise<{ instance: object; module: object }> };
};

/** The program, as far as this needs it. */
interface Wasm {
  cwrap(name: string, returns: string | null, takes: readonly string[]): Call;
  readonly PThread: {
    readonly unusedWorkers: Thread[];
    readonly runningWorkers: Thread[];
    allocateUnusedWorker(): void;
    loadWasmModuleToWorker(thread: Thread, ready: () => void): void;
  };
  tfjs?: Record<string, Call>;
}

interface Config extends Partial<Wasm> {
  readonly mainScriptUrlOrBlob: string;
  locateFile(file: string): string;
  instantiateWasm(imports: Imports, receive: (instance: object, module: object) => void): object;
}

interface Package {
  BackendWasm: new (wasm: Wasm) => tf.KernelBackend;
  setThreadsCount(count: number): void;
}

/** A thread begins with a program that the package keeps as text, for pages. */
function threadProgram(): string {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { wasmWorkerContents } =
    require('@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-threaded-simd.worker.js') as {
      wasmWorkerContents: string;
    };
  return wasmWorkerContents.replace(/\n/g, '\\n');
}

/** Runs `start`, in which the program makes its threads; whatever file it names, they begin with `threadProgram`. */
function withThreads<T>(start: () => T): T {
  const program = threadProgram();
  const { Worker } = workerThreads;
  class ProgramThread extends Worker {
    constructor() {
      // without Node's options: TypeScript's loader, say, would be loaded in each
      super(program, { eval: true, execArgv: [] });
      this.unref();
    }
  }
  // the program takes it from the module into a global name, once, and from there ever after
  const before = Object.getOwnPropertyDescriptor(globalThis, 'Worker');
  workerThreads.Worker = ProgramThread;
  Object.defineProperty(globalThis, 'Worker', { value: ProgramThread, configurable: true, writable: true });
  try {
    return start();
  } finally {
    workerThreads.Worker = Worker;
    if (before) Object.defineProperty(globalThis, 'Worker', before);
    else delete (globalThis as { Worker?: unknown }).Worker;
  }
}

/** One team more of threads, for when the present one is lost; they count when they are ready. */
function reserve({ PThread }: Wasm, count: number): void {
  for (let i = 0; i < count; i++) {
    withThreads(() => PThread.allocateUnusedWorker());
    const thread = PThread.unusedWorkers.pop()!;
    PThread.loadWasmModuleToWorker(thread, () => PThread.unusedWorkers.push(thread));
  }
}

/**
 * Whatever ends a call half-way (the notebook's stop button does so inside an operation) leaves the team of threads
 * locked, and the next call would wait for ever: it gets a new team, of the threads in reserve.
 */
function recovering(wasm: Wasm, threads: number): void {
  const { cwrap, PThread } = wasm;
  const team = cwrap('init_with_threads_count', null, ['number']);
  const renew = () => {
    PThread.runningWorkers.splice(0).forEach((thread) => void thread.terminate());
    team(Math.min(threads, 1 + PThread.unusedWorkers.length));
    PThread.runningWorkers.forEach((thread) => thread.unref());
    reserve(wasm, threads - 1);
  };
  let inside = false;
  wasm.cwrap = (...signature) => {
    const call = cwrap(...signature);
    return (...args) => {
      if (inside) renew();
      inside = true;
      const result = call(...args);
      inside = false;
      return result;
    };
  };
}

/** The package's program with room for so many threads. */
function load(threads: number): Promise<Wasm> {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const factory = require('@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-threaded-simd.js') as (
    config: Config,
  ) => Promise<Wasm>;
  const main = require.resolve('@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-threaded-simd.js');
  const binary = main.replace(/\.js$/, '.wasm');
  return new Promise((resolve, reject) => {
    const config: Config = {
      mainScriptUrlOrBlob: main,
      locateFile: () => binary,
      instantiateWasm(imports, receive) {
        // of what it hears it takes the half
        imports.env.emscripten_num_logical_cores = () => 2 * threads;
        const done = WebAssembly.instantiate(fs.readFileSync(binary), imports);
        done.then(({ instance, module }) => receive(instance, module)).catch(reject);
        return {};
      },
    };
    withThreads(() => factory(config)).then(resolve, reject);
  });
}

/** Makes TensorFlow.js start its wasm backend so. */
export function registerThreadedWasm(threads: number): void {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { BackendWasm, setThreadsCount } = require('@tensorflow/tfjs-backend-wasm') as Package;
  const alone = tf.findBackendFactory('wasm');
  const start = async () => {
    const wasm = await load(threads);
    recovering(wasm, threads);
    const call = (name: string, ...takes: string[]) => wasm.cwrap(name, null, takes);
    wasm.tfjs = {
      init: call('init'),
      initWithThreadsCount: call('init_with_threads_count', 'number'),
      getThreadsCount: wasm.cwrap('get_threads_count', 'number', []),
      registerTensor: call('register_tensor', 'number', 'number', 'number'),
      disposeData: call('dispose_data', 'number'),
      dispose: call('dispose'),
    };
    setThreadsCount(threads);
    const backend = new BackendWasm(wasm);
    const { runningWorkers, unusedWorkers } = wasm.PThread;
    runningWorkers.forEach((thread) => thread.unref());
    // one team in reserve
    unusedWorkers.splice(threads - 1).forEach((thread) => void thread.terminate());
    return backend;
  };
  tf.removeBackend('wasm');
  // where a machine grants no threads, as the package does it
  tf.registerBackend('wasm', () => start().catch(() => alone()), 2);
}
