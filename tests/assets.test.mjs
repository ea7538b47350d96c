// The SDK's files as a browser asks the real server for them.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { brotliDecompressSync, gunzipSync } from "node:zlib";

import { Server } from "./server.mjs";

const OPEN = { "access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin" };

let server;
let wasm;
let login;

before(async () => {
  server = await Server.start();
  const script = await readFile(new URL("../dist/assets/micro.js", import.meta.url), "utf8");
  wasm = `/assets/${script.match(/micro-[0-9a-f]+\.wasm/)[0]}`;
  login = `/assets/${script.match(/login-[0-9a-f]+\.js/)[0]}`;
});

after(() => server?.remove());

/** Asks for a file and gets exactly what is sent: `fetch` would unpack it. */
function get(path, headers = {}) {
  return new Promise((resolve, reject) => {
    const asked = request(server.url + path, { headers }, async (answer) => {
      const body = Buffer.concat(await answer.toArray());
      resolve({ status: answer.statusCode, headers: answer.headers, body });
    });
    asked.on("error", reject).end();
  });
}

function has(headers, expected) {
  for (const [name, value] of Object.entries(expected)) assert.equal(headers[name], value, name);
}

for (const [name, type, caching] of [
  ["micro.js", "text/javascript; charset=utf-8", "no-cache"],
  ["the wasm", "application/wasm", "public, max-age=31536000, immutable"],
  ["the login", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"],
]) {
  test(`${name} has its type, its caching, and comes as small as the browser takes it`, async () => {
    const path = { "micro.js": "/assets/micro.js", "the wasm": wasm, "the login": login }[name];
    const plain = await get(path);
    assert.equal(plain.status, 200);
    has(plain.headers, { "content-type": type, "cache-control": caching, vary: "accept-encoding", ...OPEN });
    assert.equal(plain.headers["content-encoding"], undefined);

    const small = await get(path, { "accept-encoding": "gzip, deflate, br, zstd" });
    has(small.headers, { "content-type": type, "content-encoding": "br", "cache-control": caching, ...OPEN });
    assert.ok(small.body.length * 2 < plain.body.length);
    assert.deepEqual(brotliDecompressSync(small.body), plain.body);

    const gzip = await get(path, { "accept-encoding": "gzip, br;q=0" });
    has(gzip.headers, { "content-encoding": "gzip" });
    assert.deepEqual(gunzipSync(gzip.body), plain.body);

    // Each form has its own tag, and is not sent again to whoever has it.
    const tags = [plain, small, gzip].map(({ headers }) => headers.etag);
    assert.equal(new Set(tags).size, 3);
    const again = await get(path, { "accept-encoding": "br", "if-none-match": small.headers.etag });
    assert.equal(again.status, 304);
    assert.equal(again.body.length, 0);
    has(again.headers, { "cache-control": caching, ...OPEN });
  });
}

test("the script can be pinned under its hash", async () => {
  const assets = await get("/assets/micro.js");

  const files = await readdir(new URL("../dist/assets/", import.meta.url));
  const pinned = files.filter((file) => /^micro-[0-9a-f]+\.js$/.test(file));
  assert.equal(pinned.length, 1);
  const answer = await get(`/assets/${pinned[0]}`);
  has(answer.headers, { "cache-control": "public, max-age=31536000, immutable" });
  assert.deepEqual(answer.body, assets.body);
});

test("a file that isn't there, and the packed forms by their own names, are errors in the gateway's form", async () => {
  for (const path of ["/assets/nothing.js", "/assets/micro.js.br", "/assets/", "/assets/..%2fCargo.toml"]) {
    const { status, body } = await get(path);
    assert.equal(status, 404, path);
    assert.equal(JSON.parse(body).Id, "gateway.NotFound", path);
  }
});
