/** JupyterLite's file browser reads lists instead of asking a server: one all.json for each folder. */
import fs from 'node:fs';
import path from 'node:path';

const TYPES = { '.json': 'application/json', '.png': 'image/png', '.jpg': 'image/jpeg', '.bin': 'application/octet-stream' }; // prettier-ignore

function entryOf(files, name) {
  const stat = fs.statSync(path.join(files, name));
  const time = new Date(Math.floor(stat.mtimeMs / 1000) * 1000).toISOString();
  const isFolder = stat.isDirectory();
  return {
    name: path.posix.basename(name),
    path: name,
    created: time,
    last_modified: time,
    writable: true,
    content: null,
    format: null,
    mimetype: TYPES[path.extname(name)] ?? null,
    size: isFolder ? null : stat.size,
    type: isFolder ? 'directory' : name.endsWith('.ipynb') ? 'notebook' : 'file',
  };
}

/** @param {string} files what the reader sees @param {string} lists where the lists go */
export function writeContents(files, lists, folder = '') {
  const names = fs.readdirSync(path.join(files, folder)).sort().map((name) => path.posix.join(folder, name)); // prettier-ignore
  const list = { ...entryOf(files, folder || '.'), name: path.posix.basename(folder), path: folder, format: 'json', content: names.map((name) => entryOf(files, name)) }; // prettier-ignore
  fs.mkdirSync(path.join(lists, folder), { recursive: true });
  fs.writeFileSync(path.join(lists, folder, 'all.json'), JSON.stringify(list));
  for (const name of names) if (fs.statSync(path.join(files, name)).isDirectory()) writeContents(files, lists, name);
}
