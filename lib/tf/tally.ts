import { shared } from '../base/state';

// Counted on and on: whoever wants a part takes the difference.
/** 到现在为止，反向规则一共改了几个 ReLU（relus）与池化（pools），放过了几个门（gates）。 */
export interface Tally {
  /** 改了几个 ReLU。 */
  relus: number;
  /** 改了几个池化。 */
  pools: number;
  /** 放过了几个门。 */
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
