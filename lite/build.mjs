/** Builds the lab: JupyterLite with the ten chapters, the course's files and the kernel. */
import fs from 'node:fs';
import path from 'node:path';
import { inRoot, programIn } from '../scripts/setup/paths.mjs';
import { run } from '../scripts/setup/run.mjs';
import { bundle } from './bundle.mjs';
import { writeContents } from './contents.mjs';
import { writeNotebooks } from './notebooks.mjs';
import { makeOffline } from './offline.mjs';
import { packCourse } from './pack.mjs';

/** What the kernel reads when it is asked for: it lies beside the page as it lies in the repository. */
const FOLDERS = ['data/photos', 'data/models', 'data/records', 'data/fonts'];
/** Far above what a build takes: one that hangs must not keep a check for ever. */
const LIMIT_SECONDS = 5 * 60;
const SETTINGS = { '@jupyterlab/translation-extension:plugin': { locale: 'zh_CN' } };
/** Our own service worker stands in its place (offline.mjs). */
const DISABLED = ['@jupyterlite/application-extension:service-worker-manager'];

function copyFiles(target) {
  const listed = [];
  for (const folder of FOLDERS)
    for (const entry of fs.readdirSync(inRoot(folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = path.join(entry.parentPath ?? entry.path, entry.name);
      const name = path.relative(inRoot(), file).split(path.sep).join('/');
      fs.mkdirSync(path.dirname(path.join(target, name)), { recursive: true });
      fs.copyFileSync(file, path.join(target, name));
      listed.push([name, fs.statSync(file).size]);
    }
  return listed;
}

/** The extension as JupyterLab wants it: a folder with a package.json and its files in static/. */
async function writeExtension(target, listed) {
  const folder = path.join(target, 'extensions', 'convscope');
  const own = path.join(folder, 'static');
  fs.mkdirSync(own, { recursive: true });
  const write = (name, data) => fs.writeFileSync(path.join(own, name), data);
  write('remoteEntry.js', await bundle('lab/extension.mjs'));
  write('worker.js', await bundle('kernel/worker.cjs'));
  const { pack, names } = await packCourse();
  write('course.pack.gz', pack);
  const packed = new Set(names);
  write('files.json', JSON.stringify(listed.filter(([name]) => !packed.has(name))));
  const wasm = inRoot('node_modules', '@tensorflow', 'tfjs-backend-wasm', 'wasm-out');
  for (const name of fs.readdirSync(wasm).filter((file) => file.endsWith('.wasm')))
    fs.copyFileSync(path.join(wasm, name), path.join(own, name));
  for (const size of ['32x32', '64x64'])
    fs.copyFileSync(inRoot('kernel', 'logo', `logo-${size}.png`), path.join(own, `logo-${size}.png`));
  const about = { name: 'convscope', version: '0.1.0', jupyterlab: { extension: true, _build: { load: 'static/remoteEntry.js', extension: './extension' } } }; // prettier-ignore
  fs.writeFileSync(path.join(folder, 'package.json'), JSON.stringify(about));
}

/** JupyterLite's settings for this site: our kernel, our extension, nothing that asks elsewhere. */
function configure(target) {
  const file = path.join(target, 'jupyter-lite.json');
  const config = JSON.parse(fs.readFileSync(file, 'utf8'));
  const data = config['jupyter-config-data'];
  data.appName = '看懂卷积网络';
  data.defaultKernelName = 'convscope';
  data.exposeAppInBrowser = true;
  data.contentsAllJsonFile = 'all.json';
  data.settingsOverrides = { ...data.settingsOverrides, ...SETTINGS };
  data.disabledExtensions = [...(data.disabledExtensions ?? []), ...DISABLED];
  data.federated_extensions = [
    ...(data.federated_extensions ?? []),
    { name: 'convscope', load: 'static/remoteEntry.js', extension: './extension' },
  ];
  fs.writeFileSync(file, JSON.stringify(config, null, 2));
}

/** Whether the environment's Python is new enough to have JupyterLite. */
export async function labPossible(environment) {
  const { code } = await run(programIn(environment, 'python'), ['-c', 'import jupyterlite_core'], { check: false });
  return code === 0;
}

/** @param {string} target the folder, e.g. site/lab @param {string} environment the Python environment with jupyterlite-core */
export async function buildLab(target, environment, work) {
  fs.rmSync(target, { recursive: true, force: true });
  fs.mkdirSync(work, { recursive: true });
  const words = [
    '-m',
    'jupyterlite_core.app',
    'build',
    '--apps',
    'lab',
    '--no-unused-shared-packages',
    '--no-sourcemaps',
  ];
  await run(programIn(environment, 'python'), [...words, '--lite-dir', '.', '--output-dir', target], { cwd: work, limitSeconds: LIMIT_SECONDS }); // prettier-ignore
  const files = path.join(target, 'files');
  const listed = copyFiles(files);
  writeNotebooks(path.join(files, 'notebooks'));
  writeContents(files, path.join(target, 'api', 'contents'));
  await writeExtension(target, listed);
  configure(target);
  makeOffline(target);
}
