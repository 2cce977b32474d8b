/** A saved figure with a slider in JupyterLab: it works without a kernel having run anything. Needs a Chromium. */
import fs from 'node:fs';
import path from 'node:path';
import { createCanvas, loadImage } from 'canvas';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { notebookFiles } from '../../scripts/notebooks/execute.mjs';
import { readJson } from '../../scripts/setup/paths.mjs';
import { folder, startLab } from './browser.mjs';

const PLOTLY = 'application/vnd.plotly.v1+json';
const NOTEBOOK = 'choices.ipynb';

/** The first cell of the course whose saved output has a slider, in a notebook of its own. */
function notebookWithSlider() {
  for (const file of notebookFiles()) {
    const { cells, ...notebook } = readJson(file);
    const hasSlider = ({ outputs = [] }) => outputs.some(({ data }) => data?.[PLOTLY]?.layout?.sliders);
    const cell = cells.find(hasSlider);
    if (cell) return { ...notebook, cells: [cell] };
  }
  throw new Error('no chapter has a figure with a slider');
}

let lab;
test.before(async () => {
  lab = await startLab();
  fs.writeFileSync(path.join(folder, NOTEBOOK), JSON.stringify(notebookWithSlider()));
});
test.after(() => lab?.stop());

async function pixels(png) {
  const { width, height } = await loadImage(png);
  const context = createCanvas(width, height).getContext('2d');
  context.drawImage(await loadImage(png), 0, 0);
  return context.getImageData(0, 0, width, height).data;
}

test('a saved slider is moved, and another picture appears', async () => {
  const { page, outside } = await lab.open(NOTEBOOK);
  const output = page.locator('.jp-OutputArea-output').first();
  await output.locator('img, .js-plotly-plot').first().waitFor();
  const rail = output.locator('.slider-rail-touch-rect');
  // the figure comes alive when the mouse enters it; on a busy machine one enters again
  for (let i = 0; i < 20 && (await rail.count()) === 0; i++) {
    await page.mouse.move(0, 0);
    await output.hover();
    await rail.waitFor({ state: 'attached', timeout: 3000 }).catch(() => {});
  }
  await rail.scrollIntoViewIfNeeded({ timeout: 10_000 });
  const before = await output.screenshot();
  const box = await rail.boundingBox();
  await page.mouse.click(box.x + box.width - 3, box.y + box.height / 2);
  await page.waitForTimeout(1000);
  const after = await output.screenshot({ path: path.join(folder, 'choices-lab.png') });
  const [a, b] = [await pixels(before), await pixels(after)];
  assert.is(a.length, b.length);
  const changed = a.reduce((n, v, i) => n + (Math.abs(v - b[i]) > 20 ? 1 : 0), 0) / a.length;
  assert.ok(changed > 0.02, `${(100 * changed).toFixed(2)} % of the values changed`);
  assert.equal(outside, []);
  await lab.close(page);
});

test.run();
