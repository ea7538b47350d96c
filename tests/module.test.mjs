// The SDK as an ES module, as the npm package has it, straight into a page: no tag, no bundler.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { after, before, test } from "node:test";

import { Server } from "./server.mjs";
import { Visitor } from "./visitor.mjs";

const PACKAGE = new URL("../dist/npm/", import.meta.url);
const TYPES = { ".js": "text/javascript", ".wasm": "application/wasm" };

let server;
let visitor;
let files;

before(async () => {
  server = await Server.start();
  visitor = await Visitor.start();
  files = createServer(async (request, response) => {
    const name = path.basename(request.url);
    const body = await readFile(new URL(name, PACKAGE)).catch(() => undefined);
    const headers = { "access-control-allow-origin": "*", "content-type": TYPES[path.extname(name)] ?? "text/plain" };
    response.writeHead(body ? 200 : 404, headers).end(body);
  }).listen(0, "127.0.0.1");
  await once(files, "listening");
});

after(async () => {
  await visitor?.quit();
  files?.closeAllConnections();
  files?.close();
  await server?.remove();
});

test("a page imports it, and two handles chat", async () => {
  await visitor.open(`<script type="module">
    import { Micro } from "http://127.0.0.1:${files.address().port}/index.js";
    Micro.configure({ api: "${server.url}" });
    window.chat = Micro;
  </script>`);
  await visitor.until(() => "chat" in window);
  const seen = await visitor.run(async () => {
    const { chat_id } = await chat.post("/chat/New", "micro", { user_ids: ["ann", "ben"] });
    const ann = chat.connect("/chat/Connect", "micro", { chat_id, user_id: "ann" });
    const heard = new Promise((resolve) =>
      chat.connect("/chat/Connect", "micro", { chat_id, user_id: "ben", after: 0 }, resolve),
    );
    await ann.send("hello");
    return { text: (await heard).text, isGlobal: "Micro" in window };
  });
  assert.deepEqual(seen, { text: "hello", isGlobal: false });
  assert.deepEqual((await visitor.shown()).uncaught, []);
});
