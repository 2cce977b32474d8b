import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { chainOf } from '../../../lib/04-occlusion/incremental/chain';
import { type ChangeRule, changedOutputs } from '../../../lib/04-occlusion/incremental/geometry';
import { incrementalScorer } from '../../../lib/04-occlusion/incremental/incremental';
import { spreadable } from '../../../lib/04-occlusion/incremental/spread';
import { coarseToFine, patchGrid } from '../../../lib/04-occlusion/positions';
import { type ImageModel } from '../../../lib/model/model';
import { occlusionMap } from '../../../lib/04-occlusion/occlusion';
import { disposeAll, tinyModel } from '../../helpers';
import { bottleneckNet, depthwiseNet, fireNet, inceptionNet, sequentialNet, wideNet } from '../../occlusion-networks';
import { randomImage, byDefinition } from './random-image';

test.before(async () => void (await startBackend()));

/** Largest difference of any score at any position between windows and definition. */
async function largestDifference(model: ImageModel, size: number, stride: number, rule?: ChangeRule): Promise<number> {
  const image = randomImage(model);
  const grid = patchGrid(image.shape[0], image.shape[1], size, stride);
  const grey = new Float32Array(image.size).fill(0.5);
  const scorer = (await incrementalScorer(model, image, grey, grid, { rule }))!;
  let worst = 0;
  let count = 0;
  for (const blocks of coarseToFine(grid, 9)) {
    for await (const scored of scorer.score(blocks)) {
      for (const { row, col, logits } of scored) {
        const expected = byDefinition(model, image, size, grid.rows[row].first, grid.cols[col].first);
        // NaN must not pass as "no difference".
        logits.forEach((v, i) => (worst = Math.abs(v - expected[i]) <= worst ? worst : Math.abs(v - expected[i])));
        count++;
      }
    }
  }
  assert.is(count, grid.rows.length * grid.cols.length);
  scorer.dispose();
  image.dispose();
  return worst;
}

/** Where every network evaluation is slow (see longTest): nine places instead of hundreds. */
const FEW = process.env.CONVSCOPE_TESTS === 'small';

const FEW_PLACES = [13, 11];

const networks = { sequentialNet, fireNet, inceptionNet, depthwiseNet, bottleneckNet };

// Odd sizes and strides, clipped last patches, one patch as large as the image's short side.
const settings = [
  [7, 5],
  [4, 3],
  [13, 11],
  [1, 1],
  [33, 9],
];

for (const [name, build] of Object.entries(networks)) {
  test(`${name}：每个位置都与定义相等（奇数方块、步幅、边界）`, async () => {
    const model = build();
    assert.ok(chainOf(model.network, model.layerName()), '应能增量计算');
    for (const [size, stride] of FEW ? [FEW_PLACES] : settings) {
      if (size === 1 && name !== 'fireNet') continue; // every pixel: one network suffices
      const difference = await largestDifference(model, size, size === 1 ? 1 : stride);
      assert.ok(difference < 1e-5, `size ${size}, stride ${stride}：差 ${difference}`);
    }
    model.dispose();
  });
}

test('wideNet：卷积多的网络，改变处摊开来算，结果相同', async () => {
  const model = wideNet();
  const chain = chainOf(model.network, model.layerName())!;
  const native = tf.getBackend() === 'tensorflow';
  const spread = spreadable(chain).flatMap((layer) => layer?.name ?? []);
  assert.equal(spread, native ? ['conv2', 'conv3', 'conv4', 'conv5'] : []);
  for (const [size, stride] of native ? [[7, 5], [4, 3], FEW_PLACES] : [FEW_PLACES]) {
    const difference = await largestDifference(model, size, stride);
    assert.ok(difference < 1e-5, `size ${size}, stride ${stride}：差 ${difference}`);
  }
  model.dispose();
});

