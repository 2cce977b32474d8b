/** Chapter 09 trains three networks while one waits: a second Run All gives the same weights, to the bit. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { text } from '../../scripts/handout/audience.mjs';
import { execute } from '../../scripts/notebooks/execute.mjs';
import { codeCells } from '../../scripts/notebooks/rules.mjs';
import { inRoot, readJson } from '../../scripts/setup/paths.mjs';

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-training-'));
test.after(() => fs.rmSync(scratch, { recursive: true, force: true }));

/** What defines the data and the networks, and the cells that train them: found by what they call, not by their place. */
const NEEDED = /^import |const images = |tf\.sequential|tf\.model\(|\.fit\(|const losses|const many = |const drawn = /m;
const FINGERPRINT = `import { createHash } from 'node:crypto';
for (const trained of [network, transferred, small]) {
  const hash = createHash('sha256');
  for (const weight of trained.getWeights()) hash.update(new Uint8Array((await weight.data()).buffer.slice(0)));
  console.log(trained.name, hash.digest('hex'));
}`;

test('09: two trainings give the same weights', async () => {
  const cells = codeCells(readJson(inRoot('notebooks', '09-your-own.ipynb'))).map(text);
  const needed = cells.filter((source) => NEEDED.test(source));
  assert.is(needed.join('\n').match(/\.fit\(/g).length, 3, 'three trainings');
  // Shorter: whether the order is the same shows in the first epochs.
  const once = [...needed.map((source) => source.replace(/(epochs(?: =|:) )\d+/, '$12')), FINGERPRINT];
  const source = path.join(scratch, 'training.ipynb');
  const notebook = {
    cells: [...once, ...once].map((code, i) => ({ cell_type: 'code', id: `c${i}`, execution_count: null, metadata: {}, outputs: [], source: code })), // prettier-ignore
    metadata: {},
    nbformat: 4,
    nbformat_minor: 5,
  };
  fs.writeFileSync(source, JSON.stringify(notebook));
  const { notebook: done, failure } = await execute(source, { folder: inRoot('notebooks') });
  assert.not(failure, failure);
  const [first, second] = codeCells(done)
    .filter((cell) => text(cell) === FINGERPRINT)
    .map(({ outputs }) => outputs.map((output) => [output.text].flat().join('')).join(''));
  assert.is(first.match(/[0-9a-f]{64}/g).length, 3, first);
  assert.is(second, first);
});

test.run();
