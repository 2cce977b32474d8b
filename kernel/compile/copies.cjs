'use strict';
/**
 * Which variables a loop keeps a copy of. A loop that adds to a box waits at each step for the sum to come back from
 * memory; with a local copy that it reads, and writes together with the box, it does not, and an interrupt loses nothing.
 *
 * The copy is right as long as nobody else gives the variable a value while the loop runs. That can only be a function
 * (or a class, a getter, an iterator: all are code inside of a function) of this cell or an earlier one which assigns the
 * name; every cell's are remembered. A loop that waits is left alone: anything may happen in between.
 */
const ts = require('typescript');
const { awaits } = require('./library.cjs');
const { listOf } = require('./names.cjs');
const { isOutermost, isReference, isTarget, isPlainTarget } = require('./mentions.cjs');

/** What is in there may run at another time than what stands around it. */
const isSetAside = (node) => ts.isFunctionLike(node) || ts.isClassLike(node);

/** All places where top-level names are given values, with the outermost loop around them that does not wait. */
function targetsIn(file, isShared) {
  const found = [];
  const visit = (node, loop, aside) => {
    if (ts.isIdentifier(node)) {
      if (isShared(node.text) && isReference(node) && isTarget(node) && isOutermost(node, file))
        found.push({ node, name: node.text, loop, aside });
      return;
    }
    const isLoop = !loop && !aside && ts.isIterationStatement(node, false) && !awaits(ts, node);
    const around = isLoop ? node : loop;
    const inside = aside || isSetAside(node);
    ts.forEachChild(node, (child) => visit(child, around, inside));
  };
  visit(file, undefined, false);
  return found;
}

/** `var`: from the beginning of its cell on it has a value, if only undefined. */
const isVar = (symbol) => (symbol?.flags & ts.SymbolFlags.FunctionScopedVariable) !== 0;

/** A variable that can be read when the loop begins: one of an earlier cell, `var`, or `let` above the loop. */
function isReady(name, loop, file, earlier) {
  const symbol = file.locals.get(name);
  if (!symbol) return earlier.isVariable(name);
  return isVar(symbol) || symbol.declarations.some((declaration) => listOf(declaration)?.end <= loop.pos);
}

/**
 * Remembers which names this cell's functions assign.
 * @param {ts.SourceFile} file @param {(name: string) => boolean} isShared @param {import('./rewrite.cjs').Names} names
 * @returns {Map<ts.Node, Set<string>>} loops, and the names that they have copies of
 */
function copiesIn(file, isShared, { earlier }) {
  const targets = targetsIn(file, isShared);
  for (const { name, aside } of targets) if (aside) earlier.changing.add(name);
  const copies = new Map();
  for (const { name, loop, aside } of targets) {
    if (!loop || aside || earlier.changing.has(name) || copies.get(loop)?.has(name)) continue;
    const isPlain = targets.every((other) => other.loop !== loop || other.name !== name || isPlainTarget(other.node));
    if (!isPlain || !isReady(name, loop, file, earlier)) continue;
    if (!copies.has(loop)) copies.set(loop, new Set());
    copies.get(loop).add(name);
  }
  return copies;
}

/** The loop that has a copy of what a reference means; a function reads the variable itself, for it may run later. */
function loopOf(reference, copies) {
  for (let place = reference.parent; place && !isSetAside(place); place = place.parent)
    if (copies.get(place)?.has(reference.text)) return place;
  return undefined;
}

module.exports = { copiesIn, isVar, loopOf };
