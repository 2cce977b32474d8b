import { tf } from './tf';
import { shared } from '../base/state';
import { isPrepared } from './gradient-calls';

/**
 * Layers that do the same at every call, apart from their weights: TensorFlow.js' own and the course's. Somebody's own
 * layer may read a number that changes, so a network with one is never compiled (see compiled.ts).
 */

type LayerClass = abstract new (...args: never[]) => tf.layers.Layer;

interface Known {
  readonly stock: ReadonlySet<unknown>;
  readonly course: Set<unknown>;
}

// Taken when the library is loaded, before anybody registers a class.
const known = shared<Known>('known-layers', () => ({
  stock: new Set(Object.values(tf.serialization.SerializationMap.getMap().classNameMap).map(([made]) => made)),
  course: new Set(),
}));

/** Says of classes of the course that nothing but their weights ever changes. */
export const addKnownLayers = (...classes: LayerClass[]): void => classes.forEach((one) => known.course.add(one));

const inside = (layer: tf.layers.Layer): tf.layers.Layer[] =>
  'layers' in layer ? (layer as unknown as tf.LayersModel).layers.flatMap(inside) : [layer];

const layersOf = ({ layers }: tf.LayersModel): tf.layers.Layer[] => layers.flatMap(inside);

/** Whether the network is made of known layers that nobody has put another `call` into. */
export const isKnown = (network: tf.LayersModel): boolean =>
  layersOf(network).every((layer) => {
    const { constructor } = layer;
    if (!known.stock.has(constructor) && !known.course.has(constructor)) return false;
    return layer.call === (constructor.prototype as tf.layers.Layer).call || isPrepared(layer);
  });

/** All weights of the network as they are now. */
export const weightsOf = (network: tf.LayersModel): tf.Tensor[] =>
  layersOf(network).flatMap(({ weights }) => weights.map((weight) => weight.read()));

/** The weights that are not frozen for good: those of TensorFlow.js' own layers. */
export const openWeights = (network: tf.LayersModel): tf.Tensor[] =>
  layersOf(network)
    .filter(({ constructor }) => known.stock.has(constructor))
    .flatMap(({ weights }) => weights.map((weight) => weight.read()));
