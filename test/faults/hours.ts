/**
 * Hours of cells in one kernel: chapters over and over, as a reader who runs cells again, with small cells in between.
 * Memory of the process and the number of tensors after every cell's own work.
 */
import { Kernel } from '../kernel/client';
import { cellsOf, runCell } from './chapters';
import { CHAPTERS } from './memory';
import type { Campaign } from './tally';

/** A reader runs a cell a minute, by and large. */
export const CELLS_AN_HOUR = 60;

/** Small cells after each one of a chapter: what one types to look at something. */
const SMALL = [
  'const 数 = Array.from({ length: 1000 }, (_, i) => Math.sqrt(i));\n数.reduce((a, b) => a + b)',
  'function 平方(x: number) { return x * x; }\n平方(7)',
  'for (let i = 0; i < 50; i++) console.log(`第 ${i} 行`);',
  'null.x',
];

export interface HourFigures {
  cases: number;
  /** Cells of each kind. */
  kinds: Record<string, number>;
  /** Number of cells, MB; once a round of the chapters. */
  memory: [index: number, rssMB: number][];
  /** Tensors alive, and MB of the V8 heap, at the same moments. */
  tensors: number[];
  heapMB: number[];
  faults: string[];
}

const LOOK = `import { tf as 张量库 } from '../lib/tf/backend';
[process.memoryUsage.rss(), process.memoryUsage().heapUsed, 张量库.memory().numTensors].join(' ')`;

/** `count` cells of the chapters, and as many small ones of each kind. */
export async function attackByHours(
  { count, onCase }: Campaign,
  chapters: readonly string[] = CHAPTERS,
): Promise<HourFigures> {
  const cells = chapters.flatMap((chapter) => cellsOf(chapter).map((code) => ({ chapter, code })));
  const figures: HourFigures = { cases: 0, kinds: {}, memory: [], tensors: [], heapMB: [], faults: [] };
  const kernel = await Kernel.start();
  const run = async (kind: string, code: string, mayFail = false) => {
    const result = await runCell(kernel, code);
    figures.kinds[kind] = (figures.kinds[kind] ?? 0) + 1;
    if (!result) throw new Error('内核结束了');
    if (result.error && !mayFail) figures.faults.push(`${figures.cases} ${kind}：${result.error.traceback}`);
    return result;
  };
  const look = async () => {
    const { text = '' } = await run('查看内存', LOOK);
    const [rss, heap, tensors] = text.replaceAll("'", '').split(' ').map(Number);
    figures.memory.push([figures.cases, Math.round(rss / 2 ** 20)]);
    figures.heapMB.push(Math.round(heap / 2 ** 20));
    figures.tensors.push(tensors);
  };
  try {
    while (figures.cases < count) {
      const { chapter, code } = cells[figures.cases % cells.length];
      await run(`第 ${chapter} 章`, code);
      for (const small of SMALL) await run('小单元格', small, small === SMALL.at(-1));
      figures.cases++;
      onCase?.(figures.cases);
      if (figures.cases % cells.length === 0 || figures.cases === count) await look();
    }
  } catch (error) {
    figures.faults.push(`${figures.cases}：${(error as Error).message}`);
  } finally {
    await kernel.stop();
  }
  return figures;
}
