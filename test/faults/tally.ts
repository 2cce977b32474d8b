/** Counts what became of every case, and watches time and memory. */
import { tf } from '../../lib/tf/backend';
import { CourseError } from '../../lib/base/errors';

export interface Figures {
  cases: number;
  /** Refused with a CourseError in Chinese. */
  refused: number;
  /** Read, with a result of the right form. */
  accepted: number;
  /** By kind of damage: [refused, accepted]. */
  kinds: Record<string, [number, number]>;
  /** Anything else: the bugs. */
  faults: string[];
  /** Processor time of the longest case. */
  slowestMs: number;
  /** Case number and memory of the process, about twenty times. */
  memory: [index: number, rssMB: number][];
  /** Tensors that were not there before. */
  tensors: number;
}

export interface Campaign {
  readonly first: number;
  readonly count: number;
  readonly seed: number;
  /** Told before each case; who never hears of the next one knows where it hangs. */
  readonly onCase?: (index: number) => void;
}

/** No case may take more of the processor; the clock on the wall also counts a machine that was busy or asleep. */
export const LIMIT_MS = 20_000;

/** One case: what was done to the file, and `read`, which throws or throws not. */
export type Case = { readonly kind: string; readonly read: () => unknown };

const clear = (error: unknown) => error instanceof CourseError && /[\u4e00-\u9fff]/.test(error.message);

/** Runs the cases one after the other. */
export async function tally({ first, count, onCase }: Campaign, make: (index: number) => Case): Promise<Figures> {
  const figures: Figures = { cases: 0, refused: 0, accepted: 0, kinds: {}, faults: [], slowestMs: 0, memory: [], tensors: 0 }; // prettier-ignore
  const before = tf.memory().numTensors;
  const every = Math.max(1, Math.floor(count / 20));
  for (let index = first; index < first + count; index++) {
    onCase?.(index);
    const { kind, read } = make(index);
    const counts = (figures.kinds[kind] ??= [0, 0]);
    const start = process.cpuUsage();
    try {
      await read();
      counts[1]++;
      figures.accepted++;
    } catch (error) {
      if (clear(error)) {
        counts[0]++;
        figures.refused++;
      } else figures.faults.push(`${index} ${kind}: ${(error as Error)?.stack ?? error}`);
    }
    const { user, system } = process.cpuUsage(start);
    const ms = (user + system) / 1000;
    figures.slowestMs = Math.max(figures.slowestMs, ms);
    if (ms > LIMIT_MS) figures.faults.push(`${index} ${kind}: ${Math.round(ms / 1000)} s of processor time`);
    figures.cases++;
    if (figures.cases % every === 0) figures.memory.push([index, Math.round(process.memoryUsage.rss() / 2 ** 20)]);
  }
  figures.tensors = tf.memory().numTensors - before;
  return figures;
}

/** From the first fifth, when everything is loaded, to the last: the largest of each. */
export function growthMB(memory: readonly [number, number][]): number {
  const fifth = Math.ceil(memory.length / 5);
  const largest = (part: readonly [number, number][]) => Math.max(...part.map(([, rss]) => rss));
  return largest(memory.slice(-fifth)) - largest(memory.slice(0, fifth));
}
