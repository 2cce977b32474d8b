import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { adapterName, isSoftware } from '../../../lib/tf/adapter';
import { choose } from '../../../lib/tf/choose';
import { type BackendName, order, type Starter } from '../../../lib/tf/starters';
import { failure } from '../../helpers';

/** A machine on which these start, on the processor or on a card; the others do not. */
function machine(devices: Partial<Record<BackendName, 'cpu' | 'gpu'>>): Partial<Record<BackendName, Starter>> {
  const names: BackendName[] = ['tensorflow', 'webgpu', 'wasm', 'cpu'];
  return Object.fromEntries(
    names.map((name) => [
      name,
      async (named: boolean) => {
        const device = devices[name];
        if (!device) throw new Error('没有');
        if (name === 'webgpu' && device === 'cpu' && !named) throw new Error('由处理器模拟');
        return { name, device, version: '1' };
      },
    ]),
  );
}

const taken = async (devices: Partial<Record<BackendName, 'cpu' | 'gpu'>>, webgpu = true) => {
  const { name, device, notes } = await choose(undefined, order(webgpu), machine(devices));
  return [`${name} ${device}`, ...notes];
};

test('次序：NVIDIA 显卡上的 TensorFlow，别的显卡，处理器上的 TensorFlow，wasm，cpu', async () => {
  const all = { tensorflow: 'gpu', webgpu: 'gpu', wasm: 'cpu', cpu: 'cpu' } as const;
  assert.equal(await taken(all), ['tensorflow gpu']);
  assert.equal(await taken({ ...all, tensorflow: 'cpu' }), ['webgpu gpu']);
  assert.equal(await taken({ ...all, tensorflow: 'cpu' }, false), ['tensorflow cpu']);
  assert.equal(await taken({ ...all, tensorflow: undefined }), ['webgpu gpu', 'tensorflow：没有']);
  assert.equal(await taken({ cpu: 'cpu' }, false), ['cpu cpu', 'tensorflow：没有', 'wasm：没有']);
});

test('由处理器模拟的 WebGPU：自己不选它，说出原因；指名就用', async () => {
  const played = { tensorflow: 'cpu', webgpu: 'cpu', wasm: 'cpu' } as const;
  assert.equal(await taken(played), ['tensorflow cpu', 'webgpu：由处理器模拟']);
  const without = { webgpu: 'cpu', wasm: 'cpu' } as const;
  assert.equal(await taken(without), ['wasm cpu', 'tensorflow：没有', 'webgpu：由处理器模拟']);
  const forced = await choose('webgpu', undefined, machine(played));
  assert.equal(forced, { name: 'webgpu', device: 'cpu', version: '1', notes: [] });
  assert.match((await failure(() => choose('webgpu', undefined, machine({})))).message, /webgpu：没有.*npm run doctor/);
});

test('哪些是处理器扮的，显卡叫什么', () => {
  const played = [
    { architecture: 'swiftshader', device: 'swiftshader-device-subzero-' },
    { description: 'llvmpipe (LLVM 15.0.6, 256 bits)' },
    { description: 'Microsoft Basic Render Driver' },
    { vendor: 'intel', isFallbackAdapter: true },
  ];
  for (const info of played) assert.ok(isSoftware(info), JSON.stringify(info));
  const cards = [
    { vendor: 'nvidia', architecture: 'ada', device: 'nvidia-geforce-rtx-4070', description: 'NVIDIA: 550.54' },
    { vendor: 'apple', architecture: 'metal-3' },
    { vendor: 'intel', architecture: 'gen-12lp', description: 'Intel(R) Iris(R) Xe Graphics' },
    {},
  ];
  for (const info of cards) assert.not(isSoftware(info), JSON.stringify(info));
  assert.equal(cards.map(adapterName), [
    'nvidia-geforce-rtx-4070',
    'apple metal-3',
    'Intel(R) Iris(R) Xe Graphics',
    'GPU',
  ]);
  assert.is(adapterName(played[0]), 'swiftshader-device-subzero');
});

test.run();
