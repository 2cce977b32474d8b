import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { loadModel } from '../../../lib/model/networks/load';
import { untrainedModel } from '../../../lib/model/networks/untrained';
import { leakFree } from '../../helpers';

const ID = 'efficientnet-lite0';

test.before(async () => void (await startBackend()));

test('结构相同，权值全换：标准差 √(2 / 输入个数)，偏置为 0；受过训练的那一个不变', async () => {
  const trained = await loadModel(ID);
  const blank = await untrainedModel(ID, { seed: 3 });
  assert.equal(blank.layers, trained.layers);
  assert.is(blank.weightsId, undefined, '不进磁盘缓存');
  const weights = blank.network.layers.flatMap((layer) => layer.getWeights().map((weight) => ({ layer, weight })));
  const large = weights.filter(({ weight }) => weight.rank > 1 && weight.size > 20_000);
  assert.ok(large.length > 10);
  for (const { layer, weight } of large) {
    const values = weight.dataSync<'float32'>();
    const variance = values.reduce((sum, v) => sum + v * v, 0) / values.length;
    const depthwise = layer.getClassName().startsWith('Depthwise');
    const inputs = depthwise ? weight.shape[0] * weight.shape[1]! : weight.size / weight.shape[weight.rank - 1]!;
    assert.ok(Math.abs((variance * inputs) / 2 - 1) < 0.05, `${layer.name}: ${(variance * inputs) / 2}`);
  }
  for (const { weight } of weights.filter(({ weight }) => weight.rank === 1))
    assert.ok(weight.dataSync<'float32'>().every((v) => v === 0));
  const image = tf.fill([224, 224, 3], 0.4) as tf.Tensor3D;
  const [a, b] = [trained, blank].map((model) => model.activations(image));
  assert.ok(b.dataSync().every(Number.isFinite));
  assert.not.equal(Array.from(a.dataSync()), Array.from(b.dataSync()));
  tf.dispose([image, a, b]);
  trained.dispose();
  blank.dispose();
});

test('同一个种子给出同一个网络；不泄漏', async () => {
  const first = async (seed: number) => {
    const model = await untrainedModel(ID, { seed });
    const [kernel] = model.network.layers.find((layer) => layer.getWeights().length)!.getWeights();
    const values = Array.from(kernel.dataSync().slice(0, 5));
    model.dispose();
    return values;
  };
  assert.equal(await first(1), await first(1));
  assert.not.equal(await first(1), await first(2));
  await leakFree(() => first(1));
});

test.run();
