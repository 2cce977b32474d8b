import type { tf } from '../tf/backend';
import type { Roles } from '../model/model';
import { GraphLayer } from './graph-layer';

/** Which layers of somebody's own network play the parts that the chapters need. */

const shapeOf = (layer: tf.layers.Layer) => layer.outputShape as (number | null)[];
const hasSpace = (layer: tf.layers.Layer) => shapeOf(layer).length === 4;
const places = (layer: tf.layers.Layer) => (hasSpace(layer) ? shapeOf(layer)[1]! * shapeOf(layer)[2]! : 1);
/** Factors for each channel, [1, 1, 1, c], are no kernel. */
const isKernel = (shape: tf.Shape) => shape.length === 4 && shape.filter((n) => n !== 1).length > 1;

function isConv(layer: tf.layers.Layer): boolean {
  if (!hasSpace(layer) || !layer.weights.some((w) => w.shape.length === 4)) return false;
  if (layer instanceof GraphLayer) return /conv/i.test(layer.op);
  return /conv/i.test(layer.getClassName()) || layer.weights.some((w) => isKernel(w.shape));
}

/** Those with more than one place, where there are any: a map of 1 x 1 has nothing to look at. */
function wide(layers: readonly tf.layers.Layer[]): string[] {
  const with_ = layers.filter((layer) => places(layer) > 1);
  return (with_.length ? with_ : layers).map(({ name }) => name);
}

/** What the layer reads that makes the scores: what only reshapes them is looked through. */
function belowScores(layer: tf.layers.Layer): tf.layers.Layer | undefined {
  let from = layer;
  while (from.inboundNodes[0]?.inboundLayers.length === 1 && from.weights.length === 0)
    from = from.inboundNodes[0].inboundLayers[0];
  return from.inboundNodes[0]?.inboundLayers[0];
}

/**
 * The roles, guessed from the layers; what is given goes before.
 *
 * @param logits the layer of the scores; undefined: the network has none
 * @param last the network's own output layer
 */
export function guessRoles(
  network: tf.LayersModel,
  { logits, last }: { logits?: string; last: string },
  given: Partial<Roles>,
): Roles {
  const convs = network.layers.filter(isConv);
  if (!convs.length) throw new RangeError('网络里没有卷积层：课程的方法看的是卷积网络的特征图。');
  const pools = network.layers.filter((l) => places(l) > 1 && /Pool/.test(l.getClassName()));
  // What comes before the first convolution is preprocessing.
  const spatial = wide(network.layers.slice(network.layers.indexOf(convs[0])).filter(hasSpace));
  const before = logits ? belowScores(network.getLayer(logits)) : network.getLayer(last);
  const stage = (i: number) => spatial[Math.round((i * (spatial.length - 1)) / 4)];
  const lastConv = wide(convs).at(-1)!;
  return {
    firstConv: convs[0].name,
    lastConv,
    lastPool: pools.at(-1)?.name ?? lastConv,
    features: before?.name ?? lastConv,
    logits,
    stages: [stage(0), stage(1), stage(2), stage(3), stage(4)],
    ...given,
  };
}
