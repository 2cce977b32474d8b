import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fgsm, iterate, leastLikely, targeted, to8bit } from '../../../lib/08-adversarial/attacks';
import { deepFool } from '../../../lib/08-adversarial/deepfool';
import { startBackend, tf } from '../../../lib/tf/backend';
import { disposeAll, failure, leakFree, tinyModel } from '../../helpers';

test.before(async () => {
  await startBackend();
});

/** Scores are the mean over the pixels of w(c)·x + b(c): everything about an attack has a closed form. */
const SIDE = 4;
const W = [
  [0.5, -1, 0.25],
  [-0.5, 1, 0.75],
  [1, 1, -2],
];
const linear = (bias = [1, 0, 0]) =>
  tinyModel(
    [SIDE, SIDE],
    [{ kernel: [0, 1, 2].flatMap((k) => W.map((w) => w[k])), size: [1, 1], filters: 3, bias, relu: false }],
  );
const grey = () => tf.fill([SIDE, SIDE, 3], 0.5) as tf.Tensor3D;
/** At the grey image the scores are 0.5·Σw + b. */
const score = (c: number, bias: number[]) => 0.5 * W[c].reduce((a, b) => a + b, 0) + bias[c];
const difference = (a: number, b: number) => W[a].map((v, k) => v - W[b][k]);
const l1 = (v: number[]) => v.reduce((s, x) => s + Math.abs(x), 0);

test('一步 FGSM 的得分变化是 ε·||w||₁，扰动处处是 ±ε', async () => {
  const [model, image, epsilon] = [linear(), grey(), 0.03];
  const result = await fgsm(model, image, { epsilon, loss: 'margin' });
  // The nearest rival of class 0 is class 1: 1 − 0.125 against 0.625 and 0.
  const gained = result.trace[1] - result.trace[0];
  assert.ok(Math.abs(gained - epsilon * l1(difference(1, 0))) < 1e-5, `${gained}`);
  const values = result.perturbation.dataSync();
  assert.ok(values.every((v) => Math.abs(Math.abs(v) - epsilon) < 1e-6));
  assert.is(result.trace.length, 2);
  assert.ok(Math.abs(result.linf - epsilon) < 1e-6);
  assert.ok(Math.abs(result.l2 - epsilon * Math.sqrt(SIDE * SIDE * 3)) < 1e-5);
  assert.ok(Math.abs(result.relative - epsilon / 0.5) < 1e-5);
  disposeAll([result, image]);
  model.dispose();
});

test('FGSM 只走一步：ε 小了不成功，大过 |差| / ||w||₁ 就成功', async () => {
  const [model, image] = [linear(), grey()];
  const needed = (score(0, [1, 0, 0]) - score(1, [1, 0, 0])) / l1(difference(1, 0));
  for (const [factor, success] of [
    [0.95, false],
    [1.05, true],
  ] as const) {
    const result = await fgsm(model, image, { epsilon: needed * factor, loss: 'margin', away: { class: 0 } });
    assert.is(result.success, success, `ε = ${factor} 倍`);
    assert.is(result.before[0].index, 0);
    assert.is(result.after[0].index, success ? 1 : 0);
    disposeAll(result);
  }
  image.dispose();
  model.dispose();
});

test('概率舍入成 1 时，交叉熵的方向仍然对：与得分之差相同', async () => {
  const [model, image] = [linear([60, 0, -60]), grey()];
  const [a, b] = [
    await fgsm(model, image, { epsilon: 0.1 }),
    await fgsm(model, image, { epsilon: 0.1, loss: 'margin' }),
  ];
  assert.is(a.before[0].probability, 1);
  assert.equal(Array.from(a.perturbation.dataSync()), Array.from(b.perturbation.dataSync()));
  assert.ok(Math.abs(a.trace[1] - a.trace[0] - 0.1 * l1(difference(1, 0))) < 1e-4);
  disposeAll([a, b, image]);
  model.dispose();
});

