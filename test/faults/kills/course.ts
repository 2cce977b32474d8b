/**
 * A small course to be killed in: the real scripts, kernel and library, with few packages. npm installs them from
 * packed files, pip from wheels beside them, the weights come from a server on this machine: no network.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { projectRoot } from '../../../lib/base/paths';
import { standInPackages } from './stand-in';

const WHEELS = 4;
const FILES_IN_WHEEL = 150;
/** Real packages: what set-up needs to start TypeScript, and some to keep npm busy for a moment. */
const packagesOfTheCourse = (root: string) => [
  'tsx',
  'esbuild',
  ...fs.readdirSync(path.join(root, 'node_modules', '@esbuild')).map((name) => `@esbuild/${name}`),
  'typescript',
  'uvu',
];

export interface Course {
  readonly root: string;
  readonly environment: NodeJS.ProcessEnv;
}

function done(program: string, words: string[], cwd?: string): string {
  const { status, stdout, stderr, error } = spawnSync(program, words, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${words.join(' ')}: ${error ?? stderr}`);
  return stdout;
}

/** One packed package, and its entry in the lockfile. */
function pack(name: string, from: string, root: string) {
  const { version } = JSON.parse(fs.readFileSync(path.join(from, 'package.json'), 'utf8'));
  const file = `vendor/${name.replace('/', '+')}.tgz`;
  done('tar', ['-czf', path.join(root, file), '-C', from, '.']);
  const integrity = `sha512-${createHash('sha512')
    .update(fs.readFileSync(path.join(root, file)))
    .digest('base64')}`;
  return { name, file: `file:${file}`, entry: { version, resolved: `file:${file}`, integrity } };
}

/** @param address the server with the weights, which also plays the host of the native backend */
export function makeCourse(address: string): Course {
  const original = projectRoot();
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope 被杀-'));
  for (const part of ['scripts', 'kernel', 'lib', 'tsconfig.json'])
    fs.cpSync(path.join(original, part), path.join(root, part), { recursive: true });
  fs.mkdirSync(path.join(root, 'vendor'));
  fs.mkdirSync(path.join(root, 'tmp'));
  const standIns = standInPackages(path.join(root, 'stand-ins'));
  const sources = packagesOfTheCourse(original).map((name) => [name, path.join(original, 'node_modules', name)]);
  const packed = [...sources, ...Object.entries(standIns)].map(([name, from]) => pack(name, from, root));
  const described = {
    name: 'convscope',
    version: '0.1.0',
    dependencies: Object.fromEntries(packed.map(({ name, file }) => [name, file])),
  };
  const entries = packed.map(({ name, entry }) => [`node_modules/${name}`, entry]);
  const lock = {
    name: 'convscope',
    version: '0.1.0',
    lockfileVersion: 3,
    requires: true,
    packages: { '': described, ...Object.fromEntries(entries) },
  };
  fs.writeFileSync(path.join(root, 'package.json'), JSON.stringify(described));
  fs.writeFileSync(path.join(root, 'package-lock.json'), JSON.stringify(lock));
  const names = Array.from({ length: WHEELS }, (_, i) => `convscope_kills_${i}==1.0`);
  fs.writeFileSync(path.join(root, 'requirements.txt'), `${names.join('\n')}\n`);
  const script = path.join(original, 'test', 'faults', 'kills', 'make-wheels.py');
  done('python3', [script, path.join(root, '.cache', 'wheels'), String(WHEELS), String(FILES_IN_WHEEL)]);
  const { CONVSCOPE_MODELS, CONVSCOPE_CACHE, CONVSCOPE_OFFLINE, npm_execpath, ...rest } = process.env;
  void [CONVSCOPE_MODELS, CONVSCOPE_CACHE, CONVSCOPE_OFFLINE, npm_execpath];
  const environment = {
    ...rest,
    CONVSCOPE_NATIVE: 'prebuilt',
    CONVSCOPE_MODEL_URL: address,
    TFJS_NODE_CDN_STORAGE: address,
    TMPDIR: path.join(root, 'tmp'),
    npm_config_cache: path.join(root, 'npm-cache'),
    npm_config_update_notifier: 'false',
    // records of this small course are made with the real packages
    NODE_PATH: path.join(original, 'node_modules'),
  };
  return { root, environment };
}

/** As after a clone: nothing is installed. */
export function forget({ root }: Course): void {
  for (const part of ['node_modules', '.venv', 'npm-cache'])
    fs.rmSync(path.join(root, part), { recursive: true, force: true });
  for (const name of fs.readdirSync(path.join(root, '.cache')))
    if (name !== 'wheels') fs.rmSync(path.join(root, '.cache', name), { recursive: true, force: true });
}

export interface Running {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
  /** kill -9: the process alone, or with everything it has started, as when the power fails. */
  kill(everything: boolean): void;
}

/** Starts a program in a process group of its own. */
export function start(words: readonly string[], cwd: string, environment: NodeJS.ProcessEnv): Running {
  const child = spawn(process.execPath, words, {
    cwd,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  const kill = (everything: boolean) => {
    try {
      process.kill(everything ? -child.pid! : child.pid!, 'SIGKILL');
    } catch {
      // it has just ended by itself
    }
  };
  return { child, output: () => output, ended, kill };
}
