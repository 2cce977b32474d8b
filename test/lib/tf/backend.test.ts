import { spawnSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from '../../helpers';

/** Starts the backend in a process of its own, where these packages cannot be loaded; gives back all that it printed. */
function startWithout(missing: Record<string, string>, wish = '', ...calls: string[]): string[] {
  const script = `
    const Module = require('node:module');
    const load = Module._load;
    const missing = ${JSON.stringify(missing)};
    Module._load = (name, ...rest) => {
      if (name in missing) throw new Error(missing[name]);
      return load(name, ...rest);
    };
    const { startBackend, tf } = require('./lib/tf/backend');
    (async () => {
      for (const prefer of ${JSON.stringify(['', ...calls])}) {
        const result = await startBackend(prefer || undefined).catch((error) => error);
        console.log(result instanceof Error ? result.name + ': ' + result.message : JSON.stringify(result));
      }
      console.log(tf.tidy(() => tf.square(tf.scalar(3)).dataSync()[0]));
    })();`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--require', require.resolve('tsx/cjs'), '-e', script], {
    ...{ cwd: root, encoding: 'utf8', timeout: 120_000 },
    env: { ...process.env, CONVSCOPE_BACKEND: wish, CONVSCOPE_WEBGPU: 'off' },
  });
  assert.is(stderr, '', 'TensorFlow.js 的启动信息不该出现');
  return stdout.trim().split('\n');
}

const NATIVE = '@tensorflow/tfjs-node-gpu';
const WASM = '@tensorflow/tfjs-backend-wasm';
const NOT_BUILT =
  'The Node.js native addon module (tfjs_binding.node) can not be found at path: /x. \nPlease run npm rebuild';

test('没有原生后端：用 wasm，一行中文说明；只启动一次；不打印别的', () => {
  const [first, second, other, nine, ...more] = startWithout({ [NATIVE]: NOT_BUILT }, '', 'wasm', 'cpu');
  assert.equal(JSON.parse(first), { ...JSON.parse(first), name: 'wasm', device: 'cpu' });
  assert.equal(JSON.parse(first).notes, ['tensorflow：没有安装原生后端；怎样装上，见 npm run doctor']);
  assert.is(second, first);
  assert.match(other, /CourseError: 这个进程已经在用 wasm 后端，不能再换成 cpu.*重启内核/);
  assert.is(nine, '9');
  assert.equal(more, []);
});

test('wasm 也没有：用 cpu，两条原因都说出来', () => {
  const [first, nine] = startWithout({ [NATIVE]: 'libtensorflow.so.2: cannot open\nat x', [WASM]: 'no wasm here' });
  assert.is(JSON.parse(first).name, 'cpu');
  assert.equal(JSON.parse(first).notes, ['tensorflow：libtensorflow.so.2: cannot open', 'wasm：no wasm here']);
  assert.is(nine, '9');
});

test('指定的后端启动不了、名字不认识：说出怎么办；不悄悄换', () => {
  const [forced] = startWithout({ [NATIVE]: NOT_BUILT }, 'tensorflow');
  assert.match(forced, /CourseError: 后端启动失败。tensorflow：没有安装原生后端.*npm run doctor.*CONVSCOPE_BACKEND/);
  const [unknown] = startWithout({}, 'gpu');
  assert.match(unknown, /RangeError: 没有名为"gpu"的后端；可选：tensorflow、webgpu、wasm、cpu.*CONVSCOPE_BACKEND/);
});

test.run();
