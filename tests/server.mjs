// A server of its own for each test: its own port, its own data.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../target/release/micro-chat-server", import.meta.url));
// What a busy machine may take; it is no promise.
const START_MS = 60_000;
const STOP_MS = 60_000;

/** A running server; any number of them can run side by side. */
export class Server {
  #child;
  #ended;
  #options;

  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  url;
  /** The folder of its data; it outlives `stop` and `kill`, so that the server can be started on it again. */
  data;
  /** All it has printed so far, on stdout and stderr. */
  output = "";

  /**
   * Starts a server. `args` and `env` are added to the usual ones; `data` is a folder to use instead of a new one,
   * `command` how it runs instead of `dev`, and `program` another program than the release build.
   */
  static async start(options = {}) {
    const server = new Server();
    server.#options = options;
    server.data = options.data ?? (await mkdtemp(path.join(os.tmpdir(), "micro-chat-")));
    await server.#run("127.0.0.1:0");
    return server;
  }

  /** Calls a method, which has to succeed, and resolves to its answer. */
  async post(method, params) {
    const response = await fetch(this.url + method, { method: "POST", body: JSON.stringify(params) });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${method}: ${JSON.stringify(answer)}`);
    return answer;
  }

  get pid() {
    return this.#child.pid;
  }

  /** The file of its program. */
  get program() {
    return this.#options.program ?? PROGRAM;
  }

  /** Ends it as an administrator would; resolves to its exit code, which should be 0. */
  async stop() {
    return this.#end("SIGTERM");
  }

  /** Ends it as a power cut would. */
  async kill() {
    return this.#end("SIGKILL");
  }

  /** Starts it again on the same port and data, after `stop` or `kill`. */
  async restart() {
    await this.#run(new URL(this.url).host);
  }

  /** Ends it, if it still runs, and removes its data. */
  async remove() {
    await this.kill();
    if (!this.#options.data) await rm(this.data, { recursive: true, force: true });
  }

  async #run(listen) {
    const { command = "dev", args = [], env = {} } = this.#options;
    const child = spawn(this.program, [command, "--listen", listen, "--data", this.data, ...args], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once("close", (code, signal) => resolve(code ?? signal)));
    const kill = () => child.kill("SIGKILL");
    process.once("exit", kill);
    child.once("close", () => process.removeListener("exit", kill));
    await once(child, "spawn");

    child.stderr.setEncoding("utf8").on("data", (text) => (this.output += text));
    const lines = createInterface({ input: child.stdout });
    const listening = new Promise((resolve) => {
      lines.on("line", (line) => {
        this.output += `${line}\n`;
        const address = /listening on (http:\/\/\S+)/.exec(line)?.[1];
        if (address) resolve(address.replace(/\/$/, ""));
      });
    });
    let timer;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, START_MS)));
    const address = await Promise.race([listening, this.#ended.then(() => undefined), late]);
    clearTimeout(timer);
    if (address) {
      this.url = address;
      return;
    }
    child.kill("SIGKILL");
    await this.#ended;
    throw new Error(`the server did not start:\n${this.output}`);
  }

  async #end(signal) {
    this.#child.kill(signal);
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS);
    const how = await this.#ended;
    clearTimeout(timer);
    return how;
  }
}
