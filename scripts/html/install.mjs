/**
 * Makes "HTML" in JupyterLab's menu, and `jupyter nbconvert --to html`, give one file that needs no network: a
 * template of nbconvert's in a Python environment, and the setting that chooses it.
 * `installHtmlTemplate(prefix)`, or by hand `node scripts/html/install.mjs PREFIX`.
 */
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { inRoot, readJson, writeJson, writeWhole } from '../setup/paths.mjs';
import { katexScript, katexStyle, plotlyScript, versionOf } from './parts.mjs';

export const TEMPLATE = 'convscope';
const own = (...parts) => inRoot('scripts', 'html', ...parts);

const SETTINGS = {
  HTMLExporter: { template_name: TEMPLATE, language_code: 'zh', embed_images: true },
  // these are HTMLExporters too, with pages of their own
  SlidesExporter: { template_name: 'reveal' },
  WebPDFExporter: { template_name: 'webpdf' },
};

/** All of Jupyter reads its settings from there, and looks there for templates. */
export async function installHtmlTemplate(prefix) {
  const folder = path.join(prefix, 'share', 'jupyter', 'nbconvert', 'templates', TEMPLATE);
  const fixed = (name) => path.join(folder, 'static', name);
  for (const name of ['index.html.j2', 'conf.json'])
    writeWhole(path.join(folder, name), fs.readFileSync(own('template', name)));
  for (const name of ['page.css', 'page.js']) writeWhole(fixed(name), fs.readFileSync(own('template', name)));
  writeWhole(fixed('figures.js'), fs.readFileSync(own('figures.js')));
  await writePackages(fixed);
  writeJson(path.join(prefix, 'etc', 'jupyter', 'jupyter_config.json'), SETTINGS);
}

/** plotly and KaTeX: once for each of their versions. */
async function writePackages(fixed) {
  const versions = { plotly: versionOf('plotly.js-dist'), katex: versionOf('katex') };
  const done = readJson(fixed('versions.json'), {});
  if (done.plotly === versions.plotly && done.katex === versions.katex) return;
  writeWhole(fixed('katex.css'), katexStyle());
  writeWhole(fixed('katex.js'), katexScript());
  writeWhole(fixed('plotly.js'), await plotlyScript());
  writeJson(fixed('versions.json'), versions);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  if (!process.argv[2]) {
    console.error('用法：node scripts/html/install.mjs 〈Python 环境的文件夹〉');
    process.exit(2);
  }
  await installHtmlTemplate(process.argv[2]);
}
