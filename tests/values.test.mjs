// Whatever a page passes, it is told what is wrong with it: no trap, no silence, and the next call is as good as ever.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { oddValues } from "./odd.mjs";
import { visit } from "./visit.mjs";

const SEED = Number(process.env.SEED || 20);
const ROUNDS = 300;

let server;
let visitor;

visit((started) => ({ server, visitor } = started));

const errors = readFileSync(new URL("../docs/errors.md", import.meta.url), "utf8");
const ids = [...errors.matchAll(/^\| `([\w.]+)`/gm)].map(([, id]) => id);

const inPage = (fn, ...args) => visitor.run(fn, ...args);

let chats = 0;
const newChat = async () => (await server.post("/chat/New", { user_ids: ["ann", "ben", `values ${++chats}`] })).chat_id;

const open = () => visitor.open(`${oddValues(ids)}<script src="${server.url}/assets/micro.js" crossorigin></script>`);

/** What went wrong in the page, once a new handle there has sent and received as ever. */
async function faults() {
  const seen = await inPage(
    async (chat_id) => {
      const seen = [];
      const handle = Micro.connect(
        "/chat/Connect",
        "micro",
        { chat_id, user_id: "ann", own: true, after: 0 },
        (message) => seen.push(message.seq, message.text),
      );
      await Promise.all(["one", "two", "three"].map((text) => handle.send(text)));
      for (const end = Date.now() + 60_000; seen.length < 6 && Date.now() < end;) {
        await new Promise((go) => setTimeout(go, 10));
      }
      handle.close();
      return seen;
    },
    await newChat(),
  );
  assert.deepEqual(seen, [1, "one", 2, "two", 3, "three"]);
  return inPage(() => odd.faults);
}

test("calls: each settles, with a documented error or the page's own", async () => {
  await open();
  const count = await inPage(
    (chat_id, seed, rounds) => {
      const params = { chat_id, user_id: "ann" };
      const posted = (field) => (value) =>
        Micro.post("/chat/Send", "micro", { ...params, text: "odd", [field]: value });
      const got = (value) => Micro.get("/chat/History", "micro", { chat_id, limit: value });
      const connected = (field) => (value) => Micro.connect("/chat/Connect", "micro", { ...params, [field]: value });
      const cursor = (epoch, seq) => Micro.connect("/chat/Connect", "micro", { ...params, after: { epoch, seq } });
      const calls = {
        post: [Micro.post, "/chat/New", "micro", { user_ids: ["odd"] }, () => {}],
        "post to a stream": [Micro.post, "/chat/Connect", "micro", params, () => {}],
        get: [Micro.get, "/chat/History", "micro", { chat_id }, () => {}],
        connect: [Micro.connect, "/chat/Connect", "micro", params, () => {}],
        "refused, connect": [Micro.connect, "/chat/Connect", "micro", { ...params, chat_id: "none" }, () => {}],
        "user_ids of post": [posted("user_ids"), []],
        "text of post": [posted("text"), "odd"],
        "a field of get": [got, 10],
        "chat_id of connect": [connected("chat_id"), chat_id],
        "user_id of connect": [connected("user_id"), "ann"],
        "after of connect": [connected("after"), 0],
        "own of connect": [connected("own"), true],
        "members of connect": [connected("members"), true],
        "cursor of connect": [cursor, 1, 0],
        on: [Micro.on, "sent", () => {}],
        pending: [Micro.pending, 1],
        requireLogin: [Micro.requireLogin, () => {}],
        isLoggedIn: [Micro.isLoggedIn, 1],
        logout: [Micro.logout, {}],
        "everywhere of logout": [(everywhere) => Micro.logout({ everywhere }), true],
        params: [Micro.params, 1],
      };
      return odd.attack(calls, seed, rounds);
    },
    await newChat(),
    SEED,
    ROUNDS,
  );
  assert.ok(count > 1_000, `${count} calls`);
  assert.deepEqual(await faults(), []);
});

test("a handle: whatever it is given, it stays open and in order", async () => {
  await open();
  const state = await inPage(
    async (chat_id, seed, rounds) => {
      const handle = Micro.connect("/chat/Connect", "micro", { chat_id, user_id: "ann", members: true, own: true });
      const field = (name) => (value) => handle.send({ text: "odd", [name]: value });
      const iterator = () => handle[Symbol.asyncIterator]();
      const calls = {
        send: [handle.send, "odd"],
        "text of send": [field("text"), "odd"],
        "subject of send": [field("subject"), "odd"],
        "client_id of send": [field("client_id"), "odd"],
        on: [handle.on, "state", () => {}],
        "on, its way out": [(value) => handle.on("state", () => {})(value), 1],
        next: [(value) => Promise.all([iterator().next(value), handle.send("odd")]), 1],
        return: [(value) => iterator().return(value), 1],
      };
      // Every event has listeners of each kind.
      for (const event of ["open", "close", "error", "state", "caughtup", "gap", "member"]) {
        for (const value of Object.values(odd.values)) {
          const listener = value();
          if (typeof listener === "function") handle.on(event, listener);
        }
      }
      await odd.attack(calls, seed, rounds);
      const { state } = handle;
      await odd.attempt("close", () => handle.close(1n));
      return [state, handle.state];
    },
    await newChat(),
    SEED,
    ROUNDS,
  );
  assert.deepEqual(state, ["live", "closed"]);
  assert.deepEqual(await faults(), []);
});

