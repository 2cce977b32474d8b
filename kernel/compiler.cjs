'use strict';
/** Compiles cells with tslab's converter and keeps what it has to remember between them: the declarations so far. */
const path = require('path');
const { ts, root, parse, usesTopLevelAwait, changedFiles, splitMapNumber, slashes } = require('./typescript.cjs');
const { createConverter } = require('tslab/dist/converter.js');
const { getCodeMetadata } = require('tslab/dist/metadata.js');

/**
 * @typedef {{ line: number, column: number, message: string, code: number, file?: string }} Problem
 * @typedef {{ code: string, map: object, isAsync: boolean, result?: string, declarations: string }} CompiledCell
 */

const newConverter = () => createConverter({ isJS: false, isBrowser: false });

class Compiler {
  constructor() {
    this.converter = newConverter();
    /** Modules defined by cells, for the next converter. @type {Map<string, string>} */
    this.named = new Map();
    /** Declarations of everything the cells so far have defined (the text of a .d.ts file). */
    this.declarations = '';
    /** Compiled library modules, until the loader fetches them. @type {{ path: string, data: string }[]} */
    this.modules = [];
  }

  /** @returns {{ cell?: CompiledCell, problems: Problem[] }} */
  compile(source) {
    const changed = changedFiles();
    const named = getCodeMetadata(source).module;
    // tslab's `/** @module name */` cells define a module that later cells import.
    if (named) {
      this.named.set(named, source);
      return { problems: this.converting((converter) => converter.addModule(named, source, {})).map(toProblem) };
    }
    const converted = this.convert(withoutExport(source));
    this.refresh(changed);
    if (converted.diagnostics.length > 0) return { problems: converted.diagnostics.map(toProblem) };
    const { code, map } = splitMapNumber(converted.output ?? '');
    const isAsync = converted.hasToplevelAwait || usesTopLevelAwait(source);
    return {
      problems: [],
      cell: { code, map, isAsync, result: converted.lastExpressionVar, declarations: converted.declOutput ?? '' },
    };
  }

  /**
   * TypeScript works by recursion: brackets nested by the hundred use up the stack, and a converter left in the middle
   * of its work answers nothing any more. The code that did it fails; a new converter takes over.
   */
  converting(work) {
    try {
      return work(this.converter);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.converter.close();
      this.converter = newConverter();
      for (const [name, source] of this.named) this.converter.addModule(name, source, {});
      throw new RangeError('代码一层套一层，套得太深（成百上千层括号），TypeScript 处理不了；请拆成几步来写。');
    }
  }

  convert(source) {
    const converted = this.converting((converter) => converter.convert(this.declarations, source));
    if (converted.sideOutputs) this.modules.push(...converted.sideOutputs);
    return converted;
  }

  /** Compiles edited library files even when the cell at hand does not import them: earlier cells did. */
  refresh(changed) {
    const done = new Set(this.modules.map((module) => module.path.replace(/\.js$/, '')));
    const left = changed.filter((file) => /\.ts$/.test(file) && !done.has(file.replace(/\.ts$/, '')));
    for (const file of left) {
      const relative = slashes(path.relative(root, file)).replace(/\.ts$/, '');
      this.convert(`import './${relative}';`);
    }
  }

  takeModules() {
    return this.modules.splice(0);
  }

  /**
   * After a failure: the part of a cell before the first statement that defines something which never got its
   * value. Its names stay usable, as they would at a prompt; everything after it counts as not typed.
   * @param {(name: string) => boolean} hasValue
   */
  keepDefined(source, hasValue) {
    const file = parse(source);
    const prefix = file.text.length - source.length;
    const names = (name) =>
      ts.isIdentifier(name) ? [name.text] : name.elements.flatMap((e) => (e.name ? names(e.name) : []));
    const failed = file.statements.findIndex((statement) =>
      ts.isVariableStatement(statement)
        ? statement.declarationList.declarations.some(
            (d) => d.initializer && names(d.name).some((name) => !hasValue(name)),
          )
        : ts.isClassDeclaration(statement) && statement.name !== undefined && !hasValue(statement.name.text),
    );
    const kept = source.slice(
      0,
      failed < 0 ? source.length : Math.max(0, file.statements[failed].getFullStart() - prefix),
    );
    const converted = this.convert(kept);
    if (converted.diagnostics.length === 0) this.declarations = converted.declOutput ?? this.declarations;
  }

  complete(source, position) {
    changedFiles();
    return this.converting((converter) => converter.complete(this.declarations, source, position));
  }

  inspect(source, position) {
    changedFiles();
    return this.converting((converter) => converter.inspect(this.declarations, source, position));
  }
}

/** A pasted `export const x` means `const x` here: every name of a cell is exported anyway. Positions stay. */
function withoutExport(source) {
  if (!/\bexport\b/.test(source)) return source;
  const file = parse(source);
  const prefix = file.text.length - source.length;
  let text = source;
  for (const { modifiers = [] } of file.statements) {
    const word = modifiers.find((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword);
    if (!word || modifiers.some((modifier) => modifier.kind === ts.SyntaxKind.DefaultKeyword)) continue;
    const end = word.end - prefix;
    text = `${text.slice(0, end - 6)}      ${text.slice(end)}`;
  }
  return text;
}

/** @returns {Problem} */
function toProblem(diagnostic) {
  const { line, character } = diagnostic.start;
  return {
    line: line + 1,
    column: character + 1,
    message: diagnostic.messageText,
    code: diagnostic.code,
    file: diagnostic.fileName,
  };
}

module.exports = { Compiler };
