'use strict';
/** What a cell's syntax says: its exports and statements, where its errors are. */
const ts = require('typescript');
const { nameOf } = require('./library.cjs');
const { EditedText } = require('./text.cjs');

/** Before the checker has looked: what the syntax says. */
function rough({ flags }) {
  if (flags & ts.SymbolFlags.Alias) return { value: true, type: true };
  return { value: (flags & ts.SymbolFlags.Value) !== 0, type: (flags & ts.SymbolFlags.Type) !== 0 };
}

/** `declare global` is no name. */
const isOwn = (parsed, name) => /^[\p{L}_$]/u.test(name) && !name.startsWith('__global') && parsed.locals.has(name);

/** A pasted `export const x` means `const x` here: every name of a cell is exported anyway. Positions stay. */
function withoutExports(source, parsed) {
  const text = new EditedText(source);
  let refused;
  const refuse = (node) => {
    const { line, character } = parsed.getLineAndCharacterOfPosition(node.getStart(parsed));
    const message = '单元格里不需要、也不能这样写 export：顶层的每个名字在后面的单元格里都可以直接使用。';
    refused ??= { line: line + 1, column: character + 1, message };
  };
  for (const node of parsed.statements) {
    if (ts.isExportDeclaration(node) || ts.isExportAssignment(node)) {
      const empty = ts.isExportDeclaration(node) && node.exportClause && !node.moduleSpecifier;
      if (empty) text.blank(node.getStart(parsed), node.end);
      else refuse(node);
    }
    const words = (node.modifiers ?? []).filter(
      ({ kind }) => kind === ts.SyntaxKind.ExportKeyword || kind === ts.SyntaxKind.DefaultKeyword,
    );
    if (words.length > 1 && !node.name) refuse(node);
    else for (const word of words) text.blank(word.getStart(parsed), word.end);
  }
  return { text: text.finish(), refused };
}

/** Functions and types exist before the first statement runs. */
const isHoisted = (statement) =>
  ts.isFunctionDeclaration(statement) ||
  ts.isInterfaceDeclaration(statement) ||
  ts.isTypeAliasDeclaration(statement) ||
  ts.isImportDeclaration(statement);

/**
 * Writes down, while the cell runs, how many of its statements have come to their end, and the value of the last one.
 * @returns {boolean} whether the result is not to be shown: it ends with `;`
 */
function markStatements(parsed, text, prefix) {
  const last = parsed.statements.at(-1);
  parsed.statements.forEach((statement, i) => {
    if (isHoisted(statement)) return;
    if (ts.isImportEqualsDeclaration(statement)) {
      if (ts.isExternalModuleReference(statement.moduleReference))
        text.replace(statement.getStart(parsed), statement.getStart(parsed) + 'import'.length, 'const ');
      return;
    }
    if (statement === last && ts.isExpressionStatement(statement)) {
      const { expression } = statement;
      text.insert(expression.getStart(parsed), `${prefix}.result=(`);
      text.insert(expression.end, ')');
    }
    text.insert(statement.end, `;${prefix}.done=${i + 1};`);
  });
  return last !== undefined && ts.isExpressionStatement(last) && last.getText(parsed).endsWith(';');
}

/** From a position in the JavaScript that runs to one in the cell, both 1-based. */
function locator(code, rewritten, json, marked) {
  const lines = code.split('\n');
  let map;
  return (line, column) => {
    map ??= new (require('module').SourceMap)(json);
    // of a call V8 tells the bracket, but `(0,$_f.v)(1)` was `f(1)`
    const inCall = lines[line - 1]?.slice(0, column - 1).endsWith('.v)') ? 1 : 0;
    const at = map.findEntry(line - 1, rewritten.original(line - 1, column - 1 - inCall));
    if (at.originalLine === undefined) return { line, column };
    return { line: at.originalLine + 1, column: marked.original(at.originalLine, at.originalColumn) + 1 };
  };
}

/** @returns {import('./compiler.cjs').Problem[]} a message and what it is explained by */
function toProblems(diagnostic, extraLines) {
  const { file, start = 0, messageText, code } = diagnostic;
  const at = file ? ts.getLineAndCharacterOfPosition(file, start) : { line: extraLines, character: 0 };
  const place = { line: at.line + 1 - extraLines, column: at.character + 1 };
  const name = extraLines > 0 || !file ? undefined : nameOf(file.fileName);
  const all = [];
  const visit = (message) => {
    if (typeof message === 'string') return all.push({ ...place, message, code, file: name });
    all.push({ ...place, message: message.messageText, code: message.code, file: name });
    for (const next of message.next ?? []) visit(next);
  };
  visit(messageText);
  return all;
}

module.exports = { rough, isOwn, withoutExports, isHoisted, markStatements, locator, toProblems };
