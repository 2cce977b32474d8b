/** A notebook becomes one HTML file that takes everything along: without a browser, what stands in it. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { chosenNotebooks, exportHtml } from '../../scripts/html/export.mjs';
import { installHtmlTemplate, TEMPLATE } from '../../scripts/html/install.mjs';
import { inRoot, readJson, venvFolder, venvProgram } from '../../scripts/setup/paths.mjs';
import { run } from '../../scripts/setup/run.mjs';
import { SetupError } from '../../scripts/setup/report.mjs';
import { tagsOf } from '../../scripts/site/links.mjs';

const base = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-html-'));
test.before(() => installHtmlTemplate(venvFolder()));
test.after(() => fs.rmSync(base, { recursive: true }));

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const markdown = (source) => ({ cell_type: 'markdown', id: `m${source.length}`, metadata: {}, source });
const shown = (data, metadata = {}) => ({
  cell_type: 'code',
  id: `c${JSON.stringify(data).length}`,
  metadata: {},
  execution_count: 1,
  source: 'await showPlot(图)',
  outputs: [{ output_type: 'display_data', data, metadata }],
});
const figure = (name) => ({
  'application/vnd.plotly.v1+json': { data: [{ y: [1, 2], name }], layout: {} },
  'image/png': PNG,
  'text/plain': '[图] 一条 "线"',
});

function write(name, cells) {
  const kernelspec = { name: 'convscope', display_name: 'TypeScript (convscope)', language: 'typescript' };
  const file = path.join(base, name);
  fs.writeFileSync(file, JSON.stringify({ cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 }));
  return file;
}

async function exported(name, cells) {
  const target = path.join(base, 'out', name.replace('.ipynb', '.html'));
  const bytes = await exportHtml(write(name, cells), target);
  assert.is(bytes, fs.statSync(target).size);
  return fs.readFileSync(target, 'utf8');
}

/** What a browser would fetch for this page by itself. */
const fetched = (html) =>
  [...tagsOf(html)]
    .filter(({ name }) => name !== 'a')
    .flatMap(({ attributes: { src, href, data } }) => [src, href, data])
    .filter((address) => address && !address.startsWith('data:') && !address.startsWith('#'));

test('a figure comes with its data, its picture and its words; plotly once; nothing is fetched', async () => {
  const cells = [markdown('# 01　卷积核\n\n$x^2$'), shown(figure('甲')), shown(figure('一二三'))];
  const html = await exported('two.figures.ipynb', cells);
  assert.match(html, '<title>01　卷积核</title>');
  assert.match(html, '<html lang="zh">');
  assert.is(html.match(/<div class="cs-figure">/g).length, 2);
  assert.is(html.match(/\* plotly\.js v/g).length, 1);
  assert.match(html, `alt='一条 "线"'`);
  assert.match(html, 'The MIT License (MIT)');
  assert.equal(fetched(html), []);
});

test('without figures there is no plotly, without a title there is the name', async () => {
  const html = await exported('plain.ipynb', [markdown('只有字')]);
  assert.match(html, '<title>plain</title>');
  assert.not.match(html, 'plotly.js v');
  assert.ok(html.length < 1.2e6, `${html.length} characters`);
});

test('names in a figure and its description cannot leave their place', async () => {
  const evil = '</script><!--<script><img src=x onerror=alert(1)>';
  const cells = [markdown('# <img src=x>'), shown(figure(evil), { 'image/png': { alt: `"><img src=y>${evil}` } })];
  const html = await exported('evil.ipynb', cells);
  const [, data] = html.match(/<script type="application\/json">([\s\S]*?)<\/script>/);
  assert.is(JSON.parse(data).data[0].name, evil);
  assert.not.match(data, '<');
  const outputs = html.slice(html.indexOf('<div class="cs-figure">'));
  assert.equal(
    [...tagsOf(outputs)].filter(({ attributes: { src } }) => /^[xy]$/.test(src)),
    [],
  );
  const [, title] = html.match(/<title>([\s\S]*?)<\/title>/);
  assert.not.match(title, '<');
});

test('JupyterLab’s own command takes the same template; slides keep theirs', async () => {
  const file = write('slides.ipynb', [markdown('# 一'), shown(figure('x'))]);
  const convert = (format) => run(venvProgram('jupyter'), ['nbconvert', '--to', format, '--output-dir', base, file]);
  await convert('html');
  assert.match(fs.readFileSync(path.join(base, 'slides.html'), 'utf8'), 'class="cs-figure"');
  await convert('slides');
  const slides = fs.readFileSync(path.join(base, 'slides.slides.html'), 'utf8');
  assert.match(slides, 'reveal.js');
  assert.not.match(slides, 'class="cs-figure"');
});

test('the template goes into any environment, and is not made twice', async () => {
  const prefix = path.join(base, '环境 1');
  await installHtmlTemplate(prefix);
  const plotly = path.join(prefix, 'share', 'jupyter', 'nbconvert', 'templates', TEMPLATE, 'static', 'plotly.js');
  const { mtimeMs } = fs.statSync(plotly);
  await installHtmlTemplate(prefix);
  assert.is(fs.statSync(plotly).mtimeMs, mtimeMs);
  const settings = readJson(path.join(prefix, 'etc', 'jupyter', 'jupyter_config.json'));
  assert.is(settings.HTMLExporter.template_name, TEMPLATE);
});

test('notebooks are chosen by number or name, or are the reader’s own', () => {
  const chapters = ['/c/06-optimization.ipynb', '/c/07-inversion.ipynb'];
  assert.equal(chosenNotebooks([], chapters, base), chapters);
  assert.equal(chosenNotebooks(['06'], chapters, base), [chapters[0]]);
  assert.equal(chosenNotebooks(['inversion', '06'], chapters, base), [chapters[1], chapters[0]]);
  const own = write('我的.ipynb', []);
  assert.equal(chosenNotebooks(['我的.ipynb'], chapters, base), [own]);
  assert.throws(
    () => chosenNotebooks(['42'], chapters, base),
    (error) => error instanceof SetupError && /“42”.*06-optimization、07-inversion/.test(error.message),
  );
});

test('npm run html says what was wrong, without a stack', async () => {
  const { code, output } = await run(process.execPath, [inRoot('scripts', 'html.mjs'), '--oot'], { check: false });
  assert.is(code, 1);
  assert.match(output, /不认识的选项 [\s\S]*npm run html -- /);
  assert.not.match(output, /^ +at /m);
});

test.run();
