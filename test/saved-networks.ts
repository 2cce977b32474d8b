/** Writes a small network into a folder as TensorFlow.js' converter would: as a graph of operations. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { tf } from '../lib/tf/backend';

const write = (folder: string, value: unknown) =>
  fs.writeFileSync(path.join(folder, 'model.json'), JSON.stringify(value));

const text = (value: string) => ({ s: Buffer.from(value).toString('base64') });
const ints = (...values: number[]) => ({ list: { i: values.map(String) } });
const dims = (shape: readonly number[]) => ({ dim: shape.map((size) => ({ size: String(size) })) });
const float = { T: { type: 'DT_FLOAT' } };

interface Constant {
  name: string;
  shape: number[];
  dtype: 'float32' | 'int32';
  data: Float32Array | Int32Array;
}

/**
 * The graph that a converter makes of: conv + ReLU, pool, conv + ReLU6, flatten, dense, softmax. The first convolution
 * is fused with what follows it, the second is not; flatten is Shape, StridedSlice, Pack and Reshape.
 */
export function saveGraph(network: tf.LayersModel, folder: string): void {
  const constants = [...weightsOf(network), ...bookKeeping()];
  const window = (size: number, stride: number) => ({
    ksize: ints(1, size, size, 1),
    strides: ints(1, stride, stride, 1),
    padding: text('VALID'),
    data_format: text('NHWC'),
    ...float,
  });
  const convolution = {
    strides: ints(1, 1, 1, 1),
    dilations: ints(1, 1, 1, 1),
    padding: text('VALID'),
    data_format: text('NHWC'),
    ...float,
  };
  const fused = (...ops: string[]) => ({
    num_args: { i: '1' },
    epsilon: { f: 0 },
    fused_ops: { list: { s: ops.map((op) => text(op).s) } },
  });
  const node = (name: string, op: string, input: string[], attr: object = float) => ({ name, op, input, attr });
  const nodes = [
    node('image', 'Placeholder', [], { dtype: { type: 'DT_FLOAT' }, shape: { shape: dims([-1, 8, 8, 3]) } }),
    ...constants.map(({ name, shape, dtype }) => {
      const type = dtype === 'int32' ? 'DT_INT32' : 'DT_FLOAT';
      return node(name, 'Const', [], { dtype: { type }, value: { tensor: { dtype: type, tensorShape: dims(shape) } } });
    }),
    node('first', '_FusedConv2D', ['image', 'first/kernel', 'first/bias'], { ...convolution, ...fused('BiasAdd', 'Relu') }),
    node('pool', 'MaxPool', ['first'], window(2, 2)),
    node('second', 'Conv2D', ['pool', 'second/kernel'], convolution),
    node('second/bias_add', 'BiasAdd', ['second', 'second/bias'], { data_format: text('NHWC'), ...float }),
    node('second/relu', 'Relu6', ['second/bias_add']),
    node('shape', 'Shape', ['second/relu'], { out_type: { type: 'DT_INT32' }, ...float }),
    node('count', 'StridedSlice', ['shape', 'zero', 'one', 'one'], { shrink_axis_mask: { i: '1' }, begin_mask: { i: '0' }, end_mask: { i: '0' }, ellipsis_mask: { i: '0' }, new_axis_mask: { i: '0' } }),
    node('target', 'Pack', ['count', 'rest'], { N: { i: '2' }, axis: { i: '0' }, T: { type: 'DT_INT32' } }),
    node('flat', 'Reshape', ['second/relu', 'target'], { Tshape: { type: 'DT_INT32' }, ...float }),
    node('answer', '_FusedMatMul', ['flat', 'answer/kernel', 'answer/bias'], { ...float, ...fused('BiasAdd'), transpose_a: { b: false }, transpose_b: { b: false } }),
    node('probabilities', 'Softmax', ['answer']),
    node('Identity', 'Identity', ['probabilities']),
  ]; // prettier-ignore
  fs.mkdirSync(folder, { recursive: true });
  const data = Buffer.concat(constants.map((c) => Buffer.from(c.data.buffer, c.data.byteOffset, c.data.byteLength)));
  const half = Math.floor(data.length / 2);
  fs.writeFileSync(path.join(folder, 'group1-shard1of2.bin'), data.subarray(0, half));
  fs.writeFileSync(path.join(folder, 'group1-shard2of2.bin'), data.subarray(half));
  const weights = constants.map(({ name, shape, dtype }) => ({ name, shape, dtype }));
  const weightsManifest = [{ paths: ['group1-shard1of2.bin', 'group1-shard2of2.bin'], weights }];
  write(folder, { format: 'graph-model', modelTopology: { node: nodes, versions: { producer: 1 } }, weightsManifest });
}

function weightsOf(network: tf.LayersModel): Constant[] {
  return network.layers.flatMap((layer) =>
    layer.getWeights().map((weight, i) => ({
      name: `${layer.name}/${['kernel', 'bias'][i]}`,
      shape: weight.shape,
      dtype: 'float32' as const,
      data: weight.dataSync() as Float32Array,
    })),
  );
}

/** Where the slice of the shape begins and ends, and how many numbers one picture has after flattening. */
function bookKeeping(): Constant[] {
  const given = (name: string, shape: number[], value: number): Constant => ({
    name,
    shape,
    dtype: 'int32',
    data: Int32Array.of(value),
  });
  return [given('zero', [1], 0), given('one', [1], 1), given('rest', [], 20)];
}
