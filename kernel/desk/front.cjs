'use strict';
/**
 * The kernel's front desk: a thread that owns the sockets. Cells run in the main thread, so this one always answers:
 * the heartbeat, the queue of cells, interrupts of a loop that never lets the main thread look up, on every system.
 */
const { parentPort, workerData } = require('worker_threads');
const fs = require('fs');
const zmq = require('zeromq');
const { Wire } = require('./wire.cjs');
const { TextCollector } = require('./collect.cjs');
const { kernelInfo } = require('./info.cjs');
const { History } = require('./history.cjs');
const { terminateMain } = require('./stop.cjs');
const { endWithParent } = require('../run/parent.cjs');

const connection = JSON.parse(fs.readFileSync(workerData.connectionFile, 'utf8'));
const wire = new Wire(connection);
/** [acknowledged interrupts, phase of the main thread, an answer lies at the port] */
const shared = new Int32Array(workerData.shared);
const [ACKNOWLEDGED, PHASE, ANSWERED] = [0, 1, 2];
/** How long a cell may be deaf, by phase: the kernel's own work (loading, compiling) is never cut off. */
const PATIENCE = [Infinity, 100, 2000];
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const sockets = {
  iopub: new zmq.Publisher(),
  shell: new zmq.Router(),
  control: new zmq.Router(),
  stdin: new zmq.Router(),
  hb: new zmq.Reply(),
};

/** Requests by message id; kept after their end because late output still belongs to them. */
const requests = new Map();
/** Cells waiting for their turn. */
let queue = [];
/** The cell that the main thread has. */
let running;
let count = 0;
let closing = false;
const history = new History();
/** Where answers to a waiting main thread go. @type {import('worker_threads').MessagePort} */
let inputPort;
/** The question that nobody has answered yet. @type {{ isLine: boolean } | undefined} */
let question;

// ---- sending ----------------------------------------------------------------------------------------------------

function publish(request, type, content) {
  if (closing) return;
  sockets.iopub.send(wire.encode([Buffer.from(`kernel.${type}`)], type, content, request?.header));
  if (type === 'execute_result') history.setOutput(content.execution_count, content.data['text/plain']);
}

function reply(request, content, type = request.header.msg_type.replace(/_request$/, '_reply')) {
  request.socket.send(wire.encode(request.identities, type, content, request.header));
}

const status = (request, state) => publish(request, 'status', { execution_state: state });

/** Answers at once, marked as work on the request; a cell that is running stays the kernel's state. */
function answer(request, content, type) {
  status(request, 'busy');
  reply(request, content, type);
  status(request, 'idle');
  if (running) status(running, 'busy');
}

// ---- cells ------------------------------------------------------------------------------------------------------

