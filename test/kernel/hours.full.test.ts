/** Of `npm run faults -- hours 480`: chapter 00 three times in one kernel, with small cells in between. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { attackByHours } from '../faults/hours';
import { withNetworks } from '../helpers';
import { cellsOf } from '../faults/chapters';

withNetworks(
  test,
  ['googlenet', 'squeezenet', 'alexnet-2012'],
  '第 00 章一遍又一遍，在一个内核里：没有一个单元格出错，内存与张量不是每遍都涨',
  async () => {
    const cells = cellsOf('00').length;
    const { cases, faults, memory, heapMB, tensors } = await attackByHours({ first: 0, count: 3 * cells, seed: 1 }, [
      '00',
    ]);
    assert.is(cases, 3 * cells);
    assert.equal(faults, []);
    const rounds = memory.map(([, mb]) => mb);
    assert.is(rounds.length, 3);
    // V8 collects early (kernel/run/heap.cjs); left to itself it comes to 600 MB and more
    assert.ok(Math.max(...heapMB) < 450, `堆，MB：${heapMB}`);
    // the first round loads the networks
    assert.ok(rounds[2] - rounds[1] < 200, `MB：${rounds}`);
    assert.ok(tensors[2] - tensors[1] <= 2, `张量：${tensors}`);
  },
);

test.run();
