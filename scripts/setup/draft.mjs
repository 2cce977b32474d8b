import fs from 'node:fs';
import path from 'node:path';

/**
 * Makes a folder next to its place, and moves it there only when it is finished: half of it never stands there.
 * @template T
 * @param {string} final
 * @param {(draft: string) => Promise<T>} make
 */
export async function finished(final, make) {
  const parent = path.dirname(final);
  const drafts = `${path.basename(final)}.draft-`;
  fs.mkdirSync(parent, { recursive: true });
  // What a killed run left behind.
  for (const name of fs.readdirSync(parent))
    if (name.startsWith(drafts)) fs.rmSync(path.join(parent, name), { recursive: true, force: true });
  const draft = path.join(parent, `${drafts}${process.pid}`);
  fs.mkdirSync(draft);
  try {
    const made = await make(draft);
    fs.rmSync(final, { recursive: true, force: true });
    fs.renameSync(draft, final);
    return made;
  } finally {
    fs.rmSync(draft, { recursive: true, force: true });
  }
}
