'use strict';
/**
 * The one scope of all cells: a box for every name, `box.v`. Each box has a class of its own, so that V8 knows what is in
 * it: a loop that adds to a top-level variable then runs like one in a function. (With one class for all, a number would
 * become a new object at every step: ten times slower.)
 */
function newBox(name, cleared) {
  return new (class {
    get v() {
      if (cleared.has(name)) return undefined;
      throw new ReferenceError(
        `${name} 还没有值：给它赋值的那一行尚未运行（Cannot access '${name}' before initialization）`,
      );
    }

    set v(value) {
      define(this, value);
    }
  })();
}

/** A number begins as one with a fraction: V8 then keeps a place for any number. */
function define(box, value) {
  const first = typeof value === 'number' ? 0.5 : value;
  Object.defineProperty(box, 'v', { value: first, writable: true, enumerable: true, configurable: true });
  if (typeof value === 'number') box.v = value;
}

class Scope {
  constructor() {
    /** @type {Map<string, object>} */
    this.boxes = new Map();
    /** Variables that are undefined as long as they have no value. @type {Set<string>} */
    this.cleared = new Set();
  }

  box(name) {
    if (!this.boxes.has(name)) this.boxes.set(name, newBox(name, this.cleared));
    return this.boxes.get(name);
  }

  /** The present content, to be put back: a value, or where an imported name leads. */
  save(name) {
    return Object.getOwnPropertyDescriptor(this.box(name), 'v');
  }

  restore(name, descriptor) {
    if (descriptor) Object.defineProperty(this.box(name), 'v', descriptor);
    else delete this.box(name).v;
  }

  /** An import leads to its module's present value. */
  link(name, get) {
    const box = this.box(name);
    this.cleared.delete(name);
    Object.defineProperty(box, 'v', { get, set: (value) => define(box, value), enumerable: true, configurable: true });
  }

  /** A name that was an import becomes a variable. */
  unlink(name) {
    if (this.save(name)?.get) delete this.box(name).v;
  }

  /** Makes a variable undefined; the box holds nothing then, and is ready for a number. */
  clear(name) {
    delete this.box(name).v;
    this.cleared.add(name);
  }
}

module.exports = { Scope };
