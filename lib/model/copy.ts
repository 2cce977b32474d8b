import { tf } from '../tf/backend';
import { borrowed } from '../tf/borrowed';
import { isPrepared, prepareForGradients } from '../tf/gradient-calls';
import { descriptionOf, type ImageModel, imageModel } from './model';

/**
 * The same network with weights of its own: they can be changed while others go on using the original, across any
 * await. What is not changed shares its memory with the original.
 */

type Fields = Record<string, unknown>;
type Variables = Map<tf.LayerVariable, tf.LayerVariable>;

function own(variable: tf.LayerVariable, made: Variables): tf.LayerVariable {
  let copy = made.get(variable);
  if (!copy) {
    copy = new tf.LayerVariable(variable.read(), 'float32', 'copy', false);
    made.set(variable, copy);
  }
  return copy;
}

/** Every field of the layer that is a weight, or a list of weights, under the same name with a weight of its own. */
function withOwnWeights(view: tf.layers.Layer, made: Variables): void {
  const fields = view as unknown as Fields;
  for (const key in fields) {
    // The lists behind an underscore: the getters read them.
    if (/^(weights|trainableWeights|nonTrainableWeights)$/.test(key)) continue;
    const value = fields[key];
    if (value instanceof tf.LayerVariable) fields[key] = own(value, made);
    else if (Array.isArray(value) && value.length && value.every((v) => v instanceof tf.LayerVariable))
      fields[key] = value.map((v) => own(v as tf.LayerVariable, made));
  }
  if ('parts' in fields) fields.parts = []; // the course's convolutions keep their kernels prepared
}

/**
 * @returns a model of its own; its dispose() gives back the copied weights and leaves the original alone
 */
export function copyOf(model: ImageModel): ImageModel {
  const { network } = model;
  const made: Variables = new Map();
  const tensors = new Map<string, tf.SymbolicTensor>();
  const views: tf.layers.Layer[] = [];
  for (const layer of network.layers) {
    const node = layer.inboundNodes[0] as unknown as { inputTensors: tf.SymbolicTensor[] };
    if (!layer.inboundNodes[0].inboundLayers.length) {
      tensors.set(layer.name, tf.input({ shape: network.inputs[0].shape.slice(1), name: layer.name }));
      continue;
    }
    const view = borrowed(layer, layer.name);
    // Not what gradient-calls has put there: that reads the original's weights.
    view.call = (layer.constructor as typeof tf.layers.Layer).prototype.call;
    withOwnWeights(view, made);
    const inputs = node.inputTensors.map(({ sourceLayer }) => tensors.get(sourceLayer.name)!);
    tensors.set(layer.name, view.apply(inputs.length === 1 ? inputs[0] : inputs) as tf.SymbolicTensor);
    if ('parts' in view) view.setWeights(layer.getWeights());
    views.push(view);
  }
  const first = tensors.get(network.inputs[0].sourceLayer.name)!;
  const outputs = network.outputs.map(({ sourceLayer }) => tensors.get(sourceLayer.name)!);
  const copy = tf.model({ inputs: first, outputs, name: network.name });
  if (network.layers.some(isPrepared)) prepareForGradients(copy);
  const result = imageModel(copy, { ...descriptionOf(model), weightsId: undefined, ownsNetwork: false });
  return {
    ...result,
    dispose() {
      result.dispose();
      for (const view of views) (view as unknown as { release?(): void }).release?.();
      for (const variable of made.values()) variable.dispose();
      made.clear();
    },
  };
}
