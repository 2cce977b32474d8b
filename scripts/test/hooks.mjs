/**
 * Loaded into every test file. uvu swallows the error of a `before` hook and prints `0 / 7` alone: the reason is
 * printed here, before uvu goes on.
 */
import { createRequire } from 'node:module';

// tests in TypeScript load the one, tests in JavaScript the other
const both = [createRequire(import.meta.url)('uvu'), await import('uvu')];

for (const { test } of both) {
  const { before } = test;
  test.before = (hook) =>
    before(async (state) => {
      try {
        await hook(state);
      } catch (error) {
        console.error(`\n  FAILED in a before hook, so that no test ran:\n${error?.stack ?? error}`);
        throw error;
      }
    });
  test.before.each = before.each;
}
