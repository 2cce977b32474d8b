import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { setFormulas } from '../../scripts/site/finish.mjs';
import { notebookFiles } from '../../scripts/notebooks/execute.mjs';
import { readJson } from '../../scripts/setup/paths.mjs';
import { chapterQuestions, COVERS, sections } from '../../scripts/site/front.mjs';
import { examineSite, rawMarks, referencesOf } from '../../scripts/site/links.mjs';
import { Pictures, siteOutput } from '../../scripts/site/outputs.mjs';
import { withLocalLinks } from '../../scripts/site/stage.mjs';

const base = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-site-'));
test.after(() => fs.rmSync(base, { recursive: true }));

function pages(name, files) {
  const folder = path.join(base, name);
  for (const [file, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    fs.writeFileSync(path.join(folder, file), text);
  }
  return folder;
}

test('links inside are followed, to the file and to the place in it', () => {
  const folder = pages('good', {
    'index.html': '<a href="a/one.html#here">1</a> <a href="#top"></a><h1 id="top"></h1><img src="a/p.png">',
    'a/one.html': '<p id="here"><a href="../index.html?x=1">back</a> <a href="https://example.org/">out</a>',
    'a/p.png': '',
  });
  assert.equal(examineSite(folder), { faults: [], external: ['https://example.org/'], pages: 2, links: 4 });
});

test('what is missing or comes from outside is a fault, each by name', () => {
  const folder = pages('bad', {
    'index.html':
      '<a href="gone.html">1</a><a href="one.html#nowhere">2</a><script src="https://cdn.example/x.js"></script>' +
      '<img src="//cdn.example/y.png"><link rel="stylesheet" href="s.css"><div data-script="f.js"></div>',
    'one.html':
      '<p id="here"></p><!-- <img src="commented.png"> --><script>const s = \'<img src="text.png">\';</script>',
    's.css': '@font-face { src: url(https://fonts.example/f.woff2) } p { background: url("lost.png") }',
  });
  const { faults } = examineSite(folder);
  const expected = ['gone.html is not there', 'one.html#nowhere: no such place', 'loads https://cdn.example/x.js'];
  expected.push('loads //cdn.example/y.png', 'f.js is not there');
  expected.push('loads https://fonts.example/f.woff2', 'lost.png is not there');
  for (const part of expected)
    assert.ok(
      faults.some((fault) => fault.includes(part)),
      `${part}:\n${faults.join('\n')}`,
    );
  assert.is(faults.length, expected.length, faults.join('\n'));
});

test('attributes are read in every form', () => {
  const { loads, links } = referencesOf(
    `<a\n href='x.html'>x</a><img alt="a > b" src=y.png><source srcset="a.png 1x, b.png 2x">`,
  );
  assert.equal([links, loads], [['x.html'], ['y.png', 'a.png', 'b.png']]);
});

test('formulas are set; a wrong one names its page', () => {
  const set = setFormulas('<p>若<span class="cs-tex" data-kind="inline">\\sum_{i&lt;j} x_i</span></p>');
  assert.match(set, 'class="katex"');
  assert.match(set, '<math');
  assert.not.match(set, 'katex-error');
  assert.match(setFormulas('<div class="cs-tex" data-kind="display">\\text{梯度}</div>'), 'katex-display');
  const wrong = '<span class="cs-tex" data-kind="inline">\\frac{1</span>';
  assert.throws(() => setFormulas(wrong, 'notebooks/07.html'), /notebooks\/07\.html.*frac/);
});

test('formulas and emphasis that were not understood are seen; code and formulas that were are not', () => {
  const page = (inner) => `<article>${inner}</article>`;
  assert.is(rawMarks(page('<p>若 $x^2$ 则</p>')).length, 1);
  assert.is(rawMarks(page('<p>**“重”**要</p>')).length, 1);
  assert.is(rawMarks(page('<p>见 [附录](a.md)</p>')).length, 1);
  assert.equal(rawMarks(page('<code>a ** b, $x$</code><p><annotation>\\frac12</annotation>5 美元</p>')), []);
});

test('pictures become files, figures a script beside their picture', () => {
  const pictures = new Pictures(path.join(base, 'pictures'), '../p');
  const png = Buffer.from('not really a picture').toString('base64');
  const metadata = { 'image/png': { width: 9, height: 5, alt: '猫 & "狗"' } };
  const plain = siteOutput({ output_type: 'display_data', metadata, data: { 'image/png': png } }, pictures);
  const html = plain.data['text/html'];
  const [, name] = html.match(/src="\.\.\/p\/([^"]+)"/);
  assert.is(fs.readFileSync(path.join(base, 'pictures', name), 'utf8'), 'not really a picture');
  assert.match(html, 'width="9" height="5"');
  assert.match(html, 'alt="猫 &#38; &#34;狗&#34;"');
  const figure = { data: [{ y: [1] }], layout: {} };
  const bundle = { 'image/png': png, 'application/vnd.plotly.v1+json': figure };
  const live = siteOutput({ output_type: 'display_data', metadata, data: bundle }, pictures).data['text/html'];
  const [, key, script] = live.match(/data-key="(\w+)" data-script="\.\.\/p\/([^"]+)"/);
  let got;
  const run = new Function('convscopeFigure', fs.readFileSync(path.join(base, 'pictures', script), 'utf8'));
  run((own, data) => (got = [own, data]));
  assert.equal(got, [key, figure]);
  const stream = { output_type: 'stream', name: 'stdout', text: 'x' };
  assert.is(siteOutput(stream, pictures), stream);
});

test('the README gives the chapters’ questions and its sections', () => {
  const readme =
    '# t\n\n| 章 | 笔记本 | 问题 |\n| -- | -- | -- |\n| 01 | `notebooks/01-a.ipynb` | 为什么？ |\n\n## 许可\n\n自由\n\n## 末尾\n';
  assert.equal([...chapterQuestions(readme)], [['01-a', '为什么？']]);
  assert.equal(sections(readme, ['许可']), ['## 许可\n\n自由']);
  assert.throws(() => sections(readme, ['没有']), /没有/);
});

test('every chapter has a cell whose picture stands for it', () => {
  const notebooks = notebookFiles().map((file) => [path.basename(file, '.ipynb'), readJson(file)]);
  for (const [name, { cells }] of notebooks) {
    const cell = cells.find(({ id }) => id === COVERS[name]);
    const pictures = (cell?.outputs ?? []).filter(({ data }) => data?.['image/png'] || data?.['image/jpeg']);
    assert.ok(pictures.length > 0, `${name}: cell ${COVERS[name]} shows no picture`);
  }
});

test('links to what is not on the site become plain names', () => {
  const staged = new Set(['environment.md', 'docs/a.md']);
  const text = '[环境](../environment.md#x) [库](../lib) [外](https://example.org) ![图](../no.png)';
  assert.is(
    withLocalLinks(text, 'docs/a.md', staged),
    '[环境](../environment.md#x) `库` [外](https://example.org) `图`',
  );
});

test.run();
