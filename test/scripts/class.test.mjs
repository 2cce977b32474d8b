/** The short form of `npm run class:try`, on machines where a class has been prepared: two students, real hub and proxy. */
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inRoot } from '../../scripts/setup/place.mjs';
import { run } from '../../scripts/setup/run.mjs';

const environment = path.join(process.env.CONVSCOPE_CLASS || inRoot('.cache', 'class'), 'venv');

test('two students log in, work, and lose nothing when the hub restarts and a server is killed', async () => {
  if (!fs.existsSync(`${environment}/convscope-done`)) {
    console.log('SKIP a class on JupyterHub: not prepared here (npm run class:prepare, about 430 MB)');
    return;
  }
  const args = [inRoot('deploy', 'try_class.py'), '--short'];
  const { code, output } = await run(`${environment}/bin/python`, args, { check: false, limitSeconds: 800 });
  assert.is(code, 0, output.trim().split('\n').slice(-12).join('\n'));
  assert.match(output, '全部通过');
});

test.run();
