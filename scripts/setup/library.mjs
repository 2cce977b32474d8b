/** The library, compiled and checked once for all kernels (kernel/compile/prepare.cjs), before anybody waits for it. */
import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { isAlive } from './lock.mjs';
import { cacheFolder, inRoot, readJson, root, writeJson } from './paths.mjs';

const record = () => cacheFolder('kernel', 'prepared.json');

/** Changes with every file of the library, with TypeScript and when the project is moved. */
function keyOf() {
  const { version } = readJson(inRoot('node_modules', 'typescript', 'package.json'));
  const sum = createHash('sha1').update(`${root} ${version}\0`);
  for (const folder of ['lib', 'kernel/compile'])
    for (const name of fs.readdirSync(inRoot(folder), { recursive: true }).sort()) {
      const stat = fs.statSync(inRoot(folder, name));
      if (stat.isFile()) sum.update(`${folder}/${name} ${stat.mtimeMs} ${stat.size}\0`);
    }
  return sum.digest('hex');
}

/** What kernels were writing when they were killed: the draft's name ends in the number of its process. */
function clearDrafts() {
  const folder = cacheFolder('kernel');
  for (const name of fs.existsSync(folder) ? fs.readdirSync(folder) : []) {
    const [, pid] = /\.json\.(\d+)$/.exec(name) ?? [];
    if (pid && !isAlive(Number(pid))) fs.rmSync(path.join(folder, name), { force: true });
  }
}

/** Does nothing where it is done. A library with an error is no failure of set-up: the cell that imports it tells. */
export async function prepareLibrary() {
  const key = keyOf();
  if (readJson(record())?.key === key) return;
  clearDrafts();
  const script = inRoot('kernel', 'compile', 'prepare.cjs');
  await new Promise((resolve) => {
    execFile(process.execPath, [script], { cwd: inRoot('notebooks') }, (error) => {
      if (!error) writeJson(record(), { key });
      resolve(undefined);
    });
  });
}
