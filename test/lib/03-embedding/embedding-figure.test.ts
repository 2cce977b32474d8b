import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { coursePhotos } from '../../../lib/image/photos';
import { livePoints, photoHover, pointsFigure } from '../../../lib/show/embedding';
import { collect } from '../../../lib/show/sink';
import { failure } from '../../helpers';

const points = [[0, 0], [4, 1], [2, 2], [1, 0]]; // prettier-ignore

test('a label looks the same in every panel, and in another figure of the same labels', () => {
  const looks = (figure: ReturnType<typeof pointsFigure>) =>
    new Map(figure.data.map((trace) => [trace.name, `${trace.marker.color} ${trace.marker.symbol}`]));
  const labels = ['鸟', '鱼', '鱼', '虫'];
  const two = pointsFigure([{ title: '甲', points }, { title: '乙', points }], labels); // prettier-ignore
  assert.is(two.data.length, 6);
  assert.is(two.data.filter((trace) => trace.showlegend).length, 3);
  for (let i = 0; i < 3; i++) assert.equal(two.data[i].marker, two.data[i + 3].marker);
  assert.is(new Set(looks(two).values()).size, 3);
  const part = pointsFigure([{ title: '', points: points.slice(2) }], labels.slice(2), { colours: labels }); // prettier-ignore
  assert.is(looks(part).get('虫'), looks(two).get('虫'));
  assert.equal([...looks(part).keys()], ['鱼', '虫']);
});

test('fifteen labels: eight colours at most, no two labels look the same', () => {
  const labels = Array.from({ length: 15 }, (_, i) => `类${i}`);
  const { data } = pointsFigure([{ title: '', points: labels.map((_, i) => [i, i]) }], labels);
  assert.ok(new Set(data.map((trace) => trace.marker.color)).size <= 8);
  assert.is(new Set(data.map((trace) => `${trace.marker.color} ${trace.marker.symbol}`)).size, 15);
});

test('panels are square: one scale on both axes', () => {
  const { layout } = pointsFigure([{ title: '', points }], ['a', 'b', 'c', 'd']);
  const [x, y] = [layout!.xaxis.range, layout!.yaxis.range];
  assert.is(x[1] - x[0], y[1] - y[0]);
  assert.ok(x[0] < 0 && x[1] > 4);
});

test('many categories stay apart, and the hover text names photo and class', () => {
  const photos = coursePhotos();
  const labels = photos.map((photo) => photo.categoryZh);
  const figure = pointsFigure([{ title: '', points: photos.map((_, i) => [i, i]) }], labels, {
    hover: photoHover(photos),
  });
  const looks = figure.data.map((trace) => `${trace.marker.color} ${trace.marker.symbol}`);
  assert.is(new Set(looks).size, new Set(labels).size);
  const panda = photos.findIndex((photo) => photo.name === 'panda');
  assert.is(photoHover(photos)[panda], '大熊猫（哺乳动物，大熊猫）');
});

test('livePoints draws in place, the last step always', async () => {
  const sent = await collect(async () => {
    const draw = livePoints(['a', 'b', 'a', 'b'], '试');
    for (const step of [25, 50, 75, 100]) {
      await draw({ done: step, total: 100, kl: 1 / step, points: points as [number, number][] });
    }
  });
  assert.ok(sent.length >= 2);
  assert.equal([sent[0].update, sent[sent.length - 1].update], [false, true]);
  assert.is(new Set(sent.map((bundle) => bundle.id)).size, 1);
  assert.match(String(sent[sent.length - 1].data['text/plain']), /第 100 步/);
});

test('points and labels must be equally many', async () => {
  assert.match((await failure(() => pointsFigure([{ title: '甲', points }], ['a']))).message, /4 个点，标签有 1/);
  assert.match((await failure(() => pointsFigure([], []))).message, /空/);
});

test.run();
