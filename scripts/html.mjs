/** npm run html: notebooks with their outputs as one HTML file each, which asks nothing from a network. */
import path from 'node:path';
import { chosenNotebooks, exportHtml } from './html/export.mjs';
import { notebookFiles } from './notebooks/execute.mjs';
import { bootstrap } from './setup/bootstrap.mjs';
import { readWords } from './setup/options.mjs';
import { inRoot } from './setup/paths.mjs';
import { megabytes, Report, SetupError } from './setup/report.mjs';

const USAGE = `npm run html -- [笔记本…] [--out 文件夹或 文件.html]
  笔记本是章的编号或名字的一部分，或者自己的 .ipynb 文件；不写就是全部十章。缺省写进 dist/html。`;

const SWITCHES = { out: { type: 'string' }, help: { type: 'boolean' } };

/** The file that a notebook becomes: `--out` names a folder, or the file itself where there is one notebook. */
function targetOf(notebook, out, alone) {
  if (!out?.endsWith('.html')) return path.join(out ?? inRoot('dist', 'html'), `${path.basename(notebook, '.ipynb')}.html`); // prettier-ignore
  if (alone) return out;
  throw new SetupError(`--out ${out} 是一个文件，笔记本却有好几本：请给一个文件夹`, `--out ${out}: more than one notebook needs a folder`); // prettier-ignore
}

const report = new Report();
try {
  const { values, positionals } = readWords(process.argv.slice(2), SWITCHES, { usage: USAGE });
  if (values.help) {
    console.log(USAGE);
  } else {
    await bootstrap(report, { noNative: true, weights: false });
    // npm changes to the project's folder and says in INIT_CWD where the user was
    const from = process.env.INIT_CWD ?? process.cwd();
    const notebooks = chosenNotebooks(positionals, notebookFiles(), from);
    const out = values.out && path.resolve(from, values.out);
    const plan = notebooks.map((notebook) => [notebook, targetOf(notebook, out, notebooks.length === 1)]);
    for (const [notebook, target] of plan) {
      const bytes = await exportHtml(notebook, target);
      const size = `${path.relative(from, target)}：${megabytes(bytes)} MB，不联网也能看`;
      report.say(size, size);
    }
  }
} catch (error) {
  report.error(error);
  process.exitCode = 1;
}
