/** Collects what the site is made of in one folder: the notebooks with their outputs, the documents, a front page. */
import fs from 'node:fs';
import path from 'node:path';
import { notebookFiles } from '../notebooks/execute.mjs';
import { headingOf } from '../notebooks/heading.mjs';
import { inRoot, readJson } from '../setup/paths.mjs';
import { COVERS, frontPage } from './front.mjs';
import { Pictures, siteOutput } from './outputs.mjs';
import { labAddress, OFFLINE, ownFolder, sourceFolder, workFolder } from './folders.mjs';

const DOCUMENTS = ['environment.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'bench/README.md'];
/** Larger files of the repository that a document points to are named, but not copied. */
const LARGEST = 1e6;

const markdownIn = (folder) =>
  fs.existsSync(inRoot(folder))
    ? fs
        .readdirSync(inRoot(folder))
        .filter((name) => name.endsWith('.md'))
        .map((name) => `${folder}/${name}`)
        .sort()
    : [];

/** Returns the pages, as they stand in the contents. `withLab`: every chapter says where it can be run. */
export function stage({ withLab = false } = {}) {
  fs.rmSync(sourceFolder(), { recursive: true, force: true });
  fs.mkdirSync(sourceFolder('_static'), { recursive: true });
  const notebooks = notebookFiles().map((file) => stageNotebook(file, withLab));
  const documents = [...DOCUMENTS, ...markdownIn('docs'), ...markdownIn('bench/results')].filter((file) =>
    fs.existsSync(inRoot(file)),
  );
  const staged = new Set([...notebooks.map(({ page }) => page), ...documents, 'index.md']);
  for (const file of documents) write(file, withLocalLinks(fs.readFileSync(inRoot(file), 'utf8'), file, staged));
  write('index.md', withLocalLinks(frontPage(notebooks, documents), 'index.md', staged));
  fs.cpSync(ownFolder('assets'), sourceFolder('_static'), { recursive: true });
  fs.copyFileSync(inRoot('scripts', 'html', 'figures.js'), sourceFolder('_static', 'figures.js'));
  // Sphinx compiles them where they lie
  fs.cpSync(ownFolder('locales'), workFolder('locales'), { recursive: true });
  return [...staged];
}

function write(file, text) {
  const target = sourceFolder(...file.split('/'));
  fs.mkdirSync(path.dirname(target), { recursive: true });
  fs.writeFileSync(target, text);
}

function stageNotebook(file, withLab) {
  const name = path.basename(file, '.ipynb');
  const notebook = readJson(file);
  const pictures = new Pictures(sourceFolder('_static', 'pictures'), '../_static/pictures');
  const cells = notebook.cells.map((cell) => {
    if (cell.cell_type !== 'code') return cell;
    const outputs = cell.outputs.map((output) => siteOutput(output, pictures));
    return { ...cell, outputs, metadata: { ...cell.metadata, tags: siteTags(cell) } };
  });
  const cover = pictureOf(cells.find((cell) => cell.id === COVERS[name]));
  if (withLab) cells.splice(1, 0, runLink(name));
  write(`notebooks/${name}.ipynb`, JSON.stringify({ ...notebook, cells }));
  return { page: `notebooks/${name}.ipynb`, name, ...headingOf(notebook), cover };
}

/** Below the title: the same chapter in the lab. */
const runLink = (name) => ({
  cell_type: 'markdown',
  id: 'run-in-browser',
  metadata: {},
  source: `<p class="cs-run"><a href="../${labAddress(name)}">在浏览器里运行这一章</a>（不用安装；第一次打开约 30 MB；<a href="../${OFFLINE}">没有网络也能运行</a>）</p>`,
});

/** The address of a cell's first picture, as seen from the front page. */
const pictureOf = (cell) => JSON.stringify(cell?.outputs ?? '').match(/src=\\"\.\.\/([^"\\]+)/)?.[1];

/** What only keeps the kernel's memory in order is folded away. */
const siteTags = ({ metadata: { tags = [] } }) => (tags.includes('cleanup') ? [...tags, 'hide-input'] : tags);

/**
 * Links between the documents stay links. What a document points to and the site has no page for (a licence, a
 * manifest) is copied beside it; a folder or a large file is only named.
 */
export function withLocalLinks(text, file, staged) {
  const folder = path.posix.dirname(file);
  return text.replace(/(!?)\[([^\]]*)\]\(([^)\s]+)\)/g, (whole, image, label, target) => {
    if (/^([a-z]+:|#)/i.test(target)) return whole;
    const wanted = path.posix.normalize(path.posix.join(folder, target.split('#')[0]));
    if (staged.has(wanted)) return whole;
    const source = inRoot(...wanted.split('/'));
    const stat = fs.statSync(source, { throwIfNoEntry: false });
    if (!stat?.isFile() || (stat.size > LARGEST && !image)) return `\`${label.replace(/`/g, '')}\``;
    const copy = sourceFolder(...wanted.split('/'));
    fs.mkdirSync(path.dirname(copy), { recursive: true });
    fs.copyFileSync(source, copy);
    return whole;
  });
}
