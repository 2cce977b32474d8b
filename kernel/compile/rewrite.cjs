'use strict';
/**
 * Cells share one scope. A top-level name of a cell lives in a box, `box.v`, and every mention of it, in this cell or a
 * later one, inside of a function or not, goes to that box: so a function always sees the present value. Names inside of
 * functions and blocks stay what they are, so loops run at their usual speed.
 *
 * It works on the JavaScript that TypeScript made of a cell, where only values are left.
 */
const ts = require('typescript');
const { parse } = require('./service.cjs');
const { EditedText } = require('./text.cjs');
const { copiesIn, isVar, loopOf } = require('./copies.cjs');
const { isReference, isOutermost, isCallee, isShorthand, isStep, isTarget } = require('./mentions.cjs');

/** The name that nothing in the text begins with. */
function freePrefix(text) {
  let prefix = '$_';
  while (text.includes(prefix)) prefix += '_';
  return prefix;
}

const namesOf = (name) =>
  ts.isIdentifier(name) ? [name] : name.elements.flatMap((e) => (e.name ? namesOf(e.name) : []));

/** The value of `const f = () => 1` is called f. */
function isNameless(value) {
  while (ts.isParenthesizedExpression(value)) value = value.expression;
  return ts.isArrowFunction(value) || ((ts.isFunctionExpression(value) || ts.isClassExpression(value)) && !value.name);
}

/**
 * @typedef {{ specifier: string, names: { local: string, imported: string }[] }} Import
 * @typedef {{ own: Set<string>, earlier: import('./names.cjs').Names, waits: boolean }} Names top-level names of this cell,
 *   of earlier ones; whether the cell has an `await`
 */
class Rewriter {
  /** @param {string} js @param {string} prefix of all names that are added @param {Names} names */
  constructor(js, prefix, names) {
    this.file = parse(js, 'cell.js');
    ts.bindSourceFile(this.file, { target: ts.ScriptTarget.ESNext });
    this.text = new EditedText(js);
    this.prefix = prefix;
    this.names = names;
    this.boxes = new Set();
    this.hoisted = new Set();
    /** @type {Import[]} */
    this.imports = [];
    this.copies = copiesIn(this.file, (name) => this.isShared(name), names);
    this.visitChildren(this.file);
  }

  isShared(name) {
    const { own, earlier } = this.names;
    return this.file.locals.has(name) === own.has(name) && (own.has(name) || earlier.hasValue(name));
  }

  isTop(node) {
    return this.isShared(node.text) && isOutermost(node, this.file);
  }

  box(name) {
    this.boxes.add(name);
    return `${this.prefix}${name}.v`;
  }

  /** A loop's own copy of a variable. */
  copy(name) {
    return `${this.prefix}${name}${this.prefix}`;
  }

  replace(node, text) {
    this.text.replace(node.getStart(this.file), node.end, text);
  }

  insertBefore(node, text) {
    this.text.insert(node.getStart(this.file), text);
  }

  visitChildren(node) {
    ts.forEachChild(node, (child) => void this.visit(child));
  }

