import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { dropMap } from '../../../lib/04-occlusion/drop-map';
import { fillPicture } from '../../../lib/04-occlusion/fill';
import {
  changedOutputs,
  covering,
  needed,
  planSteps,
  type Reach,
} from '../../../lib/04-occlusion/incremental/geometry';
import { coarseToFine, patchGrid } from '../../../lib/04-occlusion/positions';
import { RectangleSums } from '../../../lib/04-occlusion/incremental/sums';

/** Does output i read input j? Straight from the definition of a window. */
const reads = (i: number, j: number, { size, stride, before }: Reach) =>
  j >= i * stride - before && j < i * stride - before + size;

function* reaches(): Generator<Reach> {
  for (const size of [1, 2, 3, 5, 7, 11]) {
    for (const stride of [1, 2, 3, 4]) {
      for (const before of [0, 1, 2].filter((b) => b < size)) {
        for (const input of [11, 16, 23]) {
          const output = Math.floor((input + 2 * before - size) / stride) + 1;
          yield { size, stride, before, input, output };
        }
      }
    }
  }
}

test('变化的区间：与逐个单元的定义一致', () => {
  for (const reach of reaches()) {
    for (let first = 0; first < reach.input; first++) {
      for (const last of [first, first + 1, first + 4].filter((l) => l < reach.input)) {
        const expected: number[] = [];
        for (let i = 0; i < reach.output; i++) {
          for (let j = first; j <= last; j++) if (reads(i, j, reach) && !expected.includes(i)) expected.push(i);
        }
        const got = changedOutputs({ first, last }, reach);
        if (!expected.length) assert.ok(got.last < got.first);
        else assert.equal([got.first, got.last], [expected[0], expected[expected.length - 1]]);
      }
    }
  }
});

test('窗口：同长、在图内、盖住变化；读入的范围够用', () => {
  const windows = covering(
    [
      { first: 0, last: 2 },
      { first: 5, last: 9 },
      { first: 8, last: 9 },
    ],
    10,
  );
  assert.equal(windows, { starts: [0, 5, 5], length: 5 });
  assert.equal(needed(windows, { size: 3, stride: 2, before: 1, input: 20, output: 10 }), {
    starts: [-1, 9, 9],
    length: 11,
  });
});

test('窗口随层传递：AlexNet 的 conv1 与 pool1（手算）', () => {
  const reaches: Reach[] = [
    { size: 11, stride: 4, before: 0, input: 227, output: 55 },
    { size: 3, stride: 2, before: 0, input: 55, output: 27 },
  ];
  const axis = [{ first: 40, last: 79 }];
  const plan = planSteps(
    { rows: axis, cols: axis },
    reaches.map((reach) => ({ rows: reach, cols: reach })),
  );
  // conv1 i reads 4i … 4i + 10: i = 8 (32 … 42) to 19 (76 … 86). pool1 i reads 2i … 2i + 2: 3 (6 … 8) to 9.
  for (const along of ['rows', 'cols'] as const) {
    assert.equal(plan[0].out[along], { starts: [8], length: 12 });
    assert.equal(plan[1].out[along], { starts: [3], length: 7 });
    assert.equal(plan[0].in[along], { starts: [32], length: 55 });
  }
});

test('摊开的窗口：每边多出核的大小，也到图的外面；整张图都变了就不摊开', () => {
  const conv = (length: number) => ({ size: 3, stride: 1, before: 1, input: length, output: length });
  const patches = { rows: [{ first: 0, last: 3 }], cols: [{ first: 5, last: 8 }] };
  const steps = [13, 13].map((length) => ({ rows: conv(length), cols: conv(length) }));
  const planning = { spreads: (index: number) => index === 1 };
  const [first, second] = planSteps(patches, steps, planning);
  assert.equal(first.out, { rows: { starts: [0], length: 5 }, cols: { starts: [4], length: 6 } });
  assert.equal(second, {
    in: first.out,
    out: { rows: { starts: [-1], length: 7 }, cols: { starts: [3], length: 8 } },
    spread: true,
  });
  const whole = planSteps({ rows: [{ first: 0, last: 12 }], cols: [{ first: 0, last: 12 }] }, steps, planning);
  assert.not(whole[1].spread);
  assert.equal(whole[1].out, { rows: { starts: [0], length: 13 }, cols: { starts: [0], length: 13 } });
});

