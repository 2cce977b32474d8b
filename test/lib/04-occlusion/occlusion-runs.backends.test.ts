import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { patchGrid } from '../../../lib/04-occlusion/positions';
import { occlusionMap } from '../../../lib/04-occlusion/occlusion';
import { disposeAll, failure, leakFree, requestInterrupt } from '../../helpers';
import { fireNet, sequentialNet } from '../../occlusion-networks';
import { randomImage } from './random-image';

test.before(async () => void (await startBackend()));

test('由粗到细：onStep 给出部分的图；中断、abort、回调出错都不泄漏', async () => {
  const model = fireNet();
  const image = randomImage(model);
  const steps: { done: number; stage: number; secondsLeft: number; size: number }[] = [];
  const options = { size: 8, stride: 2, batchSize: 16 };
  await leakFree(() =>
    occlusionMap(
      model,
      image,
      { class: 0 },
      {
        ...options,
        onStep: ({ done, stage, secondsLeft, map }) => void steps.push({ done, stage, secondsLeft, size: map.size }),
      },
    ),
  );
  const total = patchGrid(image.shape[0], image.shape[1], 8, 2);
  assert.is(steps[steps.length - 1].done, total.rows.length * total.cols.length);
  assert.is(steps[steps.length - 1].secondsLeft, 0);
  assert.ok(steps.every((s, i) => s.size === image.shape[0] * image.shape[1] && (!i || s.done > steps[i - 1].done)));
  assert.equal([...new Set(steps.map((s) => s.stage))], [1, 2, 3]);

  for (const incremental of [true, false]) {
    const controller = new AbortController();
    let calls = 0;
    await leakFree(async () => {
      const r = await occlusionMap(
        model,
        image,
        { class: 0 },
        {
          ...options,
          incremental,
          signal: controller.signal,
          onStep: () => void (++calls === 2 && controller.abort()),
        },
      );
      assert.is(r.stopped, 'aborted');
      assert.is(calls, 2);
      const measured = Array.from(r.probability.dataSync()).filter((p) => !Number.isNaN(p)).length;
      assert.is(measured, Array.from(r.bestClass.dataSync()).filter((c) => c >= 0).length);
      assert.ok(measured > 0 && measured < r.positions.length);
      assert.ok(r.map.dataSync().every(Number.isFinite), '没算到的位置不能变成 NaN');
      return r;
    });
  }
  await leakFree(async () => {
    const r = await occlusionMap(model, image, { class: 0 }, { ...options, onStep: () => requestInterrupt() });
    assert.is(r.stopped, 'interrupted');
    return r;
  });
  await leakFree(async () => {
    const error = await failure(() =>
      occlusionMap(
        model,
        image,
        { class: 0 },
        {
          ...options,
          onStep: () => {
            throw new Error('回调');
          },
        },
      ),
    );
    assert.is(error.message, '回调');
  });
  // A network with dense layers keeps blocks waiting for each other: they must be released too.
  const dense = sequentialNet();
  const other = randomImage(dense);
  await leakFree(() => occlusionMap(dense, other, { class: 0 }, { size: 9, stride: 3, signal: AbortSignal.abort() }));
  await leakFree(() => occlusionMap(dense, other, { class: 0 }, { size: 9, stride: 3, layer: 'conv2' }));
  disposeAll([image, other]);
  model.dispose();
  dense.dispose();
});

test('错误：说出给了什么、允许什么；不泄漏', async () => {
  const model = sequentialNet();
  const image = randomImage(model);
  const small = tf.zeros([20, 20, 3]) as tf.Tensor3D;
  const cases: [unknown[], RegExp][] = [
    [[image, 2], /target 应写成.*类别 2 写成 \{ class: 2 \}/],
    [[image, { layer: 'conv2', channel: 0 }], /target 应为一个类别.*conv2/],
    [[image, { class: 5 }], /类别编号应为 0 到 4.*5/],
    [[image, { class: -1 }], /类别编号/],
    [[image, { class: 1.5 }], /类别编号/],
    [[image, { class: 0 }, { size: 38 }], /size 应为 1 到 37（图像短边）.*38/],
    [[image, { class: 0 }, { size: 0 }], /size/],
    [[image, { class: 0 }, { size: 8, stride: 9 }], /stride 应为 1 到 8/],
    [[image, { class: 0 }, { size: 8, stride: 0 }], /stride/],
    [[image, { class: 0 }, { size: 8, fill: 2 }], /fill 应为/],
    [[image, { class: 0 }, { size: 8, fill: 'grey' }], /fill 应为.*'blur'/],
    [[image, { class: 0 }, { size: 8, layer: 'conv9' }], /没有名为"conv9"的层/],
    [[image, { class: 0 }, { size: 8, layer: 'scores' }], /没有空间.*pool/],
    [[image, { class: 0 }, { size: 8, batchSize: 0 }], /batchSize/],
    [[small, { class: 0 }, { size: 8 }], /输入应为 \[37, 45, 3\].*\[20, 20, 3\].*loadImage/],
    [[undefined, { class: 0 }], /image 应为图像张量/],
  ];
  const before = tf.memory().numTensors;
  for (const [[first, ...rest], message] of cases) {
    const error = await failure(() => (occlusionMap as (...a: unknown[]) => unknown)(model, first, ...rest));
    assert.match(error.message, message);
  }
  assert.is(tf.memory().numTensors, before);
  disposeAll([image, small]);
  model.dispose();
});

test.run();
