/** Worker processes on this machine; a shard whose worker dies is tried again, a photo that kills workers is found. */
import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import * as readline from 'node:readline';
import { CourseError } from '../lib/base/errors';
import { mergePartials, readPartial, writePartial } from './partial';
import type { Listed } from './walk';
import type { Answer, Settings } from './worker';

/** One death may be the memory of a moment, three in a row are the work of a photo in this shard. */
const TRIES = 3;
/** Growth after which a worker is replaced: the AVIF decoder keeps the memory of every picture that it fails on. */
const RETIRE_BYTES = 2 ** 30;
export class WorkerDied extends Error {}

type Ready = NonNullable<Answer['ready']>;
type Done = NonNullable<Answer['done']>;

/** One thread of computing per process: several processes use the cores better than one with several threads. */
const ENVIRONMENT = { TF_NUM_INTRAOP_THREADS: '1', TF_NUM_INTEROP_THREADS: '1' };

/** A worker process that is started when it is needed, and anew when it has died. */
export class Worker {
  private child?: ChildProcess;
  private ready?: Promise<Ready>;
  private listen: (answer: Answer | WorkerDied) => void = () => {};
  /** Memory after the first shard of the process. */
  private usual?: number;

  constructor(
    private readonly settings: Settings,
    private readonly onBatch: (photos: number) => void,
    private readonly retireBytes = RETIRE_BYTES,
  ) {}

  private start(): Promise<Ready> {
    const program = [...process.execArgv, path.join(__dirname, 'worker.ts'), JSON.stringify(this.settings)];
    const env = { ...ENVIRONMENT, ...process.env };
    const child = spawn(process.execPath, program, { stdio: ['pipe', 'pipe', 'pipe'], env, windowsHide: true });
    this.child = child;
    let complaint = '';
    // the last words of a process: an error and where it was, which is what bad.csv has room for
    child.stderr.setEncoding('utf8').on('data', (text) => (complaint = (complaint + text).slice(-600)));
    child.stdin.on('error', () => {}); // it has died: the exit says so
    readline.createInterface({ input: child.stdout }).on('line', (line) => this.listen(JSON.parse(line) as Answer));
    return new Promise((resolve, reject) => {
      this.listen = ({ ready, failed }: Answer & { name?: string }) => {
        if (ready) resolve(ready);
        else reject(new CourseError(failed ?? '工作进程没有启动'));
      };
      child.on('close', (code, signal) => {
        const isCurrent = this.child === child;
        if (isCurrent) this.child = this.ready = this.usual = undefined;
        const died = new WorkerDied(`工作进程结束了（${signal ?? code}）${complaint && `：${complaint.trim()}`}`);
        reject(died);
        if (isCurrent) this.listen(died);
      });
    });
  }

  get isRunning(): boolean {
    return this.child !== undefined;
  }

  /** Starts the process if there is none. */
  async engine(): Promise<Ready> {
    return (this.ready ??= this.start());
  }

  async scan(id: number, listed: readonly Listed[], file: string): Promise<Done> {
    await this.engine();
    return new Promise((resolve, reject) => {
      this.listen = (answer) => {
        if (answer instanceof WorkerDied) reject(answer);
        else if (answer.done) {
          this.retireWhenLarge(answer.done.rss);
          resolve(answer.done);
        } else if (answer.failed) reject(new CourseError(answer.failed));
        else if (answer.photos) this.onBatch(answer.photos);
      };
      this.child?.stdin?.write(`${JSON.stringify({ id, listed, file })}\n`);
    });
  }

  /** Between two shards nothing is lost: the next one starts a new process. */
  private retireWhenLarge(rss: number): void {
    this.usual ??= rss;
    if (rss - this.usual < this.retireBytes) return;
    this.end();
    this.child = this.ready = this.usual = undefined;
  }

  end(): void {
    this.child?.stdin?.end();
  }
}

/**
 * One shard, whatever happens to its worker. When it dies again and again, the shard is halved: partial results add
 * up, and a dozen halvings lead to the one file at fault.
 */
export async function scanSafely(
  worker: Pick<Worker, 'scan' | 'engine'>,
  settings: Settings,
  { id, listed, file }: { id: number; listed: readonly Listed[]; file: string },
  tries = TRIES,
): Promise<Done | undefined> {
  let reason = '';
  for (let t = 0; t < tries; t++) {
    try {
      return await worker.scan(id, listed, file);
    } catch (error) {
      if (!(error instanceof WorkerDied)) throw error;
      reason = error.message;
    }
  }
  const { work, top } = settings;
  if (listed.length === 1) {
    const { geometry, engine } = await worker.engine();
    const nothing = Array.from({ length: geometry.shape[2] }, () => []);
    const seen = [{ file: listed[0].file, reason: `处理它时进程崩溃：${reason}` }];
    writePartial(file, work, { seen, features: new Float32Array(0), top: nothing, geometry, engine });
    return undefined;
  }
  const middle = Math.ceil(listed.length / 2);
  const halves = [listed.slice(0, middle), listed.slice(middle)].map((half, i) => ({ half, name: `${file}.${i}` }));
  for (const { half, name } of halves) await scanSafely(worker, settings, { id, listed: half, file: name }, 1);
  const [a, b] = halves.map(({ name }) => readPartial(name));
  writePartial(file, work, mergePartials(a, b, top));
  for (const { name } of halves) fs.rmSync(name);
  return undefined;
}
