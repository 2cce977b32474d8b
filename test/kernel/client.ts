/** A Jupyter front end for tests: starts the kernel, sends requests, collects what comes back for each of them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as zmq from 'zeromq';

const { Wire } = require('../../kernel/desk/wire.cjs');
export const root = resolve(__dirname, '../..');

export type Content = Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any
export interface Published {
  type: string;
  content: Content;
}

/** Everything one cell gave back. */
export interface CellResult {
  id: string;
  reply: Content;
  published: Published[];
  /** Text on stdout / stderr. */
  stdout: string;
  stderr: string;
  /** MIME bundle of the last expression. */
  data?: Record<string, string>;
  /** text/plain of the last expression. */
  text?: string;
  error?: { ename: string; evalue: string; traceback: string };
}

export const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

/** Removes the colours of a traceback. */
export const plain = (text: string) => text.replace(new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g'), '');

/** Waits for something that another process does. Generous: machines are busy; one that was asleep has not waited. */
export async function until<T>(value: () => T | undefined | false, what: string, seconds = 120): Promise<T> {
  let waited = 0;
  for (let last = Date.now(); waited < 1000 * seconds; await pause(10)) {
    const now = value();
    if (now) return now;
    waited += Math.min(Date.now() - last, 1000);
    last = Date.now();
  }
  throw new Error(`waited ${seconds} s for ${what}`);
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

export class Kernel {
  readonly exited: Promise<number | null>;
  // sends at once: otherwise one message in 513 is put off, and the next one refused
  private readonly shell = new zmq.Dealer({ sendTimeout: 0 });
  private readonly control = new zmq.Dealer({ sendTimeout: 0 });
  private readonly iopub = new zmq.Subscriber();
  private readonly replies = new Map<string, Content>();
  private readonly published = new Map<string, Published[]>();
  private readonly session = randomUUID();

  private constructor(
    readonly process: ChildProcess,
    readonly wire: InstanceType<typeof Wire>,
    private readonly folder: string,
  ) {
    this.exited = new Promise((done) => process.once('exit', (code) => done(code)));
  }

  /**
   * Starts the kernel of the project at `project` in `cwd`, the notebook's folder; `through` is a command that starts
   * it, under another user or with less memory, and has to become it (exec).
   */
  static async start({
    cwd = join(root, 'notebooks'),
    project = root,
    env = {},
    through = [] as readonly string[],
  } = {}): Promise<Kernel> {
    const folder = mkdtempSync(join(tmpdir(), 'kernel-test-'));
    // for a kernel of another user
    if (through.length > 0) chmodSync(folder, 0o755);
    const [shell_port, control_port, iopub_port, stdin_port, hb_port] = await freePorts(5);
    const connection = { transport: 'tcp', ip: '127.0.0.1', key: randomUUID(), signature_scheme: 'hmac-sha256' };
    const ports = { shell_port, control_port, iopub_port, stdin_port, hb_port };
    const file = join(folder, 'connection.json');
    writeFileSync(file, JSON.stringify({ ...connection, ...ports }));
    const { kernelspec } = await import('../../kernel/kernelspec.mjs');
    const { argv, env: own } = kernelspec() as { argv: string[]; env: Record<string, string> };
    const main = join(project, 'kernel', 'main.cjs');
    const words = argv
      .slice(1)
      .map((word) => (word.endsWith('main.cjs') ? main : word.replace('{connection_file}', file)));
    const [program, ...first] = [...through, argv[0]];
    const child = spawn(program, [...first, ...words], {
      cwd,
      env: { ...process.env, ...own, ...env },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const kernel = new Kernel(child, new Wire(connection), folder);
    const at = (port: number) => `tcp://127.0.0.1:${port}`;
    kernel.shell.connect(at(shell_port));
    kernel.control.connect(at(control_port));
    kernel.iopub.connect(at(iopub_port));
    kernel.iopub.subscribe();
    void kernel.listen();
    // A subscription takes a moment: ask until an answer's status arrives as well.
    await until(() => {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error('the kernel ended before it answered');
      const id = kernel.send('kernel_info_request', {});
      return [...kernel.published.keys()].some((known) => known !== id && kernel.replies.has(known));
    }, 'the kernel to start');
    return kernel;
  }

  private async listen(): Promise<void> {
    const read = async (
      socket: zmq.Dealer | zmq.Subscriber,
      take: (id: string, type: string, content: Content) => void,
    ) => {
      for await (const frames of socket) {
        const message = this.wire.decode(frames);
        if (message) take(message.parent.msg_id ?? '', message.header.msg_type, message.content);
      }
    };
    const keepReply = (id: string, _type: string, content: Content) => void this.replies.set(id, content);
    const keepPublished = (id: string, type: string, content: Content) => {
      if (!this.published.has(id)) this.published.set(id, []);
      this.published.get(id)!.push({ type, content });
    };
    await Promise.all([read(this.shell, keepReply), read(this.control, keepReply), read(this.iopub, keepPublished)]);
  }

  /** Sends a request; returns its id. */
  send(type: string, content: Content, socket: 'shell' | 'control' = 'shell'): string {
    const frames = this.wire.encode([], type, content);
    const header = { ...JSON.parse(String(frames[2])), session: this.session, username: 'test' };
    frames[2] = Buffer.from(JSON.stringify(header));
    frames[1] = this.wire.sign(frames.slice(2));
    void this[socket].send(frames);
    return header.msg_id;
  }

  /** Sends frames as they are, whatever they hold. */
  sendFrames(frames: readonly (string | Buffer)[], socket: 'shell' | 'control'): Promise<void> {
    return this[socket].send([...frames]);
  }

  async ask(type: string, content: Content, socket: 'shell' | 'control' = 'shell', seconds?: number): Promise<Content> {
    const id = this.send(type, content, socket);
    return until(() => this.replies.get(id), `the answer to ${type}`, seconds);
  }

  submit(code: string, options: Content = {}): string {
    return this.send('execute_request', { code, silent: false, store_history: true, stop_on_error: true, ...options });
  }

  /** What has been published for a request so far. */
  publishedFor(id: string): Published[] {
    return this.published.get(id) ?? [];
  }

  async result(id: string): Promise<CellResult> {
    const isIdle = (m: Published) => m.type === 'status' && m.content.execution_state === 'idle';
    const reply = await until(() => this.publishedFor(id).some(isIdle) && this.replies.get(id), 'a cell to finish');
    const published = this.publishedFor(id).filter((m) => m.type !== 'status');
    const stream = (name: string) =>
      published
        .filter((m) => m.type === 'stream' && m.content.name === name)
        .map((m) => m.content.text)
        .join('');
    const data = published.find((m) => m.type === 'execute_result')?.content.data;
    const error = published.find((m) => m.type === 'error')?.content;
    return {
      id,
      reply,
      published,
      stdout: stream('stdout'),
      stderr: stream('stderr'),
      data,
      text: data?.['text/plain'],
      error: error && { ename: error.ename, evalue: error.evalue, traceback: plain(error.traceback.join('\n')) },
    };
  }

  /** Runs a cell to its end. */
  run(code: string, options?: Content): Promise<CellResult> {
    return this.result(this.submit(code, options));
  }

  /** Runs a cell that has to succeed; returns its last expression as text. */
  async value(code: string): Promise<string | undefined> {
    const { error, text } = await this.run(code);
    if (error) throw new Error(`${code}\n${error.traceback}`);
    return text;
  }

  /** Starts a cell and comes back when it has printed `started`. */
  async begin(code: string): Promise<string> {
    const id = this.submit(code);
    const isStarted = (m: Published) => m.type === 'stream' && m.content.text.includes('started');
    await until(() => this.publishedFor(id).some(isStarted), 'a cell to start');
    return id;
  }

  interrupt(how: 'message' | 'signal'): void {
    if (how === 'signal') this.process.kill('SIGINT');
    else this.send('interrupt_request', {}, 'control');
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      this.send('shutdown_request', { restart: false }, 'control');
      const slow = setTimeout(() => this.process.kill('SIGKILL'), 10_000);
      await this.exited;
      clearTimeout(slow);
    }
    for (const socket of [this.shell, this.control, this.iopub]) socket.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
