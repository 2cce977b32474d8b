'use strict';
/**
 * What the cells so far have defined, for TypeScript: every cell stays a module, and a later cell begins with a line that
 * fetches the names it uses from there. (Types come from the source itself, so nothing has to be written as .d.ts.)
 */
const { SymbolFlags } = require('typescript');

/** @typedef {{ module: string, value: boolean, type: boolean, variable?: 'let' | 'const' }} Name */

class Names {
  constructor() {
    /** Who gave a name its value. @type {Map<string, Name>} */
    this.values = new Map();
    /** Who gave a name its meaning as a type. @type {Map<string, Name>} */
    this.types = new Map();
  }

  hasValue(name) {
    return this.values.has(name);
  }

  /** @param {string} module @param {Map<string, { value: boolean, type: boolean, variable?: 'let' | 'const' }>} defined */
  add(module, defined) {
    for (const [name, kind] of defined) {
      const entry = { module, ...kind };
      if (kind.value) {
        this.values.set(name, entry);
        if (this.types.get(name)?.value) this.types.delete(name);
      }
      if (kind.type) this.types.set(name, entry);
    }
  }

  /**
   * One line of declarations.
   * @param {(name: string) => boolean} wanted
   * @param {Map<string, { value: boolean, type: boolean }>} own names that the cell defines itself
   */
  preamble(wanted, own = new Map()) {
    const parts = [];
    for (const name of new Set([...this.values.keys(), ...this.types.keys()])) {
      if (!wanted(name)) continue;
      const mine = own.get(name);
      const value = mine?.value ? undefined : this.values.get(name);
      let type = mine?.type ? undefined : this.types.get(name);
      if (mine?.value && type?.value) type = undefined;
      if (value && !mine && (value === type || (!type && !value.variable)))
        parts.push(`import { ${name} } from '${value.module}';`);
      else {
        if (value)
          parts.push(`declare ${value.variable ?? 'const'} ${name}: typeof import('${value.module}').${name};`);
        if (type && type !== value) parts.push(`import type { ${name} } from '${type.module}';`);
      }
    }
    return parts.join(' ');
  }
}

/** What a symbol means. */
function kindOf(ts, checker, symbol) {
  const target = symbol.flags & SymbolFlags.Alias ? aliased(ts, checker, symbol) : symbol;
  const value = target === undefined || (target.flags & SymbolFlags.Value) !== 0;
  const type = target !== undefined && (target.flags & (SymbolFlags.Type | SymbolFlags.Namespace)) !== 0;
  const list = symbol.valueDeclaration && findList(ts, symbol.valueDeclaration);
  const variable = list && (list.flags & ts.NodeFlags.Const ? 'const' : 'let');
  return { value, type, variable };
}

/** Undefined where nobody knows; `import type` never is a value. */
function aliased(ts, checker, symbol) {
  const target = checker.getAliasedSymbol(symbol);
  const typeOnly = symbol.declarations.some((d) => ts.isTypeOnlyImportOrExportDeclaration(d));
  if (typeOnly) return { flags: target.flags & ~SymbolFlags.Value };
  return target.declarations ? target : undefined;
}

function findList(ts, declaration) {
  let node = declaration;
  while (ts.isBindingElement(node) || ts.isBindingPattern(node) || ts.isVariableDeclaration(node)) node = node.parent;
  return ts.isVariableDeclarationList(node) ? node : undefined;
}

module.exports = { Names, kindOf };
