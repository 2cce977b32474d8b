import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { attackHead, attackWeights } from '../../../faults/weights';
import { growthMB } from '../../../faults/tally';
import { withNetworks } from '../../../helpers';

// The short form of `npm run faults -- weights 10000`; figures in docs/reliability.md.
withNetworks(
  test,
  ['squeezenet', 'alexnet-2012'],
  '300 个损坏的权值文件：清楚的错误，或名字、形状都对的有限的数；不占着内存',
  async () => {
    const figures = await attackWeights({ first: 0, count: 300, seed: 1 });
    assert.equal(figures.faults, []);
    assert.is(figures.cases, 300);
    assert.ok(figures.refused > 150 && figures.accepted > 10, `${figures.refused} 个拒绝，${figures.accepted} 个读入`);
    assert.ok(growthMB(figures.memory) < 150, JSON.stringify(figures.memory));
  },
);

// Of `npm run faults -- head 100`: every case decodes nearly sixty million weights.
test('3 个损坏的 AlexNet 分类头（真实大小）：清楚的错误，或名字、形状都对的有限的数', async () => {
  const figures = await attackHead({ first: 0, count: 3, seed: 1 });
  assert.equal(figures.faults, []);
  assert.is(figures.cases, 3);
});

test.run();
