'use strict';
/** Node's `module`: `createRequire` finds what is built into the page. And source maps, which only TypeScript writes here. */
const packages = require('./packages.cjs');

function createRequire() {
  const require = (id) => packages.load(id);
  return Object.assign(require, { resolve: (id) => packages.resolve(id), cache: packages.cache });
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const DIGITS = new Map([...LETTERS].map((letter, value) => [letter, value]));

/** The numbers of one segment: base 64, five bits a letter, the sign last. */
function numbersOf(segment) {
  const numbers = [];
  let [value, shift] = [0, 0];
  for (const letter of segment) {
    const digit = DIGITS.get(letter);
    value += (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    numbers.push(value & 1 ? -(value >> 1) : value >> 1);
    [value, shift] = [0, 0];
  }
  return numbers;
}

class SourceMap {
  constructor({ mappings, sources }) {
    this.sources = sources;
    let [line, column] = [0, 0];
    this.lines = mappings.split(';').map((text) => {
      let generated = 0;
      return text.split(',').filter(Boolean).map((segment) => {
        const [a, , b = 0, c = 0] = numbersOf(segment);
        generated += a;
        line += b;
        column += c;
        return { generated, line, column };
      });
    }); // prettier-ignore
  }

  /** The last place at or before a position, both from 0. */
  findEntry(line, column) {
    const found = this.lines[line]?.findLast(({ generated }) => generated <= column);
    return found ? { originalLine: found.line, originalColumn: found.column } : {};
  }
}

module.exports = { createRequire, SourceMap, syncBuiltinESMExports: () => undefined };
