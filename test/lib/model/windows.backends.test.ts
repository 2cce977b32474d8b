import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inputGradient } from '../../../lib/05-deconv/gradients';
import { fromLayersModel } from '../../../lib/09-your-own/from-layers';
import type { ImageModel } from '../../../lib/model/model';
import { startBackend, tf } from '../../../lib/tf/backend';

/** All weights 1: every input that a unit reads leaves a mark in its gradient. */
const conv = (filters: number, kernelSize: number | [number, number], options: object = {}) =>
  tf.layers.conv2d({ filters, kernelSize, kernelInitializer: 'ones', ...options });
const head = (maps: tf.SymbolicTensor) =>
  tf.layers.dense({ units: 2 }).apply(tf.layers.globalAveragePooling2d({}).apply(maps)) as tf.SymbolicTensor;

function network([height, width]: [number, number], ...layers: tf.layers.Layer[]): ImageModel {
  const input = tf.input({ shape: [height, width, 3] });
  const maps = layers.reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, input);
  return fromLayersModel(tf.model({ inputs: input, outputs: head(maps) }));
}

/** First and last row and column where the gradient of the layer's middle unit is not 0. */
function extent(model: ImageModel, layer: string, at: [number, number]): number[] {
  const [height, width] = model.inputSize;
  return tf.tidy(() => {
    const image = tf.randomUniform([height, width, 3], 0.2, 0.8, 'float32', 3) as tf.Tensor3D;
    const values = tf.sum(tf.abs(inputGradient(model, image, { layer, channel: 0, at })), 2).arraySync() as number[][];
    const rows = values.flatMap((row, i) => (row.some((v) => v > 0) ? [i] : []));
    const cols = values[0].flatMap((_, j) => (values.some((row) => row[j] > 0) ? [j] : []));
    return [rows[0], rows.at(-1)!, cols[0], cols.at(-1)!];
  });
}

/** Every layer with a field, against its gradient; which layers have none. */
function check(model: ImageModel): string[] {
  const [height, width] = model.inputSize;
  const maps = model.layers.filter((l) => l.shape.length === 3 && l.kind !== 'InputLayer');
  for (const { name, receptiveField, receptiveFields, shape } of maps) {
    if (!receptiveFields) continue;
    const at: [number, number] = [shape[0] >> 1, shape[1] >> 1];
    const [rows, columns] = receptiveFields;
    // the one field of both axes, exactly where they agree
    assert.equal(receptiveField, JSON.stringify(rows) === JSON.stringify(columns) ? rows : undefined, name);
    const told = [height, width].flatMap((length, axis) => {
      const { size, stride, offset } = receptiveFields[axis];
      const begin = offset + stride * at[axis];
      return [begin, begin + size - 1].map((v) => Math.max(0, Math.min(length - 1, v)));
    });
    assert.equal(extent(model, name, at), told, name);
  }
  model.dispose();
  return maps.filter((l) => !l.receptiveFields).map((l) => l.kind);
}

test.before(async () => {
  await startBackend();
});

