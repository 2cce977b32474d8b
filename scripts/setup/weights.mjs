/** The weights of GoogLeNet, the one network that chapters download, fetched once by the library's downloader. */
import fs from 'node:fs';
import path from 'node:path';
import { cacheFolder, inRoot, readJson, writeJson } from './paths.mjs';
import { SetupError, megabytes } from './report.mjs';
import { run, tsxArguments } from './run.mjs';

const doneFile = () => cacheFolder('weights.json');
const models = () => process.env.CONVSCOPE_MODELS ?? '';

/** A quick look without starting TypeScript: what we found last time is still there. */
export function weightsReady() {
  const done = readJson(doneFile());
  return Boolean(done) && done.models === models() && done.folders.every((folder) => fs.existsSync(folder));
}

/**
 * @param {string} word
 * @param {(progress: any) => void} onProgress
 */
async function callLibrary(word, onProgress = () => {}) {
  const lines = [];
  const child = run(process.execPath, [...tsxArguments(), inRoot('scripts', 'setup', 'weights.ts'), word], {
    check: false,
    onLine: (line) => {
      const message = parse(line);
      if (message?.progress) onProgress(message.progress);
      else if (message) lines.push(message);
    },
  });
  const { code, output } = await child;
  const failure = lines.find((line) => line.failure)?.failure;
  const state = lines.find((line) => line.state)?.state;
  if (failure || code !== 0 || !state) throw new SetupError(failure ?? output.trim(), failure ?? output.trim());
  return state;
}

function parse(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

export const weightsState = () => callLibrary('state');

export async function fetchWeights(report) {
  const state = await callLibrary('fetch', ({ title, received, total, source }) =>
    report.progress(
      `${title}：${megabytes(received)} / ${megabytes(total)} MB（${source}）`,
      `${title}: ${megabytes(received)} / ${megabytes(total)} MB (${source})`,
    ),
  );
  const folders = [...new Set(state.map(({ where }) => path.resolve(where)))];
  writeJson(doneFile(), { models: models(), folders });
}
