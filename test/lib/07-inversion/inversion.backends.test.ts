import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { invert, mahendranPreset } from '../../../lib/07-inversion/inversion';
import { codeError, pairwiseDistances, survival } from '../../../lib/07-inversion/measures';
import { coursePhotos } from '../../../lib/image/photos';
import { totalVariation } from '../../../lib/06-optimization/penalties';
import { pixels } from '../../../lib/06-optimization/parametrization';
import { adam, normalized, plain } from '../../../lib/06-optimization/steps';
import { disposeAll, failure, leakFree, longTest } from '../../helpers';
import { SIDE, network, picture } from './small-network';

test.before(async () => {
  await startBackend();
});

/** The pictures here are white noise, to which 1/f waves are not suited. */
const ON_PIXELS = { parametrization: pixels(), step: adam(0.02), noise: 10 / 255, steps: 60 };

test('每一层的误差都下降，重建的编码比原图之外的任何图都近', async () => {
  const [model, image] = [network(), picture()];
  const others = [4, 5, 6, 7].map(picture);
  for (const layer of ['c1', 'relu1', 'c2', 'relu2', 'scores']) {
    const result = await invert(model, image, layer, { ...ON_PIXELS, lambda: 0.01 });
    assert.ok(result.error.ofCode < 0.5 * -result.trace[0], `${layer}：${-result.trace[0]} → ${result.error.ofCode}`);
    const nearest = Math.min(...(await Promise.all(others.map((x) => codeError(model, x, image, layer)))));
    // Four averages over the whole image say almost the same about all noise pictures.
    if (layer !== 'scores')
      assert.ok(result.error.ofCode < nearest, `${layer}：重建 ${result.error.ofCode}，别的图 ${nearest}`);
    const again = await codeError(model, result.best, image, layer);
    assert.ok(Math.abs(again - result.error.ofCode) < 1e-4 + 1e-3 * again, '报告的误差就是 best 的误差');
    assert.is(result.layer, layer);
    disposeAll([result.image, result.best]);
  }
  disposeAll([image, others]);
  model.dispose();
});

longTest(test, '不给选项：平滑的图、傅里叶参数化，误差也下降，同一个 λ', async () => {
  const model = network();
  const smooth = tf.tidy(() => {
    const ramp = tf.linspace(0.2, 0.8, SIDE);
    const [down, across] = [
      tf.tile(tf.reshape(ramp, [SIDE, 1]), [1, SIDE]),
      tf.tile(tf.reshape(ramp, [1, SIDE]), [SIDE, 1]),
    ];
    return tf.stack([down, across, tf.sub(1, down)], 2) as tf.Tensor3D;
  });
  const plain = await invert(model, smooth, 'c2');
  assert.equal([plain.lambda, plain.settings.parametrization, plain.trace.length], [0.05, 'fourier', 101]);
  disposeAll([plain.image, plain.best]);
  // a random network of this size needs more of the small steps than a trained one
  for (const layer of ['c1', 'c2']) {
    const result = await invert(model, smooth, layer, { steps: 400 });
    assert.ok(result.error.ofCode < 0.3 * -result.trace[0], `${layer}：${-result.trace[0]} → ${result.error.ofCode}`);
    disposeAll([result.image, result.best]);
  }
  smooth.dispose();
  model.dispose();
});

longTest(test, '论文的设置（动量、强噪声、逐层的 λ）在每一层也使误差下降', async () => {
  const [model, image] = [network(), picture()];
  for (const layer of ['c1', 'relu1', 'c2', 'relu2', 'scores']) {
    const result = await invert(model, image, layer, mahendranPreset(model, layer, { steps: 200 }));
    assert.ok(result.error.ofCode < 0.7 * -result.trace[0], `${layer}：${-result.trace[0]} → ${result.error.ofCode}`);
    assert.match(result.settings.step, /momentum/);
    disposeAll([result.image, result.best]);
  }
  image.dispose();
  model.dispose();
});

test('λ 越大误差越大，图越平滑', async () => {
  const [model, image] = [network(), picture()];
  const variation = totalVariation(1);
  const mean = tf.zeros([3]) as tf.Tensor1D;
  const runs: { error: number; tv: number }[] = [];
  for (const lambda of [1, 100]) {
    const { best, image: last, error } = await invert(model, image, 'c1', { steps: 60, lambda });
    runs.push({ error: error.ofCode, tv: tf.tidy(() => variation(best, { mean }).dataSync()[0]) });
    tf.dispose([best, last]);
  }
  assert.ok(runs[1].error > runs[0].error && runs[1].tv < runs[0].tv, JSON.stringify(runs));
  tf.dispose([image, mean]);
  model.dispose();
});