test("what is configured is taken whole, or not at all", async () => {
  await open();
  await inPage(
    async (seed, rounds) => {
      await Micro.ready;
      const { href } = location;
      // What was taken must not break what is called next.
      const set = (key, right) => [(value) => (Micro.configure({ [key]: value }), Micro.requireLogin()), right];
      await odd.attack(
        {
          configure: [Micro.configure, {}],
          api: set("api", href),
          wasm: set("wasm", href),
          namespace: set("namespace", "micro"),
          cookies: set("cookies", "legacy"),
          words: set("words", {}),
          sendTimeout: set("sendTimeout", 1_000),
          "a word": [(value) => Micro.configure({ words: { login: value } }), "Enter"],
        },
        seed,
        rounds,
      );
    },
    SEED,
    ROUNDS,
  );
  await inPage((api) => Micro.configure({ api, namespace: "micro", sendTimeout: 60_000 }), server.url);
  await inPage(() => Micro.requireLogin());
  assert.deepEqual(await faults(), []);
});

test("a source of tokens that returns or throws anything", async () => {
  await open();
  const chat_id = await newChat();
  const spared = await inPage(async (chat_id) => {
    const params = { chat_id, user_id: "ann" };
    for (const [name, value] of Object.entries(odd.values)) {
      for (const token of [
        () => value(),
        async () => value(),
        () => Promise.reject(value()),
        () => ({ then: (_, no) => no(value()) }),
      ]) {
        await odd.attempt(`token: ${name}`, () => {
          Micro.configure({ token });
          return Micro.get("/chat/History", "micro", { chat_id });
        });
      }
    }
    let asked = 0;
    for (const [name, value] of Object.entries(odd.values)) {
      const thrower = () => {
        asked += 1;
        throw value();
      };
      await odd.attempt(`token, thrown: ${name}`, () => {
        Micro.configure({ token: thrower });
        return Micro.post("/chat/Send", "micro", { ...params, text: name });
      });
    }
    Micro.configure({ token: () => "token" });
    return asked - Object.keys(odd.values).length;
  }, chat_id);
  assert.ok(spared >= 0, "each of them was asked");
  assert.deepEqual(await faults(), []);
});

test("a page's own fetch that returns or throws anything", async () => {
  await open();
  await inPage(async () => {
    await Micro.ready;
    const { fetch } = window;
    for (const [name, value] of Object.entries(odd.values)) {
      const fetches = [
        () => value(),
        async () => value(),
        () => Promise.reject(value()),
        () => {
          throw value();
        },
        async () => ({ ok: true, status: 200, json: () => value() }),
        async () => ({ ok: false, status: 500, json: async () => value() }),
      ];
      for (const own of fetches) {
        await odd.attempt(`fetch: ${name}`, () => {
          window.fetch = own;
          return Micro.post("/chat/New", "micro", { user_ids: ["odd"] });
        });
      }
    }
    window.fetch = fetch;
  });
  assert.deepEqual(await faults(), []);
});

test("what a page changes behind a call's back changes nothing", async () => {
  await open();
  const chat_id = await newChat();
  const sent = await inPage(async (chat_id) => {
    const stored = [];
    for (const value of Object.values(odd.values)) {
      const after = { epoch: 0, seq: 0 };
      const params = { chat_id, user_id: "ann", after };
      const handle = Micro.connect("/chat/Connect", "micro", params);
      const message = { text: `odd ${stored.length}` };
      stored.push(handle.send(message));
      Object.assign(after, { epoch: value(), seq: value() });
      Object.assign(params, { chat_id: value(), user_id: value() });
      Object.assign(message, { text: value(), client_id: value() });
    }
    return (await Promise.all(stored)).map(({ text }) => text);
  }, chat_id);
  assert.deepEqual(
    sent,
    sent.map((_, place) => `odd ${place}`),
  );
  const { messages } = await server.post("/chat/History", { chat_id });
  assert.deepEqual(
    messages.map(({ user_id, text }) => `${user_id}: ${text}`).sort(),
    sent.map((text) => `ann: ${text}`).sort(),
  );
  assert.deepEqual(await faults(), []);
});

test("the check sees a trap, a silence, an error of no kind and a rejection that nobody handles", async () => {
  await open();
  const seen = await inPage(async () => {
    // (module (func (export "f") unreachable))
    const bytes = [
      0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 5, 1, 3, 0, 0, 11,
    ];
    const { instance } = await WebAssembly.instantiate(Uint8Array.from(bytes));
    await odd.attempt("trap", instance.exports.f);
    await odd.attempt("silence", () => new Promise(() => {}), 50);
    await odd.attempt("no id", () => JSON.parse("{"));
    await odd.attempt("no error", () => Promise.reject("no"));
    await odd.attempt("stream", () => ({ send() {}, close() {}, on() {}, state: "connecting" }), 50);
    odd.abandon();
    await odd.attempt("the page's own", () => odd.fail());
    await odd.attempt("an error of ours", () => Micro.connect(1));
    await new Promise((go) => setTimeout(go, 200));
    return odd.faults;
  });
  const kinds = seen.map((fault) => fault.split(":")[0]);
  assert.deepEqual(kinds, ["trap", "silence", "no id", "no error", "stream", "stream", "unhandled"], seen.join("\n"));
});
