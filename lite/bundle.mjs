/** esbuild for the browser: modules of Node, and a few of the kernel's own, are led to their twins by name. */
import fs from 'node:fs';
import path from 'node:path';
import esbuild from 'esbuild';
import { inRoot, root } from '../scripts/setup/paths.mjs';

const own = (...parts) => inRoot('lite', ...parts);
const installed = (...parts) => inRoot('node_modules', ...parts);

/** Modules of Node: twins of ours, or a package that is one. */
const NODE = {
  buffer: installed('buffer', 'index.js'),
  path: installed('path-browserify', 'index.js'),
  canvas: own('node', 'canvas.cjs'),
  crypto: own('node', 'crypto.cjs'),
  fs: own('node', 'fs.cjs'),
  'fs/promises': own('node', 'fs-promises.cjs'),
  module: own('node', 'module.cjs'),
  os: own('node', 'os.cjs'),
  string_decoder: own('node', 'string-decoder.cjs'),
  url: own('node', 'url.cjs'),
  util: own('node', 'util.cjs'),
  vm: own('node', 'vm.cjs'),
  worker_threads: own('node', 'worker-threads.cjs'),
  zlib: own('node', 'zlib.cjs'),
};
/** Files of the kernel that know Node itself. */
const KERNEL = {
  'kernel/run/owner.cjs': own('kernel', 'owner.cjs'),
  'kernel/run/stack.cjs': own('kernel', 'stack.cjs'),
  'kernel/run/signals.cjs': own('kernel', 'signals.cjs'),
  'kernel/display/tslab.cjs': own('kernel', 'tslab.cjs'),
  'kernel/display/copies.cjs': own('kernel', 'copies.cjs'),
};
/** Where the course lies in the browser's tree of files. */
const VIRTUAL_ROOT = '/convscope';

const twins = {
  name: 'twins',
  setup(build) {
    build.onResolve({ filter: /^(node:)?[a-z_]+(\/promises)?$/ }, ({ path: id, importer }) => {
      const twin = NODE[id.replace(/^node:/, '')];
      if (twin && twin !== importer) return { path: twin };
      // what TypeScript asks for where it finds Node
      if (/typescript\.js$/.test(importer)) return { path: id, external: true };
      return undefined;
    });
    build.onResolve({ filter: /^\..*\.cjs$/ }, ({ path: id, resolveDir }) => {
      const file = path.resolve(resolveDir, id);
      const twin = KERNEL[path.relative(root, file).split(path.sep).join('/')];
      return twin ? { path: twin } : undefined;
    });
    // a module's own place is the one that it has in the tree
    build.onLoad({ filter: /[\\/](kernel|lite)[\\/].*\.cjs$/ }, ({ path: file }) => {
      const text = fs.readFileSync(file, 'utf8');
      if (!text.includes('__dirname')) return undefined;
      const folder = path.posix.join(VIRTUAL_ROOT, path.relative(root, path.dirname(file)).split(path.sep).join('/'));
      return { contents: `const __dirname = ${JSON.stringify(folder)};\n${text}`, loader: 'js' };
    });
  },
};

/** @param {string} entry a file below lite/ @returns {Promise<string>} one classic script */
export async function bundle(entry, { minify = true } = {}) {
  const { outputFiles } = await esbuild.build({
    entryPoints: [own(entry)],
    bundle: true,
    write: false,
    minify,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    legalComments: 'inline',
    logLevel: 'error',
    logOverride: { 'direct-eval': 'silent' },
    define: { 'process.env.NODE_ENV': '"production"', 'process.version': '""' },
    plugins: [twins],
  });
  return outputFiles[0].text;
}
