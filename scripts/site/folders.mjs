/** Where the site's parts lie. The finished site is in site/, everything that leads to it in .cache/site. */
import { inRoot } from '../setup/paths.mjs';

export const siteFolder = (...parts) => inRoot('site', ...parts);
/** The lab: JupyterLite with the chapters, which run in the reader's browser. */
export const LAB = 'lab';
/** The page that stores the whole course in the reader's browser. */
export const OFFLINE = `${LAB}/offline.html`;
export const labAddress = (name) => `${LAB}/lab/index.html?path=notebooks/${name}.ipynb`;
export const workFolder = (...parts) => inRoot('.cache', 'site', ...parts);
export const sourceFolder = (...parts) => workFolder('source', ...parts);
/** The parts of the site that are written by hand. */
export const ownFolder = (...parts) => inRoot('scripts', 'site', ...parts);

/** The Python environment of the site: Sphinx is nothing that a reader of the course needs. */
export const siteEnvironment = {
  folder: () => inRoot('.cache', 'site-venv'),
  requirements: 'requirements-site.txt',
  // measured; it only says how far the installation has come
  bytes: 400e6,
  texts: ['下载并安装 Sphinx 与 JupyterLite', 'downloading and installing Sphinx and JupyterLite'],
};
