/**
 * What the examples in the docstrings run in: all that lib exports, a network of 1000 classes so small that nothing
 * takes long (`model`), a photo of its size (`image`), and a folder that has a folder of photos, 我的照片.
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { transformSync } from 'esbuild';
import * as library from '../lib/index';
import { root } from './helpers';

const { fromLayersModel, loadImage, photo, setSink, startBackend, tf } = library;

function smallNetwork(): library.ImageModel {
  const init = (seed: number) => ({ kernelInitializer: tf.initializers.heNormal({ seed }) });
  const network = tf.sequential({
    layers: [
      tf.layers.conv2d({ inputShape: [64, 64, 3], filters: 8, kernelSize: 5, strides: 2, padding: 'same', activation: 'relu', name: 'conv1', ...init(1) }), // prettier-ignore
      tf.layers.maxPooling2d({ poolSize: 2, name: 'pool1' }),
      tf.layers.conv2d({ filters: 16, kernelSize: 3, padding: 'same', activation: 'relu', name: 'conv2', ...init(2) }),
      tf.layers.conv2d({ filters: 16, kernelSize: 3, padding: 'same', activation: 'relu', name: 'conv3', ...init(3) }),
      tf.layers.maxPooling2d({ poolSize: 2, name: 'pool3' }),
      tf.layers.flatten({ name: 'flat' }),
      tf.layers.dense({ units: 1000, name: 'scores', ...init(4) }),
      tf.layers.softmax({ name: 'softmax' }),
    ],
  });
  return fromLayersModel(network, { classes: library.imageNetClasses() });
}

export interface Given {
  readonly model: library.ImageModel;
  readonly image: library.tf.Tensor3D;
}

/** Starts the backend and goes into a folder of its own; `leave` undoes it. */
export async function enterExamples(): Promise<Given & { leave(): void }> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'examples-'));
  // Where a notebook's relative paths start.
  delete process.env.NOTEBOOK_DIR;
  process.chdir(folder);
  fs.mkdirSync(path.join(folder, '我的照片'));
  fs.copyFileSync(photo('panda').path, path.join(folder, '我的照片', 'panda.jpg'));
  await startBackend();
  const given = { model: smallNetwork(), image: await loadImage(photo('red-panda').path, { size: 64 }) };
  const leave = () => {
    library.dispose(given.model, given.image);
    process.chdir(root);
    fs.rmSync(folder, { recursive: true });
  };
  return { ...given, leave };
}

/** In a block of its own, so that it may define `model` or `image` itself; nothing is shown. */
export async function runExample(code: string, names: Readonly<Record<string, unknown>>): Promise<void> {
  const options = { loader: 'ts', target: 'es2022' } as const;
  const script = transformSync(`async () => {{ ${code}\n }}`, options).code.trim().replace(/;$/, '');
  const run = new Function(...Object.keys(names), `return ${script}`)(...Object.values(names)) as () => Promise<void>;
  const previous = setSink(() => undefined);
  try {
    await run();
  } finally {
    setSink(previous);
  }
}
