/** The kernelspec in the project's Python environment: written anew at every start, so a moved folder works. */
import path from 'node:path';
import { installKernelspec, KERNEL_NAME } from '../../kernel/kernelspec.mjs';
import { venvFolder } from './paths.mjs';

export const kernelspecFile = () => path.join(venvFolder(), 'share', 'jupyter', 'kernels', KERNEL_NAME, 'kernel.json');

export const installKernel = () => installKernelspec(venvFolder());
