/** One line that says how far we are: replaced on a terminal, every ten seconds elsewhere. */
import { duration } from '../lib/show/progress';

/** In a log file a line every ten seconds is enough: hours of work stay a few hundred lines. */
const EVERY_MS = 10_000;

export class Progress {
  private done: number;
  private printed = 0;
  private readonly start = Date.now();
  private readonly terminal = process.stderr.isTTY;

  /** `before`: finished by an earlier start; they say nothing about today's speed. */
  constructor(
    private readonly total: number,
    private readonly before: number,
  ) {
    this.done = before;
  }

  add(photos: number): void {
    // a shard that is tried again counts twice on the way, but not beyond the end
    this.done = Math.min(this.total, this.done + photos);
    if (!this.terminal && Date.now() - this.printed < EVERY_MS) return;
    this.printed = Date.now();
    process.stderr.write(this.terminal ? `\r\x1b[K${this.line()}` : `${this.line()}\n`);
  }

  private line(): string {
    const rate = (this.done - this.before) / Math.max(0.001, (Date.now() - this.start) / 1000);
    const left = duration((this.total - this.done) / Math.max(rate, 1e-9));
    return `${this.done} / ${this.total} 张（${Math.floor((100 * this.done) / this.total)}%），每秒 ${rate.toFixed(1)} 张，还需 ${left}`;
  }

  end(): void {
    if (this.terminal) process.stderr.write('\r\x1b[K');
  }
}
