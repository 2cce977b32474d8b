'use strict';
/** The kernel's entry: `node kernel/main.cjs CONNECTION_FILE`, started by Jupyter in the notebook's folder. */
const path = require('path');
const { Worker } = require('worker_threads');
require('./heap.cjs');

// The sockets answer while the compiler is still loading.
const shared = new Int32Array(new SharedArrayBuffer(8));
const front = new Worker(path.join(__dirname, 'front.cjs'), {
  workerData: { connectionFile: path.resolve(process.argv[2]), shared: shared.buffer },
});

const { endWithParent } = require('./parent.cjs');

endWithParent(() => front.postMessage({ type: 'end' }));
require('./stack.cjs').install();
const { describeError } = require('./errors.cjs');
const { Executor } = require('./executor.cjs');
const { Output } = require('./output.cjs');
const { displayValue } = require('./display.cjs');
const { complete, inspect, isComplete } = require('./language.cjs');
const { watchFailures, guardExit, setCurrentCell } = require('./process.cjs');

const PHASES = { own: 0, sync: 1, waiting: 2 };
const exit = process.exit.bind(process);
const executor = new Executor((phase) => Atomics.store(shared, 1, PHASES[phase]));
const output = new Output((id, msgType, content) => front.postMessage({ type: 'publish', id, msgType, content }));

async function execute({ id, code, count, silent }) {
  output.cell = id;
  setCurrentCell(count);
  let error;
  try {
    const outcome = await executor.execute(id, code, count);
    error = outcome.error;
    if (outcome.value !== undefined && outcome.value !== null && !silent) {
      const content = { execution_count: count, data: await displayValue(outcome.value), metadata: {} };
      output.publish(id, 'execute_result', content);
    }
  } catch (thrown) {
    // Not the cell's own code: compiling it, or showing its result.
    error = describeError(thrown, count);
  }
  front.postMessage({ type: 'done', id, error });
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

const handlers = {
  execute: (message) => void execute(message),
  complete_request: answering((content) => complete(executor.compiler, content)),
  inspect_request: answering((content) => inspect(executor.compiler, content)),
  is_complete_request: answering(isComplete),
  interrupt() {
    Atomics.add(shared, 0, 1);
    executor.interrupt();
  },
  cutOff({ id }) {
    Atomics.add(shared, 0, 1);
    executor.cutOff(id);
  },
  close: ({ code }) => exit(code),
};

front.on('message', (message) => handlers[message.type](message));
process.on('SIGINT', () => {
  front.postMessage({ type: 'interrupt' });
  executor.interrupt();
});
watchFailures();
guardExit((code, error) => {
  front.postMessage({ type: 'exit', code, error });
});
output.install();
// From here on what runs is the cells'.
executor.enter('waiting');
