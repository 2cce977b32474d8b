/** The finished site as a reader opens it: from a folder, with every address outside blocked. Needs a Chromium. */
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { createCanvas, loadImage } from 'canvas';
import { chromium } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { findChromium } from '../../scripts/setup/run.mjs';
import { inRoot } from '../../scripts/setup/paths.mjs';
import { htmlFiles } from '../../scripts/site/finish.mjs';

const folder = inRoot('site');
const shots = inRoot('test-results', 'site');
const chapters = fs.existsSync(folder) ? htmlFiles(folder).filter((name) => name.startsWith('notebooks/')) : [];

let browser;
test.before(async () => {
  assert.ok(chapters.length > 0, 'site/ is not built: npm run site');
  fs.mkdirSync(shots, { recursive: true });
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync'];
  browser = await chromium.launch({ executablePath: findChromium(), args });
});
test.after(() => browser?.close());

/**
 * A page of the site; `faults` collects what it asks from outside, what it does not get, and its errors.
 * @param {string} name @param {{ width?: number, height?: number, javaScriptEnabled?: boolean }} [options]
 */
async function open(name, { width = 1400, height = 1000, ...more } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, locale: 'zh-CN', ...more });
  const faults = [];
  await context.route('**/*', (route) => {
    const address = route.request().url();
    if (address.startsWith(pathToFileURL(folder).href)) return route.continue();
    faults.push(`asks for ${address}`);
    return route.abort();
  });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  page.on('requestfailed', (request) => faults.push(`did not get ${request.url()}`));
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('console', (message) => message.type() === 'error' && faults.push(`console: ${message.text()}`));
  const [file, rest = ''] = name.split(/(?=[?#])/);
  await page.goto(pathToFileURL(path.join(folder, file)).href + rest);
  return { page, faults, close: () => context.close() };
}

/** Brings everything into view once, and waits until all that loads late is there. */
async function scrollThrough(page) {
  await page.evaluate(async () => {
    for (const part of document.querySelectorAll('article .cs-picture, article img')) {
      part.scrollIntoView({ block: 'center', behavior: 'instant' });
      // what comes into view is noticed when a frame is drawn
      for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
    }
  });
  await page.waitForFunction(() =>
    [...document.querySelectorAll('article img')].every(
      (/** @type {HTMLImageElement} */ image) => image.complete || !image.offsetParent,
    ),
  );
  await page.waitForFunction(() => !document.querySelector('.cs-figure:not(.cs-alive)'));
}

async function pixels(png) {
  const image = await loadImage(png);
  const context = createCanvas(image.width, image.height).getContext('2d');
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, image.width, image.height).data;
}

/** How many different colours, in steps of 16. */
async function colours(png) {
  const data = await pixels(png);
  const seen = new Set();
  for (let i = 0; i < data.length; i += 4)
    seen.add(((data[i] >> 4) << 8) | ((data[i + 1] >> 4) << 4) | (data[i + 2] >> 4));
  return seen.size;
}

for (const chapter of chapters) {
  test(`${chapter}: nothing from outside, every picture is there, every figure lives and is not blank`, async () => {
    const { page, faults, close } = await open(chapter);
    await scrollThrough(page);
    const missing = await page.$$eval('article img', (images) =>
      images.filter((image) => image.offsetParent && !image.naturalWidth).map((image) => image.src),
    );
    assert.equal(missing, []);
    const figures = page.locator('.cs-alive .cs-live');
    for (let i = 0; i < (await figures.count()); i++) {
      assert.ok((await colours(await figures.nth(i).screenshot())) > 4, `figure ${i} is blank`);
    }
    assert.equal(faults, []);
    await close();
  });
}

test('the other pages ask for nothing from outside either', async () => {
  const others = htmlFiles(folder).filter((file) => !chapters.includes(file) && !file.startsWith('functions/'));
  for (const name of others) {
    const { faults, close } = await open(name);
    assert.equal(faults, [], name);
    await close();
  }
});

test('the functions: from the contents to one with its example; sorted by chapters', async () => {
  const { page, faults, close } = await open('notebooks/04-occlusion.html');
  await page.locator('.cs-functions a').click();
  await page.getByRole('heading', { name: '04 遮挡实验' }).waitFor();
  await page.locator('.col-content').getByRole('link', { name: 'occlusionMap', exact: true }).first().click();
  await page.getByRole('heading', { name: '示例' }).waitFor();
  assert.match(await page.locator('.tsd-comment pre').first().innerText(), /await occlusionMap\(/);
  await page.screenshot({ path: path.join(shots, 'function.png') });
  // a browser does not take drawings from another file of a folder; TypeDoc then puts them into the page (icons.js)
  await page.waitForFunction(() => document.querySelector('svg use')?.getAttribute('href').startsWith('#'));
  assert.equal(
    faults.filter((fault) => !fault.includes('icons.svg')),
    [],
  );
  await close();
});

test('formulas are set in the formula font, no TeX is left', async () => {
  const { page, close } = await open('notebooks/07-inversion.html');
  assert.ok((await page.locator('article .katex').count()) > 10);
  assert.is(await page.locator('.katex-error').count(), 0);
  await page.evaluate(() => document.fonts.ready);
  const loaded = await page.evaluate(() =>
    [...document.fonts].filter((font) => font.status === 'loaded').map((font) => font.family.replaceAll('"', '')),
  );
  for (const family of ['KaTeX_Main', 'KaTeX_Math']) assert.ok(loaded.includes(family), `${family} of ${loaded}`);
  const formula = page.locator('.cs-tex[data-kind="display"] .katex-html').first();
  assert.ok((await colours(await formula.screenshot())) > 4, 'the formula is blank');
  const prose = await page.locator('article p').allInnerTexts();
  assert.equal(
    prose.filter((text) => /\$[^$]+\$/.test(text)),
    [],
  );
  await close();
});

test('the search finds Chinese words, alone and in a row', async () => {
  for (const query of ['遮挡', '遮挡实验']) {
    const { page, faults, close } = await open(`search.html?q=${encodeURIComponent(query)}`);
    await page.locator('#search-results li a').first().waitFor();
    const found = await page.$$eval('#search-results li a', (links) => links.map((link) => link.getAttribute('href')));
    assert.ok(found[0].includes('04-occlusion.html'), `${query}: ${found.slice(0, 5)}`);
    assert.equal(faults, []);
    await close();
  }
  const { page, close } = await open(`search.html?q=${encodeURIComponent('氕氘氚')}`);
  await page.getByText('没有匹配').or(page.getByText('没有找到')).first().waitFor();
  assert.is(await page.locator('#search-results li').count(), 0);
  await close();
});

/** Every figure with a slider of all chapters: { chapter, index }. */
async function withControl(selector) {
  for (const chapter of chapters) {
    const { page, close } = await open(chapter);
    await scrollThrough(page);
    const figure = page.locator('.cs-alive', { has: page.locator(selector) }).first();
    if (await figure.count()) return { chapter, figure, page, close };
    await close();
  }
  throw new Error(`no figure of any chapter has ${selector}`);
}

/** The share of pixels that differ visibly. */
async function difference(one, other) {
  const [a, b] = [await pixels(one), await pixels(other)];
  let n = 0;
  for (let i = 0; i < a.length; i += 4) if (Math.abs(a[i] - b[i]) + Math.abs(a[i + 1] - b[i + 1]) > 30) n++;
  return (4 * n) / a.length;
}

test('a slider changes the picture, without a kernel', async () => {
  const { chapter, figure, page, close } = await withControl('.slider-container');
  await figure.scrollIntoViewIfNeeded();
  const live = figure.locator('.cs-live');
  const before = await live.screenshot();
  const rail = await figure.locator('.slider-rail-touch-rect').boundingBox();
  await page.mouse.click(rail.x + rail.width - 3, rail.y + rail.height / 2);
  await page.waitForTimeout(500);
  const after = await live.screenshot({ path: path.join(shots, 'slider.png') });
  const changed = await difference(before, after);
  assert.ok(changed > 0.05, `${chapter}: ${(100 * changed).toFixed(1)} % of the pixels changed`);
  await close();
});

test('without scripts the static pictures and the formulas are still there', async () => {
  const { page, close } = await open('notebooks/04-occlusion.html', { javaScriptEnabled: false });
  const image = page.locator('.cs-figure img').first();
  await image.scrollIntoViewIfNeeded();
  assert.ok((await colours(await image.screenshot())) > 16);
  assert.ok((await page.locator('.katex-html').count()) > 10);
  await close();
});

test('on a telephone nothing hangs over the edge', async () => {
  for (const name of ['index.html', ...chapters]) {
    const { page, close } = await open(name, { width: 390, height: 844 });
    await scrollThrough(page);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 391, `${name} is ${width} pixels wide`);
    await page.evaluate(() => window.scrollTo(0, 0));
    await page.screenshot({ path: path.join(shots, `${path.basename(name, '.html')}-390.png`) });
    await close();
  }
});

test.run();
