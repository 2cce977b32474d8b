/** Where things lie. Everything set-up writes is inside the project, or in CONVSCOPE_CACHE. */
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
export const windows = process.platform === 'win32';

// the scripts' children run in other folders: what the user meant stays what he meant
for (const name of ['CONVSCOPE_CACHE', 'CONVSCOPE_MODELS']) {
  if (process.env[name]) process.env[name] = path.resolve(process.env[name]);
}

export const inRoot = (...parts) => path.join(root, ...parts);

export function cacheFolder(...parts) {
  return path.join(process.env.CONVSCOPE_CACHE || inRoot('.cache'), ...parts);
}

/** A program of a Python environment. Windows calls its folder of programs Scripts. */
export const programIn = (environment, name) =>
  windows ? path.join(environment, 'Scripts', `${name}.exe`) : path.join(environment, 'bin', name);

/** The project's Python environment. */
export const venvFolder = () => inRoot('.venv');
export const venvProgram = (name) => programIn(venvFolder(), name);

/** JupyterLab's settings, workspaces and runtime files, so that the user's own Jupyter is never touched. */
export const jupyterFolder = (...parts) => inRoot('.jupyter', ...parts);

export function readJson(file, otherwise) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    return otherwise;
  }
}

/** Writes a file whole or not at all: a reader never sees half of it, even when we are killed. */
export function writeWhole(file, content) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}.tmp`;
  fs.writeFileSync(draft, content);
  fs.renameSync(draft, file);
}

export const writeJson = (file, value) => writeWhole(file, `${JSON.stringify(value, null, 2)}\n`);

/** The bytes in a folder; hard links count once, what vanishes while we look counts as nothing. */
export function folderSize(folder, seen = new Set()) {
  let total = 0;
  let entries;
  try {
    entries = fs.readdirSync(folder, { withFileTypes: true });
  } catch {
    return 0;
  }
  for (const entry of entries) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) {
      total += folderSize(file, seen);
    } else if (entry.isFile()) {
      const { size, ino, nlink } = fs.lstatSync(file, { throwIfNoEntry: false }) ?? { size: 0 };
      if (nlink > 1 && seen.has(ino)) continue;
      seen.add(ino);
      total += size;
    }
  }
  return total;
}
