/** What is killed: a piece of work that can be begun again and again. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Running } from './course';

export interface Begun extends Running {
  /** Which part of the work is being done, for the table. */
  readonly phase: () => string;
}

export interface Area {
  readonly name: string;
  /** Before the first start of a case. */
  prepare(): void | Promise<void>;
  begin(): Begun;
  /** Between a kill and the next start: is anything already taken for whole that is not? */
  between?(): string[];
  /** After a start that was not killed. */
  check(code: number | null, output: string): string[] | Promise<string[]>;
}

const HALF_DONE = /\.(tmp|part|lock|stale|new)$|\.draft-\d+$|\.\d{3,}$/;

/** Files that a killed process was writing and that nobody has cleared away. */
export function litter(folder: string, except: readonly string[] = []): string[] {
  const found: string[] = [];
  const walk = (at: string) => {
    for (const entry of fs.readdirSync(path.join(folder, at), { withFileTypes: true })) {
      const file = path.join(at, entry.name);
      if (except.includes(file) || file.startsWith(path.join('.venv', 'lib'))) continue;
      if (HALF_DONE.test(entry.name)) found.push(`没有清理的 ${file}`);
      else if (entry.isDirectory()) walk(file);
    }
  };
  walk('');
  return found;
}
