/** Reads what a test file printed. Silence is a failure: a file that ran nothing has not passed. */

const plain = (text) => text.replace(/\u001b\[[0-9;]*m/g, '');

/** `SKIP name: reason` lines, which our helpers print for a test that cannot run here. */
function skippedTests(output) {
  return [...plain(output).matchAll(/^SKIP (.+?)(?:：|: )(.+)$/gm)].map(([, name, reason]) => ({ name, reason }));
}

function countOf(label, text) {
  const found = [...text.matchAll(new RegExp(`^\\s*${label}:\\s+(\\d+)`, 'gm'))];
  return found.length > 0 ? Number(found.at(-1)[1]) : undefined;
}

/**
 * The verdict on one test file from its exit code and its output: { passed, failed, skipped, skips, reason? }.
 * A test that printed SKIP and returned was counted as passed by uvu; it is moved to the skipped ones. With
 * `onlyWeights` the others of the file were left out on purpose (test/helpers.ts): they have run in `npm test`.
 * @returns {Omit<import('./board.mjs').Result, 'name'>}
 */
export function judge(code, output, { onlyWeights = false } = {}) {
  const text = plain(output);
  const total = countOf('Total', text);
  const passed = countOf('Passed', text);
  const skips = skippedTests(output);
  const failure = (reason) => ({ passed: 0, failed: 1, skipped: 0, skips, reason });
  if (total === undefined || passed === undefined) {
    return failure(code === 0 ? 'no summary: did it call test.run()?' : `ended without a summary (exit ${code})`);
  }
  const notRun = onlyWeights ? 0 : (countOf('Skipped', text) ?? 0);
  if (total + notRun === 0) return failure('no tests');
  const failed = total - passed;
  const announced = Math.max(0, Math.min(skips.length - notRun, passed));
  const counts = { passed: passed - announced, failed, skipped: notRun + announced, skips };
  if (code !== 0 && failed === 0) return { ...counts, failed: 1, reason: `all tests passed, but exit ${code}` };
  return counts;
}
