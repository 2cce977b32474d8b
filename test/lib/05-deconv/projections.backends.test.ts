import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { strongestUnits } from '../../../lib/05-deconv/feature-map-gradients';
import { inputGradient } from '../../../lib/05-deconv/gradients';
import { loadImage } from '../../../lib/image/image';
import type { Patch } from '../../../lib/02-patches/patches';
import { photo } from '../../../lib/image/photos';
import { projectionSheets } from '../../../lib/05-deconv/projection-sheets';
import { patchProjections } from '../../../lib/05-deconv/projections';
import { assertClose, failure, leakFree, tinyModel } from '../../helpers';

const wave = (length: number, factor: number) => Array.from({ length }, (_, i) => Math.sin(i * factor) + 0.1);
const model = () =>
  tinyModel(
    [20, 20],
    [
      { size: [3, 3], filters: 4, kernel: wave(108, 1.3), stride: 2 },
      { size: [3, 3], filters: 3, kernel: wave(108, 2.1) },
    ],
  );
const patch = (name: string, at: readonly [number, number]): Patch => ({
  photo: photo(name),
  value: 0,
  at,
  box: { x: 0, y: 0, width: 1, height: 1 },
  seen: { x: 0, y: 0, width: 1, height: 1 },
});

test.before(async () => {
  await startBackend();
});

test('图块的投影：就是那个神经元的梯度裁出感受野，批的大小不影响', async () => {
  const net = model();
  const field = net.layers.find((l) => l.name === 'relu2')!.receptiveField!;
  assert.equal([field.size, field.stride, field.offset], [7, 2, 0]);
  const patches = [patch('panda', [2, 3]), patch('koala', [0, 6]), patch('dog', [4, 0])];
  for (const rule of ['deconv', 'guided'] as const) {
    const { maps, stopped } = await patchProjections(
      net,
      'relu2',
      { channel: 1, patches },
      { rule, size: 14, batchSize: 2 },
    );
    assert.equal([maps.shape, stopped], [[3, 14, 14, 3], undefined]);
    for (const [i, { photo: p, at }] of patches.entries()) {
      const image = await loadImage(p.path, { size: 20, crop: p.crop });
      const expected = tf.tidy(() => {
        const gradient = inputGradient(net, image, { layer: 'relu2', channel: 1, at }, { rule });
        const crop = tf.slice(gradient, [2 * at[0], 2 * at[1], 0], [7, 7, 3]) as tf.Tensor3D;
        return tf.image.resizeNearestNeighbor(crop, [14, 14]).dataSync();
      });
      assertClose(maps.dataSync().subarray(i * 588, (i + 1) * 588), expected, 1e-6, p.name);
      image.dispose();
    }
    maps.dispose();
  }
  await leakFree(() => patchProjections(net, 'relu2', { channel: 0, patches }));
  await leakFree(async () => {
    const outside = { channel: 0, patches: [patch('panda', [9, 0])] };
    for (const bad of [{ channel: 0, patches: [] }, { channel: 3, patches }, outside]) {
      assert.instance(await failure(() => patchProjections(net, 'relu2', bad)), RangeError);
    }
  });
  await leakFree(async () => {
    const stop = new AbortController();
    const steps: number[] = [];
    const onStep = ({ done, total }: { done: number; total: number }) => {
      steps.push(done, total);
      stop.abort();
    };
    const cut = await patchProjections(
      net,
      'relu2',
      { channel: 1, patches },
      { batchSize: 2, signal: stop.signal, onStep },
    );
    assert.equal([cut.maps.shape[0], cut.stopped, steps], [2, 'aborted', [2, 3]]);
    return cut;
  });
  await leakFree(async () => {
    const onStep = () => {
      throw new Error('听众');
    };
    assert.is(
      (await failure(() => patchProjections(net, 'relu2', { channel: 1, patches }, { onStep }))).message,
      '听众',
    );
  });
  net.dispose();
});

test('图块与投影并排：位置对应，中灰是 0，同一通道一个尺度', async () => {
  const net = model();
  const patches = [patch('panda', [2, 3]), patch('koala', [0, 6]), patch('dog', [4, 0])];
  const { sheets, stopped } = await projectionSheets(net, 'relu2', [{ channel: 1, patches }], { tile: 14, columns: 2 });
  assert.equal([sheets.length, stopped, sheets[0].image.shape], [1, undefined, [28, 28 + 2 + 28, 3]]);
  const { maps } = await patchProjections(net, 'relu2', { channel: 1, patches }, { rule: 'guided', size: 14 });
  const sorted = Float32Array.from(maps.dataSync(), Math.abs).sort();
  assert.is(sheets[0].limit, sorted[Math.floor((sorted.length - 1) * 0.999)]);
  const third = tf.slice(sheets[0].image, [14, 30, 0], [14, 14, 3]);
  const expected = tf.tidy(() => tf.clipByValue(maps.slice([2, 0, 0, 0], [1, 14, 14, 3]).mul(0.5 / sheets[0].limit).add(0.5), 0, 1)); // prettier-ignore
  assertClose(third.dataSync(), expected.dataSync(), 1e-6);
  const empty = tf.slice(sheets[0].image, [14, 44, 0], [14, 14, 3]);
  assert.ok(
    empty.dataSync<'float32'>().every((v) => v === 0.5),
    '没有第四块',
  );
  tf.dispose([maps, third, expected, empty, sheets[0].image]);
  await leakFree(() => projectionSheets(net, 'relu2', [{ channel: 0, patches }], { tile: 14 }));
  await leakFree(async () => {
    const cut = await projectionSheets(net, 'relu2', [{ channel: 0, patches }], { signal: AbortSignal.abort() });
    assert.equal([cut.sheets.length, cut.stopped], [0, 'aborted']);
  });
  const gone = { ...patches[0], photo: { ...patches[0].photo, path: 'none.png' } };
  await leakFree(() => failure(() => projectionSheets(net, 'relu2', [{ channel: 0, patches: [patches[1], gone] }])));
  net.dispose();
});

test('最强的通道：值与位置', async () => {
  const net = tinyModel([2, 2], [{ size: [1, 1], filters: 2, kernel: [1, 0, 0, 1, 0, 0] }]);
  const image = tf.tensor3d([0.1, 0.9, 0, 0.7, 0.2, 0, 0, 0, 0, 0.3, 0.8, 0], [2, 2, 3]);
  const units = await strongestUnits(net, image, 'relu1', { count: 5 });
  assert.equal(units.map(({ channel, at }) => [channel, at]), [[1, [0, 0]], [0, [0, 1]]]); // prettier-ignore
  assertClose(
    units.map((u) => u.value),
    [0.9, 0.7],
    1e-6,
  );
  await leakFree(() => strongestUnits(net, image, 'scores'));
  image.dispose();
  net.dispose();
});

test.run();
