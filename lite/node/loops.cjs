'use strict';
/**
 * Node can cut a script off from outside; a page cannot. Where memory may be shared with the page, every turn of every
 * loop looks whether it should stop: one load of a number, put in front of the loop's body.
 */
const ts = require('typescript');

const [FLAG, HALT] = ['__convscope_stop__', '__convscope_halt__'];
/** A plain load: Atomics in every turn would cost tight loops ten times as much. */
const CALL = `${FLAG}[0]&&${HALT}();`;

/** What every turn looks at; set by the page, cleared by the kernel. @type {Int32Array | undefined} */
let flag;

function halt() {
  // as Node says it
  const message = 'Script execution was interrupted by `SIGINT`';
  throw Object.assign(new Error(message), { code: 'ERR_SCRIPT_EXECUTION_INTERRUPTED' });
}

/** @param {Int32Array | undefined} shared without it nothing is watched */
function watch(shared) {
  flag = shared;
  // constants, which a compiler need not look up
  if (flag) Object.defineProperties(globalThis, { [FLAG]: { value: flag }, [HALT]: { value: halt } });
}

const clear = () => flag && Atomics.store(flag, 0, 0);

/** What is to be put where: [place in the text, words], in order. */
function additions(code) {
  const file = ts.createSourceFile('cell.js', code, ts.ScriptTarget.Latest, false, ts.ScriptKind.JS);
  const found = [];
  const visit = (node) => {
    if (ts.isIterationStatement(node, false)) {
      const { statement: body } = node;
      const start = body.getStart(file);
      if (ts.isBlock(body)) found.push([start + 1, CALL]);
      else found.push([start, `{${CALL}`], [body.end, '}']);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found.sort(([a], [b]) => a - b);
}

/** @returns {{ code: string, added: Map<number, [number, number][]> }} of each line (from 1): [column, length] of what was added */
function breakable(code) {
  const added = new Map();
  if (!flag) return { code, added };
  let [text, from, line, lineStart] = ['', 0, 1, 0];
  for (const [at, words] of additions(code)) {
    for (let end = code.indexOf('\n', lineStart); end >= 0 && end < at; end = code.indexOf('\n', lineStart)) {
      line++;
      lineStart = end + 1;
    }
    text += code.slice(from, at) + words;
    from = at;
    added.set(line, [...(added.get(line) ?? []), [at - lineStart, words.length]]);
  }
  return { code: text + code.slice(from), added };
}

/** How much of what was added lies in front of a column (from 0) of the changed line. */
function addedBefore(additionsOfLine, column) {
  let sum = 0;
  for (const [at, length] of additionsOfLine ?? []) {
    if (column < at + sum) break;
    sum += Math.min(length, column - at - sum);
  }
  return sum;
}

module.exports = { watch, clear, breakable, addedBefore };
