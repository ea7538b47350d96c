// What a page's Content-Security-Policy and its integrity attributes let through.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { after, afterEach, before, test } from "node:test";

import { build as esbuild } from "esbuild";
import { build } from "vite";

import { Workshop } from "./workshop.mjs";

const WAIT_MS = 60_000;

let workshop;

before(async () => {
  workshop = await Workshop.start();
  await build({ root: workshop.at("vite"), logLevel: "error" });
  await workshop.run(workshop.program("rollup"), ["--config"], "rollup");
  await workshop.page("rollup/dist/index.html", "main.js");
});

afterEach(() => workshop?.tidy());
after(() => workshop?.stop());

/** Serves a page with a policy that allows nothing but what is named. */
async function serve(folder, { scripts = "'self' 'wasm-unsafe-eval'", own = "" }) {
  const { url } = await workshop.server();
  const connections = `${url} ${url.replace("http", "ws")} ${own}`;
  const policy = `default-src 'none'; img-src data:; script-src ${scripts}; connect-src ${connections}`;
  return `${await workshop.serve(folder, { "content-security-policy": policy })}/`;
}

test("a page with a strict policy chats", async () => {
  await workshop.chats(await serve("vite/dist", { own: "'self'" }));
});

test("with the wasm inside, its own address need not be in the policy", async () => {
  await workshop.chats(await serve("rollup/dist", {}));
  // Where the wasm is a file, it has to be: the check above can fail.
  const browser = await workshop.open(await serve("vite/dist", {}));
  await browser.driver.wait(async () => (await browser.driver.getTitle()) === "client.LoadFailed", WAIT_MS);
});

test("where the policy forbids wasm, what the page asks for is refused", async () => {
  const { driver } = await workshop.open(await serve("vite/dist", { scripts: "'self'", own: "'self'" }));
  await driver.wait(async () => (await driver.getTitle()) === "client.WasmForbidden", WAIT_MS);
});

test("where the policy forbids wasm, a page that connects is told once, and what to add", async () => {
  const contents = `
    import { Micro } from "micro-chat/inline";
    Micro.configure({ api: Micro.params().api });
    const handle = Micro.connect("/chat/Connect", "micro", { chat_id: "any", user_id: "ann" });
    handle.on("close", () => (document.title = "closed"));`;
  const stdin = { contents, resolveDir: workshop.folder };
  await esbuild({ stdin, bundle: true, outfile: workshop.at("connect/inline.js"), logLevel: "error" });
  await workshop.page("connect/index.html", "inline.js", "text/javascript");
  const browser = await workshop.open(await serve("connect", { scripts: "'self'" }));
  await browser.driver.wait(async () => (await browser.driver.getTitle()) === "closed", WAIT_MS);
  const errors = await browser.errors();
  assert.equal(errors.length, 1, errors.join("\n"));
  assert.match(errors[0], /client\.WasmForbidden: .*'wasm-unsafe-eval' to script-src/);
});

/** A page with the server's script, of which it says what it has to be. */
async function integrityPage(file, integrity) {
  const { url } = await workshop.server();
  const page = await readFile(workshop.at("module/classic.html"), "utf8");
  const tag = `<script src="${url}/${file}" integrity="${integrity}" crossorigin></script>`;
  await writeFile(workshop.at("module/integrity.html"), page.replace(/<script src=.*<\/script>/, tag));
  return `${await workshop.serve("")}/module/integrity.html`;
}

test("the build's hashes are those of the files: a page that names one chats, and with another one nothing runs", async () => {
  const hashes = JSON.parse(await readFile(new URL("../../dist/integrity.json", import.meta.url), "utf8"));
  const pinned = Object.keys(hashes).find((file) => /^assets\/micro-[0-9a-f]+\.js$/.test(file));
  await workshop.chats(await integrityPage(pinned, hashes[pinned]));

  const other = Object.keys(hashes).find((file) => file.startsWith("assets/login-"));
  const browser = await workshop.open(await integrityPage(pinned, hashes[other]));
  assert.equal(await browser.driver.executeScript("return typeof window.Micro"), "undefined");
  assert.match((await browser.errors()).join("\n"), /Failed to find a valid digest in the 'integrity' attribute/);
});
