/** JupyterLab of this course in a real Chromium: what the browser tests share. */
/* global document -- in the page */
import fs from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { findChromium } from '../../scripts/setup/run.mjs';
import { inRoot, readJson } from '../../scripts/setup/paths.mjs';
import { startCourse } from '../../scripts/start/started.mjs';

export const MINUTES = 60_000;
/** Beside lib, as the notebooks are, and ignored by git: what Lab saves must not touch the course's files. */
export const folder = inRoot('test-results');
export const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-sync',
];

export async function startLab() {
  fs.mkdirSync(folder, { recursive: true });
  const course = await startCourse();
  const browser = await chromium.launch({ executablePath: findChromium(), args: ARGUMENTS });
  return {
    /** A page on one notebook; remembers every address outside this machine that the page asks for. */
    async open(notebook, { width = 1400, height = 1000 } = {}) {
      const page = await browser.newPage({ viewport: { width, height } });
      page.setDefaultTimeout(2 * MINUTES);
      const outside = [];
      page.on('request', (request) => {
        const { protocol, hostname } = new URL(request.url());
        if (protocol.startsWith('http') && hostname !== '127.0.0.1') outside.push(request.url());
      });
      await page.goto(`${course.base}/lab/tree/test-results/${notebook}?token=${course.token}&reset`);
      await page.waitForSelector('.jp-Notebook .jp-Cell');
      await page.waitForSelector('.jp-Toolbar-kernelName >> text=TypeScript (convscope)');
      return { page, outside };
    },
    /** Ends the page and its kernel: a dozen of them at once is more than a small machine bears. */
    async close(page) {
      const headers = { Authorization: `token ${course.token}` };
      const sessions = await (await fetch(`${course.base}/api/sessions`, { headers })).json();
      await page.close();
      for (const { id } of sessions) await fetch(`${course.base}/api/sessions/${id}`, { method: 'DELETE', headers });
    },
    async stop() {
      await browser.close();
      await course.stop();
    },
  };
}

/** A copy of a chapter for Lab to play with; `executed: false` as if nobody had run it yet. */
export function copyOf(name, { executed = true } = {}) {
  const notebook = readJson(inRoot('notebooks', name));
  const cells = notebook.cells.map((cell) =>
    cell.cell_type === 'code' && !executed ? { ...cell, outputs: [], execution_count: null } : cell,
  );
  fs.writeFileSync(path.join(folder, name), JSON.stringify({ ...notebook, cells }));
  return notebook;
}

/** A notebook for hands to play with: one cell per entry, its lines given. */
export function writeNotebook(name, sources) {
  const cells = Object.entries(sources).map(([id, lines]) => ({
    cell_type: 'code',
    id,
    metadata: {},
    source: lines.join('\n'),
    outputs: [],
    execution_count: null,
  }));
  const kernelspec = { name: 'convscope', display_name: 'TypeScript (convscope)', language: 'typescript' };
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(
    path.join(folder, name),
    JSON.stringify({ cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 }),
  );
}

/** The cells of such a notebook on its page, by name. All of them must fit into the window: Lab draws no others. */
export function cellsOf(page, sources) {
  const cell = (name) => page.locator('.jp-CodeCell').nth(Object.keys(sources).indexOf(name));
  const output = (name) => cell(name).locator('.jp-OutputArea-output');
  /** Puts the cursor at the end of a cell. */
  const edit = async (name) => {
    await cell(name).locator('.cm-content').click();
    await page.keyboard.press('Control+End');
  };
  const start = async (name) => {
    await edit(name);
    await page.keyboard.press('Control+Enter');
  };
  /** Runs a cell; returns what it shows. */
  const run = async (name) => {
    await start(name);
    await output(name).first().waitFor();
    return (await output(name).allInnerTexts()).join('\n');
  };
  /** The kernel's name is there before the kernel: what is run until then is dropped without a word, so one asks again. */
  const firstRun = async (name) => {
    for (let i = 0; i < 10 && (await output(name).count()) === 0; i++) {
      await start(name);
      const first = output(name).first();
      await first.waitFor({ timeout: MINUTES }).catch(() => {});
    }
  };
  return { cell, output, edit, start, run, firstRun };
}

/** An error ends "run all". */
const isOver = ({ cells }) => {
  const code = cells.filter((cell) => cell.cell_type === 'code');
  const failed = code.some(({ outputs }) => outputs.some((output) => output.output_type === 'error'));
  return failed || code.every((cell) => cell.execution_count > 0);
};

/**
 * Runs a notebook that has not run yet; returns it as Lab has saved it, for Lab draws only the cells in view. What is run
 * before the kernel is there is dropped without a word, and the kernel's own start looks busy: so one asks until something
 * has run. On a busy machine it looks idle between two cells: so one looks until all have run.
 */
