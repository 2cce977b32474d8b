/** A clock that is a year off, or was: locks, remembered failures, a download, npm start. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { failedLately } from '../../scripts/setup/bootstrap.mjs';
import { withLock } from '../../scripts/setup/lock.mjs';
import { inRoot } from '../../scripts/setup/paths.mjs';
import { findProgram, run, tsxArguments } from '../../scripts/setup/run.mjs';
import { startCourseIn } from '../../scripts/start/started.mjs';

const YEAR_MS = 365 * 24 * 3600 * 1000;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-clock-'));
test.after(() => fs.rmSync(folder, { recursive: true }));

/** The environment in which programs see another year (libfaketime), or undefined. */
async function clockOf(years) {
  if (!findProgram('faketime')) return undefined;
  const shift = `${years > 0 ? '+' : '-'}1y`;
  const { stdout } = await run('faketime', ['-m', '-f', shift, 'printenv', 'LD_PRELOAD']);
  return { LD_PRELOAD: stdout.trim(), FAKETIME: shift, FAKETIME_DONT_FAKE_MONOTONIC: '1' };
}

for (const [name, years] of Object.entries({ last: -1, next: 1 })) {
  const then = new Date(Date.now() + years * YEAR_MS);
  const clock = await clockOf(years);
  const withClock = (title, work) => {
    if (clock) return test(title, work);
    console.log(`SKIP ${title}: no faketime (apt install faketime)`);
    return test.skip(title, () => {});
  };

  test(`a lock of ${name} year, whose process number lives again, does not hold anybody up`, async () => {
    const file = path.join(folder, `lock-${name}`);
    fs.writeFileSync(file, JSON.stringify({ pid: process.ppid, host: os.hostname() }));
    fs.utimesSync(file, then, then);
    const report = { say: () => assert.unreachable('waited') };
    assert.is(await withLock(file, report, () => 'done', { pollMs: 10 }), 'done');
  });

  test(`a failure of ${name} year does not keep a step from being tried`, () => {
    const file = path.join(folder, 'failed.json');
    fs.writeFileSync(file, JSON.stringify({ key: 'x', at: new Date() }));
    assert.ok(failedLately(file, 'x'));
    fs.writeFileSync(file, JSON.stringify({ key: 'x', at: then }));
    assert.not(failedLately(file, 'x'));
  });

  withClock(
    `with the clock of ${name} year: a download is whole, with the right clock the cache is still good`,
    async () => {
      const cache = path.join(folder, `models-${name}`);
      const server = inRoot('test', 'faults', 'clock-download.ts');
      for (const env of [clock, {}]) {
        const { stdout } = await run(process.execPath, [...tsxArguments(), server, cache], { env });
        const asked = env === clock ? 16 : 0;
        assert.match(stdout, `16 files intact, ${asked} requests`);
      }
      assert.is(fs.readdirSync(cache).length, 16);
    },
  );

  withClock(
    `with the clock of ${name} year: npm start prints an address, the server answers, Ctrl-C ends it`,
    async () => {
      const { base, token, stop, output } = await startCourseIn(clock, '--offline', '--no-native');
      const answer = await fetch(`${base}/api/kernelspecs`, { headers: { Authorization: `token ${token}` } });
      assert.is(answer.status, 200, output());
      const year = new Date(answer.headers.get('date')).getUTCFullYear();
      assert.is(year, then.getUTCFullYear(), 'the clock was not the one we wanted');
      assert.is(await stop('SIGINT'), 0, output());
    },
  );
}

test.run();
