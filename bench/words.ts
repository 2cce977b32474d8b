import { parseArgs, type ParseArgsConfig } from 'node:util';

/**
 * The words behind a benchmark's name: `values` of the switches and the rest in order. What is no switch, or less than
 * the words it needs, ends the program with the usage.
 */
export function readWords<const T extends NonNullable<ParseArgsConfig['options']>>(
  usage: string,
  options: T,
  needed = 0,
) {
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    if (positionals.length >= needed) return { values, positionals };
  } catch (error) {
    console.error((error as Error).message);
  }
  console.error(`usage: npx tsx bench/${usage}`);
  process.exit(2);
}
