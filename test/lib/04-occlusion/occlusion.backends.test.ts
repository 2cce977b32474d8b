import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { chainOf } from '../../../lib/04-occlusion/incremental/chain';
import { type ChangeRule, changedOutputs } from '../../../lib/04-occlusion/incremental/geometry';
import { incrementalScorer } from '../../../lib/04-occlusion/incremental/incremental';
import { coarseToFine, patchGrid } from '../../../lib/04-occlusion/positions';
import { loadImage } from '../../../lib/image/image';
import { requestInterrupt } from '../../../lib/base/interrupt';
import { type ImageModel, imageModel } from '../../../lib/model/model';
import { loadModel } from '../../../lib/model/networks/load';
import { occlusionMap } from '../../../lib/04-occlusion/occlusion';
import { randomGenerator } from '../../../lib/base/random';
import { assertClose, disposeAll, failure, leakFree, longTest, tinyModel, withNetworks } from '../../helpers';
import { depthwiseNet, fireNet, inceptionNet, residualNet, sequentialNet, stockNet } from '../../occlusion-networks';

test.before(async () => void (await startBackend()));

function randomImage(model: ImageModel, seed = 1): tf.Tensor3D {
  const { uniform } = randomGenerator(seed);
  const [height, width] = model.inputSize;
  return tf.tensor3d(Float32Array.from({ length: height * width * 3 }, uniform), [height, width, 3]);
}

/** The definition, written once more and independently: cover with grey, run the network. */
function byDefinition(model: ImageModel, image: tf.Tensor3D, size: number, row: number, col: number): Float32Array {
  const [height, width] = model.inputSize;
  return tf.tidy(() => {
    const mask = tf.buffer([height, width, 1]);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        mask.set(Number(y >= row && y < row + size && x >= col && x < col + size), y, x, 0);
      }
    }
    const m = mask.toTensor();
    const covered = tf.add(tf.mul(image, tf.sub(1, m)), tf.mul(m, 0.5)) as tf.Tensor3D;
    return model.activations(covered).dataSync() as Float32Array;
  });
}

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

const networks = { sequentialNet, fireNet, inceptionNet, depthwiseNet };
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
    for (const [size, stride] of process.env.CONVSCOPE_TESTS === 'small' ? settings.slice(0, 1) : settings) {
      if (size === 1 && name !== 'fireNet') continue; // every pixel: one network suffices
      const difference = await largestDifference(model, size, size === 1 ? 1 : stride);
      assert.ok(difference < 1e-5, `size ${size}, stride ${stride}：差 ${difference}`);
    }
    model.dispose();
  });
}

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
    const difference = await largestDifference(model, 7, 5, rule);
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

test('strongestMap：增量与逐张相同，编号与总和按定义', async () => {
  const model = fireNet();
  const image = randomImage(model);
  for (const layer of ['conv1', 'f1/relu3', 'f1/concat', 'pool2', 'conv10']) {
    const options = { size: 9, stride: 7, layer };
    const fast = await occlusionMap(model, image, { class: 1 }, options);
    const plain = await occlusionMap(model, image, { class: 1 }, { ...options, incremental: false });
    assert.ok(fast.incremental && !plain.incremental);
    const totals = tf.tidy(() => tf.sum(model.activations(image, layer), [0, 1]).dataSync());
    assert.is(fast.strongestMap!.channel, totals.indexOf(Math.max(...totals)));
    const [a, b] = [fast, plain].map((r) => r.strongestMap!.sum.dataSync());
    a.forEach((v, i) => assert.ok(Math.abs(v - b[i]) < 1e-3 * (1 + Math.abs(b[i])), `${layer} ${i}: ${v}, ${b[i]}`));
    disposeAll([fast, plain]);
  }
  image.dispose();
  model.dispose();
});

