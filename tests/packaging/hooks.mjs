// A page with one component that tests can steer, in React's development build: only that mounts everything twice.

import { writeFile } from "node:fs/promises";

import { build } from "esbuild";

import { Workshop } from "./workshop.mjs";

const PAGE = `<!doctype html><meta charset="utf-8" /><title>Hooks</title><link rel="icon" href="data:," />
<script src="probe.js"></script>`;

/** Who the component's chats are ann's for. */
export const user = { userId: "ann", namespace: "micro", after: 0 };

export class Hooks {
  #workshop;
  #address;
  #browser;

  static async start() {
    const hooks = new Hooks();
    const workshop = (hooks.#workshop = await Workshop.start());
    await build({
      absWorkingDir: workshop.at("react"),
      entryPoints: ["probe.tsx"],
      bundle: true,
      jsx: "automatic",
      outdir: "probe",
      define: { "process.env.NODE_ENV": '"development"' },
      logLevel: "error",
    });
    await writeFile(workshop.at("react/probe/index.html"), PAGE);
    hooks.#address = `${await workshop.serve("react/probe")}/`;
    return hooks;
  }

  /** Loads the page anew. */
  async open() {
    this.#browser = await this.#workshop.open(this.#address);
  }

  /** Runs an async function in the page, with `args` and the global `probe`; resolves to what it returns. */
  async run(fn, ...args) {
    return this.#browser.run(fn, ...args);
  }

  /** What the page's console says of failures. */
  async errors() {
    return this.#browser.errors();
  }

  async server() {
    return this.#workshop.server();
  }

  /** A chat of ann and somebody whom no other test knows. */
  async newChat() {
    return (await (await this.server()).post("/chat/New", { user_ids: ["ann", String(Math.random())] })).chat_id;
  }

  /** Somebody else says something. */
  async post(chat_id, text) {
    await (await this.server()).post("/chat/Send", { chat_id, user_id: "ben", text });
  }

  /** What the server has stored of a chat. */
  async stored(chat_id) {
    const { messages } = await (await this.server()).post("/chat/History", { chat_id });
    return messages.map(({ text }) => text);
  }

  /** Runs a program to its end. */
  async execute(program, args) {
    return this.#workshop.run(program, args);
  }

  async stop() {
    await this.#workshop.stop();
  }
}
