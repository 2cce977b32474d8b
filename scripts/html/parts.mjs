/** plotly and KaTeX as a page takes them in: for the site, and for a notebook that is exported into one file. */
import fs from 'node:fs';
import { inRoot, readJson } from '../setup/paths.mjs';

const packageFolder = (name, ...parts) => inRoot('node_modules', name, ...parts);
const katexFile = (...parts) => packageFolder('katex', 'dist', ...parts);
export const versionOf = (name) => readJson(packageFolder(name, 'package.json'))?.version;

/** plotly.js, made small: half the size. */
export async function plotlyScript() {
  // set-up reads this file before the npm packages are there
  const { transform } = await import('esbuild');
  const source = fs.readFileSync(packageFolder('plotly.js-dist', 'plotly.js'), 'utf8');
  const { code } = await transform(source, { minify: true, legalComments: 'inline' });
  // the first comment names the version and the licence
  return `${source.match(/^\/\*[\s\S]*?\*\//)[0]}\n${code}`;
}

/** The fonts lie within the style sheet, because not every browser gives them to a page opened from a folder. */
export function katexStyle() {
  return fs
    .readFileSync(katexFile('katex.min.css'), 'utf8')
    .replace(/,url\([^)]*\.(woff|ttf)\) format\("\w+"\)/g, '')
    .replace(/url\((fonts\/[^)]+\.woff2)\)/g, (_, font) => {
      return `url(data:font/woff2;base64,${fs.readFileSync(katexFile(...font.split('/'))).toString('base64')})`;
    });
}

/** KaTeX, with its licence, for a page that sets its formulas itself. */
export function katexScript() {
  const files = [katexFile('katex.min.js'), katexFile('contrib', 'auto-render.min.js')];
  const [code, render, licence] = [...files, katexLicence()].map((file) => fs.readFileSync(file, 'utf8'));
  return `/* KaTeX\n${licence}*/\n${code}\n${render}`;
}

export const katexLicence = () => packageFolder('katex', 'LICENSE');
