'use strict';
/** Text that is edited in places, and the way back from a position in the result to one in the original. */

/** Blanks keep every position. */
const blank = (text) => text.replace(/[^\r\n]/g, ' ');

class EditedText {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
    /** @type {{ start: number, end: number, text: string }[]} */
    this.edits = [];
    /** Where lines begin. @type {number[] | undefined} */
    this.starts = undefined;
  }

  replace(start, end, text) {
    this.edits.push({ start, end, text });
  }

  insert(position, text) {
    this.replace(position, position, text);
  }

  blank(start, end) {
    this.replace(start, end, blank(this.text.slice(start, end)));
  }

  finish() {
    // stable: insertions at one place stay in the order in which they were made
    this.edits.sort((a, b) => a.start - b.start || a.end - b.end);
    let result = '';
    let at = 0;
    for (const { start, end, text } of this.edits) {
      result += this.text.slice(at, start) + text;
      at = Math.max(at, end);
    }
    return result + this.text.slice(at);
  }

  /** Edits never add or remove lines; this is the column (0-based) in the original line. */
  original(line, column) {
    this.starts ??= [0, ...[...this.text.matchAll(/\n/g)].map(({ index }) => index + 1)];
    const [from, to] = [this.starts[line] ?? 0, this.starts[line + 1] ?? this.text.length + 1];
    let shift = 0;
    for (const { start, end, text } of this.edits) {
      if (start < from) continue;
      if (start >= to) break;
      const begin = start - from + shift;
      if (column < begin) break;
      const grown = text.length - (end - start);
      if (column < begin + text.length) return start - from;
      shift += grown;
    }
    return column - shift;
  }
}

module.exports = { EditedText };
