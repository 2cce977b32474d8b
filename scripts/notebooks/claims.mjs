/** Compares numbers of today with numbers on record. */
import path from 'node:path';
import { inRoot, readJson } from '../setup/paths.mjs';

export const claimsFile = () => inRoot('data', 'records', 'claims.json');
export const claimsOnRecord = (file) => readJson(claimsFile(), {})[path.basename(file, '.ipynb')];

/** Below this size a number is compared absolutely: the relative error of rounding noise means nothing. */
const FLOOR = 1e-4;

export function near(got, expected, tolerance) {
  if (!Number.isFinite(got) || !Number.isFinite(expected)) return false;
  return Math.abs(got - expected) <= tolerance * Math.max(Math.abs(expected), FLOOR);
}

/**
 * Numbers, lists and records of numbers alike; gives a complaint for every one that differs. `absolute` gives bounds by
 * name for what has a scale of its own: of a correlation near 0, a fifth means nothing.
 */
export function numberFaults(name, got, expected, tolerance, absolute = {}) {
  if (typeof expected === 'number') {
    const bound = absolute[name.slice(name.lastIndexOf('.') + 1)];
    const fine = bound === undefined ? near(got, expected, tolerance) : Math.abs(got - expected) <= bound;
    const allowed = bound === undefined ? `tolerance ${tolerance}` : `at most ${bound} away`;
    return fine ? [] : [`${name}: ${JSON.stringify(got)}, on record ${expected} (${allowed})`];
  }
  if (typeof expected !== 'object' || expected === null) {
    return got === expected ? [] : [`${name}: ${JSON.stringify(got)}, on record ${JSON.stringify(expected)}`];
  }
  const keys = [...new Set([...Object.keys(expected), ...Object.keys(got ?? {})])];
  return keys.flatMap((key) => numberFaults(`${name}.${key}`, got?.[key], expected[key], tolerance, absolute));
}

/** The claims of one notebook against its entry in the record: { [id]: { measured, control, holds, tolerance } }. */
export function claimFaults(claims, record = {}) {
  const seen = new Set();
  const faults = claims.flatMap(({ id, measured, control, holds }) => {
    if (seen.has(id)) return [`claim ${id} is made twice`];
    seen.add(id);
    const expected = record[id];
    if (!expected) return [`claim ${id} is not on record: npm run notebooks -- --write`];
    const { tolerance = 0.05 } = expected;
    return [
      ...(holds === expected.holds ? [] : [`claim ${id}: holds is ${holds}, on record ${expected.holds}`]),
      ...numberFaults(`claim ${id}: measured`, measured, expected.measured, tolerance),
      ...numberFaults(`claim ${id}: control`, control, expected.control, tolerance),
    ];
  });
  const gone = Object.keys(record).filter((id) => !seen.has(id));
  return [...faults, ...gone.map((id) => `claim ${id} is on record, but was not made`)];
}

/** What goes on record, in the order of the notebook. */
export function recordOf(claims) {
  return Object.fromEntries(
    claims.map(({ id, measured, control, holds, tolerance }) => [id, { measured, control, holds, tolerance }]),
  );
}
