import { tf } from '../../tf/backend';
import type { ImageModel } from '../../model/model';
import { type Chain, chainOf } from './chain';
import { type WindowCopier, windowCopier } from './copy';
import type { ChangeRule, Placement } from './geometry';
import type { FloatPixels } from './pixels';
import type { Block, PatchGrid } from '../positions';
import { perPosition, type Scored, type Scorer, type WatchedMap } from '../scorer';
import { type CleanStep, spreadable } from './spread';
import { RectangleSums } from './sums';
import { type Changed, WindowRunner } from './windows';

/**
 * Exact incremental occlusion (the idea of Krypton, Nakandala et al., SIGMOD 2019): of each layer only the windows
 * that the patch changes are computed, everything else is the clean image's. The scores are those of the plain way.
 */

/** Fully connected layers read their weights once for so many positions together: 24 MB of input at AlexNet's fc6. */
const HEAD_BATCH = 640;

/** Turns the changed windows of the last map into scores. */
interface Head {
  /** Input of `scores` for one block. */
  collect(changed: Changed): tf.Tensor;
  scores(collected: tf.Tensor[]): tf.Tensor;
  dispose(): void;
}

const applyAll = (layers: readonly tf.layers.Layer[], x: tf.Tensor) =>
  layers.reduce((value, layer) => layer.call(value, {}) as tf.Tensor, x);

const joinBatches = (parts: tf.Tensor[]) => (parts.length > 1 ? tf.concat(parts, 0) : parts[0]);

/** A global mean changes by what the window adds: (sum outside + sum inside) / places. */
async function meanHead(layers: readonly tf.layers.Layer[], clean: tf.Tensor4D): Promise<Head> {
  const [, height, width, channels] = clean.shape;
  const sums = new RectangleSums(await clean.data(), height, width, channels);
  return {
    collect: ({ values, at }) =>
      tf.tidy(() => {
        const outside = tf.tensor2d(sums.outside(at), [values.shape[0], channels]);
        return tf.div(tf.add(tf.sum(values, [1, 2]), outside), height * width);
      }),
    scores: (parts) => tf.tidy(() => applyAll(layers.slice(1), joinBatches(parts)).clone()),
    dispose: () => undefined,
  };
}

/** Anything else reads whole maps: the clean one with the window put in. */
async function wholeMapHead(layers: readonly tf.layers.Layer[], clean: tf.Tensor4D): Promise<Head> {
  const [, height, width] = clean.shape;
  const copier: WindowCopier = windowCopier(clean, 0);
  const whole = (at: Placement): Placement => ({
    rows: { starts: at.rows.starts.map(() => 0), length: height },
    cols: { starts: at.cols.starts.map(() => 0), length: width },
  });
  return {
    collect: ({ values, at }) => copier.copy(values, at, whole(at)),
    scores: (parts) => tf.tidy(() => applyAll(layers, joinBatches(parts)).clone()),
    dispose: () => copier.dispose(),
  };
}

/** Does the chain compute this layer's map? (Not, when it lies in the head, before a branch's kernel or beside the path to the scores.) */
const contains = ({ steps }: Chain, layer: string) =>
  steps.some((s) =>
    [...s.branches.flatMap((b) => b.layers.slice(b.kernel)), s.join, ...s.then].some((l) => l?.name === layer),
  );

/** One forward pass of the clean picture: what each step reads, the head's input, the watched layer. */
function cleanMaps(model: ImageModel, image: tf.Tensor3D, chain: Chain, watched?: string) {
  const convolutions = spreadable(chain);
  const outputs = convolutions.map((layer) => layer?.name);
  const given = [...chain.steps.map((step) => step.input), ...outputs, chain.features, watched];
  const names = [...new Set(given.filter((name): name is string => name !== undefined))];
  const maps = tf.tidy(() => model.forward(tf.expandDims(image, 0) as tf.Tensor4D, names)) as tf.Tensor4D[];
  const map = (name: string) => maps[names.indexOf(name)];
  const steps = chain.steps.map(({ input }, i): CleanStep => {
    const layer = convolutions[i];
    return { input: map(input), convolved: layer && { layer, output: map(layer.name) } };
  });
  return { maps, steps, features: map(chain.features), watchedMap: watched ? map(watched) : undefined };
}

export interface IncrementalOptions {
  readonly watched?: WatchedMap;
  /** Only a test replaces it, by a wrong one. */
  readonly rule?: ChangeRule;
}

