/**
 * Writes the kernel's description into a Python environment, where JupyterLab, nbconvert and VS Code all look for it:
 * `installKernelspec(prefix)`, or by hand `node kernel/kernelspec.mjs PREFIX`.
 */
import { copyFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

export const KERNEL_NAME = 'convscope';
const DISPLAY_NAME = 'TypeScript (convscope)';

/** The kernelspec; absolute paths, because Jupyter starts kernels in the notebook's folder. */
export function kernelspec(node = process.execPath, env = {}) {
  return {
    // A loop that is cut off leaves Node's own book-keeping of asynchronous calls unbalanced; without this flag Node
    // would take that for corruption and abort.
    argv: [node, '--no-force-async-hooks-checks', join(here, 'main.cjs'), '{connection_file}'],
    display_name: DISPLAY_NAME,
    language: 'typescript',
    // As a message, not as SIGINT: works on every system, and also stops a loop after an await.
    interrupt_mode: 'message',
    env: { TF_CPP_MIN_LOG_LEVEL: '3', ...env },
    metadata: { debugger: false },
  };
}

/**
 * Installs into PREFIX/share/jupyter/kernels/convscope and returns that folder.
 * @param {string} prefix @param {{ node?: string, env?: Record<string, string> }} [options]
 */
export function installKernelspec(prefix, { node, env } = {}) {
  const folder = join(prefix, 'share', 'jupyter', 'kernels', KERNEL_NAME);
  mkdirSync(folder, { recursive: true });
  for (const logo of ['logo-32x32.png', 'logo-64x64.png', 'logo-svg.svg'])
    copyFileSync(join(here, 'logo', logo), join(folder, logo));
  const file = join(folder, 'kernel.json');
  // Renamed into place: a set-up that is broken off leaves no half-written file.
  const draft = `${file}.${process.pid}.new`;
  writeFileSync(draft, `${JSON.stringify(kernelspec(node, env), null, 2)}\n`);
  renameSync(draft, file);
  return folder;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  if (!process.argv[2]) {
    console.error('用法：node kernel/kernelspec.mjs 〈Python 环境的文件夹〉');
    process.exit(2);
  }
  console.log(installKernelspec(process.argv[2]));
}
