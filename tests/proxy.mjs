// A proxy before a server, as the examples in deploy/ set it up: only names, ports and paths are others.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { proxyPrograms } from "../scripts/program.mjs";
import { freePort } from "./port.mjs";

const START_MS = 60_000;

export const example = (name) => readFile(new URL(`../deploy/${name}`, import.meta.url), "utf8");

/** Changes the example; what is to be changed has to be there. */
export function changed(text, changes) {
  return changes.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`the example has no ${from}`);
    return text.replaceAll(from, to);
  }, text);
}

/** How each is set up in `folder`, to listen on `port` without TLS before the server at `upstream`, and how it runs. */
const PROXIES = {
  async nginx({ folder, port, upstream, changes }) {
    const site = changed(await example("nginx.conf"), [
      ["127.0.0.1:8080", upstream],
      ["listen 443 ssl;", `listen 127.0.0.1:${port};`],
      ["    listen [::]:443 ssl;\n", ""],
      ["ssl_certificate", "# ssl_certificate"],
      ...changes,
    ]);
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    const file = path.join(folder, "nginx.conf");
    // Who writes what a request brings into this folder.
    const user = process.getuid() === 0 ? "user root;" : "";
    await writeFile(
      file,
      `${user} daemon off; pid ${folder}/pid; error_log ${folder}/error.log;
events {}
http { access_log off; ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(" ")}
${site}}`,
    );
    return [proxyPrograms().nginx, ["-c", file, "-p", folder, "-e", path.join(folder, "error.log")]];
  },
  async caddy({ folder, port, upstream, changes }) {
    const file = path.join(folder, "Caddyfile");
    const site = changed(await example("Caddyfile"), [
      ["127.0.0.1:8080", upstream],
      ["chat.example.com {", `http://127.0.0.1:${port} {`],
      ...changes,
    ]);
    await writeFile(file, `{\n\tadmin off\n\tauto_https off\n}\n${site}`);
    return [proxyPrograms().caddy, ["run", "--adapter", "caddyfile", "--config", file]];
  },
};

async function listens(port) {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

export class Proxy {
  #child;
  #folder;
  #command;
  #port;
  #output = "";

  /** Where it listens. */
  get url() {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Starts `name`, which is `nginx` or `caddy`, before the server at `url`, with more `changes` to the example. */
  static async start(name, url, changes = []) {
    const proxy = new Proxy();
    proxy.#folder = await mkdtemp(path.join(os.tmpdir(), "micro-chat-proxy-"));
    proxy.#port = await freePort();
    const { host: upstream } = new URL(url);
    proxy.#command = await PROXIES[name]({ folder: proxy.#folder, port: proxy.#port, upstream, changes });
    await proxy.run();
    return proxy;
  }

  /** Runs it, again after `kill`. */
  async run() {
    const [program, args] = this.#command;
    const env = { ...process.env, HOME: this.#folder, XDG_DATA_HOME: this.#folder, XDG_CONFIG_HOME: this.#folder };
    this.#child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream.on("data", (text) => (this.#output += text));
    for (const end = Date.now() + START_MS; !(await listens(this.#port)); await sleep(20)) {
      if (this.#child.exitCode !== null || Date.now() > end) throw new Error(`it does not start: ${this.#output}`);
    }
  }

  /** Ends it, and with it every connection. */
  async kill() {
    if (this.#child.exitCode !== null) return;
    this.#child.kill("SIGTERM");
    await once(this.#child, "exit");
  }

  async remove() {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
