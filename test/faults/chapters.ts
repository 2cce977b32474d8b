/** The code cells of the chapters, and a kernel that runs them as a reader does. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { projectRoot } from '../../lib/base/paths';
import type { CellResult, Kernel } from '../kernel/client';

const folder = () => path.join(projectRoot(), 'notebooks');

/** 'notebooks/00-overview.ipynb' for '00'. */
function fileOf(chapter: string): string {
  const name = fs.readdirSync(folder()).find((file) => file.startsWith(`${chapter}-`) && file.endsWith('.ipynb'));
  if (!name) throw new Error(`no chapter ${chapter}`);
  return path.join(folder(), name);
}

interface Cell {
  readonly cell_type: string;
  readonly source: string | string[];
}

/** The code cells of a chapter, from its first to its last. */
export function cellsOf(chapter: string): string[] {
  const { cells } = JSON.parse(fs.readFileSync(fileOf(chapter), 'utf8')) as { cells: Cell[] };
  return cells
    .filter(({ cell_type }) => cell_type === 'code')
    .map(({ source }) => [source].flat().join(''))
    .filter((source) => source.trim() !== '');
}

/** Runs one cell; undefined when the kernel died of it. */
export function runCell(kernel: Kernel, code: string): Promise<CellResult | undefined> {
  return Promise.race([kernel.run(code), kernel.exited.then(() => undefined)]);
}

/** Runs a chapter; what went wrong first, or undefined. `onCell` hears of every cell that is done. */
export async function runChapter(
  kernel: Kernel,
  chapter: string,
  onCell: (index: number) => void = () => undefined,
): Promise<string | undefined> {
  for (const [index, code] of cellsOf(chapter).entries()) {
    const result = await runCell(kernel, code);
    if (!result)
      return `第 ${chapter} 章的单元格 ${index + 1}：内核结束了（${kernel.process.signalCode ?? kernel.process.exitCode}）`;
    if (result.error) return `第 ${chapter} 章的单元格 ${index + 1}：${result.error.traceback}`;
    onCell(index);
  }
  return undefined;
}
