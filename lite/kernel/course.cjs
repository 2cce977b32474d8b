'use strict';
/** Brings the course's files: one packed file with all that is read at once, a list of what lies beside the page, the font. */
const { gunzipSync } = require('fflate');
const tree = require('../node/files.cjs');

/** The pack: a line of JSON, [[name, size], …], then the bytes one after the other. */
function unpack(bytes, root) {
  const end = bytes.indexOf(10);
  const list = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
  let at = end + 1;
  for (const [name, size] of list) {
    tree.write(`${root}/${name}`, bytes.subarray(at, (at += size)), { silent: true });
  }
}

async function load(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`取不到 ${address}：${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** A server may have unpacked it on the way. */
const unzipped = (bytes) => (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes);

/** @param {string} base where the site's lab lies @param {string} root the course's folder in the tree */
async function mountCourse(base, root) {
  const own = `${base}extensions/convscope/static/`;
  const [pack, index] = await Promise.all([load(`${own}course.pack.gz`), load(`${own}files.json`)]);
  unpack(unzipped(pack), root);
  for (const [name, size] of JSON.parse(new TextDecoder().decode(index)))
    tree.mount(`${root}/${name}`, size, `${base}files/${name}`);
  for (const folder of ['/tmp', '/home', `${root}/notebooks`]) tree.makeFolder(folder);
  globalThis.convscopeSite = { base, own };
}

/** A canvas cannot wait for a font. */
async function loadFont(root, file, family) {
  const face = new FontFace(family, await tree.readAsync(`${root}/${file}`));
  self.fonts.add(await face.load());
}

module.exports = { mountCourse, loadFont };