test('感受野与梯度实际到达的范围一致：膨胀、填充、裁剪、步幅、池化、可分离、深度卷积', () => {
  const right: Record<string, ImageModel> = {
    膨胀: network([32, 32], conv(4, 3, { dilationRate: 2 }), conv(4, 3)),
    '膨胀，same': network([32, 32], conv(4, 3, { dilationRate: 4, padding: 'same' })),
    裁剪: network([40, 40], tf.layers.cropping2D({ cropping: [[6, 2], [6, 4]] }), conv(4, 3)), // prettier-ignore
    填充: network([32, 32], tf.layers.zeroPadding2d({ padding: [[2, 1], [2, 3]] as never }), conv(4, 3, { strides: 2 })), // prettier-ignore
    池化: network(
      [33, 33],
      conv(4, 3, { strides: 2, padding: 'same' }),
      tf.layers.averagePooling2d({ poolSize: 3, strides: 2 }),
    ),
    可分离: network(
      [32, 32],
      tf.layers.separableConv2d({
        filters: 4,
        kernelSize: 3,
        depthwiseInitializer: 'ones',
        pointwiseInitializer: 'ones',
      }),
    ),
    深度: network(
      [33, 33],
      tf.layers.depthwiseConv2d({ kernelSize: 3, strides: 2, padding: 'same', depthwiseInitializer: 'ones' }),
    ),
    '长宽不同，valid': network([32, 45], conv(4, 3, { strides: 2 }), conv(4, 5)),
    '32 × 45，same': network(
      [32, 45],
      conv(4, 3, { strides: 2, padding: 'same' }),
      conv(4, 5, { strides: 2, padding: 'same' }),
    ),
    '33 × 24，same，池化': network(
      [33, 24],
      conv(4, 5, { padding: 'same' }),
      tf.layers.averagePooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
      conv(4, 3, { strides: 2, padding: 'same' }),
    ),
    '1 × 7': network([48, 48], conv(4, [1, 7], { padding: 'same' })),
    '1 × 7，7 × 1': network([48, 48], conv(4, [1, 7], { padding: 'same' }), conv(4, [7, 1], { padding: 'same' })),
    '步幅 [1, 2]': network([48, 48], conv(4, 3, { strides: [1, 2] }), conv(4, 3)),
  };
  for (const [name, model] of Object.entries(right)) assert.equal(check(model), [], name);
});

test('放大、转置卷积、整幅归一化、按行拼接：没有感受野，而不是错的', () => {
  const input = tf.input({ shape: [16, 16, 3] });
  const halves = [0, 1].map(() => conv(4, 3, { padding: 'same' }).apply(input)) as tf.SymbolicTensor[];
  const stacked = tf.layers.concatenate({ axis: 1 }).apply(halves) as tf.SymbolicTensor;
  const none: [string, ImageModel, string[]][] = [
    ['放大', network([16, 16], conv(4, 3), tf.layers.upSampling2d({ size: [2, 2] })), ['UpSampling2D']],
    [
      '转置',
      network([16, 16], tf.layers.conv2dTranspose({ filters: 4, kernelSize: 3, strides: 2 })),
      ['Conv2DTranspose'],
    ],
    [
      '归一化',
      network([16, 16], conv(4, 3), tf.layers.layerNormalization({ axis: [1, 2, 3] })),
      ['LayerNormalization'],
    ],
    ['拼接', fromLayersModel(tf.model({ inputs: input, outputs: head(stacked) })), ['Concatenate']],
  ];
  for (const [name, model, kinds] of none) assert.equal(check(model), kinds, name);
});

test('嵌套与共用的层、先全局平均再乘回去：对，或者没有', () => {
  const inner = tf.input({ shape: [32, 32, 3] });
  const base = tf.model({ inputs: inner, outputs: conv(4, 5, { strides: 2 }).apply(inner) as tf.SymbolicTensor });
  check(network([32, 32], base, conv(4, 3)));

  const input = tf.input({ shape: [24, 24, 3] });
  const shared = conv(3, 3, { padding: 'same' });
  const twice = shared.apply(shared.apply(input)) as tf.SymbolicTensor;
  check(fromLayersModel(tf.model({ inputs: input, outputs: head(conv(4, 3).apply(twice) as tf.SymbolicTensor) })));

  const maps = conv(4, 3, { padding: 'same' }).apply(tf.input({ shape: [24, 24, 3] })) as tf.SymbolicTensor;
  const mean = tf.layers.reshape({ targetShape: [1, 1, 4] }).apply(tf.layers.globalAveragePooling2d({}).apply(maps));
  const scaled = tf.layers.multiply().apply([maps, mean as tf.SymbolicTensor]) as tf.SymbolicTensor;
  const source = maps.sourceLayer.inboundNodes[0].inputTensors;
  assert.equal(check(fromLayersModel(tf.model({ inputs: source, outputs: head(scaled) }))).slice(-1), ['Multiply']);
});

test.run();