test('窗口算错一格，上面的检验就不通过', async () => {
  const wrong: Record<string, ChangeRule> = {
    first: (change, reach) => {
      const { first, last } = changedOutputs(change, reach);
      return { first: Math.min(first + 1, last), last };
    },
    last: (change, reach) => {
      const { first, last } = changedOutputs(change, reach);
      return { first, last: Math.max(first, last - 1) };
    },
    padding: (change, reach) => changedOutputs(change, { ...reach, before: 0 }),
  };
  const model = sequentialNet();
  for (const [name, rule] of Object.entries(wrong)) {
    const [size, stride] = FEW ? FEW_PLACES : [7, 5];
    const difference = await largestDifference(model, size, stride, rule);
    assert.ok(difference > 1e-4, `${name}：差只有 ${difference}`);
  }
  model.dispose();
});

test('手算：得分是像素的平均，遮挡的概率、得分、热图都能写出来', async () => {
  // Class 0 scores the mean of red, class 1 the mean of green. Red is 1 everywhere, green 0.
  const model = tinyModel([6, 8], [{ kernel: [1, 0, 0, 1, 0, 0], size: [1, 1], filters: 2 }]);
  const image = tf.tidy(() => tf.stack([tf.ones([6, 8]), tf.zeros([6, 8]), tf.zeros([6, 8])], 2)) as tf.Tensor3D;
  const r = await occlusionMap(model, image, { class: 0 }, { size: 4, stride: 4, fill: 0 });
  assert.ok(r.incremental);
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  // Rows 0-3 and 4-5 (clipped), columns 0-3 and 4-7: 16, 16, 8, 8 of 48 pixels lose their red.
  const logits = [32 / 48, 32 / 48, 40 / 48, 40 / 48];
  assert.equal(
    r.positions,
    [0, 4].flatMap((row) => [0, 4].map((col) => ({ row, col }))),
  );
  r.logit.dataSync().forEach((v, i) => assert.ok(Math.abs(v - logits[i]) < 1e-6));
  r.probability.dataSync().forEach((v, i) => assert.ok(Math.abs(v - sigmoid(logits[i])) < 1e-6));
  assert.ok(Math.abs(r.baseline.probability - sigmoid(1)) < 1e-6);
  // Class 1 scores 0 everywhere, so the margin of class 0 is its own score; that of class 1 is the opposite.
  r.margin.dataSync().forEach((v, i) => assert.ok(Math.abs(v - logits[i]) < 1e-6));
  assert.ok(Math.abs(r.baseline.margin - 1) < 1e-6);
  assert.ok(Math.abs(r.marginMap.arraySync()[5][7] - 8 / 48) < 1e-6);
  assert.equal(Array.from(r.bestClass.dataSync()), [0, 0, 0, 0]);
  const map = r.map.arraySync();
  assert.equal(r.map.shape, [6, 8]);
  assert.ok(Math.abs(map[1][1] - (sigmoid(1) - sigmoid(32 / 48))) < 1e-6);
  assert.ok(Math.abs(map[5][7] - (sigmoid(1) - sigmoid(40 / 48))) < 1e-6);
  const green = await occlusionMap(model, image, { class: 1 }, { size: 4, stride: 4, fill: 1 });
  assert.equal(Array.from(green.bestClass.dataSync()), [0, 0, 0, 0]);
  assert.ok(
    green.margin.dataSync().every((v) => v < 0),
    '认错时领先小于 0',
  );
  assert.ok(
    green.map.dataSync().every((v) => v < 0),
    '露出绿色使绿色的概率上升：下降为负',
  );
  disposeAll([image, r, green]);
  model.dispose();
});

test('填充：噪声由种子决定，逐字节相同；模糊、均值可用；两条路一致', async () => {
  const model = sequentialNet();
  const image = randomImage(model);
  for (const fill of ['noise', 'blur', 'mean', 0.2] as const) {
    const run = (seed: number, incremental = true) =>
      occlusionMap(model, image, { class: 2 }, { size: 9, stride: 6, fill, seed, incremental });
    const results = [await run(5), await run(5), await run(6), await run(5, false)];
    const [a, b, c, plain] = results.map((r) => r.logit.dataSync());
    assert.equal(a, b);
    if (fill === 'noise') assert.not.equal(a, c);
    a.forEach((v, i) => assert.ok(Math.abs(v - plain[i]) < 1e-5));
    disposeAll(results);
  }
  image.dispose();
  model.dispose();
});

test.run();
