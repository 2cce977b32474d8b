/**
 * One process that scans shards: JSON lines in, JSON lines out. usage: worker.ts '{"photos", "network", "layer", "top", "batch", "work"}'
 *   in   { id, listed: [{ file }, ...], file: where the partial result goes }
 *   out  { ready } once, { id, photos } after every batch, { id, done: { rss, seconds } } or { id, failed: message }
 * It ends with its standard input: whoever started it is gone then, too.
 */
import * as os from 'node:os';
import * as readline from 'node:readline';
import { startBackend } from '../lib/tf/backend';
import { loadModel, type NetworkId } from '../lib/model/networks/load';
import { type Geometry, writePartial } from './partial';
import { geometryOf, type Scan, scanShard } from './scan';
import type { Listed } from './walk';

export interface Settings {
  readonly photos: string;
  readonly network: string;
  readonly layer: string;
  readonly top: number;
  readonly batch: number;
  readonly work: string;
}

export interface Job {
  readonly id: number;
  readonly listed: readonly Listed[];
  readonly file: string;
}

export interface Answer {
  readonly ready?: { readonly geometry: Geometry; readonly engine: string };
  readonly id?: number;
  readonly photos?: number;
  readonly done?: { readonly rss: number; readonly seconds: number };
  readonly failed?: string;
}

const say = (answer: Answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);

async function prepare({ photos, network, layer, top, batch }: Settings): Promise<Scan> {
  const { name, version, device } = await startBackend();
  const model = await loadModel(network as NetworkId, { head: false });
  const processor = os.cpus()[0]?.model.trim() ?? os.arch();
  const engine = `${name} ${version} ${device}, ${processor}`;
  return { model, layer, root: photos, top, batch, engine };
}

async function main(settings: Settings): Promise<void> {
  const lines = readline.createInterface({ input: process.stdin });
  const jobs: Job[] = [];
  let wake = () => {};
  lines.on('line', (line) => {
    jobs.push(JSON.parse(line) as Job);
    wake();
  });
  lines.on('close', () => process.exit(0));
  const scan = await prepare(settings);
  say({ ready: { geometry: geometryOf(scan.model, scan.layer), engine: scan.engine } });
  for (;;) {
    if (jobs.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    const { id, listed, file } = jobs.shift()!;
    const start = performance.now();
    try {
      writePartial(file, settings.work, await scanShard(scan, listed, (photos) => say({ id, photos })));
      say({ id, done: { rss: process.memoryUsage.rss(), seconds: (performance.now() - start) / 1000 } });
    } catch (error) {
      say({ id, failed: (error as Error).message });
    }
  }
}

main(JSON.parse(process.argv[2])).catch((error: Error) => {
  say({ failed: error.message });
  process.exitCode = 1;
  process.stdin.destroy();
});
