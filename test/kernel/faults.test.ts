import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { attackKernel } from '../faults/kernel';
import { Kernel } from './client';

// The short form of `npm run faults -- kernel 2000`; figures in docs/reliability.md.
test('100 damaged messages: the kernel lives, completes and computes', async () => {
  const figures = await attackKernel({ first: 0, count: 100, seed: 1 });
  assert.equal(figures.faults, []);
  assert.is(figures.cases, 100);
  assert.is(figures.answered, 10);
});

test('a signed message that is no JSON, or has no type, is passed over; a request without code is answered', async () => {
  const kernel = await Kernel.start();
  const frames = kernel.wire.encode([], 'execute_request', { code: '1' });
  for (const header of ['{', 'null', '[]', '{"msg_id":"a"}', '{"msg_id":{},"msg_type":"execute_request"}']) {
    const parts = [Buffer.from(header), ...frames.slice(3)];
    await kernel.sendFrames(['<IDS|MSG>', kernel.wire.sign(parts), ...parts], 'shell');
  }
  for (const type of ['execute_request', 'complete_request', 'inspect_request', 'is_complete_request'])
    assert.is((await kernel.ask(type, {})).status, 'error', type);
  assert.is(await kernel.value('6 * 7'), '42');
  await kernel.stop();
});

test.run();
