'use strict';
/**
 * What the cells so far have defined, for TypeScript: every cell stays a module, and a later cell begins with a line that
 * fetches the names it uses from there. (Types come from the source itself, so nothing has to be written as .d.ts.)
 */
const ts = require('typescript');
const { SymbolFlags } = ts;

/**
 * @typedef {{ value: boolean, type: boolean, variable?: 'let' | 'const', isAmbient?: boolean }} Kind
 *   `isAmbient`: by `declare` it comes from elsewhere
 * @typedef {Kind & { module: string }} Name
 */

class Names {
  constructor() {
    /** Who gave a name its value. @type {Map<string, Name>} */
    this.values = new Map();
    /** Who gave a name its meaning as a type. @type {Map<string, Name>} */
    this.types = new Map();
    /** Names that functions assign (copies.cjs). @type {Set<string>} */
    this.changing = new Set();
  }

  /** Whether there is a box for it. */
  hasValue(name) {
    return this.values.get(name)?.isAmbient === false;
  }

  isVariable(name) {
    return this.hasValue(name) && this.values.get(name).variable !== undefined;
  }

  /** @param {string} module @param {Map<string, Kind>} defined */
  add(module, defined) {
    for (const [name, kind] of defined) {
      const entry = { module, ...kind };
      if (kind.value) {
        // `declare let x` may give another type to what is there
        entry.isAmbient &&= !this.hasValue(name);
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

/** What a symbol means. @returns {Kind} */
function kindOf(checker, symbol) {
  const target = symbol.flags & SymbolFlags.Alias ? aliased(checker, symbol) : symbol;
  const value = target === undefined || (target.flags & SymbolFlags.Value) !== 0;
  const type = target !== undefined && (target.flags & (SymbolFlags.Type | SymbolFlags.Namespace)) !== 0;
  const { valueDeclaration: declaration } = symbol;
  const list = declaration && listOf(declaration);
  const word = list?.flags & ts.NodeFlags.Const ? 'const' : 'let';
  const isAmbient = Boolean(declaration && ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Ambient);
  return { value, type, variable: list ? word : undefined, isAmbient };
}

/** Undefined where nobody knows; `import type` never is a value. */
function aliased(checker, symbol) {
  const target = checker.getAliasedSymbol(symbol);
  const typeOnly = symbol.declarations.some((d) => ts.isTypeOnlyImportOrExportDeclaration(d));
  if (typeOnly) return { flags: target.flags & ~SymbolFlags.Value };
  return target.declarations ? target : undefined;
}

/** The `let a = 1, { b } = …` that a variable comes from. */
function listOf(declaration) {
  let node = declaration;
  while (ts.isBindingElement(node) || ts.isBindingPattern(node) || ts.isVariableDeclaration(node)) node = node.parent;
  return ts.isVariableDeclarationList(node) ? node : undefined;
}

module.exports = { Names, kindOf, listOf };
