/**
 * npm run faults -- images 10000 --seed 1: damaged pictures, weight files or kernel messages, processes killed in the
 * middle of their work, hours of cells, little memory. A case depends on the seed and its number alone: `--first 1234`
 * with a count of 1 repeats one. What was tried and what came of it: docs/reliability.md
 */
import { fork } from 'node:child_process';
import os from 'node:os';
import { bootstrap } from './setup/bootstrap.mjs';
import { readWords } from './setup/options.mjs';
import { inRoot } from './setup/paths.mjs';
import { Report, SetupError } from './setup/report.mjs';
import { tsxArguments } from './setup/run.mjs';

const KINDS = ['images', 'png', 'jpeg', 'webp', 'avif', 'weights', 'head', 'kernel', 'kills', 'hours', 'memory'];
const USAGE = `npm run faults -- ${KINDS.join('|')} 个数 [--seed 1] [--first 0]`;
/** Without a sign of life for so long, a case hangs. The kernel's campaign waits for answers by itself. */
const SILENCE_SECONDS = { head: 120, kernel: 180, kills: 1200, hours: 300, memory: 600 };

function readOptions(words) {
  const number = (value) => ({ type: 'string', default: value });
  const { values, positionals } = readWords(words, { seed: number('1'), first: number('0') }, { usage: USAGE });
  const [kind, count] = [positionals[0], Number(positionals[1])];
  const [seed, first] = [Number(values.seed), Number(values.first)];
  if (!KINDS.includes(kind) || ![count, seed, first].every(Number.isInteger) || count < 1) {
    throw new SetupError(`用法：${USAGE}`, `usage: ${USAGE}`);
  }
  return { kind, count, seed, first };
}

/** Runs cases until they are done, or one of them ends or stops the process. */
function runStretch({ kind, seed }, first, count) {
  return new Promise((resolve) => {
    const words = [kind, first, count, seed].map(String);
    const child = fork(inRoot('test', 'faults', 'main.ts'), words, { execArgv: tsxArguments() });
    let [at, figures, hangs, silence] = [undefined, undefined, false, 0];
    // counted second by second: while the machine was asleep nobody could give a sign of life
    const timer = setInterval(() => {
      if (++silence < (SILENCE_SECONDS[kind] ?? 60)) return;
      hangs = true;
      child.kill('SIGKILL');
    }, 1000);
    child.on('message', (/** @type {any} */ message) => {
      at = message.index ?? at;
      figures ??= message.figures;
      silence = 0;
    });
    child.on('close', (code, signal) => {
      clearInterval(timer);
      resolve({ at, figures, died: hangs ? 'hangs' : (signal ?? `exit status ${code}`) });
    });
  });
}

function print({ kinds, faults, memory, ...numbers }) {
  const rows = Object.entries(kinds).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [kind, counts] of rows) console.log(`  ${kind}  ${[counts].flat().join(' / ')}`);
  console.log(JSON.stringify(numbers));
  console.log(`memory (case: MB): ${memory.map(([index, rss]) => `${index}: ${rss}`).join(', ')}`);
  for (const fault of faults) console.log(`FAULT ${fault}`);
}

async function main() {
  const options = readOptions(process.argv.slice(2));
  await bootstrap(new Report({ lang: 'en' }));
  console.log(
    `${options.kind}: ${options.count} cases from ${options.first}, seed ${options.seed}, ${new Date().toISOString().slice(0, 10)}`,
  );
  console.log(`${os.cpus()[0]?.model}, ${os.platform()}, Node.js ${process.version}`);
  let bad = 0;
  const end = options.first + options.count;
  for (let first = options.first; first < end;) {
    const { at, figures, died } = await runStretch(options, first, end - first);
    if (figures) {
      print(figures);
      bad += figures.faults.length;
      break;
    }
    // it did not get as far as a case: the files it needs are missing, say, and will be missing the next time
    if (at === undefined) throw new SetupError(`一个用例也没有开始：${died}`, `not one case began: ${died}`);
    console.log(`FAULT case ${at}: the process ${died}; going on behind it`);
    bad++;
    first = at + 1;
  }
  console.log(bad === 0 ? 'no fault' : `${bad} faults`);
  process.exitCode = bad === 0 ? 0 : 1;
}

try {
  await main();
} catch (error) {
  console.error(error.texts?.zh ?? error.stack);
  process.exitCode = 1;
}