export async function runAll(page, name) {
  const indicator = (status) => `.jp-Notebook-ExecutionIndicator[data-status="${status}"]`;
  let begun = false;
  for (let tries = 0; ; tries++) {
    if (!begun) {
      await page.getByRole('menuitem', { name: '运行', exact: true }).click();
      await page.getByText('运行所有单元格', { exact: true }).click();
    }
    // a short notebook may be over before one looks
    await page.waitForSelector(indicator('busy'), { timeout: MINUTES / 4 }).catch(() => {});
    await page.waitForSelector(indicator('idle'), { timeout: 12 * MINUTES });
    const notebook = await saved(page, name);
    if (tries === 9 || isOver(notebook)) return notebook;
    begun = notebook.cells.some((cell) => cell.execution_count > 0);
  }
}

async function saved(page, name) {
  await page.keyboard.press('Control+s');
  // Lab saves by itself too, and where both meet it takes the other for somebody else's and asks.
  const overwrite = page.getByRole('button', { name: '覆盖', exact: true });
  const clean = () =>
    page.waitForSelector('.jp-DirtyIndicator, .jp-mod-dirty', { state: 'detached', timeout: MINUTES });
  for (let tries = 0; tries < 3; tries++) {
    await Promise.race([clean(), overwrite.waitFor({ timeout: MINUTES })]).catch(() => {});
    await page.waitForTimeout(1000);
    if (!(await overwrite.isVisible())) break;
    await overwrite.click();
  }
  return readJson(path.join(folder, name));
}

/** How many pictures an executed notebook must show. */
const picturesIn = ({ cells }) =>
  cells.flatMap(({ outputs = [] }) => outputs).filter(({ data = {} }) => data['image/png'] || data['image/jpeg'])
    .length;

/** In the page: every picture in view with its number of colours and the share of the most frequent one. */
function lookAtPictures() {
  const found = [];
  for (const picture of /** @type {NodeListOf<HTMLImageElement>} */ (
    document.querySelectorAll('.jp-Notebook .jp-OutputArea-output img')
  )) {
    if (!picture.complete || picture.naturalWidth === 0) continue;
    const [width, height] = [picture.naturalWidth, picture.naturalHeight].map((size) => Math.min(size, 400));
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    const context = canvas.getContext('2d');
    context.imageSmoothingEnabled = false;
    context.drawImage(picture, 0, 0, width, height);
    const counts = new Map();
    for (const colour of new Uint32Array(context.getImageData(0, 0, width, height).data.buffer)) {
      counts.set(colour, (counts.get(colour) ?? 0) + 1);
    }
    const share = Math.max(...counts.values()) / (width * height);
    const { top, bottom } = picture.getBoundingClientRect();
    const whole = top > 60 && bottom < document.documentElement.clientHeight;
    found.push({ key: picture.src, whole, shown: picture.clientWidth, colours: counts.size, share });
  }
  return found;
}

/** In the page: what is in view has been loaded and decoded. */
const areLoaded = () =>
  [...document.querySelectorAll('.jp-Notebook .jp-OutputArea-output img')].every(
    (/** @type {HTMLImageElement} */ picture) => picture.complete,
  );

/**
 * Scrolls through the whole notebook as a reader does, and looks at the pixels of every picture on the way. Takes a
 * screenshot where the first one is in full view. A busy Lab draws late: then once more, until as many have been seen
 * as are expected.
 */
async function picturesOn(page, screenshot, expected) {
  const seen = new Map();
  for (let times = 0; times === 0 || (times < 4 && seen.size < expected); times++) {
    await scrollThrough(page, seen, screenshot);
  }
  return [...seen.values()].map(({ key, ...facts }) => ({ ...facts, bytes: key.length }));
}

async function scrollThrough(page, seen, screenshot) {
  let shot = seen.size > 0;
  const scroller = page.locator('.jp-WindowedPanel-outer').first();
  await scroller.evaluate((element) => (element.scrollTop = 0));
  for (let end = false; !end;) {
    await page.waitForTimeout(250);
    await page.waitForFunction(areLoaded).catch(() => {});
    for (const picture of await page.evaluate(lookAtPictures)) {
      seen.set(picture.key, picture);
      if (shot || !picture.whole) continue;
      await page.screenshot({ path: path.join(folder, screenshot) });
      shot = true;
    }
    end = await scroller.evaluate((element) => {
      const before = element.scrollTop;
      element.scrollTop += element.clientHeight / 3;
      return element.scrollTop <= before;
    });
  }
}

/** A line on white paper has few colours, but not one alone; a broken canvas has. */
export const blank = ({ colours, share, shown }) => colours < 8 || share > 0.995 || shown === 0;

/** What is wrong on a page, compared with the notebook behind it: its pictures, dialogs, requests to the internet. */
export async function pageFaults({ page, outside }, notebook, screenshot) {
  const expected = picturesIn(notebook);
  const pictures = await picturesOn(page, screenshot, expected);
  const dialogs = await page.locator('.jp-Dialog').count();
  return [
    ...(dialogs > 0 ? ['a dialog is in the way'] : []),
    ...(pictures.length < expected ? [`${pictures.length} of ${expected} pictures shown`] : []),
    ...pictures.filter(blank).map((facts) => `a blank picture: ${JSON.stringify(facts)}`),
    ...outside.map((address) => `asked from the internet: ${address}`),
  ];
}
