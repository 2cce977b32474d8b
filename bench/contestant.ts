import { type ChildProcess, spawn } from 'node:child_process';
import * as readline from 'node:readline';

/** One long-lived process of a comparison: a line of JSON in, a line of JSON out. */
export class Contestant<Answer> {
  private readonly child: ChildProcess;
  private readonly answers: AsyncIterator<string>;

  constructor(command: string, args: string[], env: NodeJS.ProcessEnv = {}) {
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...env } });
    this.answers = readline.createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
  }

  async run(request: object): Promise<Answer> {
    this.child.stdin!.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.answers.next();
    if (done) throw new Error(`${this.child.spawnargs.join(' ')} ended`);
    return JSON.parse(value) as Answer;
  }

  stop(): void {
    this.child.stdin!.end();
  }

  /** Does not wait for an answer under way. */
  kill(): void {
    this.child.kill('SIGKILL');
  }
}
