'use strict';
/** Node's `fs` for the kernel in a browser: the part that the course uses, over the tree in `files.cjs`. */
const path = require('path');
const { fileURLToPath } = require('./url.cjs');
const tree = require('./files.cjs');

const { files, folders, failure } = tree;
const place = (name) => path.resolve(name instanceof URL ? fileURLToPath(name) : String(name));
const encodingOf = (options) => (typeof options === 'string' ? options : options?.encoding);
const decoded = (bytes, options) => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const encoding = encodingOf(options);
  return encoding && encoding !== 'buffer' ? buffer.toString(encoding) : buffer;
};
const encoded = (data, options) => (typeof data === 'string' ? Buffer.from(data, encodingOf(options)) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice()); // prettier-ignore

class Stats {
  constructor({ size = 0, time = 0 }, folder) {
    Object.assign(this, { size, mtimeMs: time, ctimeMs: time, ino: 0, mode: 0o644, mtime: new Date(time) });
    this.isFile = () => !folder;
    this.isDirectory = () => folder;
    this.isSymbolicLink = () => false;
  }
}

function statSync(name, { throwIfNoEntry = true } = {}) {
  const at = place(name);
  if (folders.has(at)) return new Stats({}, true);
  if (files.has(at)) return new Stats(files.get(at), false);
  if (throwIfNoEntry) throw failure('ENOENT', 'stat', at);
  return undefined;
}

function readdirSync(name, options = {}) {
  const at = place(name);
  if (!folders.has(at)) throw failure(files.has(at) ? 'ENOTDIR' : 'ENOENT', 'scandir', at);
  const { withFileTypes = false, recursive = false } = options ?? {};
  const list = (folder, prefix) =>
    [...folders.get(folder)].sort().flatMap((entry) => {
      const full = path.join(folder, entry);
      const isFolder = folders.has(full);
      const own = withFileTypes
        ? { name: entry, parentPath: folder, path: folder, isDirectory: () => isFolder, isFile: () => !isFolder, isSymbolicLink: () => false }
        : prefix + entry; // prettier-ignore
      return recursive && isFolder ? [own, ...list(full, `${prefix}${entry}/`)] : [own];
    });
  return list(at, '');
}

function mkdirSync(name, options) {
  const at = place(name);
  if (!options?.recursive) {
    if (folders.has(at) || files.has(at)) throw failure('EEXIST', 'mkdir', at);
    if (!folders.has(path.dirname(at))) throw failure('ENOENT', 'mkdir', at);
  }
  tree.makeFolder(at);
}

function writeFileSync(name, data, options) {
  const at = place(name);
  if (folders.has(at)) throw failure('EISDIR', 'open', at);
  if (!folders.has(path.dirname(at))) throw failure('ENOENT', 'open', at);
  if (options?.flag?.includes('x') && files.has(at)) throw failure('EEXIST', 'open', at);
  tree.write(at, encoded(data, options));
}

function rmSync(name, { recursive = false, force = false } = {}) {
  const at = place(name);
  if (!files.has(at) && !folders.has(at)) {
    if (force) return;
    throw failure('ENOENT', 'rm', at);
  }
  if (folders.has(at)) {
    if (!recursive) throw failure('EISDIR', 'rm', at);
    for (const entry of [...folders.get(at)]) rmSync(path.join(at, entry), { recursive });
  }
  tree.remove(at);
}

function renameSync(from, to) {
  const [a, b] = [place(from), place(to)];
  if (folders.has(a)) {
    tree.makeFolder(b);
    for (const entry of [...folders.get(a)]) renameSync(path.join(a, entry), path.join(b, entry));
  } else {
    const file = tree.find(a, 'rename');
    if (file.bytes) tree.write(b, file.bytes);
    else tree.mount(b, file.size, file.address);
  }
  tree.remove(a);
}

const sync = {
  statSync,
  lstatSync: statSync,
  readdirSync,
  mkdirSync,
  writeFileSync,
  rmSync,
  renameSync,
  unlinkSync: (name) => rmSync(name),
  readFileSync: (name, options) => decoded(tree.read(place(name)), options),
  existsSync: (name) => files.has(place(name)) || folders.has(place(name)),
  realpathSync: Object.assign(place, { native: place }),
  copyFileSync: (from, to) => writeFileSync(to, tree.read(place(from))),
  accessSync: (name) => void statSync(name),
};

const promised = (work) => async (...args) => work(...args); // prettier-ignore
const promises = {
  ...Object.fromEntries(Object.entries(sync).map(([name, work]) => [name.replace(/Sync$/, ''), promised(work)])),
  readFile: async (name, options) => decoded(await tree.readAsync(place(name)), options),
  open: async (name, flags = 'r') => handle(place(name), flags),
};

/** As much of a file handle as one needs to write a file bit by bit, or to take a lock. */
function handle(at, flags) {
  if (flags.includes('x') && files.has(at)) throw failure('EEXIST', 'open', at);
  if (!flags.startsWith('r') && !flags.startsWith('a')) writeFileSync(at, '');
  const add = async (data) => {
    const more = encoded(data);
    tree.write(at, Buffer.concat([files.has(at) ? tree.read(at) : Buffer.alloc(0), more]));
    return { bytesWritten: more.length, buffer: data };
  };
  const write = { write: add, writeFile: add, appendFile: add };
  return { ...write, readFile: (options) => promises.readFile(at, options), stat: async () => statSync(at), sync: async () => undefined, datasync: async () => undefined, close: async () => undefined }; // prettier-ignore
}

module.exports = { ...sync, promises, constants: { R_OK: 4, W_OK: 2, F_OK: 0 } };
