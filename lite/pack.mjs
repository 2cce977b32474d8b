/** The files that the kernel in the page has from the start, in one: the library, the types, what was found out about them. */
import fs from 'node:fs';
import path from 'node:path';
import vm from 'node:vm';
import zlib from 'node:zlib';
import { execFileSync } from 'node:child_process';
import { inRoot, root } from '../scripts/setup/paths.mjs';
import { bundle } from './bundle.mjs';

const relative = (file) => path.relative(root, file).split(path.sep).join('/');

/** Every file that TypeScript reads for a cell which imports the library and a few modules of Node. */
const LIST = `
const { Compiler } = require(process.argv[1]);
const compiler = new Compiler();
const { problems } = compiler.compile("import * as course from '../lib/index'; import * as os from 'os'; import * as path from 'path'; import * as fs from 'fs';");
if (problems.length > 0) throw new Error(JSON.stringify(problems));
console.log(JSON.stringify(compiler.service.program.getSourceFiles().map(({ fileName }) => fileName)));
`;

function sourceFiles() {
  const compiler = inRoot('kernel', 'compile', 'compiler.cjs');
  const out = execFileSync(process.execPath, ['-e', LIST, compiler], { cwd: inRoot('notebooks'), maxBuffer: 1e8 });
  return JSON.parse(String(out)).filter((file) => fs.existsSync(file));
}

/** The package.json of a package says where its types lie. */
function packageFile(file) {
  for (let folder = path.dirname(file); folder !== root; folder = path.dirname(folder))
    if (fs.existsSync(path.join(folder, 'package.json'))) return path.join(folder, 'package.json');
  return undefined;
}

function* filesIn(folder, keep) {
  for (const entry of fs.readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath ?? entry.path, entry.name);
    if (entry.isFile() && keep(file)) yield file;
  }
}

/** Modules of the library that have a twin for the browser: lite/lib/x stands for lib/x. */
const twinOf = (name) => inRoot('lite', name);

/** @returns {[string, Buffer][]} */
function gather() {
  const seen = sourceFiles().filter((file) => !/__cell\d+__|__globals__/.test(file));
  const typescript = inRoot('node_modules', 'typescript', 'lib');
  const wanted = new Set([
    ...seen,
    ...seen.map(packageFile).filter(Boolean),
    ...filesIn(inRoot('lib'), (file) => file.endsWith('.ts')),
    ...filesIn(typescript, (file) => /[\\/]lib\.(es|decorators)[\w.]*\.d\.ts$/.test(file)),
    path.join(typescript, 'zh-cn', 'diagnosticMessages.generated.json'),
    ...filesIn(inRoot('data'), (file) => /\.json$/.test(file)),
    inRoot('package.json'),
  ]);
  return [...wanted].map((file) => {
    const name = relative(file);
    const twin = name.startsWith('lib/') && fs.existsSync(twinOf(name)) ? twinOf(name) : file;
    return [name, fs.readFileSync(twin)];
  });
}

/** Runs `warm.cjs` over the files, in a world that has what a page has. */
async function warmed(files) {
  const code = await bundle('warm.cjs', { minify: false });
  const { console, MessageChannel, performance, queueMicrotask, setTimeout, clearTimeout, TextDecoder, TextEncoder, URL, URLSearchParams } = globalThis; // prettier-ignore
  const world = { console, MessageChannel, performance, queueMicrotask, setTimeout, clearTimeout, TextDecoder, TextEncoder, URL, URLSearchParams, Uint8Array, navigator: {} }; // prettier-ignore
  const context = vm.createContext(world);
  vm.runInContext(code, context, { filename: 'warm.js' });
  return context.convscopeWarm(files);
}

/** @returns {Promise<{ pack: Buffer, names: string[] }>} the pack, compressed */
export async function packCourse() {
  const files = gather();
  const all = [...files, ...(await warmed(files))];
  const head = `${JSON.stringify(all.map(([name, bytes]) => [name, bytes.length]))}\n`;
  const pack = zlib.gzipSync(Buffer.concat([Buffer.from(head), ...all.map(([, bytes]) => bytes)]), { level: 9 });
  return { pack, names: all.map(([name]) => name) };
}
