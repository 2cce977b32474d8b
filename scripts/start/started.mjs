/** Starts the course as `npm start -- --no-browser` does, and waits for the address that it prints. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { inRoot } from '../setup/paths.mjs';

export const startCourse = (...words) => startCourseIn({}, ...words);

/** The same with other environment variables. */
export async function startCourseIn(environment, ...words) {
  // from any folder: nothing depends on where it is started
  const args = [inRoot('scripts', 'start.mjs'), '--no-browser', ...words];
  const child = spawn(process.execPath, args, {
    cwd: path.parse(inRoot()).root,
    env: { ...process.env, ...environment },
  });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  let output = '';
  const ready = new Promise((resolve, reject) => {
    const take = (text) => {
      output += text;
      const found = output.match(/(http:\/\/127\.0\.0\.1:\d+)\S*\?token=(\w+)/);
      if (found) resolve({ base: found[1], token: found[2] });
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    void ended.then((code) => reject(new Error(`ended with ${code} before it was ready:\n${output}`)));
  });
  /** @param {NodeJS.Signals} signal */
  const stop = async (signal = 'SIGINT') => {
    child.kill(signal);
    return ended;
  };
  return { ...(await ready), stop, output: () => output };
}
