/** What is to be done: the list of the photos, cut into shards. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { CourseError } from '../lib/base/errors';
import { Draft, linesOf, writeWhole } from './files';
import { firstOf } from './partial';
import { type Listed, walkPhotos } from './walk';

/** What the result depends on, and nothing else. */
export interface Wanted {
  readonly photos: string;
  readonly network: string;
  readonly layer: string;
  readonly top: number;
  readonly shard: number;
}

export interface Shard {
  readonly id: number;
  /** Bytes of the list. */
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

export interface Plan extends Wanted {
  /** Hash of the settings and of the list. */
  readonly work: string;
  readonly files: number;
  readonly shards: readonly Shard[];
}

const inWork = (out: string, ...parts: string[]) => path.join(out, 'work', ...parts);
export const partialFile = (out: string, id: number) => inWork(out, `${String(id).padStart(6, '0')}.partial`);

/** Lists the folder; with a plan of an earlier start it must be the same work, or the two results would mix. */
export function makePlan(out: string, wanted: Wanted): Plan {
  const { photos, network, layer, top, shard } = wanted;
  const list = new Draft(inWork(out, 'list.jsonl'));
  const hash = createHash('sha256').update(JSON.stringify([network, layer, top, shard]));
  const shards: Shard[] = [];
  let [from, to, count, files] = [0, 0, 0, 0];
  const cut = () => {
    if (count) shards.push({ id: shards.length, from, to, count });
    [from, count] = [to, 0];
  };
  for (const listed of walkPhotos(photos)) {
    const line = Buffer.from(`${JSON.stringify(listed)}\n`);
    list.write(line);
    hash.update(line);
    to += line.length;
    files++;
    if (++count === shard) cut();
  }
  cut();
  if (files === 0) {
    list.discard();
    throw new CourseError(`文件夹"${photos}"里没有照片（PNG、JPEG、WebP、AVIF）。请检查 --photos。`);
  }
  const plan: Plan = { ...wanted, work: hash.digest('hex').slice(0, 32), files, shards };
  const before = readPlan(out);
  // a plan of which nothing has been done yet (a misspelt layer, say) stands in nobody's way
  const begun = before?.shards.some(({ id }) => fs.existsSync(partialFile(out, id)));
  if (before && begun && before.work !== plan.work) {
    list.discard();
    throw new CourseError(different(out, before, plan));
  }
  list.finish();
  writeWhole(inWork(out, 'plan.json'), JSON.stringify(plan));
  return plan;
}

function readPlan(out: string): Plan | undefined {
  try {
    return JSON.parse(fs.readFileSync(inWork(out, 'plan.json'), 'utf8')) as Plan;
  } catch {
    return undefined;
  }
}

function different(out: string, before: Plan, now: Plan): string {
  const keys = ['network', 'layer', 'top', 'shard', 'files'] as const;
  const changes = keys.filter((key) => before[key] !== now[key]).map((key) => `${key}：${before[key]} → ${now[key]}`);
  const what = changes.length ? changes.join('，') : '照片的名字变了';
  return `"${out}"里是另一项工作的结果（${what}）。请换一个 --out，或删掉这个文件夹再运行。`;
}

export function listedIn(out: string, { from, to }: Shard): Listed[] {
  return [...linesOf(inWork(out, 'list.jsonl'), from, to)].map((line) => JSON.parse(line) as Listed);
}

export const missingShards = (out: string, { work, shards }: Plan): Shard[] =>
  shards.filter(({ id }) => firstOf(partialFile(out, id), work) === undefined);