  visit(node) {
    if (ts.isIdentifier(node)) return this.visitName(node);
    if (ts.isImportDeclaration(node)) return this.visitImport(node);
    if (ts.isExportDeclaration(node)) return this.text.blank(node.getStart(this.file), node.end);
    if (ts.isVariableDeclarationList(node)) return this.visitDeclarations(node);
    if (ts.isMetaProperty(node) && node.keywordToken === ts.SyntaxKind.ImportKeyword)
      return this.replace(node, `${this.prefix}.meta`);
    if (node.kind === ts.SyntaxKind.ImportKeyword && ts.isCallExpression(node.parent))
      return this.replace(node, `${this.prefix}.import`);
    if (node.parent === this.file && (ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node)))
      return this.visitNamed(node);
    if (this.copies.has(node)) return this.visitLoop(node);
    return this.visitChildren(node);
  }

  // ---- names ------------------------------------------------------------------------------------------------------

  visitName(node) {
    if (!isReference(node) || !this.isTop(node)) return;
    const { text: name } = node;
    const box = this.box(name);
    const copied = loopOf(node, this.copies) !== undefined;
    if (copied && isTarget(node)) return this.visitCopied(node, box, this.copy(name));
    const place = copied ? this.copy(name) : box;
    if (isShorthand(node)) this.replace(node, `${name}: ${place}`);
    else this.replace(node, isCallee(node) ? `(0,${box})` : place);
  }

  /** What gives a copied variable its value writes the copy and the box. */
  visitCopied(node, box, copy) {
    const { parent } = node;
    if (isStep(parent)) {
      const step = ts.tokenToString(parent.operator);
      if (ts.isPrefixUnaryExpression(parent)) return this.replace(parent, `(${box}=${step}${copy})`);
      const before = this.copy('');
      return this.replace(parent, `(${before}=${copy}${step},${box}=${copy},${before})`);
    }
    const isCompound = ts.isBinaryExpression(parent) && parent.operatorToken.kind !== ts.SyntaxKind.EqualsToken;
    // a function that is assigned to a box stays nameless, as always
    return this.replace(node, isCompound ? `${box}=${copy}` : `${copy}=${box}`);
  }

  visitLoop(loop) {
    let labelled = loop;
    while (ts.isLabeledStatement(labelled.parent)) labelled = labelled.parent;
    const copies = [...this.copies.get(loop)].map((name) => `${this.copy(name)}=${this.box(name)}`);
    // a cell that was given up in the meantime is at its end: later cells have functions that nobody knew
    const check = this.names.waits ? `${this.prefix}.attend();` : '';
    this.insertBefore(labelled, `{${check}let ${[this.copy(''), ...copies].join()};`);
    this.visitChildren(loop);
    this.text.insert(loop.end, '}');
  }

  // ---- declarations -----------------------------------------------------------------------------------------------

  visitNamed(node) {
    const { name } = node;
    if (name && this.names.own.has(name.text)) {
      const box = this.box(name.text);
      if (ts.isFunctionDeclaration(node)) this.hoisted.add(name.text);
      // static members may already use the class
      else this.text.insert(node.members.pos, `static{${box}=this;}`);
    }
    ts.forEachChild(node, (child) => (child === name ? undefined : void this.visit(child)));
  }

  visitDeclarations(list) {
    const { declarations } = list;
    const isShared = declarations.map(({ name }) => namesOf(name).some((n) => this.isTop(n)));
    if (!isShared.includes(true)) return this.visitChildren(list);
    this.text.blank(list.getStart(this.file), declarations[0].getStart(this.file));
    declarations.forEach((declaration, i) => {
      if (!isShared[i]) this.visitHelper(declaration, declarations[i - 1], isShared[i + 1] && declarations[i + 1]);
      else if (declaration.initializer) this.visitInitialized(declaration);
      else this.visitBare(declaration, list);
    });
  }

  /** A helper of TypeScript's own: local, and only ever in a statement. */
  visitHelper(declaration, previous, nextShared) {
    const start = declaration.getStart(this.file);
    if (previous) this.text.replace(previous.end, start, ';var ');
    else this.text.insert(start, 'var ');
    if (nextShared) this.text.replace(declaration.end, nextShared.getStart(this.file), ';');
  }

  visitInitialized(declaration) {
    const { name, initializer } = declaration;
    this.insertBefore(declaration, '(');
    this.visit(name);
    const called = ts.isIdentifier(name) && isNameless(initializer) && JSON.stringify(name.text);
    if (called) this.insertBefore(initializer, `({${called}:`);
    this.visit(initializer);
    this.text.insert(declaration.end, called ? `})[${called}])` : ')');
  }

  /** `let x;` makes it undefined; `var x;` was so from the beginning, and changes nothing; `for (var x of …)` */
  visitBare(declaration, { parent, flags }) {
    if (ts.isForInStatement(parent) || ts.isForOfStatement(parent)) this.visit(declaration.name);
    else if (flags & ts.NodeFlags.BlockScoped)
      this.replace(declaration, `${this.prefix}.clear(${JSON.stringify(declaration.name.text)})`);
    else this.replace(declaration, 'void 0');
  }

  visitImport(node) {
    const { importClause: clause, moduleSpecifier } = node;
    const names = [];
    if (clause?.name) names.push({ local: clause.name.text, imported: 'default' });
    const bindings = clause?.namedBindings;
    if (bindings && ts.isNamespaceImport(bindings)) names.push({ local: bindings.name.text, imported: '*' });
    else
      for (const { name, propertyName } of bindings?.elements ?? [])
        names.push({ local: name.text, imported: (propertyName ?? name).text });
    for (const { local } of names) this.box(local);
    this.imports.push({ specifier: moduleSpecifier.text, names });
    this.text.blank(node.getStart(this.file), node.end);
  }
}

/** @param {string} js @param {string} prefix @param {Names} names */
function rewrite(js, prefix, names) {
  const { file, text, boxes, hoisted, imports } = new Rewriter(js, prefix, names);
  const vars = [...names.own].filter((name) => isVar(file.locals.get(name)));
  return { text, boxes: [...boxes], hoisted: [...hoisted], vars, imports };
}

module.exports = { rewrite, freePrefix };
