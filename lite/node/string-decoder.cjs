'use strict';
/** Node's `string_decoder`: characters that come in two pieces. */
class StringDecoder {
  decoder = new TextDecoder();

  write(bytes) {
    return this.decoder.decode(bytes, { stream: true });
  }
}

module.exports = { StringDecoder };
