'use strict';
/** tslab's words in a comment at the beginning of a cell: `@module name`, `@jsx`, `@browser`. */

/** @returns {{ module?: string, jsx?: boolean, browser?: boolean }} */
function readDirectives(source) {
  const found = {};
  const comments = /^\s*(?:\/\/[^\n]*\s*|\/\*[\s\S]*?\*\/\s*)*/.exec(source)[0];
  for (const [comment] of comments.matchAll(/\/\*\*[\s\S]*?\*\//g)) {
    for (const [, tag, word] of comment.matchAll(/@(\w+)(?:[ \t]+(\w+)(?=\s|\*))?/g)) {
      if (tag === 'module' && word) found.module = word;
      if (tag === 'jsx') found.jsx = true;
      if (tag === 'browser') found.browser = true;
    }
  }
  return found;
}

module.exports = { readDirectives };
