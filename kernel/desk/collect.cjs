'use strict';
/**
 * Collects text for a few milliseconds, so that ten thousand console.log calls become a few messages. It works in the
 * front desk's thread: what was printed before a long computation appears at once.
 */
/** Milliseconds: the eye takes it for at once, and forty messages a second are few. */
const PAUSE = 25;
/** Characters after which nobody waits for the pause: a message stays small, whatever a loop prints. */
const MOST_TEXT = 1 << 20;

class TextCollector {
  /** @param {(cell: string, content: { name: string, text: string }) => void} send */
  constructor(send) {
    this.send = send;
    this.pending = undefined;
    this.timer = undefined;
  }

  add(cell, { name, text }) {
    if (this.pending && (this.pending.name !== name || this.pending.cell !== cell)) this.flush();
    this.pending ??= { name, cell, parts: [], size: 0 };
    this.pending.parts.push(text);
    this.pending.size += text.length;
    if (this.pending.size > MOST_TEXT) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), PAUSE);
  }

  flush() {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { pending } = this;
    this.pending = undefined;
    if (pending) this.send(pending.cell, { name: pending.name, text: pending.parts.join('') });
  }
}

module.exports = { TextCollector };
