/**
 * npm run record: makes the records that are missing or older than their code; `-- NAME ...` or `-- --all` others too.
 * `-- --check` changes nothing: it looks at all of them and makes one again, another one every day.
 */
import { bootstrap } from './setup/bootstrap.mjs';
import { Report } from './setup/report.mjs';
import { recipeNames, recordFaults, recordOfTheDay, remakeFaults, writeRecord } from './records/records.mjs';
import { Board, verdict } from './test/board.mjs';

const words = process.argv.slice(2);
const chosen = words.filter((word) => !word.startsWith('--'));
const board = new Board();

async function check(native) {
  for (const name of recipeNames()) board.add(verdict(name, recordFaults(name)));
  const today = chosen[0] ?? recordOfTheDay({ native });
  if (today) await board.timed(async () => verdict(`${today}, made again`, await remakeFaults(today)));
}

async function write() {
  const unknown = chosen.filter((name) => !recipeNames().includes(name));
  for (const name of unknown) board.add(verdict(name, [`no such recipe; there are ${recipeNames().join(', ')}`]));
  for (const name of recipeNames()) {
    const wanted = chosen.length > 0 ? chosen.includes(name) : words.includes('--all') || recordFaults(name).length > 0;
    if (!wanted) continue;
    await board.timed(async () => {
      const { seconds, backend } = await writeRecord(name);
      return { name: `${name} (${seconds} s on ${backend.name})`, passed: 1 };
    });
  }
}

try {
  const { native } = await bootstrap(new Report({ lang: 'en' }));
  await (words.includes('--check') ? check(Boolean(native)) : write());
} catch (error) {
  board.add({ name: 'records', failed: 1, reason: error.texts?.en ?? error.stack });
}
process.exitCode = board.finish();
