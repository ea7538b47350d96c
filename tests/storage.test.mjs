// A browser whose storage hangs, comes late or is closed: what is sent goes out all the same, once and in order.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { CUT_OFF } from "./network.mjs";
import { KEPT } from "./unsent.mjs";
import { visit } from "./visit.mjs";

// Long enough for what must not happen to have happened.
const SETTLE_MS = 500;

let server;
let visitor;

visit((started) => ({ server, visitor } = started));

const inPage = (fn, ...args) => visitor.run(fn, ...args);

let chats = 0;
const newChat = async () => (await server.post("/chat/New", { user_ids: ["ann", `storage ${++chats}`] })).chat_id;
const texts = async (chat_id) => (await server.post("/chat/History", { chat_id })).messages.map(({ text }) => text);

/** Opens a page of the SDK, with `before` in front of it. */
const open = (before = "") =>
  visitor.open(`<script>
  window.databases = [];
  const { open } = IDBFactory.prototype;
  IDBFactory.prototype.open = function (...args) {
    const request = open.apply(this, args);
    request.addEventListener("success", () => databases.push(request.result));
    return request;
  };
  // As a browser does it, which then says so.
  window.closeDatabases = () => {
    for (const database of databases.splice(0)) {
      database.close();
      database.dispatchEvent(new Event("close"));
    }
  };
  // A transaction that does not end before \`release\` is called: no other one can write meanwhile.
  window.hang = () =>
    new Promise((resolve) => {
      indexedDB.open("micro-chat", 1).onsuccess = ({ target: { result: database } }) => {
        const rows = database.transaction("outbox", "readwrite").objectStore("outbox");
        let isOver = false;
        const go = () => isOver || (rows.count().onsuccess = go);
        go();
        window.release = () => (isOver = true);
        resolve();
      };
    });
  window.inTime = (promise) => Promise.race([promise, new Promise((go) => setTimeout(go, 20_000, "silence"))]);
</script>${before}
<script src="${server.url}/assets/micro.js" crossorigin></script>
<script>
  window.told = [];
  Micro.on("sent", ({ text }) => told.push(text));
  window.join = (chat_id, user_id) => Micro.connect("/chat/Connect", "micro", { chat_id, user_id });
</script>${KEPT}`);

test("what a database does not take in time is sent in order, and what it takes later does not come again", async () => {
  const chat_id = await newChat();
  await open();
  const seen = await inPage(async (chat_id) => {
    const handle = join(chat_id, "ann");
    await handle.send("0");
    await hang();
    const begun = performance.now();
    const first = await inTime(Promise.all(["1", "2", "3"].map((text) => handle.send(text))));
    const then = performance.now();
    const second = await inTime(handle.send("4"));
    // Who does not answer is waited for once.
    const isQuick = performance.now() - then < (then - begun) / 2;
    return [first, second].map((outcome) => outcome !== "silence").concat(isQuick);
  }, chat_id);
  assert.deepEqual(seen, [true, true, true]);
  assert.deepEqual(await texts(chat_id), ["0", "1", "2", "3", "4"]);
  await inPage(() => release());
  await visitor.until(async () => (await kept()) === 0);
  await sleep(SETTLE_MS);
  assert.equal(await inPage(() => kept()), 0);
  await open();
  await inPage((chat_id) => join(chat_id, "ann").send("5").then(Boolean), chat_id);
  await sleep(SETTLE_MS);
  assert.deepEqual(await inPage(() => told), []);
  assert.deepEqual(await texts(chat_id), ["0", "1", "2", "3", "4", "5"]);
});

test("what a database takes late is kept from there on, for a later page if need be", async () => {
  const chat_id = await newChat();
  await open(CUT_OFF);
  await inPage(async (chat_id) => {
    const handle = join(chat_id, "ann");
    await Micro.pending();
    await hang();
    for (const text of ["1", "2"]) handle.send(text).catch(() => {});
    await new Promise((go) => setTimeout(go, 6_000));
    release();
  }, chat_id);
  await visitor.until(async () => (await kept()) === 2);
  await open();
  await inPage((chat_id) => join(chat_id, "ann").send("3").then(Boolean), chat_id);
  await visitor.until(async () => (await kept()) === 0);
  assert.deepEqual(await texts(chat_id), ["1", "2", "3"]);
  assert.deepEqual(await inPage(() => told), ["1", "2"]);
});

test("a tab that holds on to the lock keeps nobody from sending, and what was left goes out once it lets go", async () => {
  const chat_id = await newChat();
  await open(CUT_OFF);
  await inPage(
    (chat_id) =>
      void join(chat_id, "ben")
        .send("old")
        .catch(() => {}),
    chat_id,
  );
  await visitor.until(async () => (await kept()) === 1);
  // As one that was frozen in the middle of it.
  await open(`<script>
    navigator.locks.request("micro-chat", () => new Promise((resolve) => (window.letGo = resolve)));
  </script>`);
  const sent = await inPage(
    (chat_id) =>
      inTime(
        join(chat_id, "ben")
          .send("new")
          .then(({ text }) => text),
      ),
    chat_id,
  );
  assert.equal(sent, "new");
  assert.deepEqual(await texts(chat_id), ["new"]);
  await inPage(() => letGo());
  await visitor.until(() => told.length === 1);
  await visitor.until(async () => (await kept()) === 0);
  assert.deepEqual(await texts(chat_id), ["new", "old"]);
});

test("a database that the browser closed is opened anew, and rows of another are none of this one's", async () => {
  const chat_id = await newChat();
  await open(CUT_OFF);
  await inPage(async (chat_id) => {
    window.handle = join(chat_id, "ann");
    handle.send("taken back").catch(() => {});
    while ((await kept()) < 1) await new Promise((go) => setTimeout(go, 10));
    closeDatabases();
    // Gone with all that was in it, as where a user clears a site's data: the next one counts from 1 again.
    await new Promise((resolve) => (indexedDB.deleteDatabase("micro-chat").onsuccess = resolve));
    join(chat_id, "ann")
      .send("kept")
      .catch(() => {});
  }, chat_id);
  await visitor.until(
    () =>
      new Promise((resolve) => {
        const request = indexedDB.open("micro-chat", 1);
        request.onupgradeneeded = () => request.transaction.abort();
        request.onerror = () => resolve(false);
        request.onsuccess = () => (request.result.close(), resolve(true));
      }),
  );
  await visitor.until(async () => (await kept()) === 1);
  await inPage(() => handle.close());
  await sleep(SETTLE_MS);
  await open();
  await inPage((chat_id) => void join(chat_id, "ann"), chat_id);
  await visitor.until(() => told.length === 1);
  assert.deepEqual(await texts(chat_id), ["kept"]);
});
