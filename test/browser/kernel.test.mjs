/** What a student's hands do in JupyterLab: stop, edit, Tab, Shift-Tab, point at a curve. Needs a Chromium. */
/* global document, getComputedStyle -- in the page */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { blank, cellsOf, folder, startLab, writeNotebook } from './browser.mjs';

const NOTEBOOK = 'hands.ipynb';

const SOURCES = {
  ready: [
    "import { loadCourseModel, maximize, objective, occlusionMap, progress, showGrid, showPlot, startBackend, tf } from '../lib/index';",
    'await startBackend();',
    "const model = await loadCourseModel('efficientnet-lite0');",
    "'ready'",
  ],
  endless: ["console.log('started');", 'await null;', 'while (true);'],
  alive: ["'alive'"],
  tab: ['model.roles.'],
  shiftTab: ['occlusionMap('],
  chart: [
    "await showPlot({ data: [{ type: 'scatter', mode: 'lines+markers', x: [0, 1, 2], y: [1, 3, 2], name: '曲线' }] });",
  ],
  long: [
    "const bar = progress(100000, '最大化');",
    'const onStep = ({ done }: { done: number }) => bar.step(done);',
    'const result = await maximize(model, objective.classScore(130), { steps: 100000, seed: 1, onStep });',
    'bar.done();',
  ],
  partial: ['[result.stopped, result.trace.length > 1, result.best.shape].join()'],
  picture: ["await showGrid([result.best], { tile: 300, captions: ['火烈鸟'], alt: '中断时的图' });"],
  edited: ['const 数 = 20;', '数 + 1'],
  glyphs: [
    "for (const 字 of ['猫', '狗', '\\u{10fffd}']) await showGrid([tf.tensor3d(new Float32Array(192), [8, 8, 3])], { tile: 100, captions: [字], alt: 字 });",
  ],
};

let lab;
let page;
let cell, output, edit, start, run, firstRun;

test.before(async () => {
  writeNotebook(NOTEBOOK, SOURCES);
  lab = await startLab();
  ({ page } = await lab.open(NOTEBOOK, { height: 2000 }));
  ({ cell, output, edit, start, run, firstRun } = cellsOf(page, SOURCES));
  await firstRun('ready');
  assert.match(await output('ready').first().innerText(), 'ready');
});

test.after(async () => {
  await page?.screenshot({ path: `${folder}/hands.png` });
  if (page) await lab.close(page);
  await lab?.stop();
});

const stopButton = () => page.locator('[data-jp-item-name="interrupt"]');

test('the stop button ends a loop after an await; the kernel and its variables live on', async () => {
  await start('endless');
  await output('endless').filter({ hasText: 'started' }).waitFor();
  await stopButton().click();
  await output('endless').filter({ hasText: '已中断' }).waitFor();
  assert.match(await run('alive'), 'alive');
});

test('Tab completes, with the kernel’s suggestions', async () => {
  await edit('tab');
  const list = page.locator('.jp-Completer');
  // Lab waits a second for suggestions; on a busy machine they may come later, and one asks again.
  for (let i = 0; i < 20 && !(await list.isVisible()); i++) {
    await page.keyboard.press('Tab');
    await list.waitFor({ timeout: 4000 }).catch(() => {});
  }
  const items = (await page.locator('.jp-Completer-item').allInnerTexts()).join(' ');
  for (const name of ['features', 'firstConv', 'lastPool', 'stages']) assert.match(items, name);
  await page.screenshot({ path: `${folder}/hands-tab.png` });
  await page.keyboard.press('Escape');
});

test('Shift-Tab shows the docstring', async () => {
  await edit('shiftTab');
  await page.keyboard.press('Shift+Tab');
  // Lab shows the box first and fills it when the Markdown is ready.
  const tooltip = page.locator('.jp-Tooltip', { hasText: '遮挡' });
  await tooltip.waitFor();
  assert.match(await tooltip.innerText(), 'occlusionMap(model');
  await page.screenshot({ path: `${folder}/hands-shift-tab.png` });
  await page.keyboard.press('Escape');
});

