'use strict';
/** What was typed in this session, for the arrow keys of a console. (Earlier sessions are not kept.) */
const SESSION = 1;

class History {
  constructor() {
    /** @type {{ line: number, input: string, output?: string }[]} */
    this.entries = [];
  }

  add(line, input) {
    this.entries.push({ line, input });
  }

  setOutput(line, output) {
    const entry = this.entries.findLast((e) => e.line === line);
    if (entry) entry.output = output;
  }

  answer({ hist_access_type: kind, n, start, stop, session = 0, pattern = '*', unique = false, output = false }) {
    let found = this.entries;
    if (kind === 'range') {
      const isHere = session === 0 || session === SESSION;
      found = isHere ? found.filter(({ line }) => line >= (start ?? 1) && line < (stop ?? Infinity)) : [];
    }
    if (kind === 'search') {
      found = found.filter(({ input }) => matcher(pattern).test(input));
      if (unique) found = found.filter(({ input }, i) => found.findLastIndex((e) => e.input === input) === i);
    }
    if (kind !== 'range' && typeof n === 'number') found = n > 0 ? found.slice(-n) : [];
    const said = ({ input, output: text = null }) => (output ? [input, text] : input);
    return { status: 'ok', history: found.map((entry) => [SESSION, entry.line, said(entry)]) };
  }
}

/** `*` and `?` as in a shell. */
function matcher(pattern) {
  const escaped = String(pattern).replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/\*/g, '[\\s\\S]*').replace(/\?/g, '[\\s\\S]')}$`);
}

module.exports = { History };
