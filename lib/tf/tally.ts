import { shared } from '../base/state';

/** How many rectifiers and pools the backward rules have changed so far, in all; whoever wants a part takes the difference. */
export interface Tally {
  relus: number;
  pools: number;
  gates: number;
}

export const tally = (): Tally => shared('tally', () => ({ relus: 0, pools: 0, gates: 0 }));

/** What has been added since. */
export const since = (before: Tally): Tally => {
  const { relus, pools, gates } = tally();
  return { relus: relus - before.relus, pools: pools - before.pools, gates: gates - before.gates };
};

export function add({ relus, pools, gates }: Tally): void {
  const now = tally();
  now.relus += relus;
  now.pools += pools;
  now.gates += gates;
}
