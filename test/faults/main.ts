/** One stretch of a campaign, in a process of its own. usage: main.ts KIND FIRST COUNT SEED (from scripts/faults.mjs) */
import { startBackend } from '../../lib/tf/backend';
import { attackByHours } from './hours';
import { attackImages, FORMATS } from './images';
import { attackKernel } from './kernel';
import { attackByKilling } from './kills';
import { attackMemory } from './memory';
import type { Campaign } from './tally';
import { attackHead, attackWeights } from './weights';

const CAMPAIGNS: Record<string, (campaign: Campaign) => Promise<unknown>> = {
  images: (campaign) => attackImages(campaign),
  ...Object.fromEntries(FORMATS.map((format) => [format, (campaign: Campaign) => attackImages(campaign, [format])])),
  weights: attackWeights,
  head: attackHead,
  kernel: attackKernel,
  kills: attackByKilling,
  // CONVSCOPE_CHAPTERS="00 01": only these, many rounds in a short time.
  hours: (campaign) => attackByHours(campaign, process.env.CONVSCOPE_CHAPTERS?.split(' ')),
  // the count is the limit in MB
  memory: ({ count, onCase }) => attackMemory(count, onCase),
};

async function main([kind, ...numbers]: string[]): Promise<void> {
  const [first, count, seed] = numbers.map(Number);
  await startBackend('cpu');
  const figures = await CAMPAIGNS[kind]({ first, count, seed, onCase: (index) => process.send?.({ index }) });
  // at once: a campaign may still be waiting for an answer of a kernel that is gone
  process.send?.({ figures }, () => process.exit());
}

void main(process.argv.slice(2));