test('迭代的攻击停在 ε 邻域与 [0, 1] 之内，目标每步不减', async () => {
  const model = linear();
  // Pixels at the ends of the range: half of the signs lead out of [0, 1].
  const image = tf.tensor3d(Float32Array.from({ length: SIDE * SIDE * 3 }, (_, i) => [0, 1, 0.3, 0.62][i % 4]), [SIDE, SIDE, 3]); // prettier-ignore
  for (const loss of ['crossEntropy', 'margin'] as const) {
    for (const randomStart of [false, true]) {
      const result = await iterate(model, image, { epsilon: 0.1, steps: 8, loss, randomStart, seed: 3 });
      const [x, d] = [result.image.dataSync(), result.perturbation.dataSync()];
      assert.ok(x.every((v) => v >= 0 && v <= 1) && d.every((v) => Math.abs(v) <= 0.1 + 1e-6));
      assert.ok(
        result.trace.every((v, i) => i === 0 || v >= result.trace[i - 1] - 1e-6),
        `${result.trace}`,
      );
      assert.ok(result.trace[8] > result.trace[0]);
      disposeAll(result);
    }
  }
  image.dispose();
  model.dispose();
});

test('有目标的攻击走到目标；最不可能的类别是得分最低的那一个', async () => {
  const [model, image] = [linear(), grey()];
  const result = await targeted(model, image, { class: 2 }, { epsilon: 0.4, steps: 10 });
  assert.is(result.after[0].index, 2);
  assert.ok(result.success && result.success8bit && result.to === 2 && result.from === 0);
  const last = await leastLikely(model, image, { epsilon: 0.4, steps: 10 });
  assert.is(last.to, 2, '得分 0.875、0.625、0：第 2 类最低');
  assert.ok(last.success);
  const early = await targeted(
    model,
    image,
    { class: 2 },
    { epsilon: 0.4, steps: 40, stepSize: 0.05, confidence: 0.4 },
  );
  assert.ok(early.trace.length < 20 && early.success && early.stopped === undefined, `${early.trace.length} 步`);
  disposeAll([result, last, early, image]);
  model.dispose();
});

test('同一个种子给出同一个对抗样本，另一个种子给出另一个', async () => {
  const [model, image] = [linear(), grey()];
  const run = (seed: number) =>
    iterate(model, image, { epsilon: 0.2, steps: 1, stepSize: 0.01, randomStart: true, seed });
  const results = [await run(5), await run(5), await run(6)];
  const [a, b, c] = results.map((r) => Array.from(r.image.dataSync()));
  assert.equal(a, b);
  assert.not.equal(a, c);
  disposeAll([results, image]);
  model.dispose();
});

test('DeepFool 在线性网络上一步到达最近的边界：||r|| = |差| / ||w||', async () => {
  const [model, image] = [linear(), grey()];
  const steps: number[] = [];
  const result = await deepFool(model, image, { overshoot: 0.02, onStep: ({ done }) => void steps.push(done) });
  const distance = [1, 2].map(
    (c) => (score(0, [1, 0, 0]) - score(c, [1, 0, 0])) / (Math.hypot(...difference(c, 0)) / SIDE),
  );
  const expected = 1.02 * Math.min(...distance);
  assert.ok(Math.abs(result.l2 / expected - 1) < 1e-3, `${result.l2} 应为 ${expected}`);
  assert.equal(steps, [0, 1]);
  assert.ok(result.success && result.trace[0] < 0 && result.trace[1] > 0);
  assert.ok(Math.abs(result.relative - result.l2 / Math.hypot(...Array(48).fill(0.5))) < 1e-6);
  disposeAll([result, image]);
  model.dispose();
});

test('续跑与一次跑完相同', async () => {
  const [model, image] = [linear(), grey()];
  const options = { epsilon: 0.2, stepSize: 0.013, loss: 'margin' } as const;
  const whole = await targeted(model, image, { class: 2 }, { ...options, steps: 7 });
  const half = await targeted(model, image, { class: 2 }, { ...options, steps: 3 });
  disposeAll([half.image, half.perturbation]);
  const resumed = await targeted(model, image, { class: 2 }, { ...options, steps: 4, resume: half });
  assert.equal(resumed.trace, whole.trace);
  assert.equal(Array.from(resumed.image.dataSync()), Array.from(whole.image.dataSync()));
  disposeAll([whole, resumed, image]);
  model.dispose();
});

