/** What goes into the archive, and under which name; nothing here touches the disk. */
import path from 'node:path';
import { inRoot } from '../setup/paths.mjs';

/** Everything lies in this folder of the archive. */
export const PREFIX = 'convscope';

/** GoogLeNet, which chapters 05 and 06 want, and SqueezeNet. AlexNet 2012's repository states no licence: whoever packs its weights does so for the own class room. */
export const networksToPack = ({ withAlexnet = false } = {}) =>
  withAlexnet ? ['googlenet', 'squeezenet', 'alexnet-2012', 'alexnet-2012-head'] : ['googlenet', 'squeezenet'];

/** node_modules and wheels hold programs of one kind of machine and of one Python. */
export function archiveName({ version, python, networks }, zip) {
  const private_ = networks.some((id) => id.startsWith('alexnet-2012')) ? '-with-alexnet' : '';
  return `convscope-${version}-${process.platform}-${process.arch}-py${python}${private_}.${zip ? 'zip' : 'tar.gz'}`;
}

/**
 * [what on this machine, where in the archive]; a folder stands for all that is in it.
 * @param {{ tracked: string[], stage: string, native?: string }} parts
 */
export function contents({ tracked, stage, native }) {
  const inside = (...parts) => [PREFIX, ...parts].join('/');
  return [
    ...tracked.map((file) => [inRoot(...file.split('/')), inside(file)]),
    [path.join(stage, 'OFFLINE.md'), inside('OFFLINE.md')],
    [inRoot('node_modules'), inside('node_modules')],
    [path.join(stage, 'wheels'), inside('.cache', 'wheels')],
    [path.join(stage, 'models'), inside('.cache', 'models')],
    ...(native ? [[native, inside('.cache', 'native', path.basename(native))]] : []),
  ];
}

/** Made anew where the archive is unpacked, or of use to nobody there. */
export const without = () => [
  // a link into this machine's cache; npm start sets it again
  inRoot('node_modules', '@tensorflow', 'tfjs-node-gpu', 'lib', 'napi-v8', 'tfjs_binding.node'),
  inRoot('node_modules', '.cache'),
];
