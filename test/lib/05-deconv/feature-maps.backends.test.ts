import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { gradientBatch } from '../../../lib/05-deconv/gradient-batch';
import { featureMapGradients } from '../../../lib/05-deconv/feature-map-gradients';
import type { Rule } from '../../../lib/05-deconv/gradients';
import type { ImageModel } from '../../../lib/model/model';
import { loadModel } from '../../../lib/model/networks/load';
import { gradientOf } from '../../gradient-networks';
import { assertClose, failure, leakFree, tinyModel } from '../../helpers';

const RULES: Rule[] = ['backprop', 'deconv', 'guided'];

test.before(async () => {
  await startBackend();
});

test('所有特征图：内存只随批的大小增长，不随通道总数', async () => {
  const kernel = Array.from({ length: 3 * 3 * 3 * 64 }, (_, i) => Math.sin(i * 1.7));
  const model = tinyModel([24, 24], [{ size: [3, 3], filters: 64, kernel }]);
  const image = tf.fill([24, 24, 3], 0.5) as tf.Tensor3D;
  /** Most bytes alive at once, beyond what was there before and beyond the maps themselves (twice: parts, then joined). */
  const working = async (channels: number, batchSize: number) => {
    const before = tf.memory().numBytes;
    const all = Array.from({ length: channels }, (_, c) => c);
    let maps: tf.Tensor | undefined;
    const { peakBytes } = await tf.profile(async () => {
      ({ maps } = await featureMapGradients(model, image, 'relu1', { channels: all, batchSize }));
      return tf.scalar(0);
    });
    maps!.dispose();
    return peakBytes - before - 2 * channels * 24 * 24 * 3 * 4;
  };
  const [few, many, wide] = [await working(8, 4), await working(64, 4), await working(64, 32)];
  assert.ok(many < 1.05 * few, `8 个通道 ${few}，64 个通道 ${many}`);
  assert.ok(wide > 4 * few, `一批 4 个 ${few}，一批 32 个 ${wide}`);
  image.dispose();
  model.dispose();
});

test('缺省的批由网络的大小决定：小的 8，EfficientNet-Lite0 4，再大的更少，至少 1', async () => {
  const sized = (megabytes: number) =>
    gradientBatch({ layerName: String, layers: [{ shape: [megabytes, 512, 512] }] } as unknown as ImageModel);
  assert.equal([8, 48, 96, 400].map(sized), [8, 4, 2, 1]);
  const lite = await loadModel('efficientnet-lite0');
  assert.is(gradientBatch(lite), 4);
  lite.dispose();
});

test('一层的所有特征图：与逐个求相同，与批的大小无关；中断交出已有的', async () => {
  const kernel = Array.from({ length: 2 * 2 * 3 * 5 }, (_, i) => Math.sin(i * 1.7));
  const second = Array.from({ length: 2 * 2 * 5 * 4 }, (_, i) => Math.cos(i * 0.9));
  const model = tinyModel([6, 5], [{ size: [2, 2], filters: 5, kernel }, { size: [2, 2], filters: 4, kernel: second }]); // prettier-ignore
  const image = tf.tensor3d(
    Float32Array.from({ length: 90 }, (_, i) => Math.abs(Math.sin(i))),
    [6, 5, 3],
  );
  for (const rule of RULES) {
    const { maps: all } = await featureMapGradients(model, image, 'relu2', { rule, batchSize: 3 });
    assert.equal(all.shape, [4, 6, 5, 3]);
    const values = all.dataSync();
    all.dispose();
    for (let channel = 0; channel < 4; channel++) {
      const one = gradientOf(model, image, { layer: 'relu2', channel, at: 'max' }, { rule });
      assertClose(values.subarray(channel * 90, (channel + 1) * 90), one, 1e-6);
    }
  }
  const { maps: some } = await featureMapGradients(model, image, 'relu2', { channels: [2, 0], at: 'center' });
  assertClose(some.dataSync().subarray(90), gradientOf(model, image, { layer: 'relu2', channel: 0 }), 1e-6);
  some.dispose();
  await leakFree(async () => {
    const stop = new AbortController();
    const steps: number[] = [];
    const onStep = ({ done }: { done: number }) => {
      steps.push(done);
      stop.abort();
    };
    const options = { batchSize: 1, signal: stop.signal, onStep };
    const { maps: part, stopped } = await featureMapGradients(model, image, 'relu2', options);
    assert.is(stopped, 'aborted');
    assert.equal(part.shape, [1, 6, 5, 3]);
    assert.equal(steps, [1]);
    return part;
  });
  await leakFree(async () => {
    const onStep = () => {
      throw new Error('听众');
    };
    assert.is((await failure(() => featureMapGradients(model, image, 'relu2', { onStep }))).message, '听众');
  });
  for (const options of [{ channels: [4] }, { channels: [] }, { batchSize: 0 }]) {
    assert.instance(await failure(() => featureMapGradients(model, image, 'relu2', options)), RangeError);
  }
  image.dispose();
  model.dispose();
});

test.run();