test('其他网络走逐张的路，结果会说', async () => {
  for (const build of [residualNet, stockNet]) {
    const model = build();
    const image = randomImage(model);
    assert.is(chainOf(model.network, model.layerName()), undefined);
    const r = await occlusionMap(model, image, { class: 0 }, { size: 8, stride: 6, batchSize: 4 });
    assert.not(r.incremental);
    const expected = byDefinition(model, image, 8, r.positions[4].row, r.positions[4].col);
    assert.ok(Math.abs(r.logit.dataSync()[4] - expected[0]) < 1e-5);
    disposeAll([image, r]);
    model.dispose();
  }
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

test('inception 模块里核之前的层：要看它，就走逐张的路；结果相同', async () => {
  const model = inceptionNet();
  const image = randomImage(model);
  for (const [layer, windows] of [
    ['i2/relu3', true],
    ['i2/concat', true],
    ['i2/relu3r', false],
  ] as const) {
    const options = { size: 13, stride: 11, layer };
    const some = await occlusionMap(model, image, { class: 1 }, options);
    const plain = await occlusionMap(model, image, { class: 1 }, { ...options, incremental: false });
    assert.is(some.incremental, windows, layer);
    assertClose(some.strongestMap!.sum.dataSync(), plain.strongestMap!.sum.dataSync(), 1e-5, layer);
    disposeAll([some, plain]);
  }
  image.dispose();
  model.dispose();
});

/** A trunk ends without class scores: here the means of its last maps are the scores. */
async function alexnetMeans(): Promise<ImageModel> {
  const alexnet = await loadModel('alexnet');
  const [input] = alexnet.network.inputs;
  const last = alexnet.network.getLayer('pool5').output as tf.SymbolicTensor;
  const means = tf.layers.globalAveragePooling2d({ name: 'means' }).apply(last) as tf.SymbolicTensor;
  const preprocess = { mean: [124, 116, 104], scale: 1 / 58 } as const;
  const classes = Array.from({ length: 256 }, (_, index) => ({ index, wnid: '', en: '', zh: '' }));
  const roles = { ...alexnet.roles, logits: 'means' };
  return imageModel(tf.model({ inputs: input, outputs: means }), {
    id: 'means',
    title: 'AlexNet',
    classes,
    roles,
    preprocess,
  });
}

async function sheep(load: () => Promise<ImageModel>, classIndex: number, layer: string) {
  const model = await load();
  const image = await loadImage('mammal/sheep.jpg', { size: model.inputSize });
  const options = { size: 51, stride: 47, layer };
  const fast = await occlusionMap(model, image, { class: classIndex }, options);
  const plain = await occlusionMap(model, image, { class: classIndex }, { ...options, incremental: false });
  assert.ok(fast.incremental && !plain.incremental);
  const differences = [fast, plain].map((r) => [r.logit, r.strongestMap!.sum].map((t) => t.dataSync()));
  differences[0].forEach((values, k) =>
    values.forEach((v, i) => assert.ok(Math.abs(v - differences[1][k][i]) < 1e-4 * (1 + Math.abs(v)), `${k} ${i}`)),
  );
  assert.equal(fast.bestClass.dataSync(), plain.bestClass.dataSync());
  const drop = fast.baseline.probability - fast.probability.min().dataSync()[0];
  disposeAll([image, fast, plain]);
  model.dispose();
  return drop;
}

longTest(test, 'AlexNet：真实的照片，两条路在每个位置一致', async () => {
  await sheep(alexnetMeans, 3, 'relu4');
});

withNetworks(test, ['googlenet'], 'GoogLeNet：真实的照片，两条路在每个位置一致', async () => {
  assert.ok((await sheep(() => loadModel('googlenet'), 348, 'inception_4b')) > 0.2, '羊：盖住它，概率明显下降');
});

withNetworks(test, ['squeezenet'], 'SqueezeNet：真实的照片，两条路在每个位置一致', async () => {
  assert.ok((await sheep(() => loadModel('squeezenet'), 348, 'fire9/concat')) > 0.2, '羊：盖住它，概率明显下降');
});

test.run();
