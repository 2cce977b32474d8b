/** The course in a browser tab (site/lab), from a plain web server: needs a Chromium and `npm run site`. */
import fs from 'node:fs';
import * as os from 'node:os';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { claimFaults, claimsOnRecord } from '../../scripts/notebooks/claims.mjs';
import { claimsOf, codeCells, outputFaults, substituted } from '../../scripts/notebooks/rules.mjs';
import { inRoot } from '../../scripts/setup/paths.mjs';
import { isBlank, newProfile, openChapter, runAll, runCode, startSite, textOf, upload, visit } from './lab.mjs';

/** What the server gives until the kernel of the first chapter is ready. */
const MOST_BYTES = 40e6;

let site;
test.before(async () => {
  site = await startSite();
});
test.after(() => site?.close());

/** Every cell has run, and is what it is in the repository; where another network had to stand in, as far as it can be. */
async function judge(notebook, chapter) {
  const cells = codeCells(notebook);
  assert.equal(
    cells.filter((cell) => !cell.execution_count).map(({ id }) => id),
    [],
  );
  const substitute = substituted(notebook);
  assert.equal(outputFaults(notebook, { substitute }), []);
  const record = claimsOnRecord(chapter);
  const claims = claimsOf(notebook);
  if (substitute)
    assert.equal(verdicts(claims), verdicts(Object.entries(record).map(([id, entry]) => ({ id, ...entry })))); // prettier-ignore
  else assert.equal(claimFaults(claims, record), []);
  const pictures = cells.flatMap(({ outputs }) =>
    outputs.map(({ data }) => data?.['image/png'] ?? data?.['image/jpeg']).filter(Boolean),
  );
  assert.ok(pictures.length > 8, `${pictures.length} pictures`);
  for (const picture of pictures) assert.not(await isBlank([picture].flat().join('')));
}

/** Which claims are made, and which of them hold. */
const verdicts = (claims) => Object.fromEntries(claims.map(({ id, holds }) => [id, holds]));

const stopServing = async () => {
  await site.server.close();
  const gone = await fetch(site.server.address).catch(() => undefined);
  assert.is(gone, undefined, 'the server still answers');
};

test('scope, redefinition, types, an error with its line, an interrupt, a photo of one’s own', async () => {
  const profile = await newProfile(site);
  const page = await openChapter(profile, '01-filters');
  await runCode(page, 'let rate = 0.1;\nconst step = () => rate;');
  await runCode(page, 'rate = 0.5;');
  assert.match(textOf(await runCode(page, 'step()')), '0.5');
  assert.is(textOf(await runCode(page, 'console.log(rate)')), '0.5\n');
  assert.match(textOf(await runCode(page, 'const rate: string = 1;')), /TypeScriptError[\s\S]*第 1 行/);
  const thrown = textOf(await runCode(page, "const a = 1;\nfunction f() {\n  throw new Error('坏了');\n}\nf();"));
  assert.match(thrown, /坏了[\s\S]*第 3 行/);
  const waiting = 'await new Promise(() => {});';
  assert.match(textOf(await runCode(page, waiting, 1500)), '已中断');
  assert.match(textOf(await runCode(page, 'rate')), '0.5');
  await upload(page, 'mine.png', fs.readFileSync(inRoot('test', 'checks', 'dog-224.png')));
  const own = "import { loadImage } from '../lib/index';\nconst mine = await loadImage('mine.png', { size: 64 });\nmine.shape.join()"; // prettier-ignore
  await runCode(page, "import { startBackend } from '../lib/index';\nawait startBackend();");
  const size = textOf(await runCode(page, own));
  assert.match(size, '64,64,3', size);
  // loops look whether they should stop, whatever is around them; what has none takes the kernel with it
  for (const loop of [
    'for (;;) {}',
    'await null; while (true) for (;;) try { for (;;); } catch {}',
    'do rate++; while (rate)',
  ])
    assert.match(textOf(await runCode(page, loop, 1500)), /已中断。/, loop);
  assert.ok(Number(textOf(await runCode(page, 'rate'))) > 1, 'the variables are there');
  const inLoop = "let k = 0;\nfor (;;) { if (k++ > 3) { throw new Error('坏了'); } }";
  assert.match(textOf(await runCode(page, inLoop)), /坏了[\s\S]*第 2 行第 33 列/);
  const deaf = textOf(await runCode(page, "(0, eval)('for (;;) {}')", 1500));
  assert.match(deaf, '重启');
  assert.match(textOf(await runCode(page, '1 + 1')), '2');
  assert.equal(profile.outside, []);
  await profile.context.close();
});

