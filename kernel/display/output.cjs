'use strict';
/** Everything a cell says on its way: text on stdout and stderr, displays. It goes to the cell that it comes from. */
const { StringDecoder } = require('string_decoder');
const { shared } = require('../run/shared.cjs');
const { jupyter } = require('./tslab.cjs');
const { toJson, toBundle } = require('./display.cjs');

class Output {
  /**
   * @param {(cell: string, type: string, content: object) => void} publish
   * @param {() => string | undefined} owner the cell whose code is speaking
   */
  constructor(publish, owner) {
    this.publish = publish;
    this.owner = owner;
    /** Cells that were given up while they were at work: what is left of them says nothing any more. */
    this.silenced = new Set();
  }

  say(type, content) {
    const cell = this.owner();
    if (!this.silenced.has(cell)) this.publish(cell, type, content);
  }

  install() {
    for (const name of ['stdout', 'stderr']) {
      const decoder = new StringDecoder('utf8');
      process[name].write = (chunk, encoding, callback) => {
        const done = typeof encoding === 'function' ? encoding : callback;
        const text = typeof chunk === 'string' ? chunk : decoder.write(Buffer.from(chunk));
        if (text) this.say('stream', { name, text });
        if (done) process.nextTick(done);
        return true;
      };
    }
    console.clear = () => this.say('clear_output', { wait: false });
    const display = ({ data, metadata = {}, id, update }) => {
      const content = {
        metadata: toJson(metadata),
        transient: id === undefined ? {} : { display_id: id },
        data: toBundle(data),
      };
      this.say(update ? 'update_display_data' : 'display_data', content);
    };
    // The library's figures (lib/show/sink.ts), and tslab's display and newDisplay().
    shared('kernel.display', () => ({})).display = display;
    jupyter.lastWriteDisplayData = ({ data, metadata, transient }, update) =>
      display({ data, metadata, id: transient?.display_id, update });
  }
}

module.exports = { Output };
