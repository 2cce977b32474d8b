/** Our side of bench/gpu.ts, a process for each backend: a line of JSON in, a line of JSON out. */
import * as fs from 'node:fs';
import * as readline from 'node:readline';
import { startBackend, tf } from '../lib/tf/backend';
import { occlusionMap } from '../lib/04-occlusion/occlusion';
import { inputGradient } from '../lib/05-deconv/gradients';
import { channel, classScore } from '../lib/06-optimization/objectives';
import { maximize } from '../lib/06-optimization/optimize';
import { pixels } from '../lib/06-optimization/parametrization';
import type { ImageModel } from '../lib/model/model';
import { loadModel, type NetworkId } from '../lib/model/networks/load';

export interface Request {
  readonly task: 'classify' | 'gradient' | 'maximise' | 'occlusion';
  readonly network: NetworkId;
  readonly logits: string;
  readonly weights: string;
  readonly image: string;
  readonly size: number;
  /** A class, or the mean of a layer's channel. */
  readonly target: number | readonly [layer: string, channel: number];
  readonly batch: number;
  readonly steps: number;
  readonly stride: number;
  /** So often, or until so many seconds have gone. */
  readonly repeats: number;
  readonly limit: number;
  readonly out: string;
}

export interface Answer {
  readonly seconds: readonly number[];
  readonly version: string;
  readonly device: string;
}

type Compute = (model: ImageModel, image: tf.Tensor3D, request: Request) => Promise<tf.Tensor>;

const TASKS: Readonly<Record<Request['task'], Compute>> = {
  classify: async (model, image, { batch, target }) => {
    // a trunk without classes goes to its end
    const layer = typeof target === 'number' ? undefined : model.roles.lastPool;
    return tf.tidy(() => model.activations(tf.tile(tf.expandDims(image), [batch, 1, 1, 1]) as tf.Tensor4D, layer));
  },
  gradient: async (model, image, { target }) => {
    if (typeof target === 'number') return inputGradient(model, image, { class: target });
    const [height, width] = model.layers.find(({ name }) => name === target[0])!.shape;
    const sum = inputGradient(model, image, { layer: target[0], channel: target[1], at: 'sum' });
    const mean = tf.div(sum, height * width);
    sum.dispose();
    return mean;
  },
  maximise: async (model, _, { target, steps }) => {
    const objective = typeof target === 'number' ? classScore(target) : channel(...target);
    const start = tf.fill([...model.inputSize, 3], 0.5) as tf.Tensor3D;
    const options = { parametrization: pixels(), start, steps, learningRate: 0.03, verdict: false };
    const { image, best, trace } = await maximize(model, objective, options);
    tf.dispose([image, best, start]);
    return tf.scalar(trace[steps - 1]);
  },
  occlusion: async (model, image, { target, stride }) => {
    const result = await occlusionMap(model, image, { class: target as number }, { size: 40, stride, fill: 0.5 });
    const map = tf.clone(result.map);
    tf.dispose(result as never);
    return map;
  },
};

async function serve(): Promise<void> {
  const { name, version, device } = await startBackend();
  const models = new Map<string, ImageModel>();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as Request;
    const { network, size, repeats, limit, out } = request;
    if (!models.has(network)) models.set(network, await loadModel(network));
    const values = new Float32Array(new Uint8Array(fs.readFileSync(request.image)).buffer);
    const image = tf.tensor3d(values, [size, size, 3]);
    const seconds: number[] = [];
    const spent = () => seconds.reduce((a, b) => a + b, 0);
    while (seconds.length === 0 || (seconds.length < repeats && spent() < limit)) {
      const start = performance.now();
      const result = await TASKS[request.task](models.get(network)!, image, request);
      const data = await result.data<'float32'>();
      seconds.push((performance.now() - start) / 1000);
      fs.writeFileSync(out, new Uint8Array(data.slice().buffer));
      result.dispose();
    }
    image.dispose();
    process.stdout.write(`${JSON.stringify({ seconds, version: `${name} ${version}`, device } satisfies Answer)}\n`);
  }
}

if (require.main === module) void serve();
