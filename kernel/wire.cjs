'use strict';
/** Jupyter's wire protocol: frames of a ZeroMQ message to a message object and back, signed. */
const { createHmac, randomUUID, timingSafeEqual } = require('crypto');

const DELIMITER = '<IDS|MSG>';

/**
 * @typedef {{ identities: Buffer[], header: any, parent: any, metadata: any, content: any, buffers: Buffer[] }} Message
 */

class Wire {
  /** @param {{ key: string, signature_scheme?: string }} connection */
  constructor({ key, signature_scheme = 'hmac-sha256' }) {
    this.key = key;
    this.hash = signature_scheme.replace(/^hmac-/, '');
    this.session = randomUUID();
  }

  sign(parts) {
    if (!this.key) return '';
    const hmac = createHmac(this.hash, this.key);
    for (const part of parts) hmac.update(part);
    return hmac.digest('hex');
  }

  /** @param {Buffer[]} frames @returns {Message | undefined} undefined for what does not carry our signature */
  decode(frames) {
    const start = frames.findIndex((frame) => frame.toString() === DELIMITER);
    const parts = frames.slice(start + 2, start + 6);
    if (start < 0 || parts.length < 4) return undefined;
    const expected = Buffer.from(this.sign(parts));
    const got = frames[start + 1];
    if (expected.length !== got.length || !timingSafeEqual(expected, got)) return undefined;
    const [header, parent, metadata, content] = parts.map((part) => JSON.parse(part.toString()));
    return { identities: frames.slice(0, start), header, parent, metadata, content, buffers: frames.slice(start + 6) };
  }

  /** @param {Buffer[]} identities addressee on a router socket, topic on the publisher */
  encode(identities, type, content, parent = {}) {
    const header = {
      msg_id: randomUUID(),
      session: this.session,
      username: 'kernel',
      date: new Date().toISOString(),
      msg_type: type,
      version: '5.3',
    };
    const parts = [header, parent, {}, content].map((part) => Buffer.from(JSON.stringify(part)));
    return [...identities, DELIMITER, this.sign(parts), ...parts];
  }
}

module.exports = { Wire };
