/**
 * npm run record: makes the records that are missing or older than their code; `-- NAME ...` or `-- --all` others too.
 * `-- --unchanged "WHY" NAME ...` makes nothing: it notes that a change of the code cannot have changed the result.
 * `-- --check` changes nothing: it looks at all of them and makes the quick ones again, or the named ones.
 */
import { bootstrap } from './setup/bootstrap.mjs';
import { readWords } from './setup/options.mjs';
import { Report } from './setup/report.mjs';
import {
  declareUnchanged,
  recipeNames,
  recordFaults,
  recordsToRemake,
  remakeFaults,
  writeRecord,
} from './records/records.mjs';
import { Board, verdict } from './test/board.mjs';

const SWITCHES = { all: { type: 'boolean' }, check: { type: 'boolean' }, unchanged: { type: 'string' } };
const board = new Board();

/** The recipes that are named, or undefined when none is. */
function namedRecipes(names) {
  const known = recipeNames();
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`no recipe ${unknown.join(', ')}; there are ${known.join(', ')}`);
  return names.length > 0 ? names : undefined;
}

async function check(named, native) {
  for (const name of recipeNames()) board.add(verdict(name, recordFaults(name)));
  for (const name of named ?? recordsToRemake({ native }))
    await board.timed(async () => verdict(`${name}, made again`, await remakeFaults(name)));
}

async function write(named, all) {
  const wanted = named ?? recipeNames().filter((name) => all || recordFaults(name).length > 0);
  for (const name of wanted) {
    await board.timed(async () => {
      const { seconds, backend } = await writeRecord(name);
      return { name: `${name} (${seconds} s on ${backend.name})`, passed: 1 };
    });
  }
}

function declare(named, why) {
  if (!named) throw new Error('--unchanged "WHY" needs the names of the records');
  for (const name of named) {
    declareUnchanged(name, why);
    board.add(verdict(`${name}: unchanged`, recordFaults(name)));
  }
}

try {
  const { values, positionals } = readWords(process.argv.slice(2), SWITCHES);
  const { native } = await bootstrap(new Report({ lang: 'en' }));
  const named = namedRecipes(positionals);
  if (values.unchanged !== undefined) declare(named, values.unchanged);
  else await (values.check ? check(named, Boolean(native)) : write(named, values.all));
} catch (error) {
  board.add({ name: 'records', failed: 1, reason: error.texts?.en ?? error.stack });
}
process.exitCode = board.finish();
