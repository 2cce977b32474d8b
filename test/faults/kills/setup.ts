/** Set-up, killed and started again: every step is done, and nothing half-done counts or stays. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { projectRoot } from '../../../lib/base/paths';
import { type Area, type Begun, litter } from './area';
import { type Course, forget, start } from './course';
import { BINDING_BYTES } from './stand-in';

/** The course's own judgement about packages, with the small course as its root. */
const nodePackages = () => import(path.join(projectRoot(), 'scripts', 'setup', 'node-packages.mjs'));

function* complaints({ root }: Course, weights: ReadonlyMap<string, Uint8Array>): Generator<string, void, undefined> {
  const there = (...parts: string[]) => path.join(root, ...parts);
  const python = there('.venv', 'bin', 'python');
  const { status, stderr } = spawnSync(
    python,
    ['-c', 'from convscope_kills_3 import part149, parts; assert parts == 150; import convscope_kills_0'],
    { encoding: 'utf8' },
  );
  if (status !== 0) yield `Python：${stderr}`;
  if (!fs.existsSync(there('.venv', 'convscope.json'))) yield 'Python 环境没有记为完成';
  JSON.parse(fs.readFileSync(there('.venv', 'share', 'jupyter', 'kernels', 'convscope', 'kernel.json'), 'utf8'));
  const link = there('node_modules', '@tensorflow', 'tfjs-node-gpu', 'lib', 'napi-v8', 'tfjs_binding.node');
  if (fs.statSync(link).size !== BINDING_BYTES) yield '原生后端不完整';
  for (const [name, bytes] of weights)
    if (!fs.readFileSync(there('.cache', 'models', name)).equals(bytes)) yield `权值 ${name} 不对`;
  yield* litter(root, ['node_modules', 'vendor', 'npm-cache', 'stand-ins', 'tmp']);
}

export const setupArea = (course: Course, weights: ReadonlyMap<string, Uint8Array>): Area => {
  const begin = (): Begun => {
    const running = start(['scripts/setup.mjs'], course.root, course.environment);
    return { ...running, phase: () => /… ([^（\n]+)(?![\s\S]*… )/.exec(running.output())?.[1] ?? '开始' };
  };
  return {
    name: '安装',
    prepare: () => forget(course),
    begin,
    async check(code, output) {
      if (code !== 0) return [`第二次安装以 ${code} 结束：${output}`];
      const { packagesInstalled } = await nodePackages();
      const faults = packagesInstalled(course.root) ? [] : ['npm 软件包不完整'];
      if (/^!/m.test(output)) faults.push(output);
      return [...faults, ...complaints(course, weights)];
    },
  };
};
