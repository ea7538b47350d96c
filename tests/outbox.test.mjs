// What a page leaves unsent when it goes: kept, sent once and in order by a later page, or reported as failed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { CUT_OFF } from "./network.mjs";
import { KEPT } from "./unsent.mjs";
import { visit } from "./visit.mjs";

// Long enough for what must not happen to have happened.
const SETTLE_MS = 500;
// Long enough for a page to keep a message, and to hand it to its socket.
const TIMEOUT_MS = 5_000;

let server;
let visitor;

visit((started) => ({ server, visitor } = started));

const tag = () => `<script src="${server.url}/assets/micro.js" crossorigin></script>
<script>
  window.told = [];
  Micro.on("sent", ({ text, seq }) => told.push(["sent", text, seq > 0]));
  Micro.on("failed", ({ text }, { code }) => told.push(["failed", text, code]));
  window.join = (chat_id, user_id) => Micro.connect("/chat/Connect", "micro", { chat_id, user_id });
</script>${KEPT}`;

const inPage = (fn, ...args) => visitor.run(fn, ...args);

let chats = 0;
/** A chat that no other test has. */
const newChat = async () => (await server.post("/chat/New", { user_ids: ["ann", "ben", `outbox ${++chats}`] })).chat_id;

/** All texts of a chat. */
async function texts(chat_id) {
  const all = [];
  for (let more = true, before; more; before = all[0].seq) {
    const { messages, has_more } = await server.post("/chat/History", { chat_id, limit: 100, before });
    all.unshift(...messages);
    more = has_more;
  }
  return all.map(({ text }) => text);
}

/** Writes in a page that has no network, and leaves it once the browser has kept all. */
async function leaveUnsent(chat_id, user_id, messages) {
  await visitor.open(CUT_OFF + tag());
  await inPage(
    (chat_id, user_id, messages) => {
      const handle = join(chat_id, user_id);
      for (const message of messages) handle.send(message).catch(() => {});
      window.count = messages.length;
    },
    chat_id,
    user_id,
    messages,
  );
  await visitor.until(async () => (await kept()) >= count);
}

test("a full outbox survives the page and a server that is down, and goes out in order, before what is new", async () => {
  const chat_id = await newChat();
  await visitor.open(tag());
  await inPage(async (chat_id) => {
    window.handle = join(chat_id, "ann");
    await new Promise((resolve) => handle.on("open", resolve));
  }, chat_id);
  await server.kill();
  await visitor.until(() => handle.state === "waiting");
  const full = await inPage(async () => {
    for (let number = 1; number <= 1_000; number++) handle.send(`old ${number}`).catch(() => {});
    return handle.send("one too many").catch(({ id }) => id);
  });
  assert.equal(full, "client.OutboxFull");
  await visitor.until(async () => (await kept()) === 1_000);
  await visitor.open("");
  await server.restart();
  await visitor.open(tag());
  const [waiting, last] = await inPage(async (chat_id) => {
    window.handle = join(chat_id, "ann");
    const waiting = await Micro.pending();
    const last = await handle.send("new").catch(({ id }) => id);
    while (told.length < 1_000) await new Promise((go) => setTimeout(go, 10));
    return [waiting, last];
  }, chat_id);
  const old = Array.from({ length: 1_000 }, (_, index) => `old ${index + 1}`);
  assert.deepEqual(
    waiting.map(({ text }) => text),
    old,
  );
  const { namespace, user_id } = waiting[0];
  assert.deepEqual([namespace, user_id, waiting[0].chat_id], ["micro", "ann", chat_id]);
  // All places were taken at that moment, perhaps.
  if (last === "client.OutboxFull") await inPage(() => handle.send("new"));
  assert.deepEqual(await texts(chat_id), [...old, "new"]);
  assert.deepEqual(
    await inPage(() => told),
    old.map((text) => ["sent", text, true]),
  );
  await visitor.until(async () => (await kept()) === 0 && (await Micro.pending()).length === 0);
});

