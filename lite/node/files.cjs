'use strict';
/**
 * The files that the kernel sees in a browser: a tree in memory. What the course packs is there from the start; the
 * bytes of large files (photos, networks, records) lie beside the page and come when somebody reads them.
 */
const path = require('path');

/** @type {Map<string, { bytes?: Uint8Array<ArrayBuffer>, size: number, time: number, address?: string }>} */
const files = new Map();
/** Names in each folder. @type {Map<string, Set<string>>} */
const folders = new Map([['/', new Set()]]);
let clock = 1;
/** Told of every file that the kernel's own code writes or removes. */
const watchers = new Set();

const NAMES = { ENOENT: 'no such file or directory', EISDIR: 'illegal operation on a directory', ENOTDIR: 'not a directory', EEXIST: 'file already exists', ENOTEMPTY: 'directory not empty' }; // prettier-ignore

/** As Node says it. */
function failure(code, call, name) {
  return Object.assign(new Error(`${code}: ${NAMES[code]}, ${call} '${name}'`), { code, syscall: call, path: name });
}

function makeFolder(name) {
  if (folders.has(name)) return;
  const parent = path.dirname(name);
  makeFolder(parent);
  folders.get(parent).add(path.basename(name));
  folders.set(name, new Set());
}

function put(name, entry) {
  makeFolder(path.dirname(name));
  folders.get(path.dirname(name)).add(path.basename(name));
  files.set(name, { time: clock++, ...entry });
}

/** A file whose bytes are here. */
function write(name, bytes, { silent = false } = {}) {
  put(name, { bytes, size: bytes.length });
  if (!silent) for (const watcher of watchers) watcher(name);
}

/** A file whose bytes lie at an address. */
const mount = (name, size, address) => put(name, { size, address });

function remove(name) {
  const known = files.delete(name) || folders.delete(name);
  if (known) folders.get(path.dirname(name))?.delete(path.basename(name));
  for (const watcher of watchers) watcher(name);
  return known;
}

/** A worker may wait for an answer: so files can be read on the spot, as in Node. */
function read(name) {
  const file = find(name, 'open');
  if (!file.bytes) {
    const request = new XMLHttpRequest();
    request.open('GET', file.address, false);
    request.responseType = 'arraybuffer';
    request.send();
    if (request.status !== 200) throw unreachable(name, `${request.status} ${request.statusText}`);
    file.bytes = new Uint8Array(request.response);
  }
  return file.bytes;
}

async function readAsync(name) {
  const file = find(name, 'open');
  if (!file.bytes) {
    const response = await fetch(file.address);
    if (!response.ok) throw unreachable(name, `${response.status} ${response.statusText}`);
    file.bytes = new Uint8Array(await response.arrayBuffer());
  }
  return file.bytes;
}

const unreachable = (name, why) => Object.assign(new Error(`读不到 ${name}：网站回答 ${why}`), { code: 'EIO' });

function find(name, call) {
  if (folders.has(name)) throw failure('EISDIR', call, name);
  const file = files.get(name);
  if (!file) throw failure('ENOENT', call, name);
  return file;
}

module.exports = { files, folders, watchers, failure, makeFolder, write, mount, remove, read, readAsync, find };