test('a plotly figure is a picture, and comes alive under the mouse', async () => {
  const profile = await newProfile(site);
  const page = await openChapter(profile, '01-filters');
  const figure = "{ data: [{ type: 'scatter', x: [1, 2], y: [3, 4] }], layout: { title: '线' } }";
  const code = `import { showPlot } from '../lib/index';\nawait showPlot(${figure}, { alt: '线' });`;
  const [{ data }] = await runCode(page, code);
  assert.not(await isBlank(data['image/png']));
  const output = page.locator('.jp-CodeCell').last().locator('.jp-OutputArea-output').first();
  await output.locator('img').waitFor();
  // on a busy machine one enters again
  for (let i = 0; i < 20 && (await output.locator('.modebar').count()) === 0; i++) {
    await page.mouse.move(0, 0);
    await output.hover();
    await output.locator('.modebar').first().waitFor({ state: 'attached', timeout: 3000 }).catch(() => {}); // prettier-ignore
  }
  assert.ok((await output.locator('.modebar').count()) > 0, 'the figure did not come alive');
  assert.equal(profile.outside, []);
  await profile.context.close();
});

test('04 and 06: Run All gives pictures and the claims on record', async () => {
  const run = async (chapter) => {
    const profile = await newProfile(site);
    await judge(await runAll(await openChapter(profile, chapter)), chapter);
    assert.equal(profile.outside, []);
    await profile.context.close();
  };
  await Promise.all(['04-occlusion', '06-optimization'].map(run));
});

/** What the first cell says when it runs again: the network has been read. */
const firstCell = async (page) => {
  const [cell] = codeCells(await page.evaluate(() => globalThis.jupyterapp.shell.currentWidget.content.model.toJSON()));
  return textOf(await runCode(page, cell.source));
};

test('the page that stores the course says so when its list does not come', async () => {
  const { context } = await newProfile(site);
  await context.route('**/offline.json', (route) => route.abort());
  const page = await context.newPage();
  await visit(page, `${site.server.address}/lab/offline.html`);
  await page.getByText('取不到要存的清单').waitFor({ timeout: 60_000 });
  await context.close();
});

test('01: Run All, isolated by a plain server, nothing asked from elsewhere; then the server ends, and it goes on', async () => {
  const before = site.sent();
  const visited = await newProfile(site);
  const page = await openChapter(visited, '01-filters');
  const bytes = site.sent() - before;
  assert.ok(bytes < MOST_BYTES, `${bytes} bytes`);
  await page.getByRole('menuitem', { name: '运行', exact: true }).waitFor();
  assert.ok(await page.evaluate(() => globalThis.crossOriginIsolated), 'no headers from the service worker');
  await judge(await runAll(page), '01-filters');
  const threads = "console.log(require('@tensorflow/tfjs-backend-wasm').getThreadsCount())";
  const count = Number(textOf(await runCode(page, threads)));
  assert.ok(count > 1 || os.availableParallelism() === 1, `wasm with ${count} thread(s), isolated`);

  const stored = await newProfile(site);
  const store = await stored.context.newPage();
  await visit(store, `${site.server.address}/lab/offline.html`);
  await store.getByRole('button', { name: /存下全部课程（\d+ MB）/ }).click({ timeout: 60_000 });
  await store.getByText('存好了').waitFor({ timeout: 300_000 });

  await stopServing();
  assert.match(textOf(await runCode(page, 'backend.name')), 'wasm');
  await page.close();
  assert.match(await firstCell(await openChapter(visited, '01-filters')), '网络 AlexNet');
  // never opened before
  assert.match(await firstCell(await openChapter(stored, '07-inversion')), '网络 AlexNet');
  assert.equal([...visited.outside, ...stored.outside], []);
});

test.run();
