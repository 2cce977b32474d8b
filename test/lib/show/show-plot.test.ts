import { createCanvas } from 'canvas';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { histogramBins, makeAxis, niceStep } from '../../../lib/show/plotly/axis';
import { arrangeBars } from '../../../lib/show/plotly/bars';
import { drawFigure } from '../../../lib/show/plotly/chart';
import type { Figure } from '../../../lib/show/index';
import { showPlot } from '../../../lib/show/index';
import { displayed, failure } from '../../helpers';

const [WIDTH, HEIGHT] = [400, 300];
/** The panel is the whole canvas: data coordinates become pixels without guessing margins. */
const bare = {
  margin: { l: 0, r: 0, t: 0, b: 0, autoexpand: false },
  xaxis: { visible: false, range: [0, 10] },
  yaxis: { visible: false, range: [0, 10] },
};

async function pixelsOf(figure: Figure) {
  const canvas = await drawFigure(figure, WIDTH, HEIGHT);
  const { data } = canvas.getContext('2d').getImageData(0, 0, WIDTH, HEIGHT);
  return {
    /** Colour at data coordinates of a 10 x 10 panel. */
    at: (x: number, y: number) => {
      const [px, py] = [
        Math.min(WIDTH - 1, Math.round((x / 10) * WIDTH)),
        Math.min(HEIGHT - 1, Math.round((1 - y / 10) * HEIGHT)),
      ];
      return Array.from(data.slice(4 * (py * WIDTH + px), 4 * (py * WIDTH + px) + 3));
    },
    count: (match: (r: number, g: number, b: number) => boolean) => {
      let n = 0;
      for (let i = 0; i < data.length; i += 4) if (match(data[i], data[i + 1], data[i + 2])) n++;
      return n;
    },
  };
}

const RED = [255, 0, 0];
const WHITE = [255, 255, 255];

test('a line runs through its points, and stops at a gap', async () => {
  const line = { color: '#ff0000', width: 4 };
  const seen = await pixelsOf({
    data: [{ mode: 'lines', x: [0, 4, 6, 8, 10], y: [0, 4, null, 8, 10], line }],
    layout: bare,
  });
  assert.equal(seen.at(2, 2), RED);
  assert.equal(seen.at(9, 9), RED);
  assert.equal(seen.at(6, 6), WHITE);
  assert.equal(seen.at(2, 4), WHITE);
});

test('markers lie on their points, coloured by value', async () => {
  const marker = {
    size: 14,
    color: [0, 1],
    colorscale: [
      [0, '#ff0000'],
      [1, '#0000ff'],
    ],
  };
  const seen = await pixelsOf({ data: [{ mode: 'markers', x: [2, 8], y: [2, 8], marker }], layout: bare });
  assert.equal(seen.at(2, 2), RED);
  assert.equal(seen.at(8, 8), [0, 0, 255]);
  assert.equal(seen.at(5, 5), WHITE);
});

test('bars stand on zero, lie when told to, stack when told to', async () => {
  const marker = { color: '#ff0000' };
  const up = await pixelsOf({ data: [{ type: 'bar', x: [2, 5], y: [4, 8], marker }], layout: bare });
  assert.equal([up.at(2, 3.5), up.at(2, 4.5), up.at(5, 7.5)], [RED, WHITE, RED]);
  const lying = await pixelsOf({
    data: [{ type: 'bar', orientation: 'h', y: [2, 5], x: [4, 8], marker }],
    layout: bare,
  });
  assert.equal([lying.at(3.5, 2), lying.at(4.5, 2), lying.at(7.5, 5)], [RED, WHITE, RED]);
  const both = [
    { type: 'bar', x: [5], y: [3], marker },
    { type: 'bar', x: [5], y: [3], marker: { color: '#0000ff' } },
  ];
  const stacked = await pixelsOf({ data: both, layout: { ...bare, barmode: 'stack' } });
  assert.equal([stacked.at(5, 2), stacked.at(5, 5), stacked.at(5, 7)], [RED, [0, 0, 255], WHITE]);
  const grouped = arrangeBars(
    both.map((trace, index) => ({ trace, index })),
    'group',
    0.2,
  );
  assert.is(grouped.bars[0].shift, -grouped.bars[1].shift);
});

test('a heat map: rows upwards, or downwards when the axis is reversed; NaN stays empty', async () => {
  const trace = {
    type: 'heatmap',
    z: [
      [0, 1],
      [NaN, 0],
    ],
    x: [2.5, 7.5],
    y: [2.5, 7.5],
    showscale: false,
    colorscale: [
      [0, '#ff0000'],
      [1, '#0000ff'],
    ],
  };
  const seen = await pixelsOf({ data: [trace], layout: bare });
  assert.equal([seen.at(2, 2), seen.at(8, 2), seen.at(2, 8), seen.at(8, 8)], [RED, [0, 0, 255], WHITE, RED]);
  const turned = { ...bare, yaxis: { visible: false, range: [10, 0] } };
  const down = await pixelsOf({ data: [trace], layout: turned });
  assert.equal([down.at(2, 8), down.at(2, 2)], [RED, WHITE]);
});

test('pictures, shapes and notes lie at their coordinates', async () => {
  const blue = createCanvas(10, 10);
  const context = blue.getContext('2d');
  context.fillStyle = '#0000ff';
  context.fillRect(0, 0, 10, 10);
  const images = [
    { source: blue.toDataURL(), xref: 'x', yref: 'y', x: 1, y: 4, sizex: 3, sizey: 3, sizing: 'stretch' },
  ];
  const shapes = [{ type: 'rect', x0: 6, x1: 8, y0: 6, y1: 8, fillcolor: '#ff0000', line: { width: 0 } }];
  const seen = await pixelsOf({ data: [], layout: { ...bare, images, shapes } });
  assert.equal([seen.at(2, 2), seen.at(2, 5), seen.at(7, 7), seen.at(9, 9)], [[0, 0, 255], WHITE, RED, WHITE]);
});

