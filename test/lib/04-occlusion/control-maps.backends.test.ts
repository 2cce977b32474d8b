import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { centreMap, smoothRandomMap } from '../../../lib/04-occlusion/control-maps';
import { randomGenerator } from '../../../lib/base/random';
import { startBackend } from '../../../lib/tf/backend';
import { assertClose, failure, leakFree } from '../../helpers';

test.before(async () => void (await startBackend()));

test('只看位置的图：中心 0，四角 −2，离中心越远越小', async () => {
  const map = centreMap([3, 5]);
  assertClose(await map.data(), [-2, -1.25, -1, -1.25, -2, -1, -0.25, 0, -0.25, -1, -2, -1.25, -1, -1.25, -2], 1e-6);
  map.dispose();
  const line = centreMap([1, 3]);
  assertClose(await line.data(), [-1, 0, -1], 1e-6);
  line.dispose();
  await leakFree(() => centreMap([4, 4]));
});

test('平滑的随机图：同一个种子同一张（0 也是种子），相邻的像素差不过一格的几分之一', async () => {
  const side = 40;
  const maps = await Promise.all(
    [0, 0, 1].map(async (seed) => {
      const map = smoothRandomMap([side, side], { seed });
      const values = await map.data();
      map.dispose();
      return values;
    }),
  );
  assert.equal(maps[0], maps[1]);
  assert.not.equal(maps[0], maps[2]);
  const random = randomGenerator(0);
  assertClose([maps[0][0]], [random.uniform()], 1e-6, '左上角就是第一个数');
  for (let i = 1; i < side * side; i++) {
    if (i % side !== 0) assert.ok(Math.abs(maps[0][i] - maps[0][i - 1]) <= 5 / side + 1e-6, `${i}`);
  }
  await leakFree(() => smoothRandomMap([7, 9], { seed: 3 }));
  for (const size of [
    [0, 3],
    [2.5, 2],
  ] as const) {
    for (const make of [centreMap, smoothRandomMap]) assert.instance(await failure(() => make(size)), RangeError);
  }
});

test.run();
