/** File names, labels, captions and notes are text: no output of the course lets them become HTML. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { right, wrong } from '../../../lib/show/feedback';
import { photosIn } from '../../../lib/image/photos-in';
import * as show from '../../../lib/show/index';
import type { DisplayBundle } from '../../../lib/show/index';
import { livePicture } from '../../../lib/show/live';
import { root } from '../../helpers';

/** Tags, ways out of an attribute or of an element, and what one decoding too many would turn into a tag. */
const HOSTILE = [
  '<img src=x onerror=hit()>',
  '"><script>hit()</script>',
  "' onmouseover='hit()' x='",
  '</td></table></div><svg onload=hit()>',
  '&lt;img src=x onerror=hit()&gt;',
  '<a href="javascript:hit()">here</a>',
  '<!-- <iframe srcdoc="<script>hit()</script>"> -->',
];

const TAGS = new Set(['div', 'table', 'thead', 'tbody', 'tr', 'th', 'td', 'caption', 'span', 'progress', 'details', 'summary']); // prettier-ignore
const ATTRIBUTES = new Set(['style', 'value', 'max']);

/** Reads HTML as a browser does: every tag and attribute, and the text between them. */
function read(html: string): { tags: string[]; attributes: string[]; text: string } {
  const [tags, attributes]: string[][] = [[], []];
  const text = html.replace(/<([!/?]?[a-zA-Z-]*)((?:"[^"]*"|'[^']*'|[^>"'])*)>/g, (_, tag: string, rest: string) => {
    tags.push(tag.replace('/', '').toLowerCase());
    for (const [, name] of rest.matchAll(/([^\s=/]+)(?:\s*=\s*(?:"[^"]*"|'[^']*'|\S+))?/g)) attributes.push(name);
    return '';
  });
  return { tags, attributes, text: text.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code))) };
}

let sent: DisplayBundle[] = [];
let image: tf.Tensor3D;
let map: tf.Tensor2D;
test.before(async () => {
  await startBackend('cpu');
  image = tf.fill([8, 8, 3], 0.5);
  map = tf.tensor2d([0, 1, 2, 3], [2, 2]);
});
test.before.each(() => {
  sent = [];
  show.setSink((bundle) => void sent.push(bundle));
});
test.after(() => {
  show.setSink(undefined);
  tf.dispose([image, map]);
});

const HARMLESS = /^(text\/(plain|html)|image\/(png|jpeg)|application\/vnd\.(plotly\.v1|convscope\.claim)\+json)$/;

/** What a notebook would run: another kind of output, and in the HTML any tag or attribute that is not ours. */
function dangers(data: DisplayBundle['data']): string[] {
  const types = Object.keys(data).filter((type) => !HARMLESS.test(type));
  const { tags, attributes } = read(String(data['text/html'] ?? ''));
  const strange = attributes.filter((name) => !ATTRIBUTES.has(name));
  return [...types, ...tags.filter((tag) => !TAGS.has(tag)), ...strange];
}

/** Asserts that there is no danger in any output; the text of all their HTML, as a reader sees it. */
function assertHarmless(bundles: readonly DisplayBundle[]): string {
  for (const { data } of bundles) assert.equal(dangers(data), [], JSON.stringify(data['text/html']));
  return bundles.map(({ data }) => read(String(data['text/html'] ?? '')).text).join('');
}

test('这项检查自己认得出危险的标签、属性与输出', () => {
  assert.equal(dangers({ 'text/html': `<div>${HOSTILE[0]}</div>` }), ['img', 'src', 'onerror']);
  assert.equal(dangers({ 'text/html': `<div style="${HOSTILE[1]}">` }), ['script', 'script']);
  assert.equal(dangers({ 'text/html': `<div style='${HOSTILE[2]}'>` }), ['onmouseover', 'x']);
  assert.equal(dangers({ 'application/javascript': '1' }), ['application/javascript']);
});

for (const text of HOSTILE) {
  test(`表、进度、结论、提示、练习的回音：${text} 是文字`, () => {
    show.showTable([{ [text]: text, n: 1 }, { [text]: null }], { caption: text });
    const bar = show.progress(3, text);
    bar.step(1, text);
    bar.done(text);
    show.claim(text, { measured: { [text]: 1 }, control: 2, holds: true, note: text });
    show.showNotice(text, text);
    for (const feedback of [right(text), wrong(text)]) {
      const data = (feedback as unknown as Record<symbol, () => Record<string, unknown>>)[
        Symbol.for('Jupyter.display')
      ]();
      sent.push({ data, metadata: {}, update: false });
    }
    const seen = assertHarmless(sent);
    assert.ok(seen.split(text).length > 10, 'the reader sees the text as it was written');
  });

  test(`图：${text} 画在像素里，或写在替代文字里`, async () => {
    await show.showImage(image, { alt: text, caption: text } as never);
    const labels = { title: text, captions: [text, text], rowLabels: [text], columnLabels: [text, text] };
    await show.showGrid([image, image], labels);
    await show.showHeatmap(map, { image, title: text, unit: text });
    await show.showSheets([{ images: [image], captions: [text], title: text }], { title: text });
    await show.showChoices([{ label: text, images: [image] }, { label: 'b', images: [image], caption: text }], { name: text, title: text }); // prettier-ignore
    const trace = { type: 'scatter', x: [1, 2], y: [1, 2], name: text, text: [text, text] };
    await show.showPlot({ data: [trace], layout: { title: { text }, xaxis: { title: { text } } } });
    await livePicture(text)({ done: 1, total: 1, trace: [1], image });
    assert.is(assertHarmless(sent), '', 'figures hold no HTML at all');
    assert.ok(sent.every(({ data }) => data['image/png'] ?? data['image/jpeg']));
  });
}

test('照片的文件名：清单、坏文件的原因、悬停文字里都只是文字', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-names-'));
  try {
    const names = HOSTILE.filter((name) => !name.includes('/')).map((name) => `${name}.jpg`);
    const photo = fs.readFileSync(path.join(root, 'data', 'photos', 'mammal', 'panda.jpg'));
    names.forEach((name, i) => fs.writeFileSync(path.join(folder, name), i % 2 ? 'bad' : photo));
    const { photos, skipped } = photosIn(folder);
    assert.equal([...photos, ...skipped].map(({ file }) => file).sort(), [...names].sort());
    show.showTable(skipped.map(({ file, reason }) => ({ file, reason })));
    const hover = show.photoHover(photos);
    const points = { title: '', points: photos.map((_, i) => [i, i] as const) };
    await show.showPlot(show.pointsFigure([points], photos.map((p) => p.category), { hover } as never)); // prettier-ignore
    const seen = assertHarmless(sent);
    for (const { file } of skipped) assert.ok(seen.includes(file));
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test.run();