/** A picture as the network's first layer sees it: the preprocessing treats every pixel by itself. */
async function prepared(model: ImageModel, image: tf.Tensor3D): Promise<FloatPixels> {
  const input = model.network.layers.find((l) => l.getClassName() === 'InputLayer')!;
  const values = model.activations(image, input.name) as tf.Tensor3D;
  const [height, width, channels] = values.shape;
  const data = (await values.data()) as Float32Array;
  values.dispose();
  return { height, width, channels, data };
}

/** A block whose changed windows are computed, but not yet its scores. */
interface Waiting {
  readonly block: Block;
  readonly collected: tf.Tensor;
  readonly mapSums?: Float32Array;
}

/** The head's scores of all that wait, position by position. */
async function headScores(head: Head, waiting: readonly Waiting[]): Promise<Scored[]> {
  const result = head.scores(waiting.map((w) => w.collected));
  const classes = result.shape[1]!;
  const logits = (await result.data()) as Float32Array;
  result.dispose();
  let offset = 0;
  return waiting.flatMap(({ block, mapSums }) => {
    const positions = perPosition(block, logits, classes, { offset, mapSums });
    offset += positions.length;
    return positions;
  });
}

interface Parts {
  readonly runner: WindowRunner;
  readonly head: Head;
  readonly watch?: Awaited<ReturnType<typeof mapWatcher>>;
  readonly grid: PatchGrid;
  /** So many positions go through the head together. */
  readonly atOnce: number;
}

/** Block by block; an empty list where its positions wait for more. */
async function* scoresOf(
  blocks: readonly Block[],
  { runner, head, watch, grid, atOnce }: Parts,
): AsyncGenerator<Scored[]> {
  const waiting: Waiting[] = [];
  const count = () => waiting.reduce((n, { collected }) => n + collected.shape[0], 0);
  const forget = () => waiting.splice(0).forEach((w) => w.collected.dispose());
  try {
    for (const [i, block] of blocks.entries()) {
      const patches = { rows: block.rows.map((r) => grid.rows[r]), cols: block.cols.map((c) => grid.cols[c]) };
      const changed = runner.run(patches, watch?.observe);
      waiting.push({ block, collected: head.collect(changed), mapSums: await watch?.take() });
      changed.values.dispose();
      if (count() < atOnce && i < blocks.length - 1) {
        yield [];
        continue;
      }
      const scored = await headScores(head, waiting);
      forget();
      yield scored;
    }
  } finally {
    forget();
  }
}

/**
 * @param filler what shows inside the patch, as many numbers as the image has
 * @returns undefined where the network is not a chain that windows can follow
 */
export async function incrementalScorer(
  model: ImageModel,
  image: tf.Tensor3D,
  filler: Float32Array,
  grid: PatchGrid,
  { watched, rule }: IncrementalOptions = {},
): Promise<Scorer | undefined> {
  const chain = chainOf(model.network, model.layerName());
  if (!chain || (watched && !contains(chain, watched.layer))) return undefined;

  const cover = tf.tensor3d(filler, image.shape);
  const occluder = { image: await prepared(model, image), filler: (await prepared(model, cover)).data };
  cover.dispose();
  const { maps, steps, features, watchedMap } = cleanMaps(model, image, chain, watched?.layer);
  const runner = new WindowRunner(chain, occluder, steps, rule);
  const head = await (chain.globalMean ? meanHead : wholeMapHead)(chain.head, features);
  const watch = watched && (await mapWatcher(watched, watchedMap!));
  tf.dispose(maps);

  return {
    incremental: true,
    score: (blocks) => scoresOf(blocks, { runner, head, watch, grid, atOnce: chain.globalMean ? 1 : HEAD_BATCH }),
    dispose() {
      runner.dispose();
      head.dispose();
    },
  };
}

/** Keeps the sum of one feature map up to date, as the mean head does with all of them. */
async function mapWatcher({ layer, channel }: WatchedMap, clean: tf.Tensor4D) {
  const [, height, width] = clean.shape;
  const map = tf.slice(clean, [0, 0, 0, channel], [1, -1, -1, 1]);
  const sums = new RectangleSums(await map.data(), height, width, 1);
  map.dispose();
  let inside: tf.Tensor | undefined;
  let outside: Float32Array;
  return {
    observe(name: string, { values, at }: Changed) {
      if (name !== layer) return;
      inside = tf.keep(tf.tidy(() => tf.sum(tf.slice(values, [0, 0, 0, channel], [-1, -1, -1, 1]), [1, 2, 3])));
      outside = sums.outside(at);
    },
    async take(): Promise<Float32Array> {
      const values = (await inside!.data()) as Float32Array;
      inside!.dispose();
      return values.map((v, i) => v + outside[i]);
    },
  };
}
