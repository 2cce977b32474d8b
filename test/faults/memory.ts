/** Chapters in kernels with little memory: do they end, and if not, where? */
import { Kernel } from '../kernel/client';
import { runChapter } from './chapters';
import { littleMemory } from './confinement';

export const CHAPTERS = ['00', '01', '04', '05'] as const;

export interface MemoryFigures {
  cases: number;
  /** By chapter: 运行完毕, or the cell at which the kernel was ended. */
  kinds: Record<string, string>;
  /** MB that the chapter took at most, the system's cache of files included. */
  peakMB: Record<string, number>;
  faults: string[];
  memory: [number, number][];
}

/** Chapters one after the other, each in a new kernel that may have `mb` MB. */
export async function attackMemory(
  mb: number,
  onCase: (index: number) => void = () => undefined,
  chapters: readonly string[] = CHAPTERS,
): Promise<MemoryFigures> {
  const figures: MemoryFigures = { cases: 0, kinds: {}, peakMB: {}, faults: [], memory: [] };
  for (const chapter of chapters) {
    onCase(figures.cases);
    const place = littleMemory(mb * 2 ** 20);
    if (!place) throw new Error('cgroups cannot be made here');
    let outcome: string | undefined;
    try {
      const kernel = await Kernel.start({ through: place.through });
      try {
        outcome = await runChapter(kernel, chapter, () => onCase(figures.cases));
        if (!outcome) figures.memory.push([Number(chapter), await residentMB(kernel)]);
      } finally {
        await kernel.stop();
      }
    } catch (error) {
      outcome = `内核没有启动：${(error as Error).message}`;
    }
    figures.kinds[`第 ${chapter} 章，${mb} MB`] = outcome ?? '运行完毕';
    figures.peakMB[chapter] = Math.round(place.peak() / 2 ** 20);
    // what was killed is a result; anything else that goes wrong is a fault
    if (outcome && place.killed() === 0) figures.faults.push(outcome);
    figures.cases++;
    place.close();
  }
  return figures;
}

const residentMB = async (kernel: Kernel) => Number(await kernel.value('Math.round(process.memoryUsage.rss() / 2 ** 20)')); // prettier-ignore
