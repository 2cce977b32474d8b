'use strict';
/** Tab (completion) and Shift-Tab (what is this?): TypeScript's answers in the form that Jupyter shows best. */
const fs = require('fs');
const path = require('path');
const { ts, parse, importFolders } = require('./service.cjs');
const { optionsOf } = require('./options.cjs');

/** Jupyter counts positions in characters, JavaScript in UTF-16 units: they differ after an emoji. */
const toUnits = (text, position) => [...text].slice(0, position).join('').length;
const toCharacters = (text, position) => [...text.slice(0, position)].length;

const KINDS = {
  var: 'variable',
  let: 'variable',
  const: 'variable',
  method: 'function',
  property: 'property',
  alias: '',
};

/** `from '../lib/ra`: the files and folders that can follow. */
function completePath(code, cursor) {
  const found = /(?:from|import|import\(|require\()\s*(['"])(\.\.?\/(?:[^'"\n]*\/)?)([^'"\n/]*)$/.exec(
    code.slice(0, cursor),
  );
  if (!found) return undefined;
  const [, , folder, begun] = found;
  const names = new Set();
  for (const base of importFolders) {
    const place = path.resolve(base, folder);
    if (!fs.existsSync(place)) continue;
    for (const entry of fs.readdirSync(place, { withFileTypes: true })) {
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
      if (entry.isDirectory()) names.add(`${entry.name}/`);
      else if (/\.(ts|json)$/.test(entry.name)) names.add(entry.name.replace(/(\.d)?\.ts$/, ''));
    }
    break;
  }
  const candidates = [...names].filter((name) => name.startsWith(begun)).sort();
  return { start: cursor - begun.length, end: cursor, candidates };
}

/** The names that can stand at the cursor: those that begin with what is typed come first, then those that contain it. */
function completeCode(compiler, code, cursor) {
  const { file, program, service, offset } = compiler.probe(code, true);
  const original = service.getCompletionsAtPosition(file, cursor + offset, {});
  const source = program.getSourceFile(file);
  const word = wordAt(source, cursor + offset);
  const typed = word?.text ?? '';
  const rank = (name) => {
    if (name.startsWith(typed)) return 0;
    if (name.toLowerCase().startsWith(typed.toLowerCase())) return 1;
    return name.toLowerCase().includes(typed.toLowerCase()) ? 2 : 3;
  };
  const order = (entry, i) => ({ name: entry.name, rank: rank(entry.name), sort: entry.sortText, i });
  const candidates = (original?.entries ?? [])
    .map(order)
    .filter((entry) => entry.rank < 3)
    .sort((a, b) => a.rank - b.rank || compare(a.sort, b.sort) || (word ? a.i - b.i : compare(a.name, b.name)))
    .map(({ name }) => name);
  const start = word ? word.getStart(source) - offset : cursor;
  return { start, end: word ? word.end - offset : cursor, candidates, original };
}

const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/** The name that the cursor touches. */
function wordAt(source, position) {
  const before = ts.findPrecedingToken(position, source);
  if (before && ts.isIdentifier(before) && before.end >= position) return before;
  const after = before ? ts.findNextToken(before, source, source) : undefined;
  return after && ts.isIdentifier(after) && after.getStart(source) <= position && position <= after.end
    ? after
    : undefined;
}

/** What TypeScript says about a name, and what options it takes if it is a function of ours. */
function inspectCode(compiler, code, position) {
  const { file, program, service, offset } = compiler.probe(code);
  const info = service.getQuickInfoAtPosition(file, position + offset);
  const source = program.getSourceFile(file);
  return info && { ...info, options: optionsOf(source, program.getTypeChecker(), position + offset) };
}

function complete(compiler, { code, cursor_pos }) {
  const cursor = toUnits(code, cursor_pos);
  /** @type {{ start: number, end: number, candidates: string[], original?: import('typescript').CompletionInfo }} */
  let found = { start: cursor, end: cursor, candidates: [] };
  try {
    found = completePath(code, cursor) ?? completeCode(compiler, code, cursor);
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
  const source = parse(code);
  const calls = [];
  const visit = (node) => {
    const end = node.end;
    // An argument list that is still open reaches to the cursor.
    const open = end < cursor && code.slice(end, cursor).trim() === '' && code[end - 1] !== ')';
    if (node.getFullStart() > cursor || (end < cursor && !open)) return;
    if ((ts.isCallExpression(node) || ts.isNewExpression(node)) && node.expression.end < cursor) {
      calls.unshift(node.expression.end - 1);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  const isName = (position) => /[\p{L}\p{N}_$]/u.test(code[position] ?? '');
  return [...[cursor, cursor - 1].filter(isName), ...calls];
}

function inspect(compiler, { code, cursor_pos }) {
  for (const position of positions(code, toUnits(code, cursor_pos))) {
    let info;
    try {
      info = inspectCode(compiler, code, position);
    } catch {
      continue;
    }
    // A bare literal or an unknown name has nothing to tell; the call around it may.
    if (!info?.displayParts?.length || /^(any|\d.*)$/.test(join(info.displayParts))) continue;
    return { status: 'ok', found: true, data: describe(info), metadata: {} };
  }
  return { status: 'ok', found: false, data: {}, metadata: {} };
}

const join = (parts) => (parts ?? []).map((part) => part.text).join('');

/** `(alias) function f(a: number): void` and the `import f` line below it: only the middle matters. */
function signatureOf(info) {
  const text = join(info.displayParts).replace(/\n(import|export) [\s\S]*$/, '');
  // Destructured options are listed below the signature, so here their name will do.
  const short = text.replace(/\{[\w\s,]+\}(\??:)/g, 'options$1');
  return short.replace(/^\((alias|function|method|local function)\) /, '').replace(/^function /, '');
}

const SHOWN_TAGS = { returns: '返回', throws: '错误', see: '参见', example: '例', deprecated: '已弃用' };

/** A tag of a docstring: its name and what it says. */
function tagOf(tag) {
  const text = join(tag.text);
  const [, name, rest] = /^(\S+)\s*[-:]?\s*([\s\S]*)$/.exec(text) ?? [];
  if (tag.name === 'param' && name) return { label: `\`${name}\``, text: rest };
  return { label: SHOWN_TAGS[tag.name], text };
}

function optionOf({ name, type, initial, text }) {
  return { label: `\`${name}: ${type}${initial === undefined ? '' : ` = ${initial}`}\``, text };
}

function describe(info) {
  const signature = signatureOf(info);
  const documentation = join(info.documentation).trim();
  const rows = (info.tags ?? []).map(tagOf).filter((tag) => tag.label);
  const lists = [rows, ...(info.options ?? []).map(({ options }) => options.map(optionOf))];
  const titles = ['', ...(info.options ?? []).map(({ title }) => (title === '__type' ? '选项' : `选项（${title}）`))];
  const list = (entries) =>
    entries.map(({ label, text }) => `- ${label}${text ? `：${text.replace(/\n/g, '\n  ')}` : ''}`).join('\n');
  const tail = lists.map((entries, i) => entries.length > 0 && [titles[i], list(entries)].filter(Boolean).join('\n\n'));
  const filled = (parts) => parts.filter(Boolean).join('\n\n');
  const markdown = filled([`\`\`\`typescript\n${signature}\n\`\`\``, documentation, ...tail]);
  const plain = filled([signature, documentation, ...tail]).replace(/^- `([^`]*)`/gm, '$1');
  return { 'text/plain': plain, 'text/markdown': markdown };
}

const UNTERMINATED = ts.Diagnostics.Unterminated_string_literal.code;

/** For line-by-line consoles: code that breaks off in the middle is to be continued. */
function isComplete({ code }) {
  const source = ts.createSourceFile('cell.ts', code, ts.ScriptTarget.ES2022, false);
  const end = code.trimEnd().length;
  const open = source.parseDiagnostics.some(
    (problem) => problem.start >= end || /^\s*$/.test(code.slice(problem.start)),
  );
  // a text that is not closed on its line is never closed
  const unclosed = source.parseDiagnostics.some(({ code: number }) => number === UNTERMINATED);
  if (unclosed || (!open && source.parseDiagnostics.length > 0)) return { status: 'invalid' };
  if (!open || /\n\s*\n\s*$/.test(code)) return { status: 'complete' };
  const last = code.slice(code.lastIndexOf('\n') + 1);
  return { status: 'incomplete', indent: /^\s*/.exec(last)[0] + (/[{([]\s*$/.test(last) ? '  ' : '') };
}

module.exports = { complete, inspect, isComplete };
