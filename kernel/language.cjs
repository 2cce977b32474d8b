'use strict';
/** Tab (completion) and Shift-Tab (what is this?): tslab's answers in the form that Jupyter shows best. */
const { ts, parse } = require('./typescript.cjs');

/** Jupyter counts positions in characters, JavaScript in UTF-16 units: they differ after an emoji. */
const toUnits = (text, position) => [...text].slice(0, position).join('').length;
const toCharacters = (text, position) => [...text.slice(0, position)].length;

const KINDS = {
  var: 'variable',
  let: 'variable',
  const: 'variable',
  method: 'function',
  property: 'property',
  alias: 'module',
};

function complete(compiler, { code, cursor_pos }) {
  const cursor = toUnits(code, cursor_pos);
  let found = { start: cursor, end: cursor, candidates: [], original: undefined };
  try {
    found = compiler.complete(code, cursor);
  } catch {
    // TypeScript's completion can stumble over half-typed code; no suggestion is better than an error.
  }
  const start = toCharacters(code, found.start);
  const end = toCharacters(code, found.end);
  const kinds = new Map((found.original?.entries ?? []).map((entry) => [entry.name, entry.kind]));
  const types = found.candidates.map((text) => ({
    text,
    start,
    end,
    type: KINDS[kinds.get(text)] ?? kinds.get(text) ?? '',
  }));
  return {
    status: 'ok',
    matches: found.candidates,
    cursor_start: start,
    cursor_end: end,
    metadata: { _jupyter_types_experimental: types },
  };
}

/** Where to look for an answer: under the cursor, left of it, or at the function whose arguments the cursor is in. */
function positions(code, cursor) {
  const list = [cursor];
  if (cursor > 0) list.push(cursor - 1);
  const source = parse(code);
  const offset = source.text.length - code.length;
  const calls = [];
  const visit = (node) => {
    if (node.getFullStart() - offset > cursor || node.end - offset < cursor) return;
    if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
      if (node.expression.end - offset <= cursor) calls.unshift(node.expression.end - offset - 1);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return [...list, ...calls];
}

function inspect(compiler, { code, cursor_pos }) {
  for (const position of positions(code, toUnits(code, cursor_pos))) {
    let info;
    try {
      info = compiler.inspect(code, position);
    } catch {
      continue;
    }
    if (info?.displayParts?.length) {
      return { status: 'ok', found: true, data: describe(info), metadata: {} };
    }
  }
  return { status: 'ok', found: false, data: {}, metadata: {} };
}

const join = (parts) => (parts ?? []).map((part) => part.text).join('');

/** `(alias) function f(a: number): void` and the `import f` line below it: only the middle matters. */
function signatureOf(info) {
  const text = join(info.displayParts).replace(/\nimport [\s\S]*$/, '');
  return text.replace(/^\((alias|function|method|const|let|var)\) /, '');
}

/** A tag of a docstring: its name and what it says. */
function tagOf(tag) {
  const text = join(tag.text);
  const [, name, rest] = /^(\S+)\s*-?\s*([\s\S]*)$/.exec(text) ?? [];
  return tag.name === 'param' && name
    ? { label: name, text: rest, isParameter: true }
    : { label: `@${tag.name}`, text };
}

function describe(info) {
  const signature = signatureOf(info);
  const documentation = join(info.documentation).trim();
  const tags = (info.tags ?? []).map(tagOf);
  const plain = [signature, documentation, ...tags.map((tag) => `${tag.label}  ${tag.text}`)];
  const rows = tags.map((tag) =>
    tag.isParameter ? `- \`${tag.label}\`：${tag.text}` : `- **${tag.label}** ${tag.text}`,
  );
  const markdown = [`\`\`\`typescript\n${signature}\n\`\`\``, documentation, rows.join('\n')];
  const filled = (parts) => parts.filter(Boolean).join('\n\n');
  return { 'text/plain': filled(plain), 'text/markdown': filled(markdown) };
}

/** For line-by-line consoles: code that breaks off in the middle is to be continued. */
function isComplete({ code }) {
  const source = ts.createSourceFile('cell.ts', code, ts.ScriptTarget.ES2022, false);
  const end = code.trimEnd().length;
  const open = source.parseDiagnostics.some(
    (problem) => problem.start >= end || /^\s*$/.test(code.slice(problem.start)),
  );
  if (!open && source.parseDiagnostics.length > 0) return { status: 'invalid' };
  if (!open || /\n\s*\n\s*$/.test(code)) return { status: 'complete' };
  const last = code.slice(code.lastIndexOf('\n') + 1);
  return { status: 'incomplete', indent: /^\s*/.exec(last)[0] + (/[{([]\s*$/.test(last) ? '  ' : '') };
}

module.exports = { complete, inspect, isComplete };