test('panels side by side do not touch; axes have labels', async () => {
  const traces = [
    { y: [1, 2, 3], line: { color: '#ff0000' } },
    { y: [3, 2, 1], xaxis: 'x2', yaxis: 'y2', line: { color: '#0000ff' } },
  ];
  const seen = await pixelsOf({ data: traces, layout: { grid: { rows: 1, columns: 2, pattern: 'independent' } } });
  const canvas = await drawFigure(
    { data: traces, layout: { grid: { rows: 1, columns: 2, pattern: 'independent' } } },
    WIDTH,
    HEIGHT,
  );
  const { data } = canvas.getContext('2d').getImageData(0, 0, WIDTH, HEIGHT);
  const columnsOf = (channel: number) => {
    const found: number[] = [];
    for (let i = 0; i < data.length; i += 4) {
      const others = [0, 1, 2].filter((c) => c !== channel).every((c) => data[i + c] < 60);
      if (data[i + channel] > 240 && others) found.push((i / 4) % WIDTH);
    }
    return [Math.min(...found), Math.max(...found)];
  };
  assert.ok(columnsOf(0)[1] < columnsOf(2)[0], '红线在左，蓝线在右');
  assert.ok(seen.count((r, g, b) => r < 160 && Math.abs(r - g) < 20 && b - r < 40) > 50, '刻度文字');
});

test('axes: nice steps, logarithms, categories, reversal', () => {
  assert.equal(
    [0.8, 4, 12, 99].map((v) => niceStep(v)),
    [1, 5, 10, 100],
  );
  const linear = makeAxis('y', { values: [0, 1], fromZero: true, tight: false }, {}, 5);
  assert.equal(
    linear.ticks.map((t) => t.label),
    ['0.0', '0.2', '0.4', '0.6', '0.8', '1.0'],
  );
  assert.is(linear.min, 0);
  const log = makeAxis('y', { values: [1, 1000], fromZero: false, tight: true }, { type: 'log' }, 5);
  assert.equal(
    log.ticks.map((t) => t.label),
    ['1', '10', '100', '1000'],
  );
  assert.ok(Math.abs(log.at(10) - 1 / 3) < 1e-9);
  const named = makeAxis('x', { values: ['甲', '乙'], fromZero: false, tight: false }, {}, 5);
  assert.equal([named.at('甲'), named.at('乙')], [0.25, 0.75]);
  const reversed = makeAxis('y', { values: [0, 4], fromZero: false, tight: true }, { autorange: 'reversed' }, 5);
  assert.equal([reversed.at(0), reversed.at(4)], [1, 0]);
  const percent = makeAxis('x', { values: [], fromZero: false, tight: true }, { range: [-1, 1], tickformat: '.0%' }, 4);
  assert.equal(
    percent.ticks.map((t) => t.label),
    ['−100%', '−50%', '0%', '50%', '100%'],
  );
  const flat = makeAxis('y', { values: [5, 5], fromZero: false, tight: false }, {}, 4);
  assert.ok(flat.min < 5 && flat.max > 5);
});

test('histograms count every value once', () => {
  const x = [0.1, 0.2, 0.9, 1, 1.5, 2, NaN];
  const { counts, centres, size } = histogramBins({ x, xbins: { start: 0, end: 3, size: 1 } }, 'x');
  assert.equal([counts, centres, size], [[3, 2, 1], [0.5, 1.5, 2.5], 1]);
  assert.is(
    histogramBins({ x }, 'x').counts.reduce((a, b) => a + b),
    6,
  );
  assert.equal(histogramBins({ x, histnorm: 'probability', xbins: { start: 0, end: 3, size: 1 } }, 'x').counts, [
    0.5,
    1 / 3,
    1 / 6,
  ]);
  assert.equal(histogramBins({ x: [] }, 'x').counts, []);
});

test('showPlot sends plotly, PNG and text; four digits; no typed arrays, no NaN', async () => {
  const y = Float32Array.from([1 / 3, NaN, 12345.678]);
  const layout = { title: '标题', xaxis: { title: '步' } };
  const { data, metadata } = await displayed(() => showPlot({ data: [{ y, name: '曲线 <b>甲</b>' }], layout }));
  assert.equal(Object.keys(data).sort(), ['application/vnd.plotly.v1+json', 'image/png', 'text/plain']);
  const live = data['application/vnd.plotly.v1+json'] as {
    data: { y: unknown[] }[];
    layout: { xaxis: { title: unknown } };
  };
  assert.equal(live.data[0].y, [0.3333, null, 12350]);
  assert.equal((live.layout.xaxis.title as { text: string }).text, '步');
  assert.match((metadata['image/png'] as { alt: string }).alt, /标题：曲线 甲/);
  assert.equal((metadata['image/png'] as { width: number }).width, 920);
});

test('showPlot: wrong figures and kinds that are only live', async () => {
  assert.match((await failure(() => showPlot([] as never))).message, /data/);
  assert.match((await failure(() => showPlot({ data: [] }, { width: 9 }))).message, /9×460/);
  const seen = await pixelsOf({ data: [{ type: 'scatter3d', x: [1], y: [1], z: [1] }] });
  assert.ok(seen.count((r) => r < 200) > 100, '说明静态图里没有什么');
  await pixelsOf({ data: [] });
  await pixelsOf({
    data: [
      { x: [], y: [] },
      { type: 'bar', x: [], y: [] },
      { type: 'heatmap', z: [] },
    ],
  });
});

test.run();
