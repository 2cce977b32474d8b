/** The front page: what the course is, its chapters as cards, and what the README says about the rest. */
import fs from 'node:fs';
import { inRoot } from '../setup/paths.mjs';
import { ownFolder } from './folders.mjs';

/** The cell whose picture stands for a chapter. */
export const COVERS = {
  '00-overview': '7323160b',
  '01-filters': '25f65096',
  '02-patches': '8ef3a716',
  '03-embedding': 'c03-21',
  '04-occlusion': 'a197639e',
  '05-deconv': '68ad7165',
  '06-optimization': 'abe754d8',
  '07-inversion': 'e93b8599',
  '08-adversarial': '24f15ab8',
  '09-your-own': 'own-22',
};

const escapeHtml = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const withoutEnding = (file) => file.replace(/\.(ipynb|md)$/, '');

/** The question of each chapter, from the README's table: | 01 | `notebooks/01-filters.ipynb` | 第一层…？ | */
export function chapterQuestions(readme) {
  const rows = readme.matchAll(/^\|\s*\d+\s*\|\s*`notebooks\/([\w-]+)\.ipynb`\s*\|\s*(.+?)\s*\|$/gm);
  return new Map([...rows].map(([, name, question]) => [name, question]));
}

/** The sections of the README under these headings. */
export function sections(readme, titles) {
  const parts = readme.split(/^(?=## )/m);
  return titles.map((title) => {
    const part = parts.find((text) => text.startsWith(`## ${title}\n`));
    if (!part) throw new Error(`README.md has no section "${title}"`);
    return part.trim();
  });
}

function card({ name, number, head, question: own = '', cover }, question) {
  const picture = cover ? `<span class="cs-cover"><img src="${cover}" alt="" loading="lazy"></span>` : '';
  const text = question ?? own;
  return `<a class="cs-card" href="notebooks/${name}.html">${picture}<span class="cs-number">${number}</span><strong>${escapeHtml(head)}</strong><span>${escapeHtml(text)}</span></a>`;
}

const contents = (caption, pages) =>
  ['```{toctree}', ':hidden:', `:caption: ${caption}`, '', ...pages.map(withoutEnding), '```'].join('\n');

export function frontPage(notebooks, documents) {
  const readme = fs.readFileSync(inRoot('README.md'), 'utf8');
  const questions = chapterQuestions(readme);
  const cards = notebooks.map((notebook) => card(notebook, questions.get(notebook.name)));
  const front = fs.readFileSync(ownFolder('front.md'), 'utf8');
  return [
    front.replace('{{chapters}}', `<div class="cs-cards">\n${cards.join('\n')}\n</div>`).trim(),
    ...sections(readme, ['网络']),
    // every page's foot points here
    `(licence)=\n\n${sections(readme, ['许可'])}`,
    ...sections(readme, ['English summary']),
    contents(
      '课程',
      notebooks.map(({ page }) => page),
    ),
    contents(
      '附录',
      documents.filter((file) => !file.startsWith('bench/')),
    ),
    contents(
      '对照测试',
      documents.filter((file) => file.startsWith('bench/')),
    ),
    '',
  ].join('\n\n');
}
