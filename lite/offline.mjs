/** What makes the lab run without a network, and with threads: a service worker, the script that starts it, a page that stores all. */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { inRoot } from '../scripts/setup/paths.mjs';

/** JupyterLite brings files that no page ever asks for. */
const UNUSED = [/^rspack\.config/, /^jupyterlite\.schema/, /^doc\//];
/** JupyterLite's page, and the first thing in it that loads something. */
const PAGE = 'lab/index.html';
const FIRST = '<link rel="manifest"';

function filesIn(folder) {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      path
        .relative(folder, path.join(entry.parentPath ?? entry.path, entry.name))
        .split(path.sep)
        .join('/'),
    )
    .sort();
}

/** A door before everything that the page loads. */
function addDoor(target) {
  const file = path.join(target, PAGE);
  const html = fs.readFileSync(file, 'utf8');
  if (!html.includes(FIRST)) throw new Error(`${PAGE} of JupyterLite looks different: no ${FIRST}`);
  fs.writeFileSync(file, html.replace(FIRST, `<script src="../door.js"></script>\n    ${FIRST}`));
}

/** @param {string} target the lab's folder, with everything else in it */
export function makeOffline(target) {
  const page = (name) => fs.readFileSync(inRoot('lite', 'page', name));
  for (const name of UNUSED.flatMap((rule) => filesIn(target).filter((file) => rule.test(file)))) fs.rmSync(path.join(target, name)); // prettier-ignore
  addDoor(target);
  for (const name of ['door.js', 'offline.html', 'offline.js']) fs.writeFileSync(path.join(target, name), page(name));
  // in place of JupyterLite's own, which serves kernels of another kind
  fs.rmSync(path.join(target, 'service-worker.js'), { force: true });
  const version = crypto.createHash('sha256');
  /** @type {[string, number][]} */
  const files = filesIn(target).map((name) => {
    const bytes = fs.readFileSync(path.join(target, name));
    version.update(`${name} ${bytes.length} `).update(bytes);
    return [name, bytes.length];
  });
  const bytes = files.reduce((sum, [, size]) => sum + size, 0);
  fs.writeFileSync(path.join(target, 'offline.json'), JSON.stringify({ bytes, files }));
  const code = `const VERSION = '${version.digest('hex').slice(0, 16)}';\n${page('service-worker.js')}`;
  fs.writeFileSync(path.join(target, 'service-worker.js'), code);
}
