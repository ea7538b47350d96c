// A network between pages and a server that cuts, stalls and delays.

import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export class Network {
  #links = new Set();
  #listener;
  #moves = Promise.resolve();
  #move = () => {};

  /** `http://127.0.0.1:PORT`: what is here the server, from beyond this network. */
  url;
  /** How long each piece takes, in milliseconds. */
  delay = 0;
  /** Is called with each new client, to return what each piece for it is passed through. */
  onreply;

  /** Begins to pass links on to the server at `url`, whether it runs or not. */
  static async start(url) {
    const network = new Network();
    const { hostname, port } = new URL(url);
    network.#listener = createServer((client) => network.#pass(client, connect(Number(port), hostname)));
    network.#listener.listen(0, "127.0.0.1");
    await once(network.#listener, "listening");
    network.url = `http://127.0.0.1:${network.#listener.address().port}`;
    return network;
  }

  /** Cuts every link. */
  cut() {
    for (const link of this.#links) link.destroy();
  }

  /** From here on nothing passes, and nobody is told. */
  stall() {
    this.#move();
    this.#moves = new Promise((resolve) => (this.#move = resolve));
  }

  /** What was held back goes on its way, and all that follows. */
  flow() {
    this.#move();
  }

  async stop() {
    this.#listener.close();
    this.cut();
    this.flow();
    await once(this.#listener, "close");
  }

  #pass(...ends) {
    const [client, server] = ends;
    const reply = this.onreply?.(client);
    for (const [index, from] of ends.entries()) {
      const to = ends[1 - index];
      this.#links.add(from);
      // An error is followed by the close.
      from.setNoDelay().on("error", () => {});
      from.on("close", () => {
        this.#links.delete(from);
        to.destroy();
      });
      void this.#carry(from, to, from === server ? reply : undefined);
    }
  }

  /** One direction, piece by piece. */
  async #carry(from, to, change = (piece) => piece) {
    try {
      for await (const piece of from) {
        if (this.delay) await sleep(this.delay);
        await this.#moves;
        if (!to.write(change(piece)) && !to.destroyed) await Promise.race([once(to, "drain"), once(to, "close")]);
      }
    } catch {
      // It was cut.
    }
  }
}

/** For a page: a network that never connects. */
export const CUT_OFF = `<script>
  window.WebSocket = class {
    constructor() {
      setTimeout(() => this.onclose?.({ code: 1006 }), 10);
    }
    send() {}
    close() {}
  };
</script>`;
