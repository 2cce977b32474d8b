/** Our side of bench/gradients.ts, in a process of its own for each backend: a request a line, an answer a line. */
import * as fs from 'node:fs';
import * as readline from 'node:readline';
import { startBackend, tf } from '../lib/tf/backend';
import { featureMapGradients } from '../lib/05-deconv/feature-map-gradients';
import { inputGradient, type PoolBackward, type Rule, type Target } from '../lib/05-deconv/gradients';
import type { ImageModel } from '../lib/model/model';
import { loadModel, type NetworkId } from '../lib/model/networks/load';

export type Place = readonly [channel: number, row: number, col: number];

export interface Request {
  network: NetworkId;
  weights: string;
  image: string;
  size: number;
  rule: Rule;
  pool?: PoolBackward;
  /** A class, a neuron, or one neuron of every map of a layer. */
  target: number | [layer: string, place: Place | readonly Place[]];
  method?: 'torch' | 'captum';
  repeats: number;
  out: string;
}

export interface Answer {
  /** Seconds by the clock and of the processor, all threads together. */
  times: number[];
  processor: number[];
  version: string;
}

async function compute(model: ImageModel, image: tf.Tensor3D, { target, rule, pool }: Request): Promise<tf.Tensor> {
  if (typeof target === 'number') return inputGradient(model, image, { class: target }, { rule, pool });
  const [layer, place] = target;
  if (typeof place[0] !== 'number') return (await featureMapGradients(model, image, layer, { rule, pool })).maps;
  const [channel, row, col] = place as Place;
  return inputGradient(model, image, { layer, channel, at: [row, col] } as Target, { rule, pool });
}

async function serve(): Promise<void> {
  const { name, version } = await startBackend();
  const models = new Map<string, ImageModel>();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as Request;
    const { network, image, size, repeats, out } = request;
    if (!models.has(network)) models.set(network, await loadModel(network, { head: false, full: false }));
    const pixels = tf.tensor3d(new Float32Array(new Uint8Array(fs.readFileSync(image)).buffer), [size, size, 3]);
    const times: number[] = [];
    const processor: number[] = [];
    for (let i = 0; i < repeats; i++) {
      const start = performance.now();
      const used = process.cpuUsage();
      const gradient = await compute(models.get(network)!, pixels, request);
      const values = gradient.dataSync();
      times.push((performance.now() - start) / 1000);
      const { user, system } = process.cpuUsage(used);
      processor.push((user + system) / 1e6);
      if (i === repeats - 1) fs.writeFileSync(out, new Uint8Array(values.slice().buffer));
      gradient.dispose();
    }
    pixels.dispose();
    process.stdout.write(`${JSON.stringify({ times, processor, version: `${name} ${version}` } satisfies Answer)}\n`);
  }
}

void serve();
