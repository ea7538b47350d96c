// What a browser does to a page: no network, a frozen tab, a busy one, a page that is left and comes back. Messages
// come and are sent meanwhile, and each is handed over once, in order, and stored once.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { lacks } from "./browser.mjs";
import { Network } from "./network.mjs";
import { Server } from "./server.mjs";
import { KEPT } from "./unsent.mjs";
import { Visitor } from "./visitor.mjs";

// A server or a network that stalls for less is one that lives.
const HEARTBEAT_S = 2;
/** Longer than a page believes in a server that says nothing. */
const SILENCE_MS = 2 * HEARTBEAT_S * 1000 + 500;
/** Longer than that by what tells a machine that slept. */
const SLEEP_MS = SILENCE_MS + 2_500;
const AWAY_MS = 3_000;

let server;
let network;
let visitor;

before(async () => {
  server = await Server.start({ args: ["--heartbeat", String(HEARTBEAT_S), "--grace", String(HEARTBEAT_S)] });
  network = await Network.start(server.url);
  visitor = await Visitor.start();
});

after(async () => {
  await visitor?.quit();
  await network?.stop();
  await server?.remove();
});

// Notes what happens to the page, and every socket that it makes.
const page = () => `<script>
  window.events = [];
  for (const name of ["online", "offline", "pagehide", "pageshow"]) {
    addEventListener(name, ({ persisted }) => events.push(persisted === undefined ? name : name + " " + persisted));
  }
  for (const name of ["freeze", "resume"]) document.addEventListener(name, () => events.push(name));
  window.sockets = [];
  window.WebSocket = class extends WebSocket {
    constructor(...args) {
      super(...args);
      sockets.push(this);
    }
  };
</script>
<script src="${server.url}/assets/micro.js" data-api="${network.url}" crossorigin></script>
<script>
  window.told = [];
  Micro.on("sent", ({ text }) => told.push(text));
  window.settled = [];
  window.read = async (chat_id, user_id = "ann") => {
    window.seqs = [];
    window.states = [];
    const params = { chat_id, user_id, after: 0 };
    window.handle = Micro.connect("/chat/Connect", "micro", params, ({ seq }) => seqs.push(seq));
    handle.on("state", ({ state }) => states.push(state));
    await new Promise((resolve) => handle.on("open", resolve));
  };
  window.say = (text) =>
    void handle.send(text).then(({ text, seq }) => settled.push([text, seq]), ({ id }) => settled.push([text, id]));
</script>${KEPT}`;

const inPage = (fn, ...args) => visitor.run(fn, ...args);

let chats = 0;
let chat_id;
/** A chat of its own for each test, with messages in it, and a page that reads it. */
beforeEach(async () => {
  ({ chat_id } = await server.post("/chat/New", { user_ids: ["ann", "ben", `lifecycle ${++chats}`] }));
  await say(3);
  await visitor.open(page());
  await inPage((chat_id) => read(chat_id), chat_id);
  await visitor.until(() => seqs.length === 3);
  // A link that stood for a moment only is not one that was cut.
  await sleep(1_100);
});

/** Somebody else writes. */
async function say(times) {
  for (let time = 0; time < times; time++)
    await server.post("/chat/Send", { chat_id, user_id: "ben", text: "from ben" });
}

const stored = async () => (await server.post("/chat/History", { chat_id })).messages;

/**
 * Holds what the page was given against what is stored: all but its own, once, in order; its own once, as it was told.
 */
async function checkPage(own) {
  const isOwn = ({ user_id }) => user_id === "ann";
  await visitor.until(`async () => settled.length >= ${own.length}`);
  const messages = await stored();
  const theirs = messages.filter((message) => !isOwn(message)).map(({ seq }) => seq);
  await visitor.until(`async () => handle.cursor.seq >= ${messages.length}`);
  // What comes a second time comes late.
  await sleep(200);
  const page = await inPage(() => ({ seqs, settled }));
  assert.deepEqual(page.seqs, theirs);
  const [texts, places] = [messages.filter(isOwn).map(({ text }) => text), page.settled.map(([text]) => text)];
  assert.deepEqual(texts, own);
  assert.deepEqual(places, own);
  for (const [text, seq] of page.settled) assert.equal(messages[seq - 1]?.text, text);
}

for (const [how, part] of Object.entries({
  "cuts the link": () => network.cut(),
  "leaves the link dead": () => network.stall(),
})) {
  test(`a network that ${how} is waited for, and gone on with at once`, { skip: lacks("offline") }, async () => {
    // For the browser, too, there is none: the socket that stands is ours to break.
    await visitor.browser.offline(true);
    try {
      part();
      await inPage(() => say("while offline 1"));
      await visitor.until(() => handle.state === "offline");
      await inPage(() => say("while offline 2"));
      await say(5);
      network.cut();
      network.flow();
      await sleep(AWAY_MS);
      // Nothing was tried.
      assert.deepEqual(await inPage(() => [sockets.length, settled.length, handle.state]), [1, 0, "offline"]);
      // Behind the SDK's own listener: what that did, it did at once, and not after a back-off.
      await inPage(() => addEventListener("online", () => events.push(handle.state), { once: true }));
    } finally {
      await visitor.browser.offline(false);
    }
    await visitor.until(() => handle.state === "live");
    assert.deepEqual((await inPage(() => events)).slice(-3), ["offline", "online", "connecting"]);
    await checkPage(["while offline 1", "while offline 2"]);
    assert.equal(await inPage(() => sockets.length), 2);
  });
}

