import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { projectRoot } from './paths';

/** `import … from './x'`, `export … from './x'`, `import './x'`; what is imported as types only is not run. */
const STATEMENT = /^[ \t]*(?:import|export)\s+(?!type\b)(?:[^'"]*?\sfrom\s+)?['"](\.[^'"]+)['"]/gm;
/** `require('./x')` and `import('./x')`. */
const CALL = /\b(?:require|import)\(\s*['"](\.[^'"]+)['"]/g;

function importsOf(file: string): string[] {
  const text = fs.readFileSync(file, 'utf8');
  const names = [STATEMENT, CALL].flatMap((pattern) => [...text.matchAll(pattern)].map(([, name]) => name));
  // a sentence in a comment may look like an import: of that there is no file
  return names.flatMap((name) => {
    const at = path.join(path.dirname(file), name);
    return [`${at}.ts`, at].filter((candidate) => fs.statSync(candidate, { throwIfNoEntry: false })?.isFile());
  });
}

/** All modules that run when these run, found through their relative imports: full paths, sorted. */
export function modulesBehind(entries: readonly string[]): string[] {
  const found = new Set<string>();
  const queue = entries.map((file) => path.resolve(file));
  for (let file = queue.pop(); file; file = queue.pop()) {
    if (found.has(file)) continue;
    found.add(file);
    if (file.endsWith('.ts')) queue.push(...importsOf(file));
  }
  return [...found].sort();
}

/**
 * A fingerprint of the modules of lib named and of all they import: what was computed with other code has another one.
 * Line ends do not count.
 */
export function codeFingerprint(...names: string[]): string {
  const lib = path.join(projectRoot(), 'lib');
  const hash = createHash('sha256');
  for (const file of modulesBehind(names.map((name) => path.join(lib, name)))) {
    hash.update(path.relative(lib, file).replaceAll('\\', '/'));
    hash.update(fs.readFileSync(file, 'utf8').replaceAll('\r\n', '\n'));
  }
  // 32 bits: two of the few states that one folder ever sees hardly meet
  return hash.digest('hex').slice(0, 8);
}
