/** Writes the copies so that they run where they lie. */
import fs from 'node:fs';
import path from 'node:path';
import { inRoot, readJson, writeWhole } from '../setup/paths.mjs';
import { handoutOf } from './audience.mjs';

const slashes = (file) => file.replaceAll('\\', '/');

/**
 * Cells import '../lib/index'. A copy keeps this line, so that it also works when it replaces a file in notebooks/;
 * beside the copies' folder lies a library of one line which hands on the real one.
 */
function writeLibrary(folder) {
  const real = slashes(path.relative(folder, inRoot('lib', 'index')));
  writeWhole(path.join(folder, 'index.ts'), `export * from '${real}';\n`);
}

/** What was handed out before is replaced: a chapter that is gone must not stay behind. */
function removeNotebooks(folder) {
  for (const name of fs.existsSync(folder) ? fs.readdirSync(folder) : []) {
    if (name.endsWith('.ipynb')) fs.rmSync(path.join(folder, name));
  }
}

/** Writes the copies of `files` for one audience to `folder`, which lies inside the project; gives their paths. */
export function writeHandout(files, audience, folder) {
  const copies = files.map((file) => {
    const notebook = readJson(file);
    if (!notebook) throw new Error(`读不了笔记本 ${file}：不是完整的 JSON。请先用 git checkout 取回它。`);
    return { name: path.basename(file), notebook };
  });
  removeNotebooks(folder);
  writeLibrary(path.join(folder, '..', 'lib'));
  const up = `${slashes(path.relative(folder, inRoot()))}/`;
  return copies.map(({ name, notebook }) => {
    const file = path.join(folder, name);
    writeWhole(file, `${JSON.stringify(handoutOf(notebook, audience, { up }), null, 1)}\n`);
    return file;
  });
}
