/** Damaged weight files through their decoders: a clear error, or arrays of the right names, shapes and finite values. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { fetchNetworkFiles } from '../../lib/model/weights/download';
import { decodeSqueezeNet } from '../../lib/model/weights/formats/deep-compression';
import { readEmbeddedNetwork } from '../../lib/model/weights/formats/embedded';
import { decodeAlexNetHead, decodeAlexNetTrunk } from '../../lib/model/weights/formats/quantized-cnn';
import type { NamedWeights } from '../../lib/model/weights/formats/weights';
import { projectRoot } from '../../lib/base/paths';
import { type RandomGenerator, randomGenerator } from '../../lib/base/random';
import { syntheticLayer } from '../lib/model/weights/weight-encoders';
import { caseSeed, MUTATIONS, pick } from './mutate';
import { type Campaign, type Figures, tally } from './tally';

/** One family of files: how they are read when one of them is damaged. */
interface Family {
  readonly name: string;
  /** How often, against the others: the big ones take longest. */
  readonly share: number;
  readonly files: Map<string, Uint8Array>;
  readonly read: (files: Map<string, Uint8Array>, changed: string) => NamedWeights;
}

/** Names and shapes, and that each array has the length its shape says and holds numbers. */
function formOf(weights: NamedWeights): string {
  for (const [name, { data, shape }] of Object.entries(weights)) {
    const size = shape.reduce((product, n) => product * n, 1);
    if (data.length !== size) throw new Error(`${name}: ${data.length} 个数，形状 [${shape}]`);
    if (!data.every(Number.isFinite)) throw new Error(`${name}：有不是数的值`);
  }
  return JSON.stringify(Object.entries(weights).map(([name, { shape }]) => [name, shape]));
}

/** The embedded network is read from a folder: only the damaged file is written anew. */
function embedded(scratch: string): Family {
  const folder = path.join(projectRoot(), 'data', 'models', 'efficientnet-lite0');
  const names = fs.readdirSync(folder).filter((name) => /\.(json|bin)$/.test(name));
  const files = new Map(names.map((name) => [name, new Uint8Array(fs.readFileSync(path.join(folder, name)))]));
  for (const [name, bytes] of files) fs.writeFileSync(path.join(scratch, name), bytes);
  const read = (changed: Map<string, Uint8Array>, name: string) => {
    fs.writeFileSync(path.join(scratch, name), changed.get(name)!);
    try {
      return readEmbeddedNetwork('efficientnet-lite0', scratch);
    } finally {
      fs.writeFileSync(path.join(scratch, name), files.get(name)!);
    }
  };
  return { name: 'efficientnet-lite0', share: 1, files, read };
}

/** Without the downloaded files only the embedded network remains; its figures say so. */
async function families(scratch: string): Promise<Family[]> {
  const downloaded = async (id: 'squeezenet' | 'alexnet-2012') => fetchNetworkFiles(id, { offline: true });
  const [squeezenet, trunk] = await Promise.all([downloaded('squeezenet'), downloaded('alexnet-2012')]);
  return [
    { name: 'squeezenet', share: 5, files: squeezenet, read: (files) => decodeSqueezeNet([...files.values()][0]) },
    { name: 'alexnet-2012', share: 5, files: trunk, read: (files) => decodeAlexNetTrunk(files) },
    embedded(scratch),
  ];
}

/** model.json is text: another key, another number, a value of another type. */
function wrongJson(bytes: Uint8Array, random: RandomGenerator): Uint8Array {
  const json = JSON.parse(Buffer.from(bytes).toString('utf8'));
  const weights = json.weightsManifest[0].weights;
  const value = () => pick<unknown>(random, [null, 0, -1, 1.5, 1e300, 'x', '', [], {}, true, [[1]], [1, 'x']]);
  const entry = pick<Record<string, unknown>>(random, weights);
  const change = random.integer(6);
  if (change === 0) json.weightsManifest[0].weights = value();
  else if (change === 1) entry[pick(random, ['name', 'shape', 'dtype', 'quantization'])] = value();
  else if (change === 2) delete entry[pick(random, ['name', 'shape', 'quantization'])];
  else if (change === 3) weights[random.integer(weights.length)] = value();
  else if (change === 4) (entry.shape as unknown[])[0] = value();
  else weights.reverse();
  return new Uint8Array(Buffer.from(JSON.stringify(json)));
}

function makeCase(family: Family, form: string, random: RandomGenerator) {
  // The small file of the embedded network decides about everything; its shards have checksums.
  const name =
    family.files.has('model.json') && random.integer(4) ? 'model.json' : pick(random, [...family.files.keys()]);
  const kinds = [
    ...Object.entries(MUTATIONS),
    ...(name === 'model.json' ? [['换 JSON 的值', wrongJson] as const] : []),
  ];
  const [kind, mutate] = pick(random, kinds);
  const files = new Map(family.files).set(name, mutate(family.files.get(name)!, random));
  const read = () => {
    const got = formOf(family.read(files, name));
    if (got !== form) throw new Error(`${name}：名字或形状变了`);
  };
  return { kind: `${family.name} ${kind}`, read };
}

async function attack(campaign: Campaign, chosen: readonly Family[]): Promise<Figures> {
  const all = chosen.map((family) => {
    const form = formOf(family.read(family.files, [...family.files.keys()][0]));
    return { family, form };
  });
  const drawn = all.flatMap((one) => Array<typeof one>(one.family.share).fill(one));
  return tally(campaign, (index) => {
    const random = randomGenerator(caseSeed(campaign.seed, index));
    const { family, form } = pick(random, drawn);
    return makeCase(family, form, random);
  });
}

export async function attackWeights(campaign: Campaign): Promise<Figures> {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-faults-'));
  try {
    return await attack(campaign, await families(scratch));
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * fc6 to fc8, of the real size: every case decodes nearly sixty million weights, so they have a campaign of their own.
 * Their contents are made up, in the files' own format.
 */
export function attackHead(campaign: Campaign): Promise<Figures> {
  const files = new Map(['16', '19', '22'].flatMap((number) => [...syntheticLayer(number).files]));
  return attack(campaign, [{ name: 'alexnet-2012-head', share: 1, files, read: decodeAlexNetHead }]);
}
