'use strict';
/** What every module of Node finds without asking. */
const { Buffer } = require('buffer');

const root = '/convscope';

const stream = (name) => ({
  isTTY: false,
  write: (text) => (console[name === 'stderr' ? 'error' : 'log'](text), true),
});

/** Failures that nobody awaits are events of the page here. */
const EVENTS = {
  unhandledRejection: ['unhandledrejection', ({ reason }) => reason],
  uncaughtException: ['error', ({ error, message }) => error ?? message],
};
function on(name, hear) {
  const [event, thrown] = EVENTS[name] ?? [];
  const told = (given) => {
    given.preventDefault();
    hear(thrown(given));
  };
  if (event) globalThis.addEventListener(event, told);
  return process;
}

const process = {
  // a page asks nothing from elsewhere: a network that is not among its files has a substitute
  env: { CONVSCOPE_OFFLINE: '1' },
  pid: 1,
  argv: [],
  platform: 'browser',
  version: '',
  versions: {},
  browser: true,
  exitCode: undefined,
  cwd: () => `${root}/notebooks`,
  nextTick: (work, ...args) => queueMicrotask(() => work(...args)),
  hrtime: Object.assign(() => [0, 0], { bigint: () => BigInt(Math.round(performance.now() * 1e6)) }),
  uptime: () => performance.now() / 1000,
  memoryUsage: () => ({ rss: 0, heapTotal: 0, heapUsed: performance.memory?.usedJSHeapSize ?? 0, external: 0 }),
  stdout: stream('stdout'),
  stderr: stream('stderr'),
  on,
  off: () => process,
  emitWarning: (warning) => console.warn(warning),
};

/** A turn of the event loop, without a timer's four milliseconds. */
const { port1, port2 } = new MessageChannel();
const turns = [];
port1.onmessage = () => turns.shift()?.();
// the site's build runs this in Node, and must come to its end
port1.unref?.();
function setImmediate(work, ...args) {
  const turn = () => work(...args);
  turns.push(turn);
  port2.postMessage(undefined);
  return turn;
}
const clearImmediate = (turn) => {
  const at = turns.indexOf(turn);
  if (at >= 0) turns[at] = () => undefined;
};

for (const [name, value] of Object.entries({ Buffer, process, setImmediate, clearImmediate, global: globalThis }))
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });

module.exports = { root };
