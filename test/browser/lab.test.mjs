/** The main job as a student does it: npm start, JupyterLab opens, Run All, pictures appear. Needs a Chromium. */
import fs from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { findChromium } from '../../scripts/doctor/examine.mjs';
import { inRoot, readJson } from '../../scripts/setup/place.mjs';
import { startCourse } from '../course.mjs';

const MINUTES = 60_000;
/** Beside lib, as the notebooks are, and ignored by git: what Run All saves must not touch the course's files. */
const folder = inRoot('test-results');

let course;
let browser;
test.before(async () => {
  fs.mkdirSync(folder, { recursive: true });
  course = await startCourse();
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync'];
  browser = await chromium.launch({ executablePath: findChromium(), args });
});
test.after(async () => {
  await browser?.close();
  await course?.stop();
});

/** A page on one notebook; remembers every address outside this machine that the page asks for. */
async function open(notebook) {
  const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
  const outside = [];
  page.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (protocol.startsWith('http') && hostname !== '127.0.0.1') outside.push(request.url());
  });
  await page.goto(`${course.base}/lab/tree/test-results/${notebook}?token=${course.token}&reset`);
  await page.waitForSelector('.jp-Notebook .jp-Cell', { timeout: 2 * MINUTES });
  return { page, outside };
}

/** Lab draws only the cells in view, so its saved file, not the page, says what has run. */
async function runAll(page, notebook) {
  await page.getByRole('menuitem', { name: '运行', exact: true }).click();
  await page.getByText('运行所有单元格', { exact: true }).click();
  await page.waitForSelector('.jp-Notebook-ExecutionIndicator[data-status="busy"]', { timeout: MINUTES });
  await page.waitForSelector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', { timeout: 12 * MINUTES });
  await page.keyboard.press('Control+s');
  await page
    .waitForSelector('.jp-DirtyIndicator, .jp-mod-dirty', { state: 'detached', timeout: MINUTES })
    .catch(() => {});
  await page.waitForTimeout(1000);
  return readJson(path.join(folder, notebook));
}

for (const notebook of ['00-overview.ipynb', '01-filters.ipynb']) {
  test(`${notebook}: opens with its kernel in Chinese, runs from top to bottom, shows pictures`, async () => {
    fs.copyFileSync(inRoot('notebooks', notebook), path.join(folder, notebook));
    const { page, outside } = await open(notebook);
    try {
      await page.waitForSelector('.jp-Toolbar-kernelName >> text=TypeScript (convscope)', { timeout: 2 * MINUTES });
      assert.is(await page.locator('.jp-Dialog').count(), 0, 'a dialog is in the way');
      await page.screenshot({ path: `${folder}/${notebook}-opened.png` });
      const { cells } = await runAll(page, notebook);
      const code = cells.filter((cell) => cell.cell_type === 'code');
      const errors = code.flatMap((cell) => cell.outputs.filter((output) => output.output_type === 'error'));
      assert.equal(
        errors.map(({ ename, evalue }) => `${ename}: ${evalue}`),
        [],
      );
      assert.ok(
        code.every((cell) => cell.execution_count > 0),
        'every cell has run',
      );
      assert.ok(await page.locator('.jp-OutputArea-output img').count(), 'pictures are on the page');
      await page.locator('.jp-OutputArea-output img').first().scrollIntoViewIfNeeded();
      await page.waitForTimeout(1500);
      await page.screenshot({ path: `${folder}/${notebook}-run.png` });
      assert.equal(outside, [], 'nothing is asked from the internet');
    } finally {
      await page.close();
    }
  });
}

test.run();