test('只反演中央的一块编码：块外的像素不受影响（除了正则项）', async () => {
  const [model, image] = [network(), picture()];
  const result = await invert(model, image, 'c1', { steps: 20, parametrization: pixels(), step: normalized(0.01), region: [4, 4, 2, 2], start: 'mean', lambda: 1e-6 }); // prettier-ignore
  // c1 at rows 4, 5 sees the input rows 4 … 7; from the mean the regulariser does nothing outside.
  const changed = tf.tidy(() => tf.greater(tf.abs(tf.max(tf.sub(result.best, tf.tensor1d([...model.mean])), 2)), 1e-3).arraySync()) as number[][]; // prettier-ignore
  const rows = changed.map((row, i) => (row.some(Boolean) ? i : -1)).filter((i) => i >= 0);
  assert.ok(rows.length > 0 && Math.min(...rows) >= 3 && Math.max(...rows) <= 8, `变了的行 ${rows}`);
  disposeAll([image, result.image, result.best]);
  model.dispose();
});

test('续跑与一次跑完相同；同一个种子相同，另一个种子不同', async () => {
  const [model, image] = [network(), picture()];
  const whole = await invert(model, image, 'c2', {
    parametrization: pixels(),
    steps: 8,
    lambda: 10,
    step: plain(5),
    seed: 2,
  });
  const half = await invert(model, image, 'c2', {
    parametrization: pixels(),
    steps: 3,
    lambda: 10,
    step: plain(5),
    seed: 2,
  });
  const resumed = await invert(model, image, 'c2', {
    parametrization: pixels(),
    steps: 5,
    lambda: 10,
    step: plain(5),
    seed: 2,
    resume: half,
  });
  assert.equal(resumed.trace, whole.trace);
  assert.equal(Array.from(resumed.best.dataSync()), Array.from(whole.best.dataSync()));
  const other = await invert(model, image, 'c2', {
    parametrization: pixels(),
    steps: 3,
    lambda: 10,
    step: plain(5),
    seed: 9,
  });
  assert.not.equal(other.trace, half.trace);
  for (const r of [whole, half, resumed, other]) tf.dispose([r.image, r.best]);
  image.dispose();
  model.dispose();
});

test('停止信号、泄漏', async () => {
  const [model, image, controller] = [network(), picture(), new AbortController()];
  const stopped = await invert(model, image, 'c1', {
    signal: controller.signal,
    onStep: ({ done }) => void (done === 4 && controller.abort()),
  });
  assert.is(stopped.stopped, 'aborted');
  assert.is(stopped.trace.length, 5);
  const photos = coursePhotos({ category: 'mammal' }).slice(0, 3);
  const early = new AbortController();
  const some = await pairwiseDistances(model, photos, ['c1'], {
    signal: early.signal,
    onStep: ({ done }) => void (done === 2 && early.abort()),
  });
  assert.equal([some.stopped, some.photos], ['aborted', 2]);
  for (let round = 0; round < 2; round++) {
    await leakFree(() => invert(model, image, 'relu2', { steps: 3, channels: [0, 1], pairwise: 1 }));
    await leakFree(() => failure(() => invert(model, image, 'c1', { onStep: () => { throw new Error('停'); } }))); // prettier-ignore
    await leakFree(() => failure(() => invert(model, image, 'c1', { channels: [6] })));
    await leakFree(() => survival(image, stopped.best));
    await leakFree(() => pairwiseDistances(model, photos, ['c1', 'scores']));
    await leakFree(() => codeError(model, image, stopped.best, 'c2'));
  }
  disposeAll([stopped.image, stopped.best, image]);
  model.dispose();
});

test('参数不对的错误', async () => {
  const [model, image] = [network(), picture()];
  const black = tf.zeros([SIDE, SIDE, 3]) as tf.Tensor3D;
  const half = await invert(model, image, 'c1', { steps: 1 });
  const expectations: [() => unknown, RegExp][] = [
    [() => invert(model, image, 'conv9'), /没有名为"conv9"的层/],
    [() => invert(model, image, 'c1', { steps: 0 }), /steps 应为正整数/],
    [() => invert(model, image, 'c1', { channels: [6] }), /通道应为 0 到 5 的整数，得到 6/],
    [() => invert(model, image, 'c1', { channels: [] }), /至少要有一个通道/],
    [() => invert(model, image, 'c1', { region: [0, 0, 11, 1] }), /region 应为 10×10 的特征图之内/],
    [() => invert(model, image, 'scores', { region: [0, 0, 1, 1] }), /没有位置/],
    [() => invert(model, image, 'c1', { lambda: -1 }), /lambda/],
    [() => invert(model, image, 'c1', { pairwise: 0 }), /pairwise 应为正数/],
    [() => invert(model, image, 'c2', { resume: half }), /resume 的结果是 c1 层/],
    [() => invert(model, black, 'c1'), /全为零.*请换/],
    [() => pairwiseDistances(model, [], ['c1']), /至少要 2 张照片/],
  ];
  for (const [run, message] of expectations) assert.match((await failure(run)).message, message);
  tf.dispose([image, black, half.image, half.best]);
  model.dispose();
});

test.run();
