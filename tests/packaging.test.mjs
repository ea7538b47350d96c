// The package as a developer gets it: from the packed tarball, not from the source tree.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { build, createServer, preview } from "vite";

import { Browser } from "./browser.mjs";
import { Server } from "./server.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const run = promisify(execFile);

let folder;
let packed;
let server;
let browser;

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "micro-chat-page-"));
  await cp(new URL("vite", import.meta.url), folder, { recursive: true });
  // What the tarball holds was built before the tests.
  const pack = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
  [packed] = JSON.parse((await run("npm", pack, { cwd: ROOT })).stdout);
  // It depends on nothing, so nothing is downloaded.
  await run(
    "npm",
    ["install", "--offline", "--no-save", "--no-audit", "--no-fund", path.join(folder, packed.filename)],
    {
      cwd: folder,
    },
  );
  server = await Server.start();
  browser = await Browser.start();
});

after(async () => {
  await browser?.quit();
  await server?.remove();
  await rm(folder, { recursive: true, force: true });
});

/** Opens the page and checks that it chats. */
async function chats(address) {
  await browser.forgetConsole();
  await browser.open(`${address}/?api=${encodeURIComponent(server.url)}`);
  const { driver } = browser;
  await driver.wait(async () => (await driver.getTitle()) === "chat.New.MissingUserIDs", 20_000);
  const lines = () => driver.executeScript("return [...document.querySelectorAll('li')].map((li) => li.textContent)");
  await driver.wait(async () => (await lines()).length > 0, 20_000);
  assert.match((await lines()).at(-1), /^\d+ ann: from the package$/);
  // The browser itself logs the refused request.
  assert.deepEqual(await browser.errors(/chat\/New - Failed to load resource/), []);
}

test("the tarball holds the package, its words and its licences, and nothing else", () => {
  const names = packed.files.map(({ path }) => path).sort();
  const others = names.filter((name) => !/^dist\/npm\/[a-z]+\.d\.ts$/.test(name));
  assert.deepEqual(others, [
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "dist/npm/index.js",
    "dist/npm/login.js",
    "dist/npm/micro.js",
    "dist/npm/micro.wasm",
    "package.json",
  ]);
});

test("its types fit a strict page", async () => {
  await run(process.execPath, [path.join(ROOT, "node_modules/typescript/bin/tsc"), "--project", folder]);
});

test("types that are used wrongly are told: the check above can fail", async () => {
  const wrong = path.join(folder, "wrong.ts");
  await writeFile(
    wrong,
    `import { Micro } from "micro-chat"; Micro.connect("/chat/Connect", "micro", { chat_id: 5 });`,
  );
  const tsc = [
    path.join(ROOT, "node_modules/typescript/bin/tsc"),
    "--ignoreConfig",
    "--noEmit",
    "--strict",
    "--module",
    "ESNext",
  ];
  const failed = await run(process.execPath, [
    ...tsc,
    "--moduleResolution",
    "bundler",
    "--target",
    "ES2022",
    wrong,
  ]).then(
    () => undefined,
    (error) => error.stdout,
  );
  assert.match(failed ?? "", /wrong\.ts.*not assignable to type 'string'/);
  await rm(wrong);
});

test("importing it in Node does nothing and throws nothing", async () => {
  const script = `
    const before = Object.keys(globalThis);
    globalThis.fetch = () => { throw new Error("fetched") };
    const { Micro, MicroError } = await import("micro-chat");
    if (typeof Micro.post !== "function" || !(new Error() instanceof Error)) throw new Error("no Micro");
    console.log(JSON.stringify(Object.keys(globalThis).filter((key) => !before.includes(key))));`;
  const { stdout, stderr } = await run(process.execPath, ["--input-type=module", "-e", script], { cwd: folder });
  assert.deepEqual(JSON.parse(stdout), []);
  assert.equal(stderr, "");
});

test("a page built with Vite chats", async () => {
  const { output } = await build({ root: folder, logLevel: "error" });
  // What only a login needs is a file of its own there, too.
  const holders = output.filter(({ code }) => code?.includes("micro-chat-login")).map(({ isEntry }) => isEntry);
  assert.deepEqual(holders, [false]);
  const site = await preview({ root: folder, logLevel: "error", preview: { port: 0, host: "127.0.0.1" } });
  try {
    await chats(site.resolvedUrls.local[0].replace(/\/$/, ""));
  } finally {
    await site.close();
  }
});

test("the same page chats on Vite's development server", async () => {
  const site = await createServer({ root: folder, logLevel: "error", server: { port: 0, host: "127.0.0.1" } });
  await site.listen();
  try {
    await chats(site.resolvedUrls.local[0].replace(/\/$/, ""));
  } finally {
    await site.close();
  }
});

test("the package's script for a plain tag is the one that the server serves", async () => {
  const shipped = await readFile(path.join(folder, "node_modules/micro-chat/dist/npm/micro.js"), "utf8");
  const served = await (await fetch(`${server.url}/assets/micro.js`)).text();
  // They differ only in the names of what lies beside them.
  const unnamed = served.replace(/micro-[0-9a-f]+\.wasm/, "micro.wasm").replace(/login-[0-9a-f]+\.js/, "login.js");
  assert.equal(shipped, unnamed);
});
