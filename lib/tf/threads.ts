/** As many as the wasm program keeps ready. */
const MOST = 8;

/** How many threads for wasm. Hyper-threads do not compute faster, but two of them may well be two cores. */
export const threadsFor = (cores: number): number => Math.min(MOST, Math.max(Math.min(2, cores), cores >> 1));