test('a chart comes alive under the mouse and tells its values', async () => {
  await run('chart');
  await output('chart').locator('img, .js-plotly-plot').first().waitFor();
  await output('chart').first().scrollIntoViewIfNeeded();
  await output('chart').first().hover();
  const point = cell('chart').locator('.scatterlayer .point').nth(1);
  await point.waitFor({ state: 'attached' });
  const { x, y, width, height } = await point.boundingBox();
  await page.mouse.move(x + width / 2 - 3, y + height / 2);
  await page.mouse.move(x + width / 2, y + height / 2, { steps: 3 });
  const label = cell('chart').locator('.hoverlayer .hovertext').first();
  await label.waitFor();
  assert.match(await label.innerHTML(), '3');
  await page.screenshot({ path: `${folder}/hands-hover.png` });
});

test('the progress of a library function moves; the stop button ends it, and what it has so far is kept', async () => {
  await start('long');
  const steps = async () => Number((await output('long').allInnerTexts()).join().match(/（(\d+)\/100000）/)?.[1] ?? 0);
  const seen = new Set();
  for (let i = 0; i < 120 && seen.size < 4; i++) {
    await page.waitForTimeout(500);
    seen.add(await steps());
  }
  assert.ok(seen.size >= 4, `progress stood still: ${[...seen]}`);
  assert.equal(
    [...seen],
    [...seen].sort((a, b) => a - b),
    'progress goes forward',
  );
  await page.screenshot({ path: `${folder}/hands-progress.png` });
  await stopButton().click();
  await output('long').filter({ hasText: '停在' }).waitFor();
  assert.is(await cell('long').locator('[data-mime-type="application/vnd.jupyter.stderr"]').count(), 0, 'no error');
  assert.match(await run('partial'), /interrupted,true,\d+,\d+,3/);
  await run('picture');
  const [picture] = await picturesOf('picture');
  assert.not(blank(picture), `the picture so far is blank: ${picture.colours} colours`);
});

test('a cell is edited and run again', async () => {
  assert.match(await run('edited'), '21');
  await edit('edited');
  await page.keyboard.press('Backspace');
  await page.keyboard.type('2');
  await page.keyboard.press('Control+Enter');
  await output('edited').filter({ hasText: '22' }).waitFor();
});

/** The pictures of one cell: colours, the share of the most frequent one, and the pixels themselves as a string. */
const picturesOf = (name) =>
  output(name)
    .locator('img')
    .evaluateAll((pictures) =>
      pictures.map((picture) => {
        const { naturalWidth: width, naturalHeight: height, clientWidth: shown } = picture;
        const canvas = Object.assign(document.createElement('canvas'), { width, height });
        const context = canvas.getContext('2d');
        context.drawImage(picture, 0, 0);
        const pixels = [...new Uint32Array(context.getImageData(0, 0, width, height).data.buffer)];
        const counts = new Map();
        for (const colour of pixels) counts.set(colour, (counts.get(colour) ?? 0) + 1);
        const share = Math.max(...counts.values()) / pixels.length;
        return { colours: counts.size, share, shown, text: pixels.join() };
      }),
    );

/** How one character looks in the page's own font. */
const drawn = (character) =>
  page.evaluate((text) => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 40, height: 40 });
    const context = canvas.getContext('2d');
    context.font = `32px ${getComputedStyle(document.body).fontFamily}`;
    context.fillText(text, 2, 34);
    return [...context.getImageData(0, 0, 40, 40).data].filter((_, i) => i % 4 === 3).join('');
  }, character);

test('Chinese characters are characters, not boxes: on the page and in the figures of the course', async () => {
  const [cat, dog, none] = await Promise.all(['猫', '狗', '\u{10fffd}'].map(drawn));
  assert.is.not(cat, dog, 'the page draws 猫 and 狗 alike');
  assert.is.not(cat, none, 'the page draws 猫 as a character that no font has');
  await run('glyphs');
  await output('glyphs').nth(2).waitFor();
  const [first, second, box] = (await picturesOf('glyphs')).map(({ text }) => text);
  assert.is.not(first, second, 'figures draw 猫 and 狗 alike');
  assert.is.not(first, box, 'figures draw 猫 as a character that no font has');
  await page.screenshot({ path: `${folder}/hands-glyphs.png` });
});

test.run();
