import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { attackKernel } from '../faults/kernel';
import { Kernel, until } from './client';

// The short form of `npm run faults -- kernel 2000`; figures in docs/reliability.md.
test('100 damaged messages: the kernel lives, completes and computes', async () => {
  const figures = await attackKernel({ first: 0, count: 100, seed: 1 });
  assert.equal(figures.faults, []);
  assert.is(figures.cases, 100);
  assert.is(figures.answered, 10);
  const [before, after] = figures.heldMB;
  assert.ok(after - before < 15, `the kernel holds ${before} MB at first, ${after} MB afterwards`);
});

test('more messages than the binding sends without a pause: every request is answered, every cell ends', async () => {
  const kernel = await Kernel.start();
  // an even and an odd number of messages each, so that the 513th of a socket falls on every kind of them
  const small = 'for (let i = 0; i < 300; i++) await new Promise((done) => setTimeout(() => done(console.log(i))));';
  for (let round = 0; round < 12; round++) {
    const asked = Array.from({ length: 100 }, () => kernel.send('comm_info_request', {}));
    await kernel.value(`${round}`);
    await kernel.value('1; undefined');
    if (round % 4 === 0) await kernel.value(small);
    await until(() => asked.every((id) => kernel.publishedFor(id).length === 2), 'every request to be idle again', 60);
  }
  await kernel.stop();
  assert.is(kernel.process.exitCode, 0);
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
