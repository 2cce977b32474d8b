import { createCanvas, loadImage } from 'canvas';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tf } from '../../../lib/tf/backend';
import { showOccluder, showOcclusionPanel, showZoomable } from '../../../lib/show/index';
import { displayed, failure } from '../../helpers';

const PLOTLY = 'application/vnd.plotly.v1+json';

interface State {
  shapes: { fillcolor: string; x0: number; x1: number; y0: number; y1: number }[];
  annotations: { text: string }[];
}

const shown = async (draw: () => Promise<void>) => (await displayed(draw)).data;

async function pixelsOf(source: unknown) {
  const picture = await loadImage(
    source instanceof Uint8Array ? Buffer.from(source) : Buffer.from(String(source), 'base64'),
  );
  const canvas = createCanvas(picture.width, picture.height);
  const context = canvas.getContext('2d');
  context.drawImage(picture, 0, 0);
  const at = (x: number, y: number) => Array.from(context.getImageData(x, y, 1, 1).data.slice(0, 3));
  return { width: picture.width, height: picture.height, at };
}

const near = (got: number[], wanted: number[], by = 8) => got.every((v, i) => Math.abs(v - wanted[i]) <= by);

const frames = [0, 50].flatMap((row) =>
  [0, 50].map((col) => ({ row, col, probability: row === 50 && col === 0 ? 0.25 : 0.75, text: `${row},${col}` })),
);

test('拖着方块走：一步一个位置，一行向右、一行向左；方块、概率条和字一起变；一开始在概率最低处', async () => {
  const image = tf.tidy(() => tf.ones([100, 100, 3]).mul(tf.tensor1d([0.8, 0.2, 0.1]))) as tf.Tensor3D;
  const before = tf.memory().numTensors;
  const data = await shown(() => showOccluder(image, frames, { size: 50, baseline: 0.8 }));
  assert.is(tf.memory().numTensors, before);
  const { layout, data: traces } = data[PLOTLY] as {
    layout: State & { sliders: { active: number; steps: { args: State[] }[] }[] };
    data: { x: number[]; y: number[]; text: string[] }[];
  };
  const { active, steps } = layout.sliders[0];
  const texts = steps.map(({ args: [state] }) => state.annotations[state.annotations.length - 1].text);
  assert.equal(texts, ['0,0', '0,50', '50,50', '50,0']);
  assert.is(active, 3);
  const boxes = steps.map(({ args: [{ shapes }] }) => shapes[shapes.length - 1]);
  assert.ok(boxes[1].x0 > boxes[0].x0 && boxes[1].y0 === boxes[0].y0, '先向右');
  assert.ok(boxes[2].x0 === boxes[1].x0 && boxes[2].y0 < boxes[1].y0, '再向下');
  const filled = ({ shapes }: State) => shapes[3].x1 - shapes[3].x0;
  assert.ok(Math.abs(filled(steps[0].args[0]) / filled(steps[3].args[0]) - 3) < 0.02, '条长与概率成比例');
  assert.equal(traces[0].x, [25, 75, 75, 25]);
  assert.match(traces[0].text[3], /概率 0\.25<br>50,0/);
  // The static twin: the lower left quarter is covered, the others show the red photo.
  const { at } = await pixelsOf(data['image/png']);
  assert.ok(near(at(16 + 112, 48 + 336), [128, 128, 128]), String(at(128, 384)));
  assert.ok(near(at(16 + 336, 48 + 112), [204, 51, 26], 12), String(at(352, 160)));
  image.dispose();
});

test('拖着方块走：错误', async () => {
  const image = tf.ones([10, 10, 3]) as tf.Tensor3D;
  const run = (list: typeof frames, baseline = 0.5) => failure(() => showOccluder(image, list, { size: 5, baseline }));
  assert.match((await run(frames.slice(0, 1))).message, /至少要有两个位置/);
  assert.match((await run([...frames, { ...frames[0], probability: NaN }])).message, /0 与 1 之间，得到 NaN/);
  assert.match((await run(frames, 1.5)).message, /得到 1.5/);
  image.dispose();
});

test('五联图：五格一样大；(d) 的颜色随概率，(e) 的颜色随类别，格子画在方块中心', async () => {
  const image = tf.fill([80, 80, 3], 0.5) as tf.Tensor3D;
  const flat = tf.zeros([80, 80, 3]) as tf.Tensor3D;
  const ramp = tf.tensor2d([
    [0, 1],
    [0, 1],
  ]);
  const classes = tf.tensor2d([[1, 1], [1, 2]], [2, 2], 'int32'); // prettier-ignore
  const panels = { featureSum: ramp, projection: flat, probability: ramp, bestClass: classes };
  const options = { size: 40, stride: 40, nameOf: (i: number) => `类别${i}` };
  const before = tf.memory().numTensors;
  const data = await shown(() => showOcclusionPanel(image, panels, options));
  assert.is(tf.memory().numTensors, before);
  const { width, height, at } = await pixelsOf(data['image/png'] ?? data['image/jpeg']);
  assert.ok(width >= 900 && height > 640);
  // Second row: tiles of 292, 22 apart, below the heads of 30 each.
  const [second, left] = [14 + 30 + 292 + 22 + 30, 14];
  const [dark, bright] = [at(left + 73, second + 73), at(left + 219, second + 73)];
  assert.ok(bright[0] + bright[1] > dark[0] + dark[1] + 150, `${dark} ${bright}`);
  const e = left + 292 + 22;
  assert.ok(near(at(e + 73, second + 73), at(e + 219, second + 73)), '同一类别，同一颜色');
  assert.not.ok(near(at(e + 73, second + 73), at(e + 219, second + 219), 30), '不同类别，不同颜色');
  assert.ok(near(at(14 + 2 * 314 + 100, 44 + 100), [128, 128, 128]), '投影的 0 是中灰');
  const wrong = await failure(() => showOcclusionPanel(image, { ...panels, probability: flat.slice([0, 0, 0], [1, 2, 1]).squeeze([2]) as tf.Tensor2D }, options)); // prettier-ignore
  assert.match(wrong.message, /同样多的格，得到 2×2、1×2、2×2/);
  tf.dispose([image, flat, ramp, classes]);
});

test('可以放大的图：整幅存在输出里，静态的一份 920 像素宽；说明在各自的位置', async () => {
  const image = tf.tidy(() => tf.concat([tf.zeros([50, 100, 3]), tf.ones([50, 100, 3])], 1)) as tf.Tensor3D;
  const marks = [
    { x: 50, y: 20, text: '左' },
    { x: 150, y: 30, text: '右' },
  ];
  const data = await shown(() => showZoomable(image, marks));
  const { data: traces, layout } = data[PLOTLY] as {
    data: { x: number[]; text: string[] }[];
    layout: { images: { source: string; sizex: number; sizey: number }[] };
  };
  assert.equal(
    [traces[0].x, traces[0].text],
    [
      [50, 150],
      ['左', '右'],
    ],
  );
  assert.equal([layout.images[0].sizex, layout.images[0].sizey], [200, 50]);
  const live = await loadImage(layout.images[0].source);
  assert.equal([live.width, live.height], [200, 50]);
  const { width, height, at } = await pixelsOf(data['image/png']);
  assert.equal([width, height], [920, 230]);
  assert.ok(near(at(200, 100), [0, 0, 0]) && near(at(700, 100), [255, 255, 255]));
  image.dispose();
});

test.run();
