/**
 * A stand-in for the package of the native backend, as set-up treats it: an installer that fetches the binding piece
 * by piece, and a module that loads only with a whole binding.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';

export const BINDING_BYTES = 400_000;

const INSTALLER = `const fs = require('fs');
fs.mkdirSync('lib/napi-v8', { recursive: true });
let pieces = 0;
const timer = setInterval(() => {
  fs.appendFileSync('lib/napi-v8/tfjs_binding.node', Buffer.alloc(${BINDING_BYTES / 20}, 1));
  if (++pieces === 20) clearInterval(timer);
}, 40);
`;

/** What scripts/setup/native-check.cjs asks of TensorFlow.js: a gradient on two backends that are the same one here. */
const MODULE = `const find = require('@mapbox/node-pre-gyp').find;
if (require('fs').statSync(find()).size !== ${BINDING_BYTES}) throw new Error('half a binding');
const numbers = { data: async () => [1, 2], dataSync: () => [1, 2] };
module.exports = {
  randomUniform: () => numbers,
  setBackend: async () => true,
  grad: () => () => numbers,
  tensor: () => numbers,
  backend: () => ({ binding: { TF_Version: '0' }, isUsingGpuDevice: false }),
};
`;

/** Packages by name: each is a folder to be packed. */
export function standInPackages(folder: string): Record<string, string> {
  const write = (name: string, files: Record<string, string>) => {
    const place = path.join(folder, name.replace('/', '+'));
    for (const [file, text] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(place, file)), { recursive: true });
      fs.writeFileSync(path.join(place, file), text);
    }
    return place;
  };
  const described = (name: string) =>
    JSON.stringify({ name, version: '1.0.0', main: 'index.js', binary: { host: 'http://127.0.0.1:9/' } });
  const [backend, finder] = ['@tensorflow/tfjs-node-gpu', '@mapbox/node-pre-gyp'];
  return {
    [backend]: write(backend, {
      'package.json': described(backend),
      'index.js': MODULE,
      'scripts/install.js': INSTALLER,
      'binding/none.cc': '',
      'binding.gyp': '{}',
    }),
    [finder]: write(finder, {
      'package.json': described(finder),
      'index.js': "exports.find = () => '';\n",
    }),
  };
}
