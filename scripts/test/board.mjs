/** Keeps the score of the whole run and prints it; the last line is for machines: `N passed, N failed, N skipped`. */
import { duration } from '../setup/report.mjs';

/**
 * What one file, notebook or check has come to.
 * @typedef {object} Result
 * @property {string} name
 * @property {number} [passed]
 * @property {number} [failed]
 * @property {number} [skipped]
 * @property {{ name: string, reason: string }[]} [skips]
 * @property {string} [reason]
 * @property {string} [output]
 */

/** One check with its complaints, for `Board.add`; none means passed. */
export const verdict = (name, faults) => ({
  name,
  passed: faults.length === 0 ? 1 : 0,
  failed: faults.length === 0 ? 0 : 1,
  output: faults.join('\n'),
});

/** How many of the slowest tests are named at the end: what to look at when a run gets long. */
const SLOWEST = 10;

export class Board {
  passed = 0;
  failed = 0;
  skipped = 0;
  #failures = [];
  #skips = [];
  #stages = [];
  #times = [];

  /** @param {(line: string) => void} [print] */
  constructor(print = (line) => process.stdout.write(`${line}\n`)) {
    this.print = print;
  }

  async stage(name, work) {
    this.print(`\n== ${name}`);
    const start = Date.now();
    await work();
    this.#stages.push([name, Date.now() - start]);
  }

  /**
   * @param {Result} result
   * @param {number} [ms] how long it took
   */
  add({ name, passed = 0, failed = 0, skipped = 0, skips = [], reason, output = '' }, ms) {
    this.passed += passed;
    this.failed += failed;
    this.skipped += skipped;
    const counts = [passed && `${passed} passed`, failed && `${failed} FAILED`, skipped && `${skipped} skipped`];
    const time = ms === undefined ? '' : `  (${duration(ms)})`;
    this.print(`${failed ? '✗' : passed ? '✓' : '-'} ${name}: ${counts.filter(Boolean).join(', ')}${time}`);
    for (const skip of skips) this.#skips.push(`${name}: ${skip.name}: ${skip.reason}`);
    if (!failed) return;
    this.#failures.push(reason ? `${name}: ${reason}` : name);
    if (reason) this.print(`  ${reason}`);
    if (output.trim()) this.print(output.trimEnd().replace(/^/gm, '  | '));
  }

  skip(name, reason) {
    this.add({ name, skipped: 1, skips: [{ name: 'all', reason }] });
  }

  async timed(work) {
    const start = Date.now();
    const result = await work();
    const ms = Date.now() - start;
    this.#times.push([result.name, ms]);
    this.add(result, ms);
  }

  finish() {
    this.print('\n== minutes per stage');
    for (const [name, ms] of this.#stages) this.print(`${(ms / 60_000).toFixed(1).padStart(6)}  ${name}`);
    const slowest = this.#times.sort(([, a], [, b]) => b - a).slice(0, SLOWEST);
    if (slowest.length > 0) this.print(`\n== the slowest ${slowest.length}`);
    for (const [name, ms] of slowest) this.print(`${duration(ms).padStart(9)}  ${name}`);
    if (this.#skips.length > 0) this.print('\n== skipped');
    for (const line of this.#skips) this.print(`  ${line}`);
    if (this.#failures.length > 0) this.print('\n== failed');
    for (const line of this.#failures) this.print(`  ${line}`);
    this.print(`\n${this.passed} passed, ${this.failed} failed, ${this.skipped} skipped`);
    return this.failed === 0 ? 0 : 1;
  }
}
