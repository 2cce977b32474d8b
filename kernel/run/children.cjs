'use strict';
/**
 * File descriptors 1 and 2 of the kernel lead to Jupyter's log. What a cell writes there, itself or through a child
 * process that inherits them, belongs into the notebook.
 */
const fs = require('fs');
const childProcess = require('child_process');
const { syncBuiltinESMExports } = require('module');

const STREAMS = { 1: 'stdout', 2: 'stderr', '/dev/stdout': 'stdout', '/dev/stderr': 'stderr' };

/** @returns {{ stdio: any[], inherited: number[] }} */
function piped(stdio) {
  const list = Array.isArray(stdio) ? [...stdio] : Array(3).fill(stdio ?? 'pipe');
  const inherited = [1, 2].filter((fd) => {
    const target = list[fd];
    return (
      target === 'inherit' || target === fd || (target && (target === process.stdout || target === process.stderr))
    );
  });
  for (const fd of inherited) list[fd] = 'pipe';
  // nobody types into the kernel's own input
  if (list[0] === 'inherit' || list[0] === 0) list[0] = 'ignore';
  return { stdio: list, inherited };
}

const takesArguments = (args) => (Array.isArray(args[1]) ? 2 : 1);

/** Turns what a call would inherit into pipes, in its options; gives the streams that have to be passed on. */
function inheritedOf(args) {
  const at = takesArguments(args);
  const options = args[at];
  if (!options?.stdio) return [];
  const { stdio, inherited } = piped(options.stdio);
  args[at] = { ...options, stdio };
  return inherited;
}

function install() {
  const { spawn, spawnSync, execSync, execFileSync, fork } = childProcess;

  childProcess.spawn = function (...args) {
    const inherited = inheritedOf(args);
    const child = spawn.apply(this, args);
    for (const fd of inherited) child[STREAMS[fd]]?.on('data', (chunk) => process[STREAMS[fd]].write(chunk));
    return child;
  };

  childProcess.fork = function (file, ...rest) {
    const at = Array.isArray(rest[0]) ? 1 : 0;
    const silent = rest[at]?.silent || rest[at]?.stdio;
    if (silent) return fork.call(this, file, ...rest);
    rest[at] = { ...rest[at], silent: true };
    const child = fork.call(this, file, ...rest);
    for (const name of ['stdout', 'stderr']) child[name]?.on('data', (chunk) => process[name].write(chunk));
    return child;
  };

  childProcess.spawnSync = function (...args) {
    const inherited = inheritedOf(args);
    const result = spawnSync.apply(this, args);
    for (const fd of inherited) forward(result, fd, true);
    return result;
  };

  const sync = (run, at) =>
    function (...args) {
      const place = at(args);
      const { stdio: wanted, ...options } = args[place] ?? {};
      // without a word about it Node itself writes the error output to process.stderr
      if (!wanted) return run.apply(this, args);
      const { stdio, inherited } = piped(wanted);
      args[place] = inherited.includes(2) ? options : { ...options, stdio };
      try {
        const output = run.apply(this, args);
        if (inherited.includes(1)) process.stdout.write(output);
        return inherited.includes(1) || stdio[1] !== 'pipe' ? null : output;
      } catch (error) {
        if (inherited.includes(1)) forward(error, 1, false);
        throw error;
      }
    };
  childProcess.execSync = sync(execSync, () => 1);
  childProcess.execFileSync = sync(execFileSync, takesArguments);

  const { write, writeSync, writeFileSync, createWriteStream } = fs;
  const text = (data, offset, length) =>
    typeof data === 'string' ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength).subarray(offset ?? 0, length === undefined ? undefined : (offset ?? 0) + length); // prettier-ignore
  fs.writeSync = (fd, data, offset, length, ...rest) => {
    if (!STREAMS[fd]) return writeSync(fd, data, offset, length, ...rest);
    const chunk = typeof data === 'string' ? data : text(data, offset?.offset ?? offset, offset?.length ?? length);
    process[STREAMS[fd]].write(chunk);
    return Buffer.byteLength(chunk);
  };
  fs.write = (fd, data, ...rest) => {
    const done = rest.at(-1);
    if (!STREAMS[fd] || typeof done !== 'function') return write(fd, data, ...rest);
    const count = fs.writeSync(fd, data, ...rest.slice(0, -1));
    process.nextTick(() => done(null, count, data));
  };
  fs.writeFileSync = (file, data, ...rest) =>
    STREAMS[file] ? void process[STREAMS[file]].write(data) : writeFileSync(file, data, ...rest);
  fs.createWriteStream = (file, options) =>
    STREAMS[options?.fd] ? process[STREAMS[options.fd]] : createWriteStream(file, options);
  syncBuiltinESMExports();
}

function forward(result, fd, take) {
  const output = result[STREAMS[fd]];
  if (output?.length > 0) process[STREAMS[fd]].write(output);
  if (!take) return;
  result[STREAMS[fd]] = null;
  if (result.output) result.output[fd] = null;
}

module.exports = { install };
