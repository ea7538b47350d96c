// Next.js, which renders the page on its server first, and then in the browser.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";

import { Workshop } from "./workshop.mjs";

let workshop;
let next;

before(async () => {
  workshop = await Workshop.start();
  next = workshop.program("next");
});

afterEach(() => workshop?.tidy());
after(() => workshop?.stop());

/** The page as it comes from the server, before any script runs. */
async function isRendered(address) {
  const html = await (await fetch(address)).text();
  assert.match(html, /<section data-state="connecting" data-connection="idle"><ol id="messages"><\/ol>/);
}

for (const [what, flag] of [
  ["Turbopack", "--turbopack"],
  ["webpack", "--webpack"],
]) {
  test(`Next.js with ${what}: what it builds is rendered on the server, and chats`, async () => {
    await workshop.run(next, ["build", flag], "next");
    const args = (port) => ["start", "--hostname", "127.0.0.1", "--port", port];
    const address = await workshop.spawn(next, args, "next");
    await isRendered(address);
    await workshop.chats(`${address}/`);
  });

  test(`Next.js with ${what}: its development server's page is rendered there, and chats`, async () => {
    const args = (port) => ["dev", flag, "--hostname", "127.0.0.1", "--port", port];
    const address = await workshop.spawn(next, args, "next");
    await isRendered(address);
    await workshop.chats(`${address}/`);
  });
}
