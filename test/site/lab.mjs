/** The course in a browser tab (site/lab), served from this machine: what its tests share. */
import fs from 'node:fs';
import { chromium } from 'playwright-core';
import * as assert from 'uvu/assert';
import { createCanvas, loadImage } from 'canvas';
import { findChromium } from '../../scripts/setup/run.mjs';
import { inRoot } from '../../scripts/setup/paths.mjs';
import { serveFolder } from '../../scripts/site/serve.mjs';

const MINUTES = 60_000;
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync']; // prettier-ignore

/**
 * A server and a browser. `isolated: false` is a plain web server, as schools have it. `sent()` tells how many bytes the
 * server has given so far.
 */
export async function startSite({ isolated = false } = {}) {
  assert.ok(fs.existsSync(inRoot('site', 'lab')), 'site/lab is not built: npm run site');
  let sent = 0;
  const server = await serveFolder(inRoot('site'), { isolated, onRequest: (_name, bytes) => (sent += bytes) });
  const browser = await chromium.launch({ executablePath: findChromium(), args: ARGUMENTS });
  const close = async () => {
    await browser.close();
    await server.close();
  };
  return { server, browser, sent: () => sent, close };
}

/** A new profile; `outside` collects what is asked from elsewhere. */
export async function newProfile({ browser, server }, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1400, height: 1000 }, ...options });
  const outside = [];
  context.on('request', (request) => {
    if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(server.address)) outside.push(request.url());
  });
  return { server, context, outside };
}

/** At the first visit a page goes through its door and comes again (lite/page/door.js). */
export const visit = (page, address) =>
  page.goto(address).catch((error) => {
    if (!/ERR_ABORTED|interrupted/.test(error.message)) throw error;
  });

/** A chapter in a profile, its kernel ready. */
export async function openChapter({ context, server }, chapter) {
  const page = await context.newPage();
  page.setDefaultTimeout(10 * MINUTES);
  await visit(page, `${server.address}/lab/lab/index.html?path=notebooks/${chapter}.ipynb`);
  await page.waitForFunction(() => {
    const kernel = globalThis.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
    return kernel?.name === 'convscope' && kernel.status === 'idle';
  });
  return page;
}

/** The committed outputs would hide a cell that did not run. Returns the notebook as it is then. */
export const runAll = (page) =>
  page.evaluate(async () => {
    const { commands, shell } = globalThis.jupyterapp;
    await commands.execute('notebook:clear-all-cell-outputs');
    await commands.execute('notebook:run-all-cells');
    return shell.currentWidget.content.model.toJSON();
  });

/**
 * Puts a cell with this code at the end, runs it and returns its outputs. `interruptEvery` ms presses the button, until
 * the cell ends: on a busy machine the first time may come before it has begun.
 */
export const runCode = (page, source, interruptEvery) =>
  page.evaluate(
    async ([code, ms]) => {
      const { shell, commands } = globalThis.jupyterapp;
      const { content } = shell.currentWidget;
      content.activeCellIndex = content.widgets.length - 1;
      await commands.execute('notebook:insert-cell-below');
      await commands.execute('notebook:change-cell-to-code');
      const { model } = content.activeCell;
      model.sharedModel.setSource(code);
      const pressing = ms ? setInterval(() => void commands.execute('notebook:interrupt-kernel'), ms) : undefined;
      await commands.execute('notebook:run-cell');
      clearInterval(pressing);
      return model.toJSON().outputs;
    },
    [source, interruptEvery],
  );

export const textOf = (outputs) =>
  outputs.flatMap(({ text, traceback, data }) => [text ?? traceback ?? data?.['text/plain'] ?? ''].flat()).join('\n');

/** A file of the reader's own, beside the notebooks. */
export const upload = (page, name, bytes) =>
  page.evaluate(
    async ([file, content]) => {
      const { contents } = globalThis.jupyterapp.serviceManager;
      await contents.save(`notebooks/${file}`, { type: 'file', format: 'base64', content });
    },
    [name, Buffer.from(bytes).toString('base64')],
  );

/** Few colours: a picture that nobody has drawn. */
export async function isBlank(base64) {
  const image = await loadImage(Buffer.from(base64, 'base64'));
  const context = createCanvas(image.width, image.height).getContext('2d');
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  const seen = new Set();
  for (let i = 0; i < data.length && seen.size < 3; i += 4)
    seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
  return seen.size < 3;
}
