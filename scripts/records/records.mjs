/** Records: full-size results that take too long for a cell, with everything needed to make them again. */
import crypto from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { inRoot, readJson, writeJson, writeWhole } from '../setup/paths.mjs';
import { run, tsxArguments } from '../setup/run.mjs';
import { numberFaults } from '../notebooks/claims.mjs';

/** What `npm run test:all` makes again, together: the quickest ones. */
const CHECK_SECONDS = 100;
const NOT_RECIPES = ['recipe', 'make'];

export const recipeNames = () =>
  fs
    .readdirSync(inRoot('scripts', 'records'))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -3))
    .filter((name) => !NOT_RECIPES.includes(name))
    .sort();

export const recordFile = (name, root = inRoot()) => path.join(root, 'data', 'records', `${name}.json`);

/**
 * The code that a record is made by, found through the imports: its fingerprint, and the modules of lib that it comes
 * from. What esbuild leaves of the recipe with everything it imports is hashed, without comments, types, layout, file
 * names and functions that nobody calls: only a change that could change a result makes a record stale. The packages
 * (TensorFlow.js) and data files are outside.
 */
export function codeOf(name, root = inRoot()) {
  const { buildSync } = createRequire(import.meta.url)('esbuild');
  const { outputFiles, metafile } = buildSync({
    absWorkingDir: root,
    entryPoints: [`scripts/records/${name}.ts`],
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'es2022',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    tsconfigRaw: {},
    write: false,
    metafile: true,
    outfile: 'record.js',
    logLevel: 'silent',
  });
  const [{ inputs }] = Object.values(metafile.outputs);
  const used = Object.keys(inputs).filter((file) => inputs[file].bytesInOutput > 0 && file.startsWith('lib/'));
  const hash = crypto.createHash('sha256').update(outputFiles[0].contents).digest('hex').slice(0, 16);
  return { hash, sources: used.sort() };
}

/** Complaints about a record as it lies there, without making it again. */
export function recordFaults(name, root = inRoot()) {
  const record = readJson(recordFile(name, root));
  if (!record) return [`missing: npm run record -- ${name}`];
  let hash;
  try {
    ({ hash } = codeOf(name, root));
  } catch (error) {
    return [`its code cannot be put together: ${error.message}`];
  }
  const fresh = [record.hash, record.unchanged?.hash].includes(hash);
  const lost = record.images.filter((image) => !fs.existsSync(path.join(root, 'data', 'records', image)));
  return [
    ...(fresh ? [] : [`older than its code: npm run record -- ${name}`]),
    ...lost.map((image) => `its picture ${image} is missing`),
  ];
}

/**
 * For a change that somebody answers for (modules moved, an error message reworded) and an hour of computing would
 * show nothing: the record says that its numbers were not made again, for which code, and why.
 */
export function declareUnchanged(name, why, root = inRoot()) {
  const { hash, sources } = codeOf(name, root);
  writeJson(recordFile(name, root), { ...readJson(recordFile(name, root)), sources, unchanged: { hash, why } });
}

async function make(name, folder) {
  await run(process.execPath, [...tsxArguments(), inRoot('scripts', 'records', 'make.ts'), name, folder]);
  return readJson(path.join(folder, `${name}.json`));
}

async function inScratch(work) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-record-'));
  try {
    return await work(folder);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Makes a record and puts it in its place; the JSON comes last, so that an interrupted run leaves a stale hash. */
export async function writeRecord(name) {
  return inScratch(async (folder) => {
    // before, not after: what is changed meanwhile is not what made it
    const code = codeOf(name);
    const record = await make(name, folder);
    // Whole or not at all: half a picture would count as made.
    for (const image of record.images)
      writeWhole(inRoot('data', 'records', image), fs.readFileSync(path.join(folder, image)));
    writeJson(recordFile(name), { ...record, ...code });
    return record;
  });
}

/** Makes a record again and compares its numbers. */
export async function remakeFaults(name) {
  const record = readJson(recordFile(name));
  const { numbers } = await inScratch((folder) => make(name, folder));
  return numberFaults(name, numbers, record.numbers, record.tolerance, record.absolute);
}

/**
 * The records that are made again by `npm run test:all`: the same ones every day, the quickest first, as many as go
 * into CHECK_SECONDS. What was made on the native backend is not made again without it: that would take far longer.
 */
export function recordsToRemake({ native, names = recipeNames(), root = inRoot() }) {
  const made = names
    .map((name) => ({ name, ...readJson(recordFile(name, root)) }))
    .filter(({ seconds, backend }) => seconds !== undefined && (native || backend?.name !== 'tensorflow'))
    .sort((a, b) => a.seconds - b.seconds);
  let sum = 0;
  return made.filter(({ seconds }) => (sum += seconds) <= CHECK_SECONDS).map(({ name }) => name);
}