for (const [what, meanwhile] of Object.entries({
  "": () => {},
  " while the server is killed": async () => {
    await server.kill();
    await server.restart();
  },
})) {
  test(`a tab that is frozen${what} has all of it when it thaws`, { skip: lacks("freeze") }, async () => {
    await inPage(() => say("before the frost"));
    await visitor.browser.freeze(true);
    await say(5);
    await meanwhile();
    await sleep(SLEEP_MS);
    await say(5);
    await visitor.browser.freeze(false);
    await inPage(() => say("after it"));
    await checkPage(["before the frost", "after it"]);
    assert.deepEqual((await inPage(() => events)).slice(-2), ["freeze", "resume"]);
  });
}

for (const [how, part] of Object.entries({
  "is cut": () => network.cut(),
  "goes dead": () => network.stall(),
})) {
  test(`a link that ${how} is made anew, and what was said meanwhile comes and goes once`, async () => {
    part();
    await inPage(() => say("meanwhile"));
    await say(5);
    await visitor.until(() => sockets.length > 1);
    network.flow();
    await visitor.until(() => handle.state === "live");
    await checkPage(["meanwhile"]);
  });
}

// Late by less than what tells a machine that slept, and by more.
for (const [how, time] of Object.entries({ "for a moment": SILENCE_MS, "for long": SLEEP_MS })) {
  const skip = how === "for a moment" && lacks("order");
  test(
    `a page that was busy ${how} handles what came meanwhile, before it believes that nothing did`,
    { skip },
    async () => {
      await inPage((time) => {
        setTimeout(() => {
          const end = performance.now() + time;
          while (performance.now() < end);
        });
      }, time);
      await say(5);
      await checkPage([]);
      // The link lived all the time.
      assert.equal(await inPage(() => sockets.length), 1);
    },
  );
}

test("a page that comes back from the browser's cache goes on where it was", async (t) => {
  if (lacks("cache")) return t.skip(lacks("cache"));
  network.stall();
  await inPage(() => {
    say("on its way");
    // Behind the SDK's own listener.
    addEventListener("pagehide", () => events.push(sockets.at(-1).readyState), { once: true });
  });
  await visitor.until(async () => (await kept()) === 1);
  await visitor.open("");
  network.cut();
  network.flow();
  await say(5);
  // Neither a socket nor a lock keeps a browser from keeping the page, or makes it think better of it later.
  await visitor.until(async () => (await navigator.locks.query()).held.length === 0);
  await visitor.back();
  await visitor.until(() => handle.state === "live");
  await inPage(() => say("and back"));
  await checkPage(["on its way", "and back"]);
  const CLOSING = 2;
  const frost = lacks("freeze") ? [] : ["freeze", "resume"];
  assert.deepEqual(await inPage(() => events.slice(1)), ["pagehide true", CLOSING, ...frost, "pageshow true"]);
  assert.deepEqual(await inPage(() => told), []);
  await visitor.until(async () => (await kept()) === 0);
  // Its rows are its own again.
  await visitor.until(async () => (await navigator.locks.query()).held.length === 1);
});

test("what a page leaves unsent, the next one sends; the first one, when it is back, is told and tells once", async (t) => {
  if (lacks("cache")) return t.skip(lacks("cache"));
  /** Leaves the page in front with a message that it could not send. */
  const leaveUnsent = async (text, go) => {
    network.stall();
    await inPage((text) => say(text), text);
    await visitor.until(async () => (await kept()) === 1);
    await go();
    network.cut();
    network.flow();
  };
  const isThere = async (text) => {
    for (let tries = 0; tries < 1_200 && !(await stored()).some((message) => message.text === text); tries++)
      await sleep(50);
  };
  await leaveUnsent("first page's", () => visitor.open(page()));
  await inPage((chat_id) => read(chat_id), chat_id);
  await isThere("first page's");
  await visitor.until(() => told.length === 1);
  await leaveUnsent("second page's", () => visitor.back());
  await say(2);
  // The first page is back, and cares for what the second one left.
  await visitor.until(() => told.length === 1 && settled.length === 1);
  await isThere("second page's");
  await sleep(500);
  assert.deepEqual(await inPage(() => [events.at(-1), told, settled[0][0]]), [
    "pageshow true",
    ["second page's"],
    "first page's",
  ]);
  await say(2);
  await visitor.forward();
  await visitor.until(() => settled.length === 1);
  await say(2);
  await sleep(500);
  assert.deepEqual(await inPage(() => [events.at(-1), told, settled[0][0]]), [
    "pageshow true",
    ["first page's"],
    "second page's",
  ]);
  const messages = await stored();
  const texts = messages.map(({ text }) => text);
  assert.deepEqual(
    texts.filter((text) => text !== "from ben"),
    ["first page's", "second page's"],
  );
  await visitor.until(async () => (await kept()) === 0);
  // Each of the two has all, once: the first page again, too.
  for (const own of ["second page's", "first page's"]) {
    const others = messages.filter(({ text }) => text !== own).map(({ seq }) => seq);
    await visitor.until(`async () => handle.cursor.seq === ${messages.length}`);
    assert.deepEqual(await inPage(() => seqs), others);
    await visitor.back();
  }
});

test("what the next page took over and could not send, the first one sends when it is back, as its own", async (t) => {
  if (lacks("cache")) return t.skip(lacks("cache"));
  network.stall();
  await inPage(() => say("first page's"));
  await visitor.until(async () => (await kept()) === 1);
  await visitor.open(page());
  // It can't connect; but what was left is its to send, now.
  await inPage((chat_id) => void read(chat_id), chat_id);
  await visitor.until(async () => (await Micro.pending()).length === 1);
  await visitor.back();
  network.cut();
  network.flow();
  await checkPage(["first page's"]);
  assert.deepEqual(await inPage(() => told), []);
  await visitor.until(async () => (await kept()) === 0 && (await Micro.pending()).length === 0);
});
