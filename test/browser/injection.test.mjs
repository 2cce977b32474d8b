/**
 * Hostile names in a real browser: JupyterLab runs a notebook that shows them in every way, then its exported HTML is
 * opened. Nothing of them may run. Needs a Chromium.
 */
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inRoot, venvProgram } from '../../scripts/setup/paths.mjs';
import { run } from '../../scripts/setup/run.mjs';
import { folder, runAll, startLab } from './browser.mjs';

const SETUP = `import { emit, photosIn, pointsFigure, progress, claim, showGrid, showHeatmap, showNotice, showPlot, showTable, startBackend, tf } from '../lib';
const backend = await startBackend('cpu');
const bad = ['<img src=x onerror=hit()>', '"><script>hit()</script>', '<svg onload=hit()>', '&lt;img src=x onerror=hit()&gt;', '<a href="javascript:hit()">here</a>'];`;
const WORDS = `for (const text of bad) {
  showTable([{ [text]: text }], { caption: text });
  showNotice(text, text);
  claim(text, { measured: { [text]: 1 }, control: 0, holds: true, note: text });
  const bar = progress(2, text);
  bar.step(1, text);
  if (text === bad[0]) bar.done(text);
}`;
const FIGURES = `const image = tf.fill([8, 8, 3], 0.5) as tf.Tensor3D;
const map = tf.tensor2d([0, 1, 2, 3], [2, 2]);
for (const text of bad) {
  await showGrid([image], { captions: [text], title: text });
  await showHeatmap(map, { image, title: text, unit: text });
  await showPlot({ data: [{ type: 'scatter', mode: 'markers', x: [1, 2, 3], y: [1, 1, 1], name: text, text: [text, text, text], marker: { size: 200 } }], layout: { title: { text }, showlegend: true } });
}`;
const FOLDER = `const { photos, skipped } = photosIn('names');
showTable(skipped.map(({ file, reason }) => ({ file, reason })));
photos.map((photo) => photo.file)`;
const FAILURE = `throw new Error(bad.join(' '));`;
const UNSAFE = `emit({ 'text/html': bad[0] });`;

function write(name, sources) {
  const cells = sources.map((source, i) => ({ cell_type: 'code', id: `c${i}`, execution_count: null, metadata: {}, outputs: [], source })); // prettier-ignore
  const kernelspec = { name: 'convscope', display_name: 'TypeScript (convscope)', language: 'typescript' };
  const notebook = { cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 };
  fs.writeFileSync(path.join(folder, name), JSON.stringify(notebook));
}

let lab;
test.before(async () => {
  lab = await startLab();
  const names = path.join(folder, 'names');
  fs.rmSync(names, { recursive: true, force: true });
  fs.mkdirSync(names);
  for (const name of ['<img src=x onerror=hit()>.jpg', '"><svg onload=hit()>.jpg']) fs.writeFileSync(path.join(names, name), 'x'); // prettier-ignore
  fs.copyFileSync(inRoot('data', 'photos', 'mammal', 'panda.jpg'), path.join(names, "' onmouseover='hit()' x='.jpg"));
});
test.after(async () => {
  await lab?.stop();
});

/** Counts calls of hit(), the thing that every hostile text tries to do. */
const count = (page) =>
  page.evaluate(() => {
    globalThis.hits ??= 0;
    globalThis.hit = () => globalThis.hits++;
  });
const hits = (page) => page.evaluate(() => globalThis.hits);

/** Live figures come up under the mouse, with their hover texts. */
async function moveOverFigures(page) {
  for (const figure of await page.locator('.jp-OutputArea-output').all()) {
    await figure.scrollIntoViewIfNeeded().catch(() => {});
    await figure.hover({ timeout: 2000, force: true }).catch(() => {});
    await page.waitForTimeout(150);
  }
}

test('JupyterLab and the exported HTML: names, labels, captions, notes and errors are text', async () => {
  write('hostile.ipynb', [SETUP, WORDS, FIGURES, FOLDER, FAILURE]);
  const { page } = await lab.open('hostile.ipynb');
  try {
    await count(page);
    const notebook = await runAll(page, 'hostile.ipynb');
    const outputs = notebook.cells.flatMap((cell) => cell.outputs);
    assert.ok(outputs.length > 30, `${outputs.length} outputs`);
    assert.match(JSON.stringify(notebook.cells[3].outputs), 'onerror', 'the file names are shown');
    assert.is(notebook.cells[4].outputs.at(-1).output_type, 'error');
    await moveOverFigures(page);
    assert.is(await hits(page), 0);
    await page.screenshot({ path: path.join(folder, 'hostile.png') });

    await run(venvProgram('python'), [
      '-m',
      'nbconvert',
      '--to',
      'html',
      '--allow-errors',
      path.join(folder, 'hostile.ipynb'),
    ]);
    await page.addInitScript(() => {
      globalThis.hits = 0;
      globalThis.hit = () => globalThis.hits++;
    });
    await page.goto(pathToFileURL(path.join(folder, 'hostile.html')).href, { waitUntil: 'domcontentloaded' });
    await page.waitForTimeout(1500);
    assert.is(await hits(page), 0);
    assert.ok((await page.locator('table').count()) > 10);
  } finally {
    await lab.close(page);
  }
});

test('the counter works: the same text as HTML does run', async () => {
  write('unsafe.ipynb', [SETUP, UNSAFE]);
  const { page } = await lab.open('unsafe.ipynb');
  try {
    await count(page);
    await runAll(page, 'unsafe.ipynb');
    // the picture has to fail first, which takes a moment on a busy machine
    await page.waitForFunction(() => globalThis.hits > 0, undefined, { timeout: 60_000 });
  } finally {
    await lab.close(page);
  }
});

test.run();
