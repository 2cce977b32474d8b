/** How a student's own photo gets in: the upload button, and dragging it into the list of files. Needs a Chromium. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inRoot } from '../../scripts/setup/paths.mjs';
import { cellsOf, folder, startLab, writeNotebook } from './browser.mjs';

const NOTEBOOK = 'photos.ipynb';
const read = (name) => `(await loadImage('${name}', { size: 227 })).shape.join('×')`;
const SOURCES = {
  ready: ["import { loadImage, startBackend } from '../lib/index';", 'await startBackend();', "'ready'"],
  uploaded: [read('上传的猫.jpg')],
  dragged: [read('拖来的猫.jpg')],
};

let lab;
let page;
let run;

test.before(async () => {
  writeNotebook(NOTEBOOK, SOURCES);
  lab = await startLab();
  ({ page } = await lab.open(NOTEBOOK));
  const cells = cellsOf(page, SOURCES);
  run = async (name) => {
    // Lab opens what has just arrived, in front of the notebook
    await page.locator('.lm-TabBar-tab').filter({ hasText: NOTEBOOK }).first().click();
    return cells.run(name);
  };
  await cells.firstRun('ready');
});

test.after(async () => {
  await page?.screenshot({ path: path.join(folder, 'photos.png') });
  await lab?.stop();
});

/** A photo as a student has it: somewhere else, under a Chinese name. */
function ownPhoto(name) {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-photo-')), name);
  fs.copyFileSync(inRoot('data', 'photos', 'mammal', 'cat.jpg'), file);
  fs.rmSync(path.join(folder, name), { force: true });
  return file;
}

async function arrival(name) {
  for (let i = 0; i < 60 && !fs.existsSync(path.join(folder, name)); i++) await page.waitForTimeout(500);
  assert.ok(fs.existsSync(path.join(folder, name)), `${name} did not arrive`);
}

test('a photo comes in by the upload button; a cell reads it by its name', async () => {
  const chooser = page.waitForEvent('filechooser');
  await page.locator('[data-jp-item-name="uploader"] jp-button').click();
  await (await chooser).setFiles(ownPhoto('上传的猫.jpg'));
  await arrival('上传的猫.jpg');
  assert.match(await run('uploaded'), '227×227×3');
});

test('a photo is dragged into the list of files', async () => {
  const files = [ownPhoto('拖来的猫.jpg')];
  const { x, y, width, height } = await page.locator('.jp-DirListing-content').boundingBox();
  const chromium = await page.context().newCDPSession(page);
  // as from the desktop: only the browser itself can make such an event
  for (const type of ['dragEnter', 'dragOver', 'drop']) {
    const data = { items: [], files, dragOperationsMask: 1 };
    await chromium.send('Input.dispatchDragEvent', { type, x: x + width / 2, y: y + height / 2, data });
  }
  await arrival('拖来的猫.jpg');
  assert.match(await run('dragged'), '227×227×3');
});

test.run();
