'use strict';
/**
 * Everything a cell says on its way: text on stdout and stderr, displays. It goes to the cell that runs, or ran last.
 * Text is collected for a few milliseconds: ten thousand console.log calls become a few messages.
 */
const { StringDecoder } = require('string_decoder');
const tslab = require('tslab/dist/jupyter.js');
const { toJson } = require('./display.cjs');

const PAUSE = 25;
const MOST_TEXT = 1 << 20;

class Output {
  /** @param {(cell: string, type: string, content: object) => void} publish */
  constructor(publish) {
    this.send = publish;
    /** Request that owns what is written now. @type {string | undefined} */
    this.cell = undefined;
    this.pending = undefined;
    this.timer = undefined;
  }

  install() {
    for (const name of ['stdout', 'stderr']) {
      const decoder = new StringDecoder('utf8');
      process[name].write = (chunk, encoding, callback) => {
        const done = typeof encoding === 'function' ? encoding : callback;
        this.write(name, typeof chunk === 'string' ? chunk : decoder.write(Buffer.from(chunk)));
        if (done) process.nextTick(done);
        return true;
      };
    }
    tslab.lastWriteDisplayData = (content, update) => {
      const type = update ? 'update_display_data' : 'display_data';
      this.publish(this.cell, type, { metadata: {}, ...content, data: toJson(content.data) });
    };
  }

  write(name, text) {
    if (this.pending && (this.pending.name !== name || this.pending.cell !== this.cell)) this.flush();
    this.pending ??= { name, cell: this.cell, parts: [], size: 0, since: Date.now() };
    this.pending.parts.push(text);
    this.pending.size += text.length;
    // A synchronous loop leaves timers no chance, so the age is looked at here as well.
    if (this.pending.size > MOST_TEXT || Date.now() - this.pending.since > PAUSE) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), PAUSE);
  }

  flush() {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { pending } = this;
    this.pending = undefined;
    const text = pending?.parts.join('');
    if (text) this.send(pending.cell, 'stream', { name: pending.name, text });
  }

  /** Anything else that a cell publishes comes after the text before it. */
  publish(cell, type, content) {
    this.flush();
    this.send(cell, type, content);
  }
}

module.exports = { Output };
