// Who is in a chat, as pages are told it: two of them, a group, and a network that breaks.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Network } from "./network.mjs";
import { visit } from "./visit.mjs";

let server;
let visitor;

visit((started) => ({ server, visitor } = started));

const inPage = (fn, ...args) => visitor.run(fn, ...args);

/** A page whose link to the server is at `api`, and that notes the events of members and what it makes of them. */
const page = (api, group_id, user_id, params = "members: true") => `
<script src="${server.url}/assets/micro.js" data-api="${api}" crossorigin></script>
<script>
  window.events = [];
  window.members = new Set();
  window.caughtUp = 0;
  window.handle = Micro.connect("/chat/Connect", "micro", { chat_id: "${group_id}", user_id: "${user_id}", ${params} });
  handle.on("caughtup", () => caughtUp++);
  handle.on("member", (event) => {
    events.push(event);
    if (event.type === "members") members = new Set(event.user_ids);
    else if (event.type === "joined" || event.type === "invited") members.add(event.user_id);
    else members.delete(event.user_id);
  });
</script>`;

const group = async (user_ids) => (await server.post("/chat/Create", { name: "lunch", user_ids })).group.id;
const act = (method, group_id, user_id) => server.post(`/chat/${method}`, { group_id, user_id });

/** Waits until the page in front has had so many events. */
const hears = async (count) => {
  await visitor.browser.driver.wait(
    () => inPage((count) => events.length >= count, count),
    60_000,
    `no ${count} events`,
  );
  return inPage(() => events);
};

test("two pages hear who is there, and then who comes and goes", async () => {
  const id = await group(["ann", "ben"]);
  await visitor.open(page(server.url, id, "ann"));
  await hears(1);
  const ann = await visitor.openTab(page(server.url, id, "ben"));
  await hears(1);
  await act("Join", id, "cat");
  await act("Invite", id, "dan");
  await act("Invite", id, "dan");
  await act("Kick", id, "dan");
  await act("Leave", id, "cat");
  const changes = [
    { type: "joined", user_id: "cat" },
    { type: "invited", user_id: "dan" },
    { type: "kicked", user_id: "dan" },
    { type: "left", user_id: "cat" },
  ];
  const all = [{ type: "members", user_ids: ["ann", "ben"] }, ...changes];
  assert.deepEqual(await hears(5), all, "in the second page");
  const ben = await visitor.tab();
  await visitor.show(ann);
  assert.deepEqual(await hears(5), all, "in the first");
  await visitor.closeTab(ben);
});

test("after a broken link the page knows who is there now, and hears of nothing that it missed", async () => {
  const network = await Network.start(server.url);
  const id = await group(["ann", "ben"]);
  await visitor.open(page(network.url, id, "ann"));
  await hears(1);
  // Many changes behind its back: nothing passes until they are done.
  network.stall();
  network.cut();
  for (const user_id of ["cat", "dan", "eve"]) await act("Join", id, user_id);
  for (const user_id of ["ben", "cat"]) await act("Leave", id, user_id);
  network.flow();
  await hears(2);
  assert.deepEqual(await inPage(() => events.slice(1)), [{ type: "members", user_ids: ["ann", "dan", "eve"] }]);
  await act("Join", id, "ben");
  await hears(3);
  assert.deepEqual(await inPage(() => [...members].sort()), ["ann", "ben", "dan", "eve"]);
  await network.stop();
});

test("more members than one frame holds come to the page at once", async () => {
  const user_ids = Array.from({ length: 900 }, (_, number) => String(number).padStart(200, "0"));
  const id = await group(user_ids);
  await visitor.open(page(server.url, id, "ann"));
  const [first] = await hears(1);
  assert.deepEqual(first, { type: "members", user_ids });
  const { frames } = await visitor.shown();
  const parts = frames.filter((frame) => JSON.parse(frame)[0] === 27);
  assert.ok(parts.length > 2, `${parts.length} frames`);
});

test("a page that does not ask is told nothing, and one that is put out nothing more", async () => {
  const id = await group(["ann", "ben"]);
  await visitor.open(page(server.url, id, "ann", "own: true"));
  await visitor.until(() => caughtUp === 1);
  await act("Join", id, "cat");
  await server.post("/chat/Send", { chat_id: id, user_id: "cat", text: "hello" });
  await visitor.until(() => handle.cursor.seq === 1);
  assert.deepEqual(await inPage(() => events), []);
  await visitor.open(page(server.url, id, "cat"));
  await hears(1);
  await act("Kick", id, "cat");
  await visitor.until(() => handle.state === "closed");
  await act("Join", id, "dan");
  assert.deepEqual(await inPage(() => events), [{ type: "members", user_ids: ["ann", "ben", "cat"] }]);
  const { error } = await visitor.shown();
  assert.match(error[0], /chat\.Connect\.Removed/);
});
