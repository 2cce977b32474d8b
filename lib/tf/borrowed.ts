import { tf } from './tf';

/** The layer again under another name and at another place in another graph: the same code, the same weights. */
export function borrowed(original: tf.layers.Layer, name: string): tf.layers.Layer {
  const { id } = tf.layers.flatten({ name }) as unknown as { id: number };
  const view = Object.create(original) as tf.layers.Layer & { id: number };
  return Object.assign(view, { id, name, inboundNodes: [], outboundNodes: [] });
}