function next() {
  if (running || closing) return;
  running = queue.shift();
  if (!running) return;
  const { code, silent = false, store_history = !silent, allow_stdin = false, user_expressions } = running.content;
  if (!silent && store_history) history.add(++count, code);
  running.count = count;
  status(running, 'busy');
  if (!silent) publish(running, 'execute_input', { code, execution_count: count });
  const id = running.header.msg_id;
  const expressions = isObject(user_expressions) ? user_expressions : {};
  parentPort.postMessage({ type: 'execute', id, code, count, silent, allowStdin: allow_stdin === true, expressions });
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** @param {{ error?: { ename: string, evalue: string, traceback: string[] }, values?: object }} outcome */
function finishCell(outcome) {
  const request = running;
  text.flush();
  giveAnswer(undefined);
  const failed = outcome.error !== undefined;
  if (failed && !request.content.silent) publish(request, 'error', outcome.error);
  if (failed && request.content.stop_on_error !== false) abortQueue();
  const base = { execution_count: request.count };
  reply(
    request,
    failed
      ? { status: 'error', ...base, ...outcome.error }
      : { status: 'ok', ...base, user_expressions: outcome.values ?? {}, payload: [] },
  );
  status(request, 'idle');
  running = undefined;
  next();
}

function abortQueue() {
  const waiting = queue;
  queue = [];
  for (const request of waiting) {
    status(request, 'busy');
    reply(request, { status: 'aborted' });
    status(request, 'idle');
    if (running) status(running, 'busy');
  }
}

// ---- interrupts -------------------------------------------------------------------------------------------------

/**
 * The main thread stops by itself when it can hear us. A synchronous loop cannot: after a moment (in a cell's own first
 * stretch) or after two seconds (in something it awaits, which may be one long step of the library) it is cut off.
 */
async function interrupt() {
  abortQueue();
  giveAnswer(undefined);
  const cell = running;
  const heard = Atomics.load(shared, ACKNOWLEDGED);
  parentPort.postMessage({ type: 'interrupt' });
  const start = Date.now();
  while (Atomics.load(shared, ACKNOWLEDGED) === heard) {
    if (Date.now() - start > PATIENCE[Atomics.load(shared, PHASE)]) return cutOff(cell);
    await pause(20);
  }
}

/** Ends what the main thread is running, and has it end the cell. */
async function cutOff(cell) {
  await terminateMain();
  // The order itself may fall victim to the termination when the loop ended at the same moment: repeat it.
  do {
    parentPort.postMessage({ type: 'cutOff', id: cell?.header.msg_id });
    await pause(100);
  } while (cell && running === cell);
}

// ---- requests ---------------------------------------------------------------------------------------------------

/** Requests that the main thread answers when it finds the time. */
const FORWARDED = new Set(['complete_request', 'inspect_request', 'is_complete_request']);

const NO_CODE = { status: 'error', ename: 'BadMessage', evalue: '消息里的 code 应为字符串', traceback: [] };

function onShell(request) {
  const type = request.header.msg_type;
  requests.set(request.header.msg_id, request);
  if (type === 'execute_request') {
    if (typeof request.content.code !== 'string') return answer(request, NO_CODE);
    queue.push(request);
    next();
  } else if (FORWARDED.has(type)) {
    parentPort.postMessage({ type, id: request.header.msg_id, content: request.content });
  } else if (type === 'kernel_info_request') answer(request, kernelInfo());
  else if (type === 'comm_info_request') answer(request, { status: 'ok', comms: {} });
  else if (type === 'history_request') answer(request, history.answer(request.content));
  else if (type === 'comm_open') publish(request, 'comm_close', { comm_id: request.content.comm_id, data: {} });
  else onControl(request);
}

function onControl(request) {
  const type = request.header.msg_type;
  if (type === 'interrupt_request') {
    answer(request, { status: 'ok' });
    void interrupt();
  } else if (type === 'shutdown_request') {
    answer(request, { status: 'ok', restart: request.content.restart ?? false });
    publish(request, 'shutdown_reply', { status: 'ok', restart: request.content.restart ?? false });
    void close(0);
  } else if (type === 'kernel_info_request') answer(request, kernelInfo());
  else if (type.endsWith('_request')) {
    answer(request, { status: 'error', ename: 'NotImplemented', evalue: `本内核不支持 ${type}`, traceback: [] });
  }
}

/** A cell asks its reader. */
function ask({ prompt, password, isLine = false }) {
  question = { isLine };
  if (!running) return giveAnswer(undefined);
  text.flush();
  const content = { prompt, password };
  sockets.stdin.send(wire.encode(running.identities, 'input_request', content, running.header));
}

/** The answer, or that there will be none. @param {string | undefined} value */
function giveAnswer(value) {
  if (!question) return;
  const { isLine } = question;
  question = undefined;
  if (isLine) return parentPort.postMessage({ type: 'line', value });
  inputPort.postMessage({ value });
  Atomics.store(shared, ANSWERED, 1);
  Atomics.notify(shared, ANSWERED);
}

function onStdin({ header, content }) {
  if (header.msg_type === 'input_reply') giveAnswer(String(content.value ?? ''));
}

async function listen(socket, handle) {
  for await (const frames of socket) {
    const request = wire.decode(frames);
    if (!request) continue;
    try {
      handle(Object.assign(request, { socket }));
    } catch (error) {
      // One odd message must not end the loop, and the kernel with it; this goes to Jupyter's log.
      fs.writeSync(2, `${request.header.msg_type}: ${error.stack}\n`);
    }
  }
}

async function beat() {
  for await (const frames of sockets.hb) await sockets.hb.send(frames);
}

// ---- the main thread --------------------------------------------------------------------------------------------

const text = new TextCollector((cell, content) => publish(requests.get(cell), 'stream', content));

const fromMain = {
  publish({ id, msgType, content }) {
    if (msgType === 'stream') return text.add(id, content);
    text.flush();
    publish(requests.get(id), msgType, content);
  },
  answer: ({ id, content }) => answer(requests.get(id), content),
  interrupt: () => abortQueue(),
  done({ id, error, values }) {
    if (running?.header.msg_id === id) finishCell({ error, values });
  },
  inputPort: ({ port }) => (inputPort = port),
  input: ask,
  exit: (message) => void exit(message),
};

parentPort.on('message', (message) => fromMain[message.type](message));

/** A cell called process.exit: say so in the cell, then really end; Jupyter starts a new kernel. */
async function exit({ code, error }) {
  abortQueue();
  if (running) finishCell({ error });
  await close(code);
}

async function close(code) {
  if (closing) return;
  text.flush();
  closing = true;
  for (const socket of Object.values(sockets)) {
    socket.linger = 1000;
    socket.close();
  }
  parentPort.postMessage({ type: 'close', code });
  await pause(1000);
  // The main thread is stuck in a loop.
  process.kill(process.pid, 'SIGKILL');
}

async function start() {
  const address = (port) =>
    connection.transport === 'ipc'
      ? `ipc://${connection.ip}-${port}`
      : `${connection.transport}://${connection.ip}:${port}`;
  for (const [name, socket] of Object.entries(sockets)) {
    if (name !== 'hb') {
      // Nothing may be dropped or block, however much a cell prints.
      socket.sendHighWaterMark = 0;
      // A send is done when it returns. Otherwise the binding puts off every 513th message to the next turn of the event
      // loop, and until then refuses the following one: a cell that would never end.
      socket.sendTimeout = 0;
    }
    await socket.bind(address(connection[`${name}_port`]));
  }
  void beat();
  void listen(sockets.shell, onShell);
  void listen(sockets.control, onControl);
  void listen(sockets.stdin, onStdin);
  status(undefined, 'starting');
  endWithParent(() => void close(1));
}

void start();
