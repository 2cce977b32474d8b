'use strict';
/**
 * File descriptors 1 and 2 of the kernel lead to Jupyter's log. What a cell writes there, itself or through a child
 * process that inherits them, belongs into the notebook.
 */
const fs = require('fs');
const childProcess = require('child_process');
const { syncBuiltinESMExports } = require('module');

const STREAMS = { 1: 'stdout', 2: 'stderr', '/dev/stdout': 'stdout', '/dev/stderr': 'stderr' };

const say = (fd, chunk) => process[STREAMS[fd]].write(chunk);

/** @returns {{ stdio: any[], inherited: number[] }} */
function piped(stdio) {
  const list = Array.isArray(stdio) ? [...stdio] : Array(3).fill(stdio ?? 'pipe');
  const inherited = [1, 2].filter((fd) => ['inherit', fd, process.stdout, process.stderr].includes(list[fd]));
  for (const fd of inherited) list[fd] = 'pipe';
  // nobody types into the kernel's own input
  if (list[0] === 'inherit' || list[0] === 0) list[0] = 'ignore';
  return { stdio: list, inherited };
}

/** Where a call has its options: behind a list of arguments, if there is one. */
const placeOfOptions = (args) => (Array.isArray(args[1]) || (args.length > 2 && !args[1]) ? 2 : 1);

/** Turns what a call would inherit into pipes, in its options; gives the streams that have to be passed on. */
function inheritedOf(args) {
  const at = placeOfOptions(args);
  const options = args[at];
  if (!options?.stdio) return [];
  const { stdio, inherited } = piped(options.stdio);
  args[at] = { ...options, stdio };
  return inherited;
}

/** Children that run beside the cell. */
function passOnStreams({ spawn, fork }) {
  const passOn = (child, fds) => {
    for (const fd of fds) child[STREAMS[fd]]?.on('data', (chunk) => say(fd, chunk));
    return child;
  };
  childProcess.spawn = function (...args) {
    const inherited = inheritedOf(args);
    return passOn(spawn.apply(this, args), inherited);
  };
  childProcess.fork = function (...args) {
    const at = placeOfOptions(args);
    if (args[at]?.silent || args[at]?.stdio) return fork.apply(this, args);
    args[at] = { ...args[at], silent: true };
    return passOn(fork.apply(this, args), [1, 2]);
  };
}

/** Children that the cell waits for. */
function passOnOutput({ spawnSync, execSync, execFileSync }) {
  childProcess.spawnSync = function (...args) {
    const inherited = inheritedOf(args);
    const result = spawnSync.apply(this, args);
    for (const fd of inherited) {
      if (result[STREAMS[fd]]?.length > 0) say(fd, result[STREAMS[fd]]);
      result[STREAMS[fd]] = null;
      if (result.output) result.output[fd] = null;
    }
    return result;
  };
  childProcess.execSync = withOutput(execSync, () => 1);
  childProcess.execFileSync = withOutput(execFileSync, placeOfOptions);
}

/** For calls that answer with what was written to the standard output. */
const withOutput = (run, placeOf) =>
  function (...args) {
    const place = placeOf(args);
    const { stdio: wanted, ...options } = args[place] ?? {};
    // without a word about it Node itself writes the error output to process.stderr
    if (!wanted) return run.apply(this, args);
    const { stdio, inherited } = piped(wanted);
    args[place] = inherited.includes(2) ? options : { ...options, stdio };
    try {
      const output = run.apply(this, args);
      if (inherited.includes(1)) say(1, output);
      return inherited.includes(1) || stdio[1] !== 'pipe' ? null : output;
    } catch (error) {
      if (inherited.includes(1) && error.stdout?.length > 0) say(1, error.stdout);
      throw error;
    }
  };

/** `fs.writeSync(1, …)` and its relatives. */
function passOnFiles({ write, writeSync, writeFileSync, createWriteStream }) {
  fs.writeSync = (fd, data, at, length, ...rest) => {
    if (!STREAMS[fd]) return writeSync(fd, data, at, length, ...rest);
    return sayPart(fd, data, at?.offset ?? at, at?.length ?? length);
  };
  // a proxy has what util.promisify looks for
  fs.write = new Proxy(write, {
    apply(_write, self, [fd, data, ...rest]) {
      const done = rest.at(-1);
      if (!STREAMS[fd] || typeof done !== 'function') return Reflect.apply(write, self, [fd, data, ...rest]);
      const count = fs.writeSync(fd, data, ...rest.slice(0, -1));
      process.nextTick(() => done(null, count, data));
    },
  });
  fs.writeFileSync = (file, data, ...rest) =>
    STREAMS[file] ? void say(file, data) : writeFileSync(file, data, ...rest);
  fs.createWriteStream = (file, /** @type {{ fd?: number }} */ options) =>
    STREAMS[options?.fd] ? process[STREAMS[options.fd]] : createWriteStream(file, options);
}

/** @returns {number} bytes written */
function sayPart(fd, data, offset = 0, length = Infinity) {
  const isText = typeof data === 'string';
  const chunk = isText
    ? data
    : Buffer.from(data.buffer, data.byteOffset, data.byteLength).subarray(offset, offset + length);
  say(fd, chunk);
  return Buffer.byteLength(chunk);
}

function install() {
  passOnStreams(childProcess);
  passOnOutput(childProcess);
  passOnFiles(fs);
  syncBuiltinESMExports();
}

module.exports = { install };