test('位置：⌈(边长 − size) / stride⌉ + 1 个，除不尽时最后一个截短', () => {
  const grid = patchGrid(20, 17, 5, 4);
  assert.equal(
    grid.rows.map((r) => [r.first, r.last]),
    [
      [0, 4],
      [4, 8],
      [8, 12],
      [12, 16],
      [16, 19],
    ],
  );
  assert.is(grid.cols.length, 4);
  assert.equal(grid.cols[3], { first: 12, last: 16 });
  assert.is(patchGrid(227, 227, 40, 8).rows.length, 25);
});

test('由粗到细：每个位置恰好一次，第一遍已盖住所有像素', () => {
  for (const [height, width, size, stride] of [
    [227, 227, 40, 8],
    [50, 31, 9, 2],
    [33, 80, 20, 20],
    [12, 12, 12, 3],
    [30, 90, 7, 3],
  ]) {
    const grid = patchGrid(height, width, size, stride);
    const seen = new Set<string>();
    const covered = new Uint8Array(height * width);
    coarseToFine(grid, 49).forEach((blocks, stage) => {
      for (const { rows, cols } of blocks) {
        assert.ok(rows.length * cols.length <= 49);
        for (const r of rows) {
          for (const c of cols) {
            assert.not(seen.has(`${r},${c}`), `${r},${c} 两次`);
            seen.add(`${r},${c}`);
            if (stage > 0) continue;
            for (let y = grid.rows[r].first; y <= grid.rows[r].last; y++) {
              covered.fill(1, y * width + grid.cols[c].first, y * width + grid.cols[c].last + 1);
            }
          }
        }
      }
    });
    assert.is(seen.size, grid.rows.length * grid.cols.length);
    assert.ok(covered.every(Boolean));
  }
  const stages = coarseToFine(patchGrid(227, 227, 40, 8), 49);
  assert.equal(
    stages.map((blocks) => blocks.reduce((n, b) => n + b.rows.length * b.cols.length, 0)),
    [49, 120, 456],
  );
});

test('热图：原概率减遮挡后的概率，重叠处平均，没测的位置不算', () => {
  // One row of 5 pixels, patches of 3 every 2: pixels 0-2 and 2-4.
  const grid = patchGrid(3, 5, 3, 2);
  const close = (got: Float32Array, expected: number[]) =>
    got.forEach((v, i) => assert.ok(Math.abs(v - expected[i % 5]) < 1e-6, `${i}: ${v}`));
  close(dropMap(grid, [3, 5], [0.5, 1], 0.9), [0.4, 0.4, 0.15, -0.1, -0.1]);
  close(dropMap(grid, [3, 5], [0.5, NaN], 0.9), [0.4, 0.4, 0.4, 0, 0]);
});

test('填充：灰、均值、噪声（同一种子逐字节相同）、模糊（常数图不变）', () => {
  const picture = { height: 6, width: 7, channels: 3, data: new Float32Array(126).map((_, i) => (i % 3) / 4) };
  const options = { mean: [0.1, 0.2, 0.3], size: 4, seed: 3 };
  assert.ok(fillPicture(picture, 0.25, options).every((v) => v === 0.25));
  assert.equal(Array.from(fillPicture(picture, 'mean', options).slice(3, 6)), [0.1, 0.2, 0.3].map(Math.fround));
  assert.equal(fillPicture(picture, 'noise', options), fillPicture(picture, 'noise', options));
  assert.not.equal(fillPicture(picture, 'noise', options), fillPicture(picture, 'noise', { ...options, seed: 4 }));
  fillPicture(picture, 'blur', options).forEach((v, i) => assert.ok(Math.abs(v - picture.data[i]) < 1e-6));
  for (const wrong of [-0.1, 1.5, NaN, 'grey', undefined]) {
    assert.throws(() => fillPicture(picture, wrong as never, options), /fill 应为 0 到 1/);
  }
});

test('窗外之和', () => {
  const data = Float32Array.from({ length: 4 * 5 * 2 }, (_, i) => i);
  const sums = new RectangleSums(data, 4, 5, 2);
  const got = sums.outside({ rows: { starts: [0, 2], length: 2 }, cols: { starts: [1, 2, 0], length: 3 } });
  let at = 0;
  for (const top of [0, 2]) {
    for (const left of [1, 2, 0]) {
      for (const channel of [0, 1]) {
        let expected = 0;
        for (let y = 0; y < 4; y++) {
          for (let x = 0; x < 5; x++) {
            const inside = y >= top && y < top + 2 && x >= left && x < left + 3;
            if (!inside) expected += data[(y * 5 + x) * 2 + channel];
          }
        }
        assert.is(got[at++], expected);
      }
    }
  }
});

test.run();
