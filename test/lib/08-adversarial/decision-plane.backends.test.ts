import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decisionPlane } from '../../../lib/08-adversarial/decision-plane';
import { blockGrowth, blockSigns } from '../../../lib/08-adversarial/directions';
import { startBackend, tf } from '../../../lib/tf/backend';
import { failure, leakFree, tinyModel } from '../../helpers';

test.before(async () => {
  await startBackend();
});

const W = [
  [0.5, -1, 0.25],
  [-0.5, 1, 0.75],
];
/** The score of class c is the mean over the pixels of W[c]·x: every margin is a straight function of the steps. */
const linear = () =>
  tinyModel([4, 4], [{ kernel: [0, 1, 2].flatMap((k) => W.map((w) => w[k])), size: [1, 1], filters: 2, relu: false }]);
const filled = (rgb: number[]) => tf.tidy(() => tf.mul(tf.ones([4, 4, 3]), tf.tensor1d(rgb))) as tf.Tensor3D;

test('线性的网络上，余量是两个方向的平面，答案在 0 处换', async () => {
  const model = linear();
  const [image, right, up] = [filled([0.5, 0.5, 0.5]), filled([0, 1, 0]), filled([1, 0, 0])];
  const [across, rows] = [
    [-1, 0, 0.5],
    [0, 2],
  ];
  const plane = await decisionPlane(model, image, [right, up], {
    target: { class: 0 },
    across,
    up: rows,
    batchSize: 4,
  });
  const d = W[0].map((v, k) => v - W[1][k]);
  rows.forEach((b, r) =>
    across.forEach((a, c) => {
      const expected = 0.5 * (d[0] + d[1] + d[2]) + a * d[1] + b * d[0];
      assert.ok(Math.abs(plane.margins[r][c] - expected) < 1e-4, `${plane.margins[r][c]}，应为 ${expected}`);
      assert.is(plane.answers[r][c], expected >= 0 ? 0 : 1);
    }),
  );
  assert.ok(new Set(plane.answers.flat()).size === 2, '这幅图里应当两类都有');
  tf.dispose([image, right, up]);
  model.dispose();
});

test('中断时交出已有的行；不泄漏；参数不对时说清楚', async () => {
  const model = linear();
  const [image, right, small] = [filled([0.5, 0.5, 0.5]), filled([0, 1, 0]), tf.zeros([2, 2, 3]) as tf.Tensor3D];
  const target = { class: 0 };
  const stopped = await decisionPlane(model, image, [right, right], { target, signal: AbortSignal.abort() });
  assert.equal([stopped.stopped, stopped.margins.length], ['aborted', 0]);
  await leakFree(() => decisionPlane(model, image, [right, right], { target, across: [0, 1], up: [0] }));
  await leakFree(() => failure(() => decisionPlane(model, image, [right, right], { target, onStep: () => { throw new Error('停'); } }))); // prettier-ignore
  const wrong = [
    [await failure(() => decisionPlane(model, image, [right, small], { target })), /应与图像一样大 \[\d+, \d+, 3\]/],
    [await failure(() => decisionPlane(model, image, [right, right], { target, up: [] })), /至少要有一个数/],
    [await failure(() => decisionPlane(model, image, [right, right], { target: { class: 7 } })), /类别.*0.*1/],
  ] as const;
  for (const [error, message] of wrong) assert.match(error.message, message);
  tf.dispose([image, right, small]);
  model.dispose();
});

test('块的方向：块内之和的符号，边上不足一块的也算；沿它的线性变化就是 blockGrowth 的数', async () => {
  const w = tf.randomNormal([5, 7, 3], 0, 1, 'float32', 4) as tf.Tensor3D;
  const values = w.arraySync();
  for (const block of [1, 2, 4]) {
    const direction = blockSigns(w, block);
    const got = direction.arraySync();
    for (let y = 0; y < 5; y++)
      for (let x = 0; x < 7; x++)
        for (let c = 0; c < 3; c++) {
          let sum = 0;
          for (let r = 0; r < 5; r++)
            for (let s = 0; s < 7; s++)
              if (Math.floor(r / block) === Math.floor(y / block) && Math.floor(s / block) === Math.floor(x / block))
                sum += values[r][s][c];
          assert.is(got[y][x][c], Math.sign(sum), `[${y}, ${x}, ${c}]，块 ${block}`);
        }
    const change = tf.tidy(() => tf.sum(tf.mul(direction, w)).dataSync()[0]);
    const [{ perEpsilon }] = await blockGrowth(w, [block]);
    assert.ok(Math.abs(change - perEpsilon) < 1e-4 * perEpsilon, `${change}，应为 ${perEpsilon}`);
    direction.dispose();
  }
  await leakFree(() => blockSigns(w, 3));
  assert.match((await failure(() => blockSigns(w, 0))).message, /小块的边长应为正整数/);
  w.dispose();
});

test.run();
