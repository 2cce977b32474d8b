/** What a student's hands do in JupyterLab: the stop button, Tab, Shift-Tab, pointing at a curve. Needs a Chromium. */
import fs from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { findChromium } from '../../scripts/doctor/examine.mjs';
import { inRoot } from '../../scripts/setup/place.mjs';
import { startCourse } from '../course.mjs';

const MINUTES = 60_000;
/** Beside lib, as the notebooks are, and ignored by git. */
const folder = inRoot('test-results');
const NOTEBOOK = 'hands.ipynb';

const SOURCES = [
  "import { randomGenerator } from '../lib/random';\nimport { showPlot } from '../lib/show/plot';\nconst generator = randomGenerator(1);\n'ready'",
  "console.log('started');\nawait null;\nwhile (true);",
  "'alive'",
  'generator.',
  'randomGenerator(',
  "await showPlot({ data: [{ type: 'scatter', mode: 'lines+markers', x: [0, 1, 2], y: [1, 3, 2], name: '曲线' }] });",
];

let course;
let browser;
let page;

test.before(async () => {
  fs.mkdirSync(folder, { recursive: true });
  const cells = SOURCES.map((source, i) => ({
    cell_type: 'code',
    id: `cell-${i}`,
    metadata: {},
    source,
    outputs: [],
    execution_count: null,
  }));
  const kernelspec = { name: 'convscope', display_name: 'TypeScript (convscope)', language: 'typescript' };
  const notebook = { cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 };
  fs.writeFileSync(path.join(folder, NOTEBOOK), JSON.stringify(notebook));
  course = await startCourse();
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync'];
  browser = await chromium.launch({ executablePath: findChromium(), args });
  page = await browser.newPage({ viewport: { width: 1400, height: 1600 } });
  page.setDefaultTimeout(2 * MINUTES);
  await page.goto(`${course.base}/lab/tree/test-results/${NOTEBOOK}?token=${course.token}&reset`);
  await page.waitForSelector('.jp-Toolbar-kernelName >> text=TypeScript (convscope)');
  // The kernel's name is there before the kernel: what is run until then is dropped without a word, so one asks again.
  for (let i = 0; i < 10 && (await output(0).count()) === 0; i++) {
    await start(0);
    await output(0)
      .first()
      .waitFor({ timeout: 20_000 })
      .catch(() => {});
  }
  assert.match(await output(0).first().innerText(), 'ready');
});

test.after(async () => {
  await page?.screenshot({ path: `${folder}/hands.png` });
  await browser?.close();
  await course?.stop();
});

const cell = (i) => page.locator('.jp-CodeCell').nth(i);
const output = (i) => cell(i).locator('.jp-OutputArea-output');

/** Puts the cursor at the end of a cell. */
async function edit(i) {
  await cell(i).locator('.cm-content').click();
  await page.keyboard.press('Control+End');
}

async function start(i) {
  await edit(i);
  await page.keyboard.press('Control+Enter');
}

/** Runs a cell; returns what it shows. */
async function run(i) {
  await start(i);
  await output(i).first().waitFor();
  return (await output(i).allInnerTexts()).join('\n');
}

test('the stop button ends a loop after an await; the kernel and its variables live on', async () => {
  await start(1);
  await output(1).filter({ hasText: 'started' }).waitFor();
  await page.locator('[data-jp-item-name="interrupt"]').click();
  await output(1).filter({ hasText: '已中断' }).waitFor();
  assert.match(await run(2), 'alive');
});

test('Tab completes, with the kernel’s suggestions', async () => {
  await edit(3);
  const list = page.locator('.jp-Completer');
  // Lab waits a second for suggestions; on a busy machine they may come later, and one asks again.
  for (let i = 0; i < 20 && !(await list.isVisible()); i++) {
    await page.keyboard.press('Tab');
    await list.waitFor({ timeout: 4000 }).catch(() => {});
  }
  const items = (await page.locator('.jp-Completer-item').allInnerTexts()).join(' ');
  for (const name of ['integer', 'normal', 'uniform']) assert.match(items, name);
  await page.screenshot({ path: `${folder}/hands-tab.png` });
  await page.keyboard.press('Escape');
});

test('Shift-Tab shows the docstring', async () => {
  await edit(4);
  await page.keyboard.press('Shift+Tab');
  await page.locator('.jp-Tooltip').waitFor();
  const text = await page.locator('.jp-Tooltip').innerText();
  assert.match(text, '可复现的随机数发生器');
  assert.match(text, 'randomGenerator(seed: number)');
  await page.screenshot({ path: `${folder}/hands-shift-tab.png` });
  await page.keyboard.press('Escape');
});

test('a chart comes alive under the mouse and tells its values', async () => {
  await run(5);
  await output(5).locator('img, .js-plotly-plot').first().waitFor();
  await output(5).first().scrollIntoViewIfNeeded();
  await output(5).first().hover();
  const point = cell(5).locator('.scatterlayer .point').nth(1);
  await point.waitFor({ state: 'attached' });
  const { x, y, width, height } = await point.boundingBox();
  await page.mouse.move(x + width / 2 - 3, y + height / 2);
  await page.mouse.move(x + width / 2, y + height / 2, { steps: 3 });
  const label = cell(5).locator('.hoverlayer .hovertext').first();
  await label.waitFor();
  assert.match(await label.innerHTML(), '3');
  await page.screenshot({ path: `${folder}/hands-hover.png` });
});

test.run();
