/** A download over a line that is slow, has a long delay and loses packets: in network namespaces, nothing is simulated in the downloader. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inRoot } from '../../scripts/setup/paths.mjs';
import { run, tsxArguments } from '../../scripts/setup/run.mjs';

const NAME =
  'delay 200 ms there and back, 5% of packets lost, 20 kB/s: the right files, resumed after a kill, progress shown';
const LINE = ['0.1', '0.05', '20000', '1'];
const node = (...words) => [process.execPath, ...tsxArguments(), ...words].map((word) => `'${word}'`).join(' ');

const probe = await run('python3', [inRoot('test', 'faults', 'lossy.py'), ...LINE, 'true', 'true'], { check: false });
if (probe.code === 0) test(NAME, slowDownload);
else {
  console.log(`SKIP ${NAME}: no network namespaces or no tunnels here`);
  test.skip(NAME, () => {});
}

async function slowDownload() {
  const cache = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-line-'));
  const file = (name) => inRoot('test', 'faults', name);
  const client = (...words) => `${node(file('line-client.ts'), cache, ...words)}`;
  // the server needs a moment, and a refused connection is no answer to a slow line
  const both = `sleep 4; ${client('120000')}; echo "died with $?"; ${client()}`;
  const program = [file('lossy.py'), ...LINE, node(file('line-server.ts')), both];
  const { code, output } = await run('python3', program, { check: false, limitSeconds: 400 });
  fs.rmSync(cache, { recursive: true });
  assert.is(code, 0, output);
  assert.match(output, 'died with 137');
  assert.match(output, 'squeezenet: 1 of 1 intact');
  assert.match(output, /alexnet-2012: (\d+) of \1 intact/);
  const resumed = /asked compressed_SqueezeNet\.net bytes=(\d+)-/.exec(output);
  assert.ok(Number(resumed?.[1]) >= 100_000, output);
  const progress = output.match(/progress \d+ of 200000/g);
  assert.ok(progress.length > 20, `${progress.length} steps of progress`);
  const [, lost, all] = /(\d+) of (\d+) packets lost/.exec(output).map(Number);
  assert.ok(lost > 0.02 * all && lost < 0.1 * all, `${lost} of ${all} packets`);
}

test.run();
