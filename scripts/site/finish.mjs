/** What Sphinx has written becomes the finished pages: formulas are set, and plotly and KaTeX lie beside them. */
import fs from 'node:fs';
import path from 'node:path';
import katex from 'katex';
import { LAB } from './folders.mjs';
import { katexLicence, katexStyle, plotlyScript } from '../html/parts.mjs';

const text = (html) =>
  html
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&#x27;/g, "'")
    .replace(/&amp;/g, '&');

/** TeX becomes HTML with MathML for screen readers; a formula that KaTeX does not know is a fault. */
export function setFormulas(html, page = '') {
  return html.replace(/<(div|span) class="cs-tex" data-kind="(\w+)">([\s\S]*?)<\/\1>/g, (_, tag, kind, tex) => {
    try {
      const set = katex.renderToString(text(tex), {
        displayMode: kind === 'display',
        strict: false,
        throwOnError: true,
      });
      return `<${tag} class="cs-tex" data-kind="${kind}">${set}</${tag}>`;
    } catch (error) {
      throw new Error(`${page}: $${text(tex)}$: ${error.message}`, { cause: error });
    }
  });
}

export function htmlFiles(folder) {
  const names = fs.readdirSync(folder, { recursive: true }).map(String);
  const pages = names.map((name) => name.replaceAll('\\', '/')).filter((name) => name.endsWith('.html'));
  // what the theme keeps there are templates; the lab is a program, not pages
  return pages.filter((name) => !name.startsWith('_static/') && !name.startsWith(`${LAB}/`)).sort();
}

export async function finish(folder) {
  for (const name of htmlFiles(folder)) {
    const file = path.join(folder, name);
    // a page opened from a folder may not preload fonts; the theme's icons are drawings in a script
    const html = fs.readFileSync(file, 'utf8').replace(/<link rel="preload" as="font"[^>]*>\s*/g, '');
    fs.writeFileSync(file, setFormulas(html, name));
  }
  copyKatex(path.join(folder, '_static', 'katex'));
  fs.writeFileSync(path.join(folder, '_static', 'plotly.min.js'), await plotlyScript());
  for (const name of ['.buildinfo', 'objects.inv']) fs.rmSync(path.join(folder, name), { force: true });
}

function copyKatex(target) {
  fs.mkdirSync(target, { recursive: true });
  fs.writeFileSync(path.join(target, 'katex.min.css'), katexStyle());
  fs.copyFileSync(katexLicence(), path.join(target, 'LICENSE'));
}