test("what a page left goes out before what the next one writes at once", async () => {
  const chat_id = await newChat();
  const other_id = await newChat();
  await leaveUnsent(chat_id, "ann", ["old 1", "old 2", "old 3"]);
  await visitor.open(tag());
  // A chat that this page has open, and one that it hasn't: the user counts.
  await inPage((chat_id) => join(chat_id, "ann").send("new").then(Boolean), chat_id);
  assert.deepEqual(await texts(chat_id), ["old 1", "old 2", "old 3", "new"]);
  await leaveUnsent(chat_id, "ann", ["old 4"]);
  await visitor.open(tag());
  await inPage((other_id) => join(other_id, "ann").send("elsewhere").then(Boolean), other_id);
  await visitor.until(() => told.length === 1);
  assert.deepEqual((await texts(chat_id)).slice(4), ["old 4"]);
  assert.deepEqual(await texts(other_id), ["elsewhere"]);
});

test("another user neither sees nor sends it", async () => {
  const chat_id = await newChat();
  await leaveUnsent(chat_id, "ann", ["ann's"]);
  await visitor.open(tag());
  const seen = await inPage(async (chat_id) => {
    await join(chat_id, "ben").send("ben's");
    return Micro.pending();
  }, chat_id);
  await sleep(SETTLE_MS);
  assert.deepEqual(seen, []);
  assert.deepEqual(await texts(chat_id), ["ben's"]);
  // It was there all the time.
  await inPage((chat_id) => void join(chat_id, "ann"), chat_id);
  await visitor.until(() => told.length === 1);
  assert.deepEqual(await texts(chat_id), ["ben's", "ann's"]);
});

test("a tab leaves alone what another one sends as long as that one lives, and takes it over then", async () => {
  const chat_id = await newChat();
  await leaveUnsent(chat_id, "ann", ["first tab's"]);
  const first = await visitor.openTab(tag());
  const seen = await inPage(async (chat_id) => {
    await join(chat_id, "ann").send("second tab's");
    return Micro.pending();
  }, chat_id);
  await sleep(SETTLE_MS);
  assert.deepEqual(seen, []);
  assert.deepEqual(await texts(chat_id), ["second tab's"]);
  await visitor.closeTab(first);
  await visitor.until(() => told.length === 1);
  assert.deepEqual(await inPage(() => told), [["sent", "first tab's", true]]);
  assert.deepEqual(await texts(chat_id), ["second tab's", "first tab's"]);
});

test("what the server refuses fails, once, and is gone", async () => {
  const chat_id = await newChat();
  await server.post("/chat/Send", { chat_id, user_id: "ann", client_id: "taken", text: "another" });
  await leaveUnsent(chat_id, "ann", ["fine", { client_id: "taken", text: "refused" }, "fine, too"]);
  await visitor.open(tag());
  await inPage((chat_id) => void join(chat_id, "ann"), chat_id);
  await visitor.until(() => told.length === 3);
  assert.deepEqual(await inPage(() => told), [
    ["sent", "fine", true],
    ["failed", "refused", 409],
    ["sent", "fine, too", true],
  ]);
  assert.deepEqual(await texts(chat_id), ["another", "fine", "fine, too"]);
  await visitor.until(async () => (await kept()) === 0);
});

test("a handle that is closed takes back what was never sent", async () => {
  const chat_id = await newChat();
  await visitor.open(CUT_OFF + tag());
  const outcome = await inPage(async (chat_id) => {
    const handle = join(chat_id, "ann");
    const sending = handle.send("never").catch(({ id }) => id);
    while ((await kept()) === 0) await new Promise((go) => setTimeout(go, 10));
    handle.close();
    return sending;
  }, chat_id);
  assert.equal(outcome, "client.Closed");
  await visitor.until(async () => (await kept()) === 0);
  await visitor.open(tag());
  await inPage((chat_id) => join(chat_id, "ann").send("after").then(Boolean), chat_id);
  assert.deepEqual(await texts(chat_id), ["after"]);
});

