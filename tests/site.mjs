// Somebody's web site: it serves pages with the examples, from another origin than the server's.

import { createServer } from "node:http";
import { once } from "node:events";

// Notes what a page shows. It runs before the example and leaves all as it is. Frames are noted as a test has to know
// when a stream is open, which the example doesn't tell.
function recorder() {
  const shown = { log: [], error: [], uncaught: [], frames: [] };
  window.shown = shown;
  const inWords = (value) => {
    if (value instanceof Error) return `${value} ${JSON.stringify({ ...value })}`;
    return typeof value === "string" ? value : JSON.stringify(value);
  };
  for (const level of ["log", "error"]) {
    const original = console[level];
    console[level] = (...values) => {
      shown[level].push(values.map(inWords).join(" "));
      original.apply(console, values);
    };
  }
  // Capturing: a script that doesn't load tells only its element.
  addEventListener("error", (event) => shown.uncaught.push(event.message ?? `${event.target.src} failed`), true);
  addEventListener("unhandledrejection", (event) => shown.uncaught.push(inWords(event.reason)));
  window.WebSocket = class extends WebSocket {
    constructor(...args) {
      super(...args);
      this.addEventListener("message", ({ data }) => shown.frames.push(data));
    }
  };
}

const page = (example) => `<!doctype html>
<meta charset="utf-8" />
<title>An example</title>
<link rel="icon" href="data:," />
<script>(${recorder})();</script>
${example}`;

export class Site {
  #pages = [];
  #server;

  /** `http://127.0.0.1:PORT`. */
  url;

  static async start() {
    const site = new Site();
    site.#server = createServer((request, response) => {
      const found = site.#pages[Number(request.url.slice(1))];
      response.writeHead(found ? 200 : 404, { "content-type": "text/html; charset=utf-8" });
      response.end(found);
    });
    site.#server.listen(0, "127.0.0.1");
    await once(site.#server, "listening");
    site.url = `http://127.0.0.1:${site.#server.address().port}`;
    return site;
  }

  /** The address of a new page with this example in it. */
  publish(example) {
    this.#pages.push(page(example));
    return `${this.url}/${this.#pages.length - 1}`;
  }

  async stop() {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
