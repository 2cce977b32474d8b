/** The kernelspec in the project's Python environment: written anew at every start, so a moved folder works. */
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { inRoot, venvFolder } from './place.mjs';

export const kernelspecFile = () => path.join(venvFolder(), 'share', 'jupyter', 'kernels', 'convscope', 'kernel.json');

export async function installKernel() {
  const module = inRoot('kernel', 'kernelspec.mjs');
  if (!fs.existsSync(module)) return false;
  const { installKernelspec } = await import(pathToFileURL(module).href);
  await installKernelspec({ root: inRoot(), prefix: venvFolder() });
  return true;
}