test("what the server may have when its handle is closed, the server decides", async () => {
  const chat_id = await newChat();
  await visitor.open(tag());
  const outcome = await inPage(async (chat_id) => {
    const { parse } = JSON;
    // No ack comes through.
    const lost = new Promise((resolve) => {
      JSON.parse = (text) => (text.startsWith("[24,") ? resolve() : parse(text));
    });
    const handle = join(chat_id, "ann");
    const sending = handle.send("perhaps").catch(({ id }) => id);
    await lost;
    JSON.parse = parse;
    handle.close();
    return sending;
  }, chat_id);
  assert.equal(outcome, "client.Closed");
  await visitor.until(() => told.length === 1);
  assert.deepEqual(await inPage(() => told), [["sent", "perhaps", true]]);
  assert.deepEqual(await texts(chat_id), ["perhaps"]);
});

for (const [what, without] of Object.entries({
  IndexedDB: `Object.defineProperty(window, "indexedDB", { value: { open() { throw new Error("none here") } } })`,
  "Web Locks": `Object.defineProperty(navigator, "locks", { value: undefined })`,
  "crypto.randomUUID": `crypto.randomUUID = undefined`,
})) {
  test(`without ${what} it works from memory, says so once, and what is left goes with the page`, async () => {
    const chat_id = await newChat();
    const broken = `<script>
      window.warnings = [];
      console.warn = (...words) => warnings.push(words.join(" "));
      ${without};
    </script>`;
    await visitor.open(broken + tag());
    const warnings = await inPage(async (chat_id) => {
      const ann = join(chat_id, "ann");
      await Promise.all([ann.send("1"), ann.send("2"), ann.send("3")]);
      await join(chat_id, "ben").send("4");
      return warnings;
    }, chat_id);
    assert.equal(warnings.length, 1, warnings.join());
    assert.match(warnings[0], /survive a reload/);
    // The control of the tests above: it is the storage that makes messages survive.
    await visitor.open(broken + CUT_OFF + tag());
    await inPage((chat_id) => void join(chat_id, "ann").send("lost"), chat_id);
    await sleep(SETTLE_MS);
    await visitor.open(tag());
    await inPage((chat_id) => join(chat_id, "ann").send("5").then(Boolean), chat_id);
    assert.deepEqual(await texts(chat_id), ["1", "2", "3", "4", "5"]);
  });
}

test("where the browser keeps the first of some messages and not the others, they go out in order all the same", async () => {
  const chat_id = await newChat();
  await visitor.open(tag());
  await inPage(async (chat_id) => {
    const handle = join(chat_id, "ann");
    await handle.send("0");
    // As where its database is closed: what was begun ends, and nothing more can begin.
    let begun = 0;
    const { transaction } = IDBDatabase.prototype;
    IDBDatabase.prototype.transaction = function (...args) {
      if ([2, 3].includes(++begun)) throw new DOMException("The database connection is closing.", "InvalidStateError");
      return transaction.apply(this, args);
    };
    await Promise.all(["1", "2", "3"].map((text) => handle.send(text)));
    handle.close();
  }, chat_id);
  assert.deepEqual(await texts(chat_id), ["0", "1", "2", "3"]);
});

test("what could not go out in time fails, and never goes out", async () => {
  const chat_id = await newChat();
  await visitor.open(CUT_OFF + tag());
  const ids = await inPage((chat_id) => {
    Micro.configure({ sendTimeout: 300 });
    const handle = join(chat_id, "ann");
    const late = handle.send("late").catch(({ id }) => id);
    Micro.configure({ sendTimeout: 3_600_000 });
    handle.send("patient").catch(() => {});
    return late;
  }, chat_id);
  assert.equal(ids, "client.Expired");
  await visitor.until(async () => (await kept()) === 1);
  await visitor.open(tag());
  await inPage((chat_id) => void join(chat_id, "ann"), chat_id);
  await visitor.until(() => told.length === 1);
  assert.deepEqual(await texts(chat_id), ["patient"]);
});

