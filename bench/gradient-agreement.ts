/**
 * Do the gradients agree with Captum's on other photos than the recorded one? Many photos, all networks and rules, both
 * backends, the same weights; no times. And all maps of AlexNet's conv5 one by one.
 *
 *     npx tsx bench/export-weights.ts FOLDER
 *     PYTHON=... npx tsx bench/gradient-agreement.ts FOLDER [--photos 25]
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { startBackend, tf } from '../lib/tf/backend';
import { strongestUnits } from '../lib/05-deconv/feature-map-gradients';
import type { PoolBackward, Rule } from '../lib/05-deconv/gradients';
import { loadImage } from '../lib/image/image';
import { loadModel, type NetworkId } from '../lib/model/networks/load';
import { coursePhotos, type Photo } from '../lib/image/photos';
import { Contestant } from './contestant';
import { readWords } from './words';

const NETWORKS: readonly [NetworkId, string, number][] = [
  ['alexnet-2012', 'AlexNet, strongest conv5 unit', 227],
  ['squeezenet', 'SqueezeNet, class', 227],
  ['efficientnet-lite0', 'EfficientNet-Lite0, class', 224],
];
const RULES: readonly Rule[] = ['backprop', 'deconv', 'guided'];
const POOLS: readonly PoolBackward[] = ['gradient', 'switches'];
type Place = readonly [channel: number, row: number, col: number];
type Target = number | [layer: string, place: Place | readonly Place[]];

interface Way {
  readonly rule: Rule;
  readonly pool: PoolBackward;
}

const read = (file: string) => new Float32Array(new Uint8Array(fs.readFileSync(file)).buffer);
const norm = (v: Float32Array) => Math.sqrt(v.reduce((s, x) => s + x * x, 0));

/** l2 of the difference over l2 of the second; a map that is zero on both sides differs by 0. */
function difference(a: Float32Array, b: Float32Array): number {
  const above = norm(a.map((v, i) => v - b[i]));
  return above === 0 ? 0 : above / norm(b);
}

const middle = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1];
const short = (value: number) => value.toExponential(0);

class Sides {
  private readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-agreement-'));
  private readonly others = ['tensorflow', 'wasm'].map(
    (backend) =>
      new Contestant<object>(process.execPath, [...process.execArgv, path.join(__dirname, 'gradients-side.ts')], {
        CONVSCOPE_BACKEND: backend,
      }),
  );
  private readonly captum = new Contestant<object>(process.env.PYTHON ?? 'python3', [path.join(__dirname, 'gradients.py')]); // prettier-ignore

  constructor(private readonly weights: string) {}

  /** Captum's map, then native's and wasm's. */
  async maps(network: NetworkId, image: tf.Tensor3D, target: Target, { rule, pool }: Way): Promise<Float32Array[]> {
    const file = path.join(this.folder, 'image.f32');
    fs.writeFileSync(file, new Uint8Array(image.dataSync().slice().buffer));
    const found: Float32Array[] = [];
    for (const side of [this.captum, ...this.others]) {
      const out = path.join(this.folder, 'map.f32');
      const size = image.shape[0];
      await side.run({ network, weights: this.weights, image: file, size, target, rule, pool, method: 'captum', repeats: 1, out }); // prettier-ignore
      found.push(read(out));
    }
    return found;
  }

  stop(): void {
    [this.captum, ...this.others].forEach((side) => side.stop());
    fs.rmSync(this.folder, { recursive: true });
  }
}

/** Three rules; in networks with max pools once with the pools' gradient and once with Zeiler's switches. */
const waysOf = (network: NetworkId): Way[] =>
  POOLS.slice(0, network === 'efficientnet-lite0' ? 1 : 2).flatMap((pool) => RULES.map((rule) => ({ rule, pool })));

async function photosOf(sides: Sides, [id, title, size]: (typeof NETWORKS)[number], photos: Photo[]): Promise<void> {
  const model = await loadModel(id, { head: false });
  const ways = waysOf(id);
  const found = ways.map(() => [0, 1].map((): [number, string][] => []));
  for (const photo of photos) {
    const image = await loadImage(photo.path, { size, crop: photo.crop });
    const [unit] = id === 'alexnet-2012' ? await strongestUnits(model, image, 'conv5', { count: 1 }) : [];
    const target: Target = unit ? ['conv5', [unit.channel, ...unit.at]] : photo.imagenet!.index;
    for (const [w, way] of ways.entries()) {
      const [expected, ...got] = await sides.maps(id, image, target, way);
      got.forEach((map, side) => found[w][side].push([difference(map, expected), photo.name]));
    }
    image.dispose();
  }
  model.dispose();
  ways.forEach(({ rule, pool }, w) => {
    const cells = found[w].flatMap((list) => {
      const values = list.map(([value]) => value);
      const [most, where] = list.reduce((a, b) => (b[0] > a[0] ? b : a));
      return [short(middle(values)), `${short(most)} (${where})`, values.filter((v) => v > 1e-4).length];
    });
    console.log(`| ${[title, rule, pool, ...cells].join(' | ')} |`);
  });
}

/** All maps of conv5, one by one. */
async function everyMap(sides: Sides, photo: Photo): Promise<void> {
  const model = await loadModel('alexnet-2012', { head: false, full: false });
  const image = await loadImage(photo.path, { size: 227, crop: photo.crop });
  const units = (await strongestUnits(model, image, 'conv5', { count: 256 })).sort((a, b) => a.channel - b.channel);
  const target: Target = ['conv5', units.map(({ channel, at }): Place => [channel, ...at])];
  for (const rule of RULES) {
    const [expected, ...got] = await sides.maps('alexnet-2012', image, target, { rule, pool: 'gradient' });
    const cells = got.flatMap((maps) => {
      const each = units.map((_, c) => {
        const [a, b] = [maps, expected].map((m) => m.subarray(c * image.size, (c + 1) * image.size));
        return difference(a, b);
      });
      const most = Math.max(...each);
      const far = each.filter((v) => v > 1e-4).length;
      return [short(difference(maps, expected)), short(middle(each)), far, `${short(most)} (${each.indexOf(most)})`];
    });
    console.log(`| ${[photo.name, rule, ...cells].join(' | ')} |`);
  }
  image.dispose();
  model.dispose();
}

async function main(): Promise<void> {
  const usage = 'gradient-agreement.ts FOLDER [--photos 25]';
  const { values, positionals } = readWords(usage, { photos: { type: 'string', default: '25' } }, 1);
  const [weights] = positionals;
  const count = Number(values.photos);
  await startBackend();
  const labelled = coursePhotos({ labelled: true });
  const step = labelled.length / count;
  const photos = Array.from({ length: count }, (_, i) => labelled[Math.floor(i * step)]);
  const sides = new Sides(weights);
  console.log(`${photos.length} photos`);
  console.log('| what | rule | pools | native: median | worst | over 1e-4 | wasm: median | worst | over 1e-4 |');
  console.log('|---|---|---|---|---|---|---|---|---|');
  for (const network of NETWORKS) await photosOf(sides, network, photos);
  console.log('\n| 256 maps of | rule | native: together | median | over 1e-4 | worst (map) | wasm: together | median | over 1e-4 | worst (map) |'); // prettier-ignore
  console.log('|---|---|---|---|---|---|---|---|---|---|');
  for (const name of ['dog', 'koala'])
    await everyMap(
      sides,
      labelled.find((photo) => photo.name === name)!,
    );
  sides.stop();
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
