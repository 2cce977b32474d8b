/** A notebook as one HTML file, by nbconvert with the template that set-up has installed. */
import fs from 'node:fs';
import path from 'node:path';
import { venvProgram } from '../setup/paths.mjs';
import { SetupError } from '../setup/report.mjs';
import { run } from '../setup/run.mjs';
import { jupyterEnvironment } from '../start/jupyter.mjs';

/** `words` are parts of chapters' names (none: all chapters), or notebooks of the reader's own as seen from `from`. */
export function chosenNotebooks(words, chapters, from) {
  if (words.length === 0) return chapters;
  return words.flatMap((word) => {
    const own = path.resolve(from, word);
    if (word.endsWith('.ipynb') && fs.existsSync(own)) return [own];
    const found = chapters.filter((file) => path.basename(file).includes(word));
    if (found.length > 0) return found;
    const names = chapters.map((file) => path.basename(file, '.ipynb')).join('、');
    throw new SetupError(
      `没有名字里有“${word}”的笔记本，也没有这个文件；可选：${names}`,
      `no notebook is called "${word}", and there is no such file; there are ${names}`,
    );
  });
}

/** Writes `target`; returns its size in bytes. */
export async function exportHtml(notebook, target) {
  fs.mkdirSync(path.dirname(target), { recursive: true });
  // a name with a dot in it keeps its own end only when the whole end is cut off here
  const name = path.basename(target, '.html');
  const words = ['--to', 'html', '--output-dir', path.dirname(target), '--output', name, notebook];
  await run(venvProgram('python'), ['-m', 'nbconvert', '--log-level=WARN', ...words], { env: jupyterEnvironment() });
  return fs.statSync(target).size;
}