test('停止信号在一步之内停下，交出已有结果', async () => {
  const [model, image, controller] = [linear(), grey(), new AbortController()];
  const result = await iterate(model, image, {
    epsilon: 0.1,
    steps: 50,
    signal: controller.signal,
    onStep: ({ done }) => void (done === 3 && controller.abort()),
  });
  assert.is(result.stopped, 'aborted');
  assert.is(result.trace.length, 4);
  const deep = await deepFool(model, image, { signal: controller.signal });
  assert.is(deep.stopped, 'aborted');
  assert.is(deep.l2, 0);
  disposeAll([result, deep, image]);
  model.dispose();
});

test('不泄漏张量：成功、停止、出错', async () => {
  const [model, image] = [linear(), grey()];
  const aborted = AbortSignal.abort();
  for (let round = 0; round < 2; round++) {
    await leakFree(() => fgsm(model, image));
    await leakFree(() => iterate(model, image, { steps: 3, randomStart: true }));
    await leakFree(() => targeted(model, image, { class: 1 }, { steps: 3, signal: aborted }));
    await leakFree(() => leastLikely(model, image, { steps: 2 }));
    await leakFree(() => deepFool(model, image));
    await leakFree(() => failure(() => deepFool(model, image, { onStep: () => { throw new Error('停'); } }))); // prettier-ignore
    await leakFree(() => failure(() => iterate(model, image, { onStep: () => { throw new Error('停'); } }))); // prettier-ignore
    await leakFree(() => failure(() => targeted(model, image, { class: 0 })));
  }
  image.dispose();
  model.dispose();
});

test('长时间的循环不占用更多内存：300 步', async () => {
  const [model, image] = [linear(), grey()];
  const counts = new Set<number>();
  const result = await iterate(model, image, { steps: 300, onStep: ({ done }) => void (done > 0 && done < 300 && counts.add(tf.memory().numTensors)) }); // prettier-ignore
  assert.is(counts.size, 1, `张量数 ${[...counts]}`);
  disposeAll([result, image]);
  model.dispose();
});

test('参数不对的错误说明得到什么、应为什么、怎么办', async () => {
  const [model, image] = [linear(), grey()];
  const large = tf.zeros([5, 5, 3]) as tf.Tensor3D;
  const bytes = tf.fill([SIDE, SIDE, 3], 128) as tf.Tensor3D;
  const expectations: [() => Promise<unknown>, RegExp][] = [
    [() => fgsm(model, image, { epsilon: 8 }), /epsilon 应在 0 与 1 之间.*8 \/ 255/],
    [() => fgsm(model, image, { epsilon: 0 }), /epsilon 应在 0 与 1 之间.*得到 0/],
    [() => iterate(model, image, { stepSize: NaN }), /stepSize 应在 0 与 1 之间.*NaN/],
    [() => iterate(model, image, { steps: 0 }), /steps 应为正整数/],
    [() => iterate(model, image, { loss: 'l2' as never }), /loss 应为 'crossEntropy' 或 'margin'/],
    [() => iterate(model, image, { confidence: 2 }), /confidence 应在 0 与 1 之间/],
    [() => iterate(model, image, { away: { class: 1 } }), /本来就没有把这幅图认成"第1类".*第0类/],
    [() => targeted(model, image, { class: 3 }), /类别编号应为 0 到 2 的整数，得到 3；.*findClass/],
    [() => targeted(model, image, { class: 0 }), /目标类别"第0类"（0）就是网络现在的答案/],
    [() => deepFool(model, image, { candidates: 0 }), /candidates 应为正整数/],
    [() => deepFool(model, large), /输入应为 \[4, 4, 3\]/],
    [() => fgsm(model, bytes), /像是 0–255/],
  ];
  for (const [run, message] of expectations) {
    const caught = await failure(run);
    assert.ok(caught instanceof RangeError || caught instanceof TypeError, String(caught));
    assert.match(caught.message, message);
  }
  disposeAll([image, large, bytes]);
  model.dispose();
});

test('to8bit：最近的 k/255，仍在 [0, 1]', () => {
  const values = [0, 0.1, 0.5, 1, 0.9999, 0.0019, 1 / 255, 3 / 255, 1.2, -0.3, 0.25, 0.75];
  const image = tf.tensor3d(values, [2, 2, 3]);
  const rounded = to8bit(image);
  const expected = values.map((v) => Math.round(Math.min(1, Math.max(0, v)) * 255) / 255);
  rounded.dataSync().forEach((v, i) => assert.ok(Math.abs(v - expected[i]) < 1e-6));
  tf.dispose([image, rounded]);
});

test.run();
