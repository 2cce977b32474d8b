/**
 * One set-up at a time. The lock is a file that names its owner and the programs that the owner has started;
 * it is written anew every second, so that the lock of a killed process or of yesterday's crashed machine does
 * not hold anybody up. An npm that outlives its killed owner is waited for: two at once would spoil node_modules.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { readJson } from './paths.mjs';
import { onProgramStart, runningPrograms } from './run.mjs';

/** The owner says so often that it lives, and which programs it has started. */
const HEARTBEAT_MS = 1000;
/** Sixty heartbeats missed: a busy machine leaves out a few, a living owner not all of them. */
const STALE_MS = 60_000;
/** Programs of a dead owner may be at work; after so long their numbers may have gone to others, and nobody waits. */
const ORPHAN_MS = 10 * 60_000;
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function withLock(file, report, work, { pollMs = 500 } = {}) {
  const release = await acquire(file, report, pollMs);
  try {
    return await work();
  } finally {
    release();
  }
}

async function acquire(file, report, pollMs) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  let told = false;
  while (!tryToCreate(file)) {
    if (isStale(file)) {
      removeStale(file);
      continue;
    }
    const owner = readJson(file, {});
    if (!told) {
      report.say(
        `另一个窗口（进程 ${owner.pid ?? '?'}）正在安装，等它完成…`,
        `another set-up (process ${owner.pid ?? '?'}) is at work, waiting for it ...`,
      );
      told = true;
    }
    await wait(pollMs);
  }
  const heart = setInterval(() => beat(file), HEARTBEAT_MS);
  heart.unref();
  // at once: who is killed within the second would leave a program that the lock does not name
  const forget = onProgramStart(() => beat(file));
  const release = () => {
    clearInterval(heart);
    forget();
    process.off('exit', release);
    if (readJson(file, {}).pid === process.pid) fs.rmSync(file, { force: true });
  };
  process.on('exit', release);
  return release;
}

function tryToCreate(file) {
  try {
    fs.writeFileSync(file, owner(), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

const owner = () => JSON.stringify({ pid: process.pid, host: os.hostname(), programs: runningPrograms() });

function beat(file) {
  try {
    // r+: a lock that somebody took away is not made again
    fs.writeFileSync(file, owner(), { flag: 'r+' });
    fs.truncateSync(file, Buffer.byteLength(owner()));
  } catch {
    // somebody cleared the cache under us; the work itself is safe to repeat
  }
}

function isStale(file) {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (!stat) return false; // released this very moment: try again
  // a clock that was put back leaves locks of the future: no heartbeat wrote those either
  const age = Math.abs(Date.now() - stat.mtimeMs);
  const { pid, host, programs = [] } = readJson(file, {});
  if (pid === undefined || host !== os.hostname()) return age > STALE_MS;
  if (age < STALE_MS && isAlive(pid)) return false;
  return age > ORPHAN_MS || !programs.some(isAlive);
}

/** Of two waiters that both see a stale lock, only one wins the renaming. */
function removeStale(file) {
  const aside = `${file}.${process.pid}.stale`;
  try {
    fs.renameSync(file, aside);
    fs.rmSync(aside, { force: true });
  } catch {
    // the other one was faster
  }
}

export function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
