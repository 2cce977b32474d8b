/** The course in a browser tab (site/lab), served from this machine: needs a Chromium and `npm run site`. */
/* global window -- in the page */
import fs from 'node:fs';
import { chromium } from 'playwright-core';
import { createCanvas, loadImage } from 'canvas';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { findChromium } from '../../scripts/doctor/examine.mjs';
import { claimFaults, claimsOnRecord } from '../../scripts/notebooks/claims.mjs';
import { claimsOf, outputFaults } from '../../scripts/notebooks/rules.mjs';
import { inRoot } from '../../scripts/setup/place.mjs';
import { serveFolder } from '../../scripts/site/serve.mjs';

const MINUTES = 60_000;
/** JupyterLite's first load, measured in bytes that the server gives. */
const MOST_BYTES = 40e6;

let server;
let browser;
let sent = 0;
test.before(async () => {
  assert.ok(fs.existsSync(inRoot('site', 'lab')), 'site/lab is not built: npm run site');
  server = await serveFolder(inRoot('site'), { onRequest: (_name, bytes) => (sent += bytes) });
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync'];
  browser = await chromium.launch({ executablePath: findChromium(), args });
});
test.after(async () => {
  await browser?.close();
  await server?.close();
});

/** A chapter in a new profile, its kernel ready; `outside` collects what is asked from elsewhere. */
async function open(chapter) {
  const context = await browser.newContext({ viewport: { width: 1400, height: 1000 } });
  const page = await context.newPage();
  page.setDefaultTimeout(5 * MINUTES);
  const outside = [];
  context.on('request', (request) => {
    if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(server.address)) outside.push(request.url());
  });
  await page.goto(`${server.address}/lab/lab/index.html?path=notebooks/${chapter}.ipynb`);
  await page.waitForFunction(() => {
    const kernel = window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
    return kernel?.name === 'convscope' && kernel.status === 'idle';
  });
  return { page, outside, close: () => context.close() };
}

/** The notebook as it is now. */
const notebookOf = (page) => page.evaluate(() => window.jupyterapp.shell.currentWidget.content.model.toJSON());

/** Puts a cell with this code at the end, runs it and returns its outputs; `interruptAfter` ms presses the button. */
const runCode = (page, source, interruptAfter) =>
  page.evaluate(
    async ([code, ms]) => {
      const { shell, commands } = window.jupyterapp;
      const { content } = shell.currentWidget;
      content.activeCellIndex = content.widgets.length - 1;
      await commands.execute('notebook:insert-cell-below');
      await commands.execute('notebook:change-cell-to-code');
      const { model } = content.activeCell;
      model.sharedModel.setSource(code);
      if (ms) setTimeout(() => void commands.execute('notebook:interrupt-kernel'), ms);
      await commands.execute('notebook:run-cell');
      return model.toJSON().outputs;
    },
    [source, interruptAfter],
  );

const textOf = (outputs) =>
  outputs.flatMap(({ text, traceback, data }) => [text ?? traceback ?? data?.['text/plain'] ?? ''].flat()).join('\n');

/** Few colours: a picture that nobody has drawn. */
async function isBlank(base64) {
  const image = await loadImage(Buffer.from(base64, 'base64'));
  const context = createCanvas(image.width, image.height).getContext('2d');
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  const seen = new Set();
  for (let i = 0; i < data.length && seen.size < 3; i += 4)
    seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
  return seen.size < 3;
}

test('01: Run All gives pictures and the claims on record, and nothing is asked from elsewhere', async () => {
  const { page, outside, close } = await open('01-filters');
  // the committed outputs would hide a cell that did not run
  await page.evaluate(async () => {
    await window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs');
    await window.jupyterapp.commands.execute('notebook:run-all-cells');
  });
  assert.ok(sent < MOST_BYTES, `${sent} bytes`);
  const notebook = await notebookOf(page);
  const cells = notebook.cells.filter(({ cell_type: type }) => type === 'code');
  assert.equal(
    cells.filter((cell) => !cell.execution_count).map(({ id }) => id),
    [],
  );
  assert.equal(outputFaults(notebook), []);
  assert.equal(claimFaults(claimsOf(notebook), claimsOnRecord('01-filters.ipynb')), []);
  const pictures = cells.flatMap(({ outputs }) => outputs.map(({ data }) => data?.['image/png']).filter(Boolean));
  assert.ok(pictures.length > 8, `${pictures.length} pictures`);
  for (const picture of pictures) assert.not(await isBlank([picture].flat().join('')));
  assert.equal(outside, []);
  await close();
});

test('scope, redefinition, types, an error with its line, an interrupt, a photo of one’s own', async () => {
  const { page, outside, close } = await open('01-filters');
  await runCode(page, 'let rate = 0.1;\nconst step = () => rate;');
  await runCode(page, 'rate = 0.5;');
  assert.match(textOf(await runCode(page, 'step()')), '0.5');
  assert.match(textOf(await runCode(page, 'const rate: string = 1;')), /TypeScriptError[\s\S]*第 1 行/);
  const thrown = textOf(await runCode(page, "const a = 1;\nfunction f() {\n  throw new Error('坏了');\n}\nf();"));
  assert.match(thrown, /坏了[\s\S]*第 3 行/);
  const waiting = 'await new Promise(() => {});';
  assert.match(textOf(await runCode(page, waiting, 500)), '已中断');
  assert.match(textOf(await runCode(page, 'rate')), '0.5');
  const photo = fs.readFileSync(inRoot('test', 'checks', 'dog-224.png'));
  await page.evaluate(async (content) => {
    const { contents } = window.jupyterapp.serviceManager;
    await contents.save('notebooks/mine.png', { type: 'file', format: 'base64', content });
  }, photo.toString('base64'));
  const own = "import { loadImage } from '../lib/index';\nconst mine = await loadImage('mine.png', { size: 64 });\nmine.shape.join()"; // prettier-ignore
  await runCode(page, "import { startBackend } from '../lib/index';\nawait startBackend();");
  const size = textOf(await runCode(page, own));
  assert.match(size, '64,64,3', size);
  const loop = textOf(await runCode(page, 'for (;;) {}', 500));
  assert.match(loop, '重启');
  assert.match(textOf(await runCode(page, '1 + 1')), '2');
  assert.equal(outside, []);
  await close();
});

test.run();
