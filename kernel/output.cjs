'use strict';
/** Everything a cell says on its way: text on stdout and stderr, displays. It goes to the cell that runs, or ran last. */
const { StringDecoder } = require('string_decoder');
const tslab = require('tslab/dist/jupyter.js');
const { toJson } = require('./display.cjs');

class Output {
  /** @param {(cell: string, type: string, content: object) => void} publish */
  constructor(publish) {
    this.publish = publish;
    /** Request that owns what is written now. @type {string | undefined} */
    this.cell = undefined;
  }

  install() {
    for (const name of ['stdout', 'stderr']) {
      const decoder = new StringDecoder('utf8');
      process[name].write = (chunk, encoding, callback) => {
        const done = typeof encoding === 'function' ? encoding : callback;
        const text = typeof chunk === 'string' ? chunk : decoder.write(Buffer.from(chunk));
        if (text) this.publish(this.cell, 'stream', { name, text });
        if (done) process.nextTick(done);
        return true;
      };
    }
    // What tslab.display and newDisplay() write to.
    tslab.lastWriteDisplayData = (content, update) => {
      const type = update ? 'update_display_data' : 'display_data';
      this.publish(this.cell, type, { metadata: {}, ...content, data: toJson(content.data) });
    };
  }
}

module.exports = { Output };
