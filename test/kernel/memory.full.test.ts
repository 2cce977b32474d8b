/** Little memory: chapter 00 in 1 GB. Smaller limits and other chapters: npm run faults -- memory 512. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { attackMemory } from '../faults/memory';
import { littleMemory } from '../faults/confinement';
import { withNetworks } from '../helpers';
import { Kernel } from './client';

const GB = 1024;

/** Skipped by name where no cgroup can be made: who is not root, other systems. */
const probe = littleMemory(GB * 2 ** 20);
probe?.close();

function withCgroups(name: string, run: () => Promise<void>): void {
  if (probe) return withNetworks(test, ['googlenet', 'squeezenet', 'alexnet-2012'], name, run);
  console.log(`SKIP ${name}：这里不能建立 cgroup`);
  test.skip(name, () => undefined);
}

withCgroups('1 GB 的内存上限：第 00 章从头运行到尾', async () => {
  const { kinds, peakMB, faults } = await attackMemory(GB, undefined, ['00']);
  assert.equal(faults, []);
  assert.equal(Object.values(kinds), ['运行完毕']);
  assert.ok(peakMB['00'] <= GB);
});

withCgroups('超出上限的单元格：被系统结束的是内核这一个进程，前端得知；同样的上限之内新的内核照常运行', async () => {
  const place = littleMemory(GB * 2 ** 20)!;
  const kernel = await Kernel.start({ through: place.through });
  const id = kernel.submit(
    'const 大: Uint8Array[] = [];\nfor (;;) 大.push(new Uint8Array(64 * 2 ** 20).fill(大.length + 1));',
  );
  await kernel.exited;
  assert.is(kernel.process.signalCode, 'SIGKILL');
  assert.is(kernel.publishedFor(id).filter(({ type }) => type === 'execute_result').length, 0);
  assert.is(place.killed(), 1);
  await kernel.stop();
  const next = await Kernel.start({ through: place.through });
  assert.is(await next.value('6 * 7'), '42');
  await next.stop();
  place.close();
});

test.run();
