'use strict';
/** What the kernel and the library share: lib/base/state.ts is the library's end of it. */
function shared(key, create) {
  const values = (globalThis[Symbol.for('convscope.state')] ??= new Map());
  if (!values.has(key)) values.set(key, create());
  return values.get(key);
}

module.exports = { shared };
