'use strict';
/** What a name is at its place in a cell's JavaScript: a reference or only a label, read or given a value, called. */
const ts = require('typescript');

/** A name that is a reference, not a property or a label. */
function isReference(node) {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) || ts.isPropertyAssignment(parent)) return parent.name !== node;
  if (ts.isLabeledStatement(parent) || ts.isBreakOrContinueStatement(parent) || ts.isMetaProperty(parent)) return false;
  if (ts.isBindingElement(parent) && parent.propertyName === node) return false;
  return !((ts.isClassElement(parent) || ts.isFunctionLike(parent)) && parent.name === node);
}

/** A reference that no function, block or class around it declares for itself. */
function isOutermost(node, file) {
  const name = node.text;
  for (let place = node.parent; place !== file; place = place.parent) {
    if (place.locals?.has(name)) return false;
    if ((ts.isFunctionExpression(place) || ts.isClassExpression(place)) && place.name?.text === name) return false;
  }
  return true;
}

function isCallee(node) {
  const { parent } = node;
  return ts.isCallExpression(parent)
    ? parent.expression === node
    : ts.isTaggedTemplateExpression(parent) && parent.tag === node;
}

/** `{ x }`, which says two things: a property and a variable. */
function isShorthand(node) {
  const { parent } = node;
  if (!ts.isBindingElement(parent)) return ts.isShorthandPropertyAssignment(parent);
  const isAlone = parent.name === node && !parent.propertyName && !parent.dotDotDotToken;
  return isAlone && ts.isObjectBindingPattern(parent.parent);
}

const isLogical = ({ operatorToken: { kind } }) => ts.isLogicalOrCoalescingAssignmentOperator(kind);

/** `x++`, `--x` */
const isStep = (node) =>
  (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) &&
  (node.operator === ts.SyntaxKind.PlusPlusToken || node.operator === ts.SyntaxKind.MinusMinusToken);

/** Whether a reference is given a value here, in whatever way. */
function isTarget(node) {
  const { parent } = node;
  if (ts.isVariableDeclaration(parent) || ts.isBindingElement(parent)) return parent.name === node;
  return ts.isDeleteExpression(parent) || ts.isAssignmentTarget(node);
}

/** The simple ways: `x = …`, `x += …`, `x++`, `var x = …`. */
function isPlainTarget(node) {
  const { parent } = node;
  if (ts.isVariableDeclaration(parent)) return parent.initializer !== undefined;
  // `[x = 1] = …` looks like one
  return isStep(parent) || (ts.isBinaryExpression(parent) && !isLogical(parent) && !ts.isAssignmentTarget(parent));
}

module.exports = { isReference, isOutermost, isCallee, isShorthand, isStep, isTarget, isPlainTarget };
