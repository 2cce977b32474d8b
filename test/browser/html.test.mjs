/**
 * A chapter exported as HTML, by JupyterLab's menu, by nbconvert itself and by our command, and opened with the network
 * switched off: live figures, set formulas, not one request. Needs a Chromium.
 */
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { createCanvas, loadImage } from 'canvas';
import { chromium } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inRoot, venvProgram } from '../../scripts/setup/paths.mjs';
import { findChromium, run } from '../../scripts/setup/run.mjs';
import { ARGUMENTS, copyOf, folder, MINUTES, startLab } from './browser.mjs';

const out = path.join(folder, 'html');
let browser;
test.before(async () => {
  fs.mkdirSync(out, { recursive: true });
  browser = await chromium.launch({ executablePath: findChromium(), args: ARGUMENTS });
});
test.after(() => browser?.close());

/** Opens a file with the network off. `faults` collects every request but the one for the file, and every error. */
async function open(file) {
  const context = await browser.newContext({ viewport: { width: 1300, height: 1000 }, locale: 'zh-CN' });
  await context.setOffline(true);
  const address = pathToFileURL(file).href;
  const faults = [];
  await context.route('**/*', (route) => {
    if (route.request().url() === address) return route.continue();
    faults.push(`asks for ${route.request().url().slice(0, 200)}`);
    return route.abort();
  });
  const page = await context.newPage();
  page.setDefaultTimeout(MINUTES);
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('console', (message) => message.type() === 'error' && faults.push(`console: ${message.text()}`));
  await page.goto(address);
  return { page, faults, close: () => context.close() };
}

/** Brings every figure into view once; gives how many there are and how many live. */
async function scrollThrough(page) {
  const figures = page.locator('.cs-figure');
  const count = await figures.count();
  for (let i = 0; i < count; i++) {
    await figures.nth(i).scrollIntoViewIfNeeded();
    await page.waitForSelector(`.cs-alive >> nth=${i}`);
  }
  return count;
}

async function pixels(png) {
  const image = await loadImage(png);
  const context = createCanvas(image.width, image.height).getContext('2d');
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, image.width, image.height).data;
}

/** The share of values that differ visibly. */
async function difference(one, other) {
  const [a, b] = [await pixels(one), await pixels(other)];
  return a.reduce((n, v, i) => n + (Math.abs(v - b[i]) > 20 ? 1 : 0), 0) / a.length;
}

async function moveSlider(page, screenshot) {
  const figure = page.locator('.cs-alive', { has: page.locator('.slider-container') }).first();
  await figure.scrollIntoViewIfNeeded();
  const picture = figure.locator('.svg-container');
  const before = await picture.screenshot();
  const rail = await figure.locator('.slider-rail-touch-rect').boundingBox();
  await page.mouse.click(rail.x + rail.width - 3, rail.y + rail.height / 2);
  await page.waitForTimeout(500);
  return difference(before, await picture.screenshot({ path: path.join(out, screenshot) }));
}

/** Formulas are set, and no TeX is left in the prose. */
async function judgeFormulas(page, atLeast) {
  assert.ok((await page.locator('.jp-RenderedMarkdown .katex').count()) >= atLeast);
  assert.is(await page.locator('.katex-error').count(), 0);
  const prose = await page.locator('.jp-RenderedMarkdown p:not(:has(code)), .jp-RenderedMarkdown h2').allInnerTexts();
  assert.equal(
    prose.filter((text) => /\$[^$]+\$/.test(text)),
    [],
  );
  const loaded = await page.evaluate(async () => {
    await document.fonts.ready;
    return [...document.fonts].filter((font) => font.status === 'loaded').map(({ family }) => family);
  });
  for (const family of ['KaTeX_Main', 'KaTeX_Math']) assert.ok(loaded.includes(family), `${family} of ${loaded}`);
}

async function judge(file, { title, formulas, figures, name }) {
  const { page, faults, close } = await open(file);
  assert.match(await page.title(), title);
  await judgeFormulas(page, formulas);
  assert.is(await scrollThrough(page), figures);
  const changed = await moveSlider(page, `${name}-slider.png`);
  assert.ok(changed > 0.02, `${(100 * changed).toFixed(1)} % of the values changed`);
  const images = await page.$$eval('main img', (all) => all.map(({ alt, naturalWidth }) => ({ alt, naturalWidth })));
  assert.equal(
    images.filter(({ alt, naturalWidth }) => naturalWidth === 0 || !/[\u4e00-\u9fff]/.test(alt)),
    [],
  );
  await page.evaluate(() => window.scrollTo(0, 0));
  await page.screenshot({ path: path.join(out, `${name}.png`) });
  assert.equal(faults, []);
  await close();
}

const figuresOf = ({ cells }) =>
  cells.flatMap(({ outputs = [] }) => outputs).filter(({ data }) => data?.['application/vnd.plotly.v1+json']).length;

/** Lab opens a window for it, which the browser closes at once: either may be the one that tells. */
const downloadFrom = (page) =>
  new Promise((resolve, reject) => {
    page.on('download', resolve);
    page.context().on('page', (window) => window.on('download', resolve));
    setTimeout(() => reject(new Error('nothing was downloaded')), MINUTES).unref();
  });

test('04 from JupyterLab’s menu', async () => {
  const notebook = copyOf('04-occlusion.ipynb');
  const lab = await startLab();
  try {
    const { page } = await lab.open('04-occlusion.ipynb');
    await page.getByRole('menuitem', { name: '文件', exact: true }).click();
    await page.getByText('保存并导出笔记本为', { exact: false }).hover();
    const download = downloadFrom(page);
    await page.getByRole('menuitem', { name: 'HTML', exact: true }).click();
    const file = path.join(out, 'menu.html');
    await (await download).saveAs(file);
    await judge(file, { title: /^04　遮挡实验/, formulas: 8, figures: figuresOf(notebook), name: 'menu' });
  } finally {
    await lab.stop();
  }
});

test('04 from nbconvert', async () => {
  const source = inRoot('notebooks', '04-occlusion.ipynb');
  const words = ['nbconvert', '--to', 'html', '--output-dir', out, '--output', 'cli', source];
  await run(venvProgram('jupyter'), words);
  const figures = figuresOf(JSON.parse(fs.readFileSync(source, 'utf8')));
  await judge(path.join(out, 'cli.html'), { title: /^04　遮挡实验/, formulas: 8, figures, name: 'cli' });
});

test('08, full of formulas, from npm run html; it prints its static pictures and links to its neighbours', async () => {
  const target = path.join(out, '08.html');
  const { stdout } = await run(process.execPath, [inRoot('scripts', 'html.mjs'), '08', '--out', target]);
  assert.match(stdout, /08\.html：\d(\.\d)? MB，不联网也能看/);
  const source = JSON.parse(fs.readFileSync(inRoot('notebooks', '08-adversarial.ipynb'), 'utf8'));
  await judge(target, { title: /^08　对抗样本/, formulas: 50, figures: figuresOf(source), name: '08' });
  const { page, close } = await open(target);
  await scrollThrough(page);
  await page.emulateMedia({ media: 'print' });
  assert.ok(await page.locator('.cs-alive img').first().isVisible());
  assert.not(await page.locator('.cs-live').first().isVisible());
  const links = await page.$$eval('main a', (all) => all.map((link) => link.getAttribute('href')));
  assert.ok(links.includes('07-inversion.html'), links.join(' '));
  assert.not(links.some((address) => address.endsWith('.ipynb')));
  await close();
});

test.run();
