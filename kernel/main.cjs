'use strict';
/** The kernel's entry: `node kernel/main.cjs CONNECTION_FILE`, started by Jupyter in the notebook's folder. */
const path = require('path');
const { Worker } = require('worker_threads');
require('./run/heap.cjs');

// The sockets answer while the compiler is still loading. [acknowledged interrupts, phase, an answer is here]
const shared = new Int32Array(new SharedArrayBuffer(12));
const front = new Worker(path.join(__dirname, 'desk', 'front.cjs'), {
  workerData: { connectionFile: path.resolve(process.argv[2]), shared: shared.buffer },
});

require('./run/stack.cjs').install();
const { Interrupted, describeError } = require('./display/errors.cjs');
const { Executor } = require('./run/executor.cjs');
const { Input } = require('./run/input.cjs');
const { Output } = require('./display/output.cjs');
const { displayValue, showsItself } = require('./display/display.cjs');
const { complete, inspect, isComplete } = require('./compile/language.cjs');
const { watchFailures, guardExit } = require('./run/process.cjs');
const owners = require('./run/owner.cjs');
const children = require('./run/children.cjs');

const PHASES = { own: 0, sync: 1, waiting: 2 };
const exit = process.exit.bind(process);
const executor = new Executor(
  (phase) => Atomics.store(shared, 1, PHASES[phase]),
  (id) => output.silenced.add(id),
);
const output = new Output(
  (id, msgType, content) => front.postMessage({ type: 'publish', id, msgType, content }),
  () => owners.owner()?.id,
);
const input = new Input({ front, answered: shared.subarray(2), executor });

/** The cell that the front desk waits for. */
let executing;

async function execute({ id, code, count, silent, allowStdin, expressions }) {
  executing = id;
  owners.start(id, count);
  input.begin(allowStdin);
  let error;
  let values;
  try {
    const outcome = await executor.execute(id, code, count);
    error = outcome.error;
    const { value, hidden } = outcome;
    if (value !== undefined && value !== null && !silent && !(hidden && !showsItself(value))) {
      const content = { execution_count: count, data: await show(id, value), metadata: {} };
      output.publish(id, 'execute_result', content);
    }
    if (!error) values = await evaluateAll(id, expressions);
  } catch (thrown) {
    // Not the cell's own code: compiling it, or showing its result.
    error = describeError(thrown, count);
  }
  done(id, error, values);
}

const show = (id, value) => executor.attend(id, () => displayValue(value));

/** `user_expressions`: what a client wants to know after a cell. */
async function evaluateAll(id, expressions) {
  const values = {};
  for (const [name, code] of Object.entries(expressions ?? {})) {
    try {
      const { error, value } = await executor.execute(id, String(code), 0);
      values[name] = error
        ? { status: 'error', ...error }
        : { status: 'ok', data: await show(id, value), metadata: {} };
    } catch (thrown) {
      values[name] = { status: 'error', ...describeError(thrown, 0) };
    }
  }
  return values;
}

function done(id, error, values) {
  if (executing !== id) return;
  executing = undefined;
  executor.enter('waiting');
  front.postMessage({ type: 'done', id, error, values });
}

/** A request without usable code gets an answer too: a front end would wait for it for ever. */
const answering =
  (work) =>
  ({ id, content }) => {
    let result;
    try {
      result = executor.undisturbed(() => work(content));
    } catch (error) {
      result = { status: 'error', ename: error.name, evalue: error.message, traceback: [] };
    }
    front.postMessage({ type: 'answer', id, content: result });
  };

/** Who opens a notebook reads first; a cell that comes at once is not kept waiting. */
const READING = 400;
const warming = setTimeout(() => executor.undisturbed(() => executor.compiler.warm()), READING);

const handlers = {
  execute(message) {
    clearTimeout(warming);
    void execute(message);
  },
  complete_request: answering((content) => complete(executor.compiler, content)),
  inspect_request: answering((content) => inspect(executor.compiler, content)),
  is_complete_request: answering(isComplete),
  line: ({ value }) => input.line(value),
  interrupt() {
    Atomics.add(shared, 0, 1);
    executor.interrupt();
  },
  cutOff({ id }) {
    Atomics.add(shared, 0, 1);
    // what was cut off may have been the very function that would have told the end
    if (!executor.cutOff(id)) done(id, describeError(new Interrupted('已中断。')));
  },
  close: ({ code }) => exit(code),
};

front.on('message', (message) => handlers[message.type](message));
process.on('SIGINT', () => {
  front.postMessage({ type: 'interrupt' });
  executor.interrupt();
});
guardExit((code, error) => {
  front.postMessage({ type: 'exit', code, error });
});
output.install();
input.install();
children.install();
owners.install(() => executor.phase === 'sync');
// From here on what runs is the cells'; what fails before ends the kernel, and Jupyter's log says why.
watchFailures((cell) => cell !== undefined && executor.current?.id === cell.id);
executor.enter('waiting');
