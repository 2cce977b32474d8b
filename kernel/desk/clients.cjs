'use strict';
/** The sockets to Jupyter's clients, and all that is said through them. */
const fs = require('fs');
const zmq = require('zeromq');
const { Wire } = require('./wire.cjs');

class Clients {
  /** @param {{ transport: string, ip: string, key: string, signature_scheme?: string } & Record<string, any>} connection */
  constructor(connection) {
    this.connection = connection;
    this.wire = new Wire(connection);
    this.closed = false;
    this.sockets = {
      iopub: new zmq.Publisher(),
      shell: new zmq.Router(),
      control: new zmq.Router(),
      stdin: new zmq.Router(),
      hb: new zmq.Reply(),
    };
  }

  publish(request, type, content) {
    if (this.closed) return;
    void this.sockets.iopub.send(this.wire.encode([Buffer.from(`kernel.${type}`)], type, content, request?.header));
  }

  status(request, state) {
    this.publish(request, 'status', { execution_state: state });
  }

  reply(request, content, type = request.header.msg_type.replace(/_request$/, '_reply')) {
    void request.socket.send(this.wire.encode(request.identities, type, content, request.header));
  }

  /** A question to the reader of a cell. */
  ask(request, content) {
    void this.sockets.stdin.send(this.wire.encode(request.identities, 'input_request', content, request.header));
  }

  /** @param {Record<'shell' | 'control' | 'stdin', (request: any) => void>} handlers */
  async open(handlers) {
    const { transport, ip } = this.connection;
    for (const [name, socket] of Object.entries(this.sockets)) {
      if (name !== 'hb') {
        // Nothing may be dropped or block, however much a cell prints.
        socket.sendHighWaterMark = 0;
        // A send is done when it returns. Otherwise the binding puts off every 513th message to the next turn of the event
        // loop, and until then refuses the following one: a cell that would never end.
        socket.sendTimeout = 0;
      }
      const port = this.connection[`${name}_port`];
      await socket.bind(transport === 'ipc' ? `ipc://${ip}-${port}` : `${transport}://${ip}:${port}`);
    }
    void this.beat();
    for (const [name, handle] of Object.entries(handlers)) void this.listen(this.sockets[name], handle);
  }

  async beat() {
    const { hb } = this.sockets;
    for await (const frames of hb) await hb.send(frames);
  }

  async listen(socket, handle) {
    for await (const frames of socket) {
      const request = this.wire.decode(frames);
      if (!request) continue;
      try {
        handle(Object.assign(request, { socket }));
      } catch (error) {
        // One odd message must not end the loop, and the kernel with it; this goes to Jupyter's log.
        fs.writeSync(2, `${request.header.msg_type}: ${error.stack}\n`);
      }
    }
  }

  close() {
    this.closed = true;
    for (const socket of Object.values(this.sockets)) {
      // so long the last messages may take to leave; close() of front.cjs waits as long
      socket.linger = 1000;
      socket.close();
    }
  }
}

module.exports = { Clients };
