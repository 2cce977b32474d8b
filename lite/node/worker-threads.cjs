'use strict';
/** Node's `worker_threads`: message ports with the words of Node. */
const withOn = (port) =>
  Object.assign(port, { on: (name, hear) => (port[`on${name}`] = ({ data }) => hear(data)), unref: () => undefined });

class Channel {
  constructor() {
    const { port1, port2 } = new MessageChannel();
    Object.assign(this, { port1: withOn(port1), port2: withOn(port2) });
  }
}

/** t-SNE in a thread of its own (`layouts/tsne-js.ts`) is Node's. */
class Worker {
  constructor() {
    throw new Error('浏览器里没有 worker_threads 的 Worker；请用课程自己的 t-SNE。');
  }
}

module.exports = { MessageChannel: Channel, Worker };
