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

/** The name that nothing in the text begins with. */
function freePrefix(text) {
  let prefix = '$_';
  while (text.includes(prefix)) prefix += '_';
  return prefix;
}

/**
 * @typedef {{ specifier: string, names: { local: string, imported: string }[] }} Import
 * @param {string} js @param {string} prefix of all names that are added
 * @param {{ own: Set<string>, known: (name: string) => boolean }} names top-level names of this cell, of earlier ones
 * @returns {{ text: EditedText, boxes: string[], hoisted: string[], imports: Import[] }}
 */
function rewrite(js, prefix, { own, known }) {
  const file = parse(js, 'cell.js');
  ts.bindSourceFile(file, { target: ts.ScriptTarget.ESNext });
  const text = new EditedText(js);
  const boxes = new Set();
  const hoisted = new Set();
  const imports = [];

  const isShared = (name) => (file.locals.has(name) ? own.has(name) : known(name));
  const box = (name) => {
    boxes.add(name);
    return `${prefix}${name}.v`;
  };

  /** Whether a name at this place means the one at the top level. */
  function isTop(node) {
    const name = node.text;
    if (!isShared(name)) return false;
    for (let place = node.parent; place !== file; place = place.parent) {
      if (place.locals?.has(name)) return false;
      if ((ts.isFunctionExpression(place) || ts.isClassExpression(place)) && place.name?.text === name) return false;
    }
    return true;
  }

  /** A name that is a reference, not a property or a label. */
  function isReference({ parent }, node) {
    if (ts.isPropertyAccessExpression(parent)) return parent.name !== node;
    if (ts.isPropertyAssignment(parent)) return parent.name !== node;
    if (ts.isLabeledStatement(parent) || ts.isBreakOrContinueStatement(parent) || ts.isMetaProperty(parent))
      return false;
    if (ts.isBindingElement(parent) && parent.propertyName === node) return false;
    return !((ts.isClassElement(parent) || ts.isFunctionLike(parent)) && parent.name === node);
  }

  const isCallee = ({ parent }, node) =>
    (ts.isCallExpression(parent) && parent.expression === node) ||
    (ts.isTaggedTemplateExpression(parent) && parent.tag === node);

  function visitName(node) {
    if (!isReference(node, node) || !isTop(node)) return;
    const { parent } = node;
    const shorthand =
      ts.isShorthandPropertyAssignment(parent) ||
      (ts.isBindingElement(parent) &&
        parent.name === node &&
        !parent.propertyName &&
        !parent.dotDotDotToken &&
        ts.isObjectBindingPattern(parent.parent));
    let place = box(node.text);
    if (shorthand) place = `${node.text}: ${place}`;
    else if (isCallee(node, node)) place = `(0,${place})`;
    text.replace(node.getStart(file), node.end, place);
  }

  const namesOf = (name) =>
    ts.isIdentifier(name) ? [name] : name.elements.flatMap((e) => (e.name ? namesOf(e.name) : []));

  /** The value of `const f = () => 1` is called f. */
  function isNameless(value) {
    while (value && ts.isParenthesizedExpression(value)) value = value.expression;
    return (
      value &&
      (ts.isArrowFunction(value) || ((ts.isFunctionExpression(value) || ts.isClassExpression(value)) && !value.name))
    );
  }

  function visitDeclarations(list) {
    const shared = list.declarations.filter(({ name }) => namesOf(name).some(isTop));
    if (shared.length === 0) return ts.forEachChild(list, visit);
    const { parent } = list;
    const isStatement = ts.isVariableStatement(parent);
    const first = list.declarations[0];
    text.blank(list.getStart(file), first.getStart(file));
    list.declarations.forEach((declaration, i) => {
      const { name, initializer } = declaration;
      const [start, end] = [declaration.getStart(file), declaration.end];
      if (!shared.includes(declaration)) {
        // a helper of TypeScript's own: local, and only ever in a statement
        if (i > 0) text.replace(list.declarations[i - 1].end, start, ';var ');
        else text.insert(start, 'var ');
        const next = list.declarations[i + 1];
        if (next && shared.includes(next)) text.replace(end, next.getStart(file), ';');
      } else if (initializer) {
        text.insert(start, '(');
        visit(name);
        if (ts.isIdentifier(name) && isNameless(initializer)) {
          text.insert(initializer.getStart(file), `({${JSON.stringify(name.text)}:`);
          visit(initializer);
          text.insert(initializer.end, `})[${JSON.stringify(name.text)}]`);
        } else visit(initializer);
        text.insert(end, ')');
      } else if (isStatement && parent.parent === file) {
        visit(name);
        text.insert(end, '=void 0');
      } else if (isStatement || ts.isForStatement(parent)) {
        // `var x;` inside of a block declares, and changes nothing
        text.replace(start, end, 'void 0');
      } else visit(name);
    });
  }

  function visitImport(node) {
    const { importClause: clause, moduleSpecifier } = node;
    const names = [];
    if (clause?.name) names.push({ local: clause.name.text, imported: 'default' });
    const bindings = clause?.namedBindings;
    if (bindings && ts.isNamespaceImport(bindings)) names.push({ local: bindings.name.text, imported: '*' });
    else
      for (const { name, propertyName } of bindings?.elements ?? [])
        names.push({ local: name.text, imported: (propertyName ?? name).text });
    for (const { local } of names) box(local);
    imports.push({ specifier: moduleSpecifier.text, names });
    text.blank(node.getStart(file), node.end);
  }

  function visit(node) {
    if (ts.isIdentifier(node)) return visitName(node);
    if (ts.isImportDeclaration(node)) return visitImport(node);
    if (ts.isExportDeclaration(node)) return text.blank(node.getStart(file), node.end);
    if (ts.isVariableDeclarationList(node)) return visitDeclarations(node);
    if (ts.isMetaProperty(node) && node.keywordToken === ts.SyntaxKind.ImportKeyword)
      return text.replace(node.getStart(file), node.end, `${prefix}.meta`);
    if (node.kind === ts.SyntaxKind.ImportKeyword && ts.isCallExpression(node.parent))
      return text.replace(node.getStart(file), node.end, `${prefix}.import`);
    if (node.parent === file && node.name && own.has(node.name.text)) {
      if (ts.isFunctionDeclaration(node)) {
        box(node.name.text);
        hoisted.add(node.name.text);
      } else if (ts.isClassDeclaration(node)) {
        // static members may already use the class
        text.insert(node.members.pos, `static{${box(node.name.text)}=this;}`);
      }
    }
    if ((ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node)) && node.name && node.parent === file) {
      return ts.forEachChild(node, (child) => (child === node.name ? undefined : visit(child)));
    }
    return ts.forEachChild(node, visit);
  }

  ts.forEachChild(file, (node) => void visit(node));
  return { text, boxes: [...boxes], hoisted: [...hoisted], imports };
}

module.exports = { rewrite, freePrefix };
