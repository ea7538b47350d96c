// Where examples are built: a folder with all of them and the package in it, from its tarball. The tools are in
// target/packaging/node_modules, where `npm test` installs them.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { preview } from "vite";

import { Browser } from "../browser.mjs";
import { freePort } from "../port.mjs";
import { Server } from "../server.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TOOLS = path.join(ROOT, "target/packaging");
const EXAMPLES = fileURLToPath(new URL(".", import.meta.url));
const WAIT_MS = 60_000;
const POLL_MS = 50;

// Nobody is told that somebody tests, and every build is a first one.
const ENV = {
  ...process.env,
  NEXT_TELEMETRY_DISABLED: "1",
  PARCEL_DISABLE_CACHE: "1",
  CI: "1",
};

const execute = promisify(execFile);

export class Workshop {
  #stops = [];
  #server;
  #browser;

  /** The folder with the examples. */
  folder;
  /** What npm says of the tarball. */
  packed;

  static async start() {
    const workshop = new Workshop();
    workshop.folder = await mkdtemp(path.join(TOOLS, "run-"));
    const { folder } = workshop;
    const isExample = (file) => !/\.mjs$|[/\\]package(-lock)?\.json$/.test(file);
    await cp(EXAMPLES, folder, { recursive: true, filter: isExample });
    await writeFile(path.join(folder, "package.json"), `{ "private": true, "type": "module" }`);
    await workshop.page("vite/index.html", "/main.ts");
    await workshop.page("parcel/index.html", "main.js");
    // What the tarball holds was built before the tests.
    const pack = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
    [workshop.packed] = JSON.parse((await execute("npm", pack, { cwd: ROOT })).stdout);
    // It depends on nothing, so nothing is downloaded.
    await workshop.run("npm", ["install", "--offline", "--no-save", "--no-audit", "--no-fund", workshop.tarball]);
    return workshop;
  }

  /** The file of the tarball. */
  get tarball() {
    return path.join(this.folder, this.packed.filename);
  }

  /** A path in the folder. */
  at(...parts) {
    return path.join(this.folder, ...parts);
  }

  /**
   * Writes an example's page, which differs from others' only in its script: a module, unless its `type` is another.
   */
  async page(file, script, type = "module") {
    const page = await readFile(this.at("page/index.html"), "utf8");
    const tag = `<script type="${type}" src="${script}"></script>`;
    await mkdir(path.dirname(this.at(file)), { recursive: true });
    await writeFile(this.at(file), page.replace(/<script .*<\/script>/, tag));
  }

  /** The program of a tool. */
  program(name) {
    return path.join(TOOLS, "node_modules/.bin", name);
  }

  /** A tool, as its users import it. */
  import(name) {
    return createRequire(this.at("package.json"))(name);
  }

  /** Runs a program in an example's folder; resolves to what it printed. */
  async run(program, args, example = "") {
    const options = { cwd: this.at(example), env: ENV, maxBuffer: 1 << 26 };
    return execute(program, args, options).catch(({ stdout, stderr, message }) => {
      throw new Error(`${message}\n${stdout}\n${stderr}`);
    });
  }

  /** Serves a folder as it is, with more headers if some are given; resolves to its address. */
  async serve(folder, headers = {}) {
    const site = await preview({
      configFile: false,
      root: this.folder,
      appType: "mpa",
      logLevel: "error",
      build: { outDir: this.at(folder) },
      preview: { port: 0, host: "127.0.0.1", headers },
    });
    this.#stops.push(() => site.close());
    return site.resolvedUrls.local[0].replace(/\/$/, "");
  }

  /** Starts a server's program in an example's folder; `args` has to make its arguments, with a port in them. */
  async spawn(program, args, example) {
    const port = await freePort();
    // A group of its own, since these start others.
    const options = { cwd: this.at(example), env: ENV, stdio: ["ignore", "pipe", "pipe"], detached: true };
    const child = spawn(program, args(port), options);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
    const ended = once(child, "close");
    const end = () => {
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // Already gone.
      }
    };
    process.once("exit", end);
    this.#stops.push(async () => {
      end();
      await ended;
      process.removeListener("exit", end);
    });
    const address = `http://127.0.0.1:${port}`;
    for (const start = Date.now(); Date.now() - start < WAIT_MS; await sleep(POLL_MS)) {
      if (child.exitCode !== null) break;
      if (await fetch(address).catch(() => undefined)) return address;
    }
    throw new Error(`${program} does not answer:\n${output}`);
  }

  /** Another thing to do at the end. */
  later(stop) {
    this.#stops.push(stop);
  }

  /** The chat server, a new one for each test. */
  async server() {
    return (this.#server ??= await Server.start());
  }

  async browser() {
    return (this.#browser ??= await Browser.start());
  }

  /** Opens a page, and tells it where the chat server is. */
  async open(address) {
    const [browser, server] = [await this.browser(), await this.server()];
    await browser.forgetConsole();
    await browser.open(`${address}?api=${encodeURIComponent(server.url)}`);
    return browser;
  }

  /** Opens a page and checks that it connects, sends and receives, and that nothing goes wrong in it. */
  async chats(address) {
    const browser = await this.open(address);
    const { driver } = browser;
    const shows = async (...expected) => {
      const lines = () =>
        driver.executeScript("return [...document.querySelectorAll('#messages li')].map((li) => li.textContent)");
      const isSo = async () => String(await lines()) === String(expected);
      await driver.wait(isSo, WAIT_MS, "", POLL_MS).catch(() => {});
      assert.deepEqual([await lines(), await browser.errors()], [expected, []]);
    };
    await shows("1 ann: from the package");
    // The page's title says which chat that is, once the page knows that its message is stored: it is shown before.
    const titled = async () => /^[0-9a-f-]{36}$/.test(await driver.getTitle());
    await driver.wait(titled, WAIT_MS, "no chat in the title", POLL_MS);
    const chat_id = await driver.getTitle();
    await (await this.server()).post("/chat/Send", { chat_id, user_id: "ben", text: "from elsewhere" });
    await shows("1 ann: from the package", "2 ben: from elsewhere");
    return browser;
  }

  /** Ends what was started since the last time, except the browser. */
  async tidy() {
    // A page that is still there would miss its server, and say so in the next one's console.
    await this.#browser?.open("about:blank");
    const server = this.#server;
    this.#server = undefined;
    await server?.remove();
    for (const stop of this.#stops.splice(0)) await stop();
  }

  async stop() {
    await this.tidy();
    await this.#browser?.quit();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}
