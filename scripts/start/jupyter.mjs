/** JupyterLab for this project alone: its settings, workspaces and runtime files lie in .jupyter. */
import fs from 'node:fs';
import path from 'node:path';
import {
  inRoot,
  jupyterFolder,
  readJson,
  venvFolder,
  venvProgram,
  windows,
  writeJson,
  writeWhole,
} from '../setup/paths.mjs';

/** Everything Jupyter would look up in the user's home comes from the project instead. */
export function jupyterEnvironment() {
  fs.mkdirSync(jupyterFolder('ipython'), { recursive: true }); // it warns when this is missing
  const bin = path.dirname(venvProgram('python'));
  return {
    JUPYTER_CONFIG_DIR: jupyterFolder('config'),
    JUPYTER_DATA_DIR: jupyterFolder('data'),
    JUPYTER_RUNTIME_DIR: jupyterFolder('runtime'),
    JUPYTERLAB_SETTINGS_DIR: jupyterFolder('lab', 'settings'),
    JUPYTERLAB_WORKSPACES_DIR: jupyterFolder('lab', 'workspaces'),
    IPYTHONDIR: jupyterFolder('ipython'),
    JUPYTER_PREFER_ENV_PATH: '1',
    VIRTUAL_ENV: venvFolder(),
    PATH: bin + path.delimiter + (process.env.PATH ?? ''),
  };
}

/** On a narrow screen a figure shrinks with its cell, instead of losing its colour bar beyond the edge. */
const STYLE = '.jp-RenderedPlotly img.plot-img { max-width: 100%; height: auto; }\n';

/** Written at every start; what the user changes in Lab's settings lies elsewhere and wins. */
export function writeSettings(lang) {
  // those of a class (deploy/settings.py) begin with the same
  const { server, lab } = readJson(inRoot('scripts', 'start', 'lab.json'));
  if (lang === 'en') lab['@jupyterlab/translation-extension:plugin'].locale = 'default';
  server.LabApp.custom_css = true;
  writeJson(path.join(venvFolder(), 'share', 'jupyter', 'lab', 'settings', 'overrides.json'), lab);
  writeJson(jupyterFolder('config', 'jupyter_lab_config.json'), server);
  writeWhole(jupyterFolder('config', 'custom', 'custom.css'), STYLE);
}

/** The address to open first; the root only while the notebook does not exist. */
function firstPage() {
  const notebook = 'notebooks/00-overview.ipynb';
  return fs.existsSync(inRoot(notebook)) ? `/lab/tree/${notebook}` : '/lab';
}

/** @param {{ noBrowser?: boolean, port?: string, ip?: string }} options */
export function jupyterArguments({ noBrowser, port, ip }) {
  return [
    '-m',
    'jupyterlab',
    `--ServerApp.root_dir=${inRoot()}`,
    `--ServerApp.ip=${ip ?? '127.0.0.1'}`,
    ...(port ? [`--ServerApp.port=${port}`, '--ServerApp.port_retries=0'] : []),
    `--ServerApp.open_browser=${noBrowser ? 'False' : 'True'}`,
    `--LabApp.default_url=${firstPage()}`,
    ...(!windows && process.getuid() === 0 ? ['--allow-root'] : []),
  ];
}

/** The server writes a file about itself once it listens. */
export function serverFacts(pid) {
  return readJson(jupyterFolder('runtime', `jpserver-${pid}.json`));
}

/**
 * Addresses for people: 0.0.0.0 is nothing that a browser can open.
 * @param {{ port: number, hostname: string, secure?: boolean, base_url?: string }} facts @param {string} token
 */
export function address({ port, hostname, secure, base_url: base = '/' }, token) {
  const host = ['0.0.0.0', '::', ''].includes(hostname) ? '127.0.0.1' : hostname;
  const shown = host.includes(':') ? `[${host}]` : host;
  return `${secure ? 'https' : 'http'}://${shown}:${port}${base.replace(/\/$/, '')}${firstPage()}?token=${token}`;
}
