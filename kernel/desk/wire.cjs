'use strict';
/** Jupyter's wire protocol: frames of a ZeroMQ message to a message object and back, signed. */
const { createHmac, randomUUID, timingSafeEqual } = require('crypto');

const DELIMITER = '<IDS|MSG>';

/**
 * @typedef {{ identities: Buffer[], header: any, parent: any, metadata: any, content: any, buffers: Buffer[] }} Message
 */

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whatever else is wrong, the sender can be answered by the id and the type; a part that is no object counts as empty. */
function parseParts(parts) {
  let values;
  try {
    values = parts.map((part) => JSON.parse(part.toString()));
  } catch {
    return undefined;
  }
  const [header, parent, metadata, content] = values.map((value) => (isObject(value) ? value : {}));
  if (typeof header.msg_id !== 'string' || typeof header.msg_type !== 'string') return undefined;
  return { header, parent, metadata, content };
}

/** Half an emoji is no text: Python could not write it into the notebook's file. JSON.stringify has escaped every half. */
function toWire(value) {
  const json = JSON.stringify(value);
  if (!/\\ud[89a-f]/.test(json)) return json;
  return json.replace(/\\(?:u(d[89a-f][0-9a-f]{2})|.)/g, (escape, half) => (half ? '\ufffd' : escape));
}

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

  /**
   * @param {Buffer[]} frames
   * @returns {Message | undefined} undefined for what does not carry our signature, or is no message in spite of it
   */
  decode(frames) {
    const start = frames.findIndex((frame) => frame.toString() === DELIMITER);
    const parts = frames.slice(start + 2, start + 6);
    if (start < 0 || parts.length < 4) return undefined;
    const expected = Buffer.from(this.sign(parts));
    const got = frames[start + 1];
    if (expected.length !== got.length || !timingSafeEqual(expected, got)) return undefined;
    const parsed = parseParts(parts);
    return parsed && { identities: frames.slice(0, start), ...parsed, buffers: frames.slice(start + 6) };
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
    const parts = [header, parent, {}, content].map((part) => Buffer.from(toWire(part)));
    return [...identities, DELIMITER, this.sign(parts), ...parts];
  }
}

module.exports = { Wire, isObject };
