/** Starts other programs: quietly, with what they said kept for the error message. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { inRoot, root, windows } from './paths.mjs';

const children = new Set();

/** The process numbers of what we have started and what has not ended. */
export const runningPrograms = () => [...children].map((child) => child.pid);

const listeners = new Set();

/** Calls `listener` whenever a program has been started; gives back how to stop that. */
export function onProgramStart(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Our children end with us: otherwise an interrupted set-up would leave pip or g++ running. */
function endChildren() {
  for (const child of children) child.kill('SIGTERM');
}
process.on('exit', endChildren);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    if (process.listenerCount(signal) > 0) return; // somebody else (the server's loop) decides
    endChildren();
    process.exit(signal === 'SIGINT' ? 130 : 143);
  });
}

export class CommandError extends Error {
  constructor(command, code, output) {
    super(`${command} (exit ${code})\n${excerpt(output)}`.trim());
    this.name = 'CommandError';
    this.code = code;
    this.output = output;
  }
}

/** The beginning names the cause with npm, the end with Python and compilers. */
function excerpt(output) {
  const lines = output.trim().split('\n');
  if (lines.length <= 24) return lines.join('\n');
  return [...lines.slice(0, 10), '…', ...lines.slice(-12)].join('\n');
}

/**
 * @typedef {object} Running
 * @property {string} [cwd] default: the project's folder
 * @property {Record<string, string | undefined>} [env] added to our own
 * @property {boolean} [echo]
 * @property {(line: string) => void} [onLine]
 * @property {number} [limitSeconds]
 * @property {boolean} [check] a bad exit is an error; default true
 */

/**
 * Runs a program to its end and gives its output. `echo` shows the output while it comes, `onLine` gets the
 * lines of its standard output.
 * A time limit kills it; a program that cannot be started has the code 127.
 * @param {string} program
 * @param {string[]} args
 * @param {Running} options
 * @returns {Promise<{ code: number, output: string, stdout: string }>}
 */
export function run(program, args = [], options = {}) {
  const { cwd = root, env = {}, echo = false, onLine, limitSeconds, check = true } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
      // npm is a .cmd file on Windows, which only a shell can start
      shell: windows && /\.cmd$/i.test(program),
    });
    children.add(child);
    for (const listener of listeners) listener();
    let output = '';
    let stdout = '';
    let rest = '';
    const timer = limitSeconds && setTimeout(() => child.kill('SIGKILL'), limitSeconds * 1000);
    const take = (stream, isError) =>
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
        if (!isError) {
          stdout += text;
          const lines = (rest + text).split('\n');
          rest = lines.pop();
          if (onLine) lines.forEach(onLine);
        }
        if (echo) (isError ? process.stderr : process.stdout).write(text);
      });
    take(child.stdout, false);
    take(child.stderr, true);
    const finish = (code) => {
      clearTimeout(timer);
      children.delete(child);
      if (code !== 0 && check) reject(new CommandError([path.basename(program), ...args].join(' '), code, output));
      else resolve({ code, output, stdout });
    };
    child.on('error', (error) => {
      output += error.message;
      finish(127);
    });
    child.on('close', (code, signal) => finish(code ?? (signal ? 137 : 1)));
  });
}

/** The full path of a program on PATH, or undefined. */
export function findProgram(...names) {
  const endings = windows ? ['.exe', '.cmd', ''] : [''];
  for (const name of names) {
    if (path.isAbsolute(name)) {
      if (fs.existsSync(name)) return name;
      continue;
    }
    for (const folder of (process.env.PATH ?? '').split(path.delimiter).filter(Boolean)) {
      for (const ending of endings) {
        const file = path.join(folder, name + ending);
        try {
          fs.accessSync(file, fs.constants.X_OK);
          if (fs.statSync(file).isFile()) return file;
        } catch {
          // not here
        }
      }
    }
  }
  return undefined;
}

/** The browser tests' Chromium, from the system: nothing is downloaded for them. */
export function findChromium() {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  return findProgram(...(process.env.CONVSCOPE_CHROMIUM ? [process.env.CONVSCOPE_CHROMIUM] : names));
}

/** How our scripts start a TypeScript file: `node ...tsxArguments() file.ts`. */
export const tsxArguments = () => ['--import', pathToFileURL(inRoot('node_modules', 'tsx', 'dist', 'loader.mjs')).href];
