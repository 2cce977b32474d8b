'use strict';
/**
 * The kernel's front desk: a thread that owns the sockets. Cells run in the main thread, so this one always answers:
 * the heartbeat, the queue of cells, interrupts of a loop that never lets the main thread look up, on every system.
 */
const { parentPort, workerData } = require('worker_threads');
const fs = require('fs');
const { setTimeout: pause } = require('timers/promises');
const { Clients } = require('./clients.cjs');
const { TextCollector } = require('./collect.cjs');
const { kernelInfo } = require('./info.cjs');
const { History } = require('./history.cjs');
const { interruptMain, Question, tell } = require('./main-thread.cjs');
const { isObject } = require('./wire.cjs');
const { endWithParent } = require('../run/parent.cjs');

const clients = new Clients(JSON.parse(fs.readFileSync(workerData.connectionFile, 'utf8')));
/** Requests by message id; kept after their end because late output still belongs to them. */
const requests = new Map();
/** Cells waiting for their turn. */
let queue = [];
/** The cell that the main thread has. */
let running;
let count = 0;
const history = new History();
const question = new Question();
const text = new TextCollector((cell, content) => clients.publish(requests.get(cell), 'stream', content));

/** Answers at once, marked as work on the request; a cell that is running stays the kernel's state. */
function answer(request, content, type) {
  clients.status(request, 'busy');
  clients.reply(request, content, type);
  clients.status(request, 'idle');
  if (running) clients.status(running, 'busy');
}

// ---- cells ------------------------------------------------------------------------------------------------------

function next() {
  if (running || clients.closed) return;
  running = queue.shift();
  if (!running) return;
  const { code, silent = false, store_history = !silent, allow_stdin = false, user_expressions } = running.content;
  if (!silent && store_history) history.add(++count, code);
  running.count = count;
  clients.status(running, 'busy');
  if (!silent) clients.publish(running, 'execute_input', { code, execution_count: count });
  const id = running.header.msg_id;
  const expressions = isObject(user_expressions) ? user_expressions : {};
  tell('execute', { id, code, count, silent, allowStdin: allow_stdin === true, expressions });
}

/** @param {{ error?: { ename: string, evalue: string, traceback: string[] }, values?: object }} outcome */
function finishCell(outcome) {
  const request = running;
  text.flush();
  question.answer(undefined);
  const failed = outcome.error !== undefined;
  if (failed && !request.content.silent) clients.publish(request, 'error', outcome.error);
  if (failed && request.content.stop_on_error !== false) abortQueue();
  const base = { execution_count: request.count };
  clients.reply(
    request,
    failed
      ? { status: 'error', ...base, ...outcome.error }
      : { status: 'ok', ...base, user_expressions: outcome.values ?? {}, payload: [] },
  );
  clients.status(request, 'idle');
  running = undefined;
  next();
}

function abortQueue() {
  const waiting = queue;
  queue = [];
  for (const request of waiting) answer(request, { status: 'aborted' });
}

async function interrupt() {
  abortQueue();
  question.answer(undefined);
  const cell = running;
  await interruptMain(cell?.header.msg_id, () => !cell || running !== cell);
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
    tell(type, { id: request.header.msg_id, content: request.content });
  } else if (type === 'kernel_info_request') answer(request, kernelInfo());
  else if (type === 'comm_info_request') answer(request, { status: 'ok', comms: {} });
  else if (type === 'history_request') answer(request, history.answer(request.content));
  else if (type === 'comm_open') clients.publish(request, 'comm_close', { comm_id: request.content.comm_id, data: {} });
  else onControl(request);
}

function onControl(request) {
  const type = request.header.msg_type;
  if (type === 'interrupt_request') {
    answer(request, { status: 'ok' });
    void interrupt();
  } else if (type === 'shutdown_request') {
    answer(request, { status: 'ok', restart: request.content.restart ?? false });
    clients.publish(request, 'shutdown_reply', { status: 'ok', restart: request.content.restart ?? false });
    void close(0);
  } else if (type === 'kernel_info_request') answer(request, kernelInfo());
  else if (type.endsWith('_request')) {
    answer(request, { status: 'error', ename: 'NotImplemented', evalue: `本内核不支持 ${type}`, traceback: [] });
  }
}

/** A cell asks its reader. */
function ask({ prompt, password, isLine = false }) {
  question.open = { isLine };
  if (!running) return question.answer(undefined);
  text.flush();
  clients.ask(running, { prompt, password });
}

function onStdin({ header, content }) {
  if (header.msg_type === 'input_reply') question.answer(String(content.value ?? ''));
}

// ---- the main thread --------------------------------------------------------------------------------------------

const fromMain = {
  publish({ id, msgType, content }) {
    if (msgType === 'stream') return text.add(id, content);
    text.flush();
    clients.publish(requests.get(id), msgType, content);
    if (msgType === 'execute_result') history.setOutput(content.execution_count, content.data['text/plain']);
  },
  answer: ({ id, content }) => answer(requests.get(id), content),
  interrupt: () => abortQueue(),
  done({ id, error, values }) {
    if (running?.header.msg_id === id) finishCell({ error, values });
  },
  inputPort: ({ port }) => (question.port = port),
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
  if (clients.closed) return;
  text.flush();
  clients.close();
  tell('close', { code });
  await pause(1000);
  // The main thread is stuck in a loop.
  process.kill(process.pid, 'SIGKILL');
}

async function start() {
  await clients.open({ shell: onShell, control: onControl, stdin: onStdin });
  clients.status(undefined, 'starting');
  endWithParent(() => void close(1));
}

void start();
