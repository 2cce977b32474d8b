/**
 * npm run record: makes the records that are missing or older than their code; `-- NAME ...` or `-- --all` others too.
 * `-- --check` changes nothing: it looks at all of them and makes the quick ones again, or the named ones.
 */
import { parseArgs } from 'node:util';
import { bootstrap } from './setup/bootstrap.mjs';
import { Report } from './setup/report.mjs';
import { recipeNames, recordFaults, recordsToRemake, remakeFaults, writeRecord } from './records/records.mjs';
import { Board, verdict } from './test/board.mjs';

const { values: switches, positionals: chosen } = parseArgs({
  options: { all: { type: 'boolean' }, check: { type: 'boolean' } },
  allowPositionals: true,
});
const board = new Board();

async function check(native) {
  for (const name of recipeNames()) board.add(verdict(name, recordFaults(name)));
  for (const name of chosen.length > 0 ? chosen : recordsToRemake({ native }))
    await board.timed(async () => verdict(`${name}, made again`, await remakeFaults(name)));
}

async function write() {
  for (const name of recipeNames()) {
    const wanted = chosen.length > 0 ? chosen.includes(name) : switches.all || recordFaults(name).length > 0;
    if (!wanted) continue;
    await board.timed(async () => {
      const { seconds, backend } = await writeRecord(name);
      return { name: `${name} (${seconds} s on ${backend.name})`, passed: 1 };
    });
  }
}

try {
  const unknown = chosen.filter((name) => !recipeNames().includes(name));
  for (const name of unknown) board.add(verdict(name, [`no such recipe; there are ${recipeNames().join(', ')}`]));
  const { native } = await bootstrap(new Report({ lang: 'en' }));
  await (switches.check ? check(Boolean(native)) : write());
} catch (error) {
  board.add({ name: 'records', failed: 1, reason: error.texts?.en ?? error.stack });
}
process.exitCode = board.finish();
