/**
 * kill -9 at random moments of set-up, of the download and of a record; then the next start has to repair everything.
 * The moments are drawn from the seed as a part of the time that an undisturbed run takes on this machine.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { fetchNetworkFiles } from '../../lib/model/weights/download';
import { randomGenerator } from '../../lib/base/random';
import { startServer } from '../lib/model/weights/download-server';
import type { Area, Begun } from './kills/area';
import { makeCourse } from './kills/course';
import { downloadArea, slowly } from './kills/download';
import { recordArea } from './kills/record';
import { setupArea } from './kills/setup';
import { caseSeed } from './mutate';
import type { Campaign } from './tally';

export interface KillFigures {
  cases: number;
  /** How often each part of the work was hit. */
  kinds: Record<string, number>;
  /** Starts that were over before their moment had come. */
  tooLate: number;
  /** Seconds of an undisturbed run. */
  seconds: Record<string, number>;
  faults: string[];
  memory: [number, number][];
}

const PATIENCE_MS = 300_000;

/** In steps: the time that the machine was asleep does not count. */
async function wait(ms: number): Promise<'time'> {
  for (let [waited, last] = [0, Date.now()]; waited < ms; last = Date.now()) {
    await new Promise<void>((resolve) => setTimeout(resolve, Math.min(200, ms - waited)).unref());
    waited += Math.min(Date.now() - last, 1000);
  }
  return 'time';
}

/** To its end; what takes longer hangs. */
async function finish(area: Area, begun: Begun): Promise<string[]> {
  const ended = await Promise.race([begun.ended, wait(PATIENCE_MS)]);
  if (ended !== 'time') return area.check(ended, begun.output());
  begun.kill(true);
  return [`卡住了：${begun.output()}`];
}

async function killOnce(area: Area, moment: number, everything: boolean, figures: KillFigures): Promise<string[]> {
  const begun = area.begin();
  const first = await Promise.race([begun.ended, wait(moment * figures.seconds[area.name] * 1000)]);
  if (first !== 'time') {
    figures.tooLate++;
    return [];
  }
  const kind = `${area.name}：${begun.phase()}${everything ? '' : '（只杀主进程）'}`;
  begun.kill(everything);
  await begun.ended;
  figures.kinds[kind] = (figures.kinds[kind] ?? 0) + 1;
  return area.between?.() ?? [];
}

async function realWeights(): Promise<Map<string, Buffer>> {
  const files = await fetchNetworkFiles('googlenet', { offline: true });
  return new Map([...files].map(([name, bytes]) => [name, Buffer.from(bytes)] as const));
}

/** Of three cases in a row, one is a set-up, one a download, one a record. */
export async function attackByKilling({ first, count, seed, onCase }: Campaign): Promise<KillFigures> {
  // before the downloader's table is changed to made-up files
  const weights = await realWeights();
  const server = await startServer(weights, slowly);
  const course = makeCourse(`${server.url}/`);
  const download = await downloadArea(path.join(course.root, 'tmp'));
  const areas: Area[] = [setupArea(course, weights), download, await recordArea(course)];
  const figures: KillFigures = { cases: 0, kinds: {}, tooLate: 0, seconds: {}, faults: [], memory: [] };
  const note = (what: string, faults: string[]) => figures.faults.push(...faults.map((fault) => `${what}：${fault}`));
  try {
    for (const area of areas) {
      await area.prepare();
      const start = performance.now();
      note(`${area.name}，没有打断`, await finish(area, area.begin()));
      figures.seconds[area.name] = Math.round((performance.now() - start) / 100) / 10;
    }
    for (let index = first; index < first + count; index++) {
      onCase?.(index);
      const random = randomGenerator(caseSeed(seed, index));
      const area = areas[index % areas.length];
      await area.prepare();
      // every fourth time the repair is killed as well
      for (let kills = random.integer(4) === 0 ? 2 : 1; kills > 0; kills--)
        note(`${index}`, await killOnce(area, random.uniform(), random.integer(2) === 0, figures));
      note(`${index}`, await finish(area, area.begin()));
      figures.cases++;
    }
  } finally {
    await Promise.all([server.close(), download.close()]);
    fs.rmSync(course.root, { recursive: true, force: true, maxRetries: 5 });
  }
  return figures;
}