test("what is too late before there is a connection to send it by fails, and holds up nothing", async () => {
  const chat_id = await newChat();
  await visitor.open(tag());
  const seen = await inPage(async (chat_id) => {
    // To load the wasm and to keep the message takes longer.
    Micro.configure({ sendTimeout: 0.001 });
    const handle = join(chat_id, "ann");
    const late = await Promise.race([
      handle.send("late").catch(({ id }) => id),
      new Promise((resolve) => setTimeout(resolve, 60_000, "silence")),
    ]);
    Micro.configure({ sendTimeout: 60_000 });
    const { seq } = await handle.send("in time");
    handle.close();
    return [late, seq];
  }, chat_id);
  assert.deepEqual(seen, ["client.Expired", 1]);
  assert.deepEqual(await texts(chat_id), ["in time"]);
  await visitor.until(async () => (await kept()) === 0 && (await Micro.pending()).length === 0);
});

test("what may have reached the server in time waits for the server's word, which holds", async () => {
  const chat_id = await newChat();
  await visitor.open(tag());
  await inPage(async (chat_id) => {
    window.handle = join(chat_id, "ann");
    await handle.send({ text: "stored", client_id: "stored" });
  }, chat_id);
  process.kill(server.pid, "SIGSTOP");
  await inPage((sendTimeout) => {
    Micro.configure({ sendTimeout });
    window.outcome = "none";
    handle.send({ text: "stuck", client_id: "stuck" }).then(
      () => (outcome = "sent"),
      ({ id, code }) => (outcome = [id, code]),
    );
  }, TIMEOUT_MS);
  await sleep(TIMEOUT_MS + SETTLE_MS);
  assert.equal(await inPage(() => outcome), "none", "nobody but the server knows");
  // What it had not read is gone with it.
  await server.kill();
  await server.restart();
  await visitor.until(() => outcome !== "none");
  assert.deepEqual(await inPage(() => outcome), ["chat.Send.Expired", 410]);
  const again = await inPage(() => handle.send({ text: "stuck", client_id: "stuck" }).catch(({ id }) => id));
  assert.equal(again, "chat.Send.Expired");
  assert.deepEqual(await texts(chat_id), ["stored"]);
});

test("what an earlier page left for too long ends as failed, unless the server has it", async () => {
  const chat_id = await newChat();
  await visitor.open(CUT_OFF + tag());
  await inPage((chat_id) => {
    // Time enough for it to be kept where all is there that keeps it, and a page that goes away before its timer fires.
    window.handle = join(chat_id, "ann");
    handle.send({ text: "first", client_id: "first" }).catch(() => {});
  }, chat_id);
  await visitor.until(async () => (await kept()) === 1);
  await inPage((sendTimeout) => {
    Micro.configure({ sendTimeout });
    window.setTimeout = () => 0;
    for (const name of ["arrived", "left"]) handle.send({ text: name, client_id: name }).catch(() => {});
  }, TIMEOUT_MS);
  await visitor.until(async () => (await kept()) === 3);
  await server.post("/chat/Send", { chat_id, user_id: "ann", text: "arrived", client_id: "arrived" });
  await sleep(TIMEOUT_MS);
  await visitor.open(tag());
  await inPage((chat_id) => void join(chat_id, "ann"), chat_id);
  await visitor.until(() => told.length === 3);
  assert.deepEqual(await inPage(() => told), [
    ["sent", "first", true],
    ["sent", "arrived", true],
    ["failed", "left", 410],
  ]);
  assert.deepEqual(await texts(chat_id), ["arrived", "first"]);
  await visitor.until(async () => (await kept()) === 0);
});

test("a sendTimeout that can't be meant is refused", async () => {
  await visitor.open(tag());
  for (const sendTimeout of [0, -1, "1000", null, NaN]) {
    const id = await inPage(
      (sendTimeout) => {
        try {
          return Micro.configure({ sendTimeout: sendTimeout === "NaN" ? NaN : sendTimeout }) ?? "taken";
        } catch ({ id }) {
          return id;
        }
      },
      Number.isNaN(sendTimeout) ? "NaN" : sendTimeout,
    );
    assert.equal(id, sendTimeout === null ? "taken" : "client.BadArgument", String(sendTimeout));
  }
});
