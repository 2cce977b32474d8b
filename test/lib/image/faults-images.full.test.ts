import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend } from '../../../lib/tf/backend';
import { attackImages } from '../../faults/images';
import { growthMB } from '../../faults/tally';

// The short form of `npm run faults -- images 10000`; figures in docs/reliability.md.
test('500 damaged pictures: a clear error or a picture of the right form, no tensor and no memory kept', async () => {
  await startBackend('cpu');
  const figures = await attackImages({ first: 0, count: 500, seed: 7 });
  assert.equal(figures.faults, []);
  assert.is(figures.cases, 500);
  assert.ok(figures.refused > 150 && figures.accepted > 50, `${figures.refused} 个拒绝，${figures.accepted} 个读入`);
  assert.is(figures.tensors, 0);
  assert.ok(growthMB(figures.memory) < 150, JSON.stringify(figures.memory));
});

test.run();
