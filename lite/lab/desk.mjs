/** The kernel as JupyterLite sees it: passes requests on to the worker, and what the worker says back to the notebook. */
import { TextCollector } from '../../kernel/desk/collect.cjs';
import { kernelInfo } from '../../kernel/desk/info.cjs';
import { ownFiles } from './own-files.mjs';

/** How long a cell may be deaf before its worker is ended, by what it is doing (as in kernel/desk/main-thread.cjs). */
const PATIENCE = { own: Infinity, sync: 1000, waiting: 5000 };
const LOST =
  '已中断：单元格里的计算不让出来，只能把内核整个重启；变量都已清空，请从头运行（菜单“运行”→“运行所有单元格”）。';

/** @param {new (options: object) => any} BaseKernel of @jupyterlite/services, which only the page has */
export const kernelClass = (BaseKernel, { workerUrl, base, language, contents }) =>
  class extends BaseKernel {
    constructor(options) {
      super(options);
      this.text = new TextCollector((id, content) => this.stream(content, this.headers.get(id)));
      /** Of every cell so far: late output still belongs to it. */
      this.headers = new Map();
      /** Requests that the worker has. */
      this.pending = new Map();
      this.start();
    }

    get ready() {
      return this.started;
    }

    start() {
      this.phase = 'own';
      this.newFiles = ownFiles(contents);
      this.worker = new Worker(workerUrl);
      this.started = new Promise((resolve, reject) => {
        this.worker.onmessage = ({ data }) => {
          if (data.type === 'ready') resolve();
          else if (data.type === 'broken') reject(new Error(data.message));
          else this[`on_${data.type}`](data);
        };
        this.worker.onerror = (event) => reject(new Error(event.message));
      });
      this.stop = globalThis.crossOriginIsolated ? new Int32Array(new SharedArrayBuffer(4)) : undefined;
      this.worker.postMessage({ type: 'start', base, language, stop: this.stop });
    }

    /** What a request asks the worker, and its answer. */
    ask(type, content) {
      const id = this.parent.header.msg_id;
      return new Promise((resolve) => {
        this.pending.set(id, resolve);
        this.worker.postMessage({ type, id, content });
      });
    }

    // ---- from the worker

    on_phase({ phase }) {
      this.phase = phase;
    }

    on_heard() {
      this.heard = true;
    }

    on_publish({ id, msgType, content }) {
      if (msgType === 'stream') return this.text.add(id, content);
      this.text.flush();
      const header = this.headers.get(id);
      const send = { display_data: 'displayData', update_display_data: 'updateDisplayData', execute_result: 'publishExecuteResult', clear_output: 'clearOutput' }; // prettier-ignore
      return this[send[msgType]](content, header);
    }

    on_answer({ id, content }) {
      this.pending.get(id)?.(content);
      this.pending.delete(id);
    }

    on_done({ id, error }) {
      this.text.flush();
      this.pending.get(id)?.(error);
      this.pending.delete(id);
    }

    // ---- from the notebook

    async executeRequest({ code, silent = false }) {
      const { header } = this.parent;
      const id = header.msg_id;
      this.headers.set(id, header);
      this.running = id;
      this.worker.postMessage({
        type: 'files',
        files: await this.newFiles().catch((error) => (console.warn(error), [])),
      });
      const error = await new Promise((resolve) => {
        this.pending.set(id, resolve);
        this.worker.postMessage({ type: 'execute', id, code, count: this.executionCount, silent });
      });
      this.running = undefined;
      const base = { execution_count: this.executionCount };
      if (!error) return { status: 'ok', ...base, user_expressions: {} };
      this.publishExecuteError(error, header);
      return { status: 'error', ...base, ...error };
    }

    /** The library's functions stop by themselves, a cell's loops look at `stop`; what hears nothing takes its worker with it. */
    async interrupt() {
      const { running } = this;
      this.heard = false;
      if (this.stop) Atomics.store(this.stop, 0, 1);
      this.worker.postMessage({ type: 'interrupt' });
      // a timer that an earlier cell has left may be at work
      if (!running) return;
      const begun = Date.now();
      while (!this.heard && this.running === running) {
        if (Date.now() - begun > PATIENCE[this.phase]) return this.abandon(running);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }

    abandon(id) {
      this.worker.terminate();
      this.start();
      this.on_done({ id, error: { ename: 'Interrupted', evalue: LOST, traceback: [`\u001b[31mInterrupted\u001b[39m: ${LOST}`] } }); // prettier-ignore
    }

    dispose() {
      this.worker.terminate();
      super.dispose();
    }

    async kernelInfoRequest() {
      const info = kernelInfo();
      return { ...info, banner: info.banner.replace(/，Node .*/, '，在浏览器里') };
    }

    completeRequest(content) {
      return this.ask('complete', content);
    }

    inspectRequest(content) {
      return this.ask('inspect', content);
    }

    isCompleteRequest(content) {
      return this.ask('isComplete', content);
    }

    async commInfoRequest() {
      return { status: 'ok', comms: {} };
    }

    inputReply() {}
    async commOpen() {}
    async commMsg() {}
    async commClose() {}
  };
