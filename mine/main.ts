/** The work of npm run mine, after set-up. usage: main.ts OPTIONS (JSON, from scripts/mine.mjs) */
import * as os from 'node:os';
import * as path from 'node:path';
import { duration } from '../lib/show/progress';
import { assemble } from './assemble';
import { removeDrafts, writeWhole } from './files';
import { listedIn, makePlan, missingShards, partialFile, type Plan, type Shard } from './plan';
import { scanSafely, Worker } from './pool';
import { Progress } from './progress';
import type { Settings } from './worker';

interface Options {
  readonly photos: string;
  readonly network: string;
  readonly layer: string;
  readonly out: string;
  readonly top: number;
  readonly batch: number;
  readonly shard: number;
  readonly workers: number;
  readonly plan: boolean;
}

/** Memory of the largest worker and of this process, each time a shard is finished. */
type Memory = { readonly photos: number; readonly workerMB: number; readonly mainMB: number };

async function scanAll({ out, batch, workers, ...options }: Options, plan: Plan, missing: Shard[]): Promise<Memory[]> {
  const settings: Settings = { ...options, batch, work: plan.work };
  const before = plan.files - missing.reduce((sum, { count }) => sum + count, 0);
  const progress = new Progress(plan.files, before);
  const queue = [...missing];
  const memory: Memory[] = [];
  let photos = before;
  const runner = async () => {
    const worker = new Worker(settings, (n) => progress.add(n));
    try {
      for (let shard; (shard = queue.shift());) {
        const job = { id: shard.id, listed: listedIn(out, shard), file: partialFile(out, shard.id) };
        const done = await scanSafely(worker, settings, job);
        photos += shard.count;
        const mb = (bytes: number) => Math.round(bytes / 1e6);
        memory.push({ photos, workerMB: mb(done?.rss ?? 0), mainMB: mb(process.memoryUsage.rss()) });
      }
    } finally {
      queue.length = 0; // one that fails stops the others after their shard
      worker.end();
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(workers, missing.length) }, runner));
  progress.end();
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return memory;
}

async function main(options: Options): Promise<void> {
  const { out, workers } = options;
  const start = Date.now();
  const plan = makePlan(out, options);
  const missing = missingShards(out, plan);
  const ready = plan.shards.length - missing.length;
  console.log(
    `${plan.files} 个文件，分成 ${plan.shards.length} 份${ready ? `，其中 ${ready} 份已经算好，接着做其余的` : ''}`,
  );
  writeWhole(path.join(out, 'work', 'missing.json'), JSON.stringify(missing.map(({ id }) => id)));
  if (options.plan) return;
  const memory = await scanAll(options, plan, missing);
  const scanned = missing.reduce((sum, { count }) => sum + count, 0);
  const seconds = (Date.now() - start) / 1000;
  const partials = plan.shards.map(({ id }) => partialFile(out, id));
  const { photos, bad, engines } = assemble(out, partials, plan);
  for (const folder of [out, path.join(out, 'work')]) removeDrafts(folder);
  const facts = { date: new Date().toISOString(), host: os.cpus()[0]?.model, engines, photos, bad, scanned };
  writeWhole(path.join(out, 'run.json'), `${JSON.stringify({ ...facts, seconds, workers, memory }, null, 1)}\n`);
  console.log(`完成：${photos} 张照片，${bad} 个坏文件（bad.csv），用时 ${duration(seconds)}。结果在 ${out}`);
  if (engines.length > 1)
    console.log(`注意：这些部分结果出自不同的机器（${engines.join('；')}），激活值的最后几位可能不同。`);
}

main(JSON.parse(process.argv[2])).catch((error: Error) => {
  console.error(`✗ ${error.name === 'CourseError' || error instanceof RangeError ? error.message : error.stack}`);
  process.exitCode = 1;
});
