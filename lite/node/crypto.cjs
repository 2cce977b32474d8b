'use strict';
/** Node's `crypto`: checksums. (A browser's own can only be waited for.) */
// @ts-expect-error an ES module: esbuild puts it in all the same
const { sha1 } = require('@noble/hashes/legacy.js');
// @ts-expect-error an ES module: esbuild puts it in all the same
const { sha256 } = require('@noble/hashes/sha2.js');

const HASHES = { sha1, sha256 };
const view = (data) => (typeof data === 'string' ? Buffer.from(data) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength)); // prettier-ignore

function createHash(name) {
  const state = HASHES[name].create();
  const hash = {
    update(data) {
      state.update(view(data));
      return hash;
    },
    digest(encoding) {
      const bytes = Buffer.from(state.digest());
      return encoding ? bytes.toString(encoding) : bytes;
    },
  };
  return hash;
}

module.exports = { createHash, randomUUID: () => globalThis.crypto.randomUUID() };
