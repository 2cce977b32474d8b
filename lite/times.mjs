/**
 * node lite/times.mjs 01 04 06: how long these chapters take in the lab that `npm run site` has built, in docs/timings.
 * The processor's seconds are those of all of the browser's processes, from the click on Run All to the end.
 */
import os from 'node:os';
import path from 'node:path';
import { notebookFiles } from '../scripts/notebooks/execute.mjs';
import { errorCells } from '../scripts/notebooks/rules.mjs';
import { storeTimes, today } from '../scripts/notebooks/times.mjs';
import { readWords } from '../scripts/setup/options.mjs';
import { newProfile, openChapter, runAll, startSite } from '../test/site/lab.mjs';

const processorSeconds = async (browser) => {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
};

const rounded = (value) => Number(value.toFixed(1));

async function timeChapter(file) {
  const site = await startSite();
  try {
    const [load, started] = [os.loadavg()[0], Date.now()];
    const page = await openChapter(await newProfile(site), path.basename(file, '.ipynb'));
    const first = { seconds: rounded((Date.now() - started) / 1000), bytes: site.sent() };
    const [before, begun] = [await processorSeconds(site.browser), Date.now()];
    const faults = errorCells(await runAll(page));
    if (faults.length > 0) throw new Error(faults.join('\n'));
    const seconds = rounded((Date.now() - begun) / 1000);
    const processor = rounded((await processorSeconds(site.browser)) - before);
    return { load: [load, os.loadavg()[0]].map(rounded), first, seconds, processor };
  } finally {
    await site.close();
  }
}

const { positionals: wanted } = readWords(process.argv.slice(2), {});
for (const file of notebookFiles().filter((name) => wanted.some((number) => path.basename(name).startsWith(number)))) {
  const lab = await timeChapter(file);
  console.log(path.basename(file), JSON.stringify(lab));
  // the other numbers of the chapter keep their date
  storeTimes(file, { lab: { ...lab, date: today() } }, {});
}
