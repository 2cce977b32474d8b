/** One stretch of a campaign, in a process of its own. usage: main.ts KIND FIRST COUNT SEED (from scripts/faults.mjs) */
import { startBackend } from '../../lib/backend';
import { attackImages } from './images';
import { attackKernel } from './kernel';
import { attackByKilling } from './kills';
import type { Campaign } from './tally';
import { attackWeights } from './weights';

const CAMPAIGNS: Record<string, (campaign: Campaign) => Promise<unknown>> = {
  images: attackImages,
  weights: attackWeights,
  kernel: attackKernel,
  kills: attackByKilling,
};

async function main([kind, ...numbers]: string[]): Promise<void> {
  const [first, count, seed] = numbers.map(Number);
  await startBackend('cpu');
  const figures = await CAMPAIGNS[kind]({ first, count, seed, onCase: (index) => process.send?.({ index }) });
  process.send?.({ figures });
  process.disconnect?.();
}

void main(process.argv.slice(2));
