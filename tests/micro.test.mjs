// The SDK as a page on somebody's site meets it: another origin, a real browser, the real server.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { visit } from "./visit.mjs";

let server;
let visitor;

visit((started) => ({ server, visitor } = started));

beforeEach(() => visitor.open(tag()));

// With `crossorigin` a browser tells error events what happened, and not just "Script error.".
const tag = (attributes = "crossorigin") => `<script src="${server.url}/assets/micro.js" ${attributes}></script>`;

/** Runs an async function in the page, with `args` and nothing else of this file; resolves to what it returns. */
const inPage = (fn, ...args) => visitor.run(fn, ...args);

let chats = 0;
/** A chat that no other test has. */
const newChat = async () => (await server.post("/chat/New", { user_ids: ["ann", "ben", `test ${++chats}`] })).chat_id;
const send = (chat_id, user_id, text) => server.post("/chat/Send", { chat_id, user_id, text });
const history = async (chat_id) => (await server.post("/chat/History", { chat_id })).messages;

test("the page gets one global, and the whole of it on the next line", async () => {
  await visitor.open(`<script>window.before = Object.keys(window)</script>${tag()}<script>
    window.added = Object.keys(window).filter((name) => !before.includes(name) && name !== "before");
    window.members = Object.keys(Micro).sort();
    window.early = Micro.post("chat/New", "micro", { user_ids: ["early"] });
  </script>`);
  const { added, members, answer } = await inPage(async () => ({ added, members, answer: await early }));
  assert.deepEqual(added, ["Micro"]);
  assert.deepEqual(
    members,
    [
      "configure",
      "connect",
      "get",
      "isLoggedIn",
      "logout",
      "on",
      "params",
      "pending",
      "post",
      "ready",
      "requireLogin",
      "user",
      "version",
    ].sort(),
  );
  assert.match(answer.chat_id, /^[0-9a-f-]{36}$/);
});

test("loading it twice is harmless", async () => {
  await visitor.open(`${tag()}<script>window.first = Micro</script>${tag()}`);
  assert.equal(await inPage(async () => first === Micro && Boolean(await Micro.ready.then(() => true))), true);
  assert.deepEqual((await visitor.shown()).uncaught, []);
});

test("the API is where the script came from, unless the tag or configure says otherwise", async () => {
  const ask = (namespace) => Micro.post("/chat/New", namespace, { user_ids: ["x"] }).then(Boolean, ({ id }) => id);
  assert.equal(await inPage(ask, "micro"), true);
  await visitor.open(tag('data-api="http://127.0.0.1:9"'));
  assert.equal(await inPage(ask, "micro"), "client.Network");
  await inPage((api) => Micro.configure({ api }), server.url);
  assert.equal(await inPage(ask, "micro"), true);
});

test("what is configured counts for what is called from there on, and for nothing before", async () => {
  const chat_id = await newChat();
  await visitor.open(`${tag()}<script>
    window.handle = Micro.connect("/chat/Connect", "micro", { chat_id: "${chat_id}", user_id: "ann" });
    Micro.configure({ api: "http://127.0.0.1:9" });
  </script>`);
  assert.equal(await inPage(() => handle.send("to the first").then(({ seq }) => seq)), 1);
  await inPage(() => handle.close());
});

test("every form of a path is the same method, and a namespace is a world of its own", async () => {
  const ids = await inPage(async () => {
    const paths = ["chat/New", "/chat/New", "/chat/Chat/New", "v1/chat/New", "/v1/chat/Chat/New"];
    const params = { user_ids: ["forms"] };
    const posts = await Promise.all(paths.map((path) => Micro.post(path, "micro", params)));
    const gets = await Promise.all(paths.map((path) => Micro.get(path, "micro", params)));
    const other = await Micro.post("/chat/New", "other", params);
    return { same: new Set([...posts, ...gets].map((answer) => answer.chat_id)).size, other: other.chat_id, posts };
  });
  assert.equal(ids.same, 1);
  assert.notEqual(ids.other, ids.posts[0].chat_id);
});

test("an export is a list of its lines, however many there are", async () => {
  const chat_id = await newChat();
  for (const text of ["one\n", '"two"']) await send(chat_id, "ann", text);
  const [ofChat, ofNobody] = await inPage(
    (chat_id) =>
      Promise.all([
        Micro.post("/chats/ExportChat", "micro", { chat_id }),
        Micro.get("/chats/ExportUser", "micro", { user_id: "nobody at all" }),
      ]),
    chat_id,
  );
  assert.deepEqual(
    ofChat.map((line) => line.message?.text ?? Object.keys(line)[0]),
    ["chat", "one\n", '"two"', "end"],
  );
  assert.equal(ofNobody.at(-1).end.messages, 0);
});

test("a failure rejects with an Error that says what, and is the page's to handle", async () => {
  const error = await inPage(() =>
    Micro.post("/chat/New", "micro", {}).catch((error) => ({ ...error, isError: error instanceof Error })),
  );
  assert.equal(error.isError, true);
  assert.equal(error.id, "chat.New.MissingUserIDs");
  assert.equal(error.code, 400);
  assert.equal(error.status, "Bad Request");
  assert.match(error.detail, /user_ids/);
  await inPage(() => void Micro.post("/chat/New", "micro", {}));
  const shown = await visitor.shows();
  assert.equal(shown.uncaught.length, 1, "without a callback and without catch it is an unhandled rejection");
  assert.match(shown.uncaught[0], /MissingUserIDs/);
  assert.deepEqual(shown.error, []);
});

test("with a callback a failure is logged once, and told only to a callback that takes it", async () => {
  await inPage(() => {
    window.calls = [];
    Micro.post("/chat/New", "micro", {}, (data) => calls.push(["one", data]));
    Micro.post("/chat/New", "micro", {}, (data, error) => calls.push(["two", data === undefined, error.id]));
  });
  const shown = await visitor.shows(({ error }) => error.length >= 2);
  assert.deepEqual(await inPage(() => calls), [["two", true, "chat.New.MissingUserIDs"]]);
  assert.equal(shown.error.length, 2);
  assert.deepEqual(shown.uncaught, []);
});

test("what the page's callback throws is the page's own error, not a failed call", async () => {
  await visitor.open(`${tag()}<script>
    const fails = () => { throw new Error("the page's own") };
    window.answer = Micro.post("/chat/New", "micro", { user_ids: ["x"] }, fails).then(Boolean);
  </script>`);
  assert.equal(await inPage(() => answer), true);
  const shown = await visitor.shows();
  assert.equal(shown.uncaught.length, 1);
  assert.match(shown.uncaught[0], /the page's own/);
  assert.deepEqual(shown.error, []);
});

test("bad arguments are refused with a sentence, before anything is sent", async () => {
  const ids = await inPage(async () => {
    const circular = {};
    circular.self = circular;
    const wrong = [
      () => Micro.post(5),
      () => Micro.post("/chat/New", 5),
      () => Micro.post("/chat/New", "micro", "text"),
      () => Micro.post("/chat/New", "micro", []),
      () => Micro.post("/chat/New", "micro", circular),
      () => Micro.post("/chat/New", "micro", {}, "callback").catch((error) => Promise.reject(error)),
      async () => Micro.connect("/chat/Connect", "micro", { chat_id: 5 }),
      async () => Micro.connect("/chat/Connect", "micro", { chat_id: null, user_id: "y" }),
      () => Micro.post("/chat/Connect", "micro", { chat_id: "x", user_id: null }),
      async () => Micro.connect("/chat/Connect", "micro", { chat_id: "x", user_id: "y", after: "z" }),
      async () => Micro.configure({ api: 5 }),
      async () => Micro.configure({ token: "a token" }),
      ...["é", "a\nb", "a b", "\0"].map((namespace) => () => Micro.post("/chat/New", namespace)),
      async () => Micro.connect("/chat/Connect", "a b", { chat_id: "x", user_id: "y" }),
    ];
    return Promise.all(
      wrong.map((call) =>
        call().then(
          () => "accepted",
          ({ id, detail }) => detail && id,
        ),
      ),
    );
  });
  assert.deepEqual(ids, Array(17).fill("client.BadArgument"));
});

test("a page's query is an object without surprises", async () => {
  await visitor.open(`<script>history.replaceState(0, "", "?chat_id=a%20b&__proto__=x&chat_id=c")</script>${tag()}`);
  const params = await inPage(() => [Micro.params().chat_id, Micro.params()["__proto__"], {}.x === undefined]);
  assert.deepEqual(params, ["c", "x", true]);
});

test("nobody has to log in where the server wants no login", async () => {
  const seen = await inPage(async () => {
    let called = 0;
    await Micro.requireLogin(() => called++);
    return { called, loggedIn: Micro.isLoggedIn(), user: Micro.user === undefined };
  });
  assert.deepEqual(seen, { called: 1, loggedIn: false, user: true });
});

test("two pages' handles talk: in order, once, and not back to the sender", async () => {
  const chat_id = await newChat();
  const seen = await inPage(async (chat_id) => {
    const seen = { ann: [], ben: [], own: [] };
    const listen = (name, params) =>
      Micro.connect("/chat/Connect", "micro", { chat_id, ...params }, (message) => seen[name].push(message.text));
    const ann = listen("ann", { user_id: "ann" });
    const ben = listen("ben", { user_id: "ben", after: 0 });
    const own = listen("own", { user_id: "cat", own: true });
    // At once, before anything is connected.
    const sent = await Promise.all(["1", "2", "3"].map((text) => ann.send(text)));
    const reply = await ben.send({ text: "4", subject: "s" });
    const last = await own.send("5");
    while (seen.ben.length < 4 || seen.ann.length < 2 || seen.own.at(-1) !== "5")
      await new Promise((go) => setTimeout(go, 10));
    const cursor = ben.cursor;
    for (const handle of [ann, ben, own]) handle.close();
    return { seen, seqs: [...sent, reply, last].map(({ seq }) => seq), reply, cursor };
  }, chat_id);
  assert.deepEqual(seen.seqs, [1, 2, 3, 4, 5]);
  assert.deepEqual(seen.seen.ben, ["1", "2", "3", "5"]);
  assert.deepEqual(seen.seen.ann, ["4", "5"]);
  assert.equal(seen.seen.own.at(-1), "5");
  assert.equal(seen.cursor.seq, 5);
  assert.ok(seen.cursor.epoch > 0);
  const stored = await history(chat_id);
  assert.deepEqual(
    stored.map(({ text }) => text),
    ["1", "2", "3", "4", "5"],
  );
  // What `send` resolves to is what the history holds.
  assert.deepEqual(seen.reply, stored[3]);
});

test("the page gets the very object that JSON.parse made", async () => {
  const chat_id = await newChat();
  await send(chat_id, "ben", "same");
  const same = await inPage(async (chat_id) => {
    const parsed = [];
    const { parse } = JSON;
    JSON.parse = (text) => {
      const value = parse(text);
      if (Array.isArray(value?.[4])) parsed.push(...value[4]);
      return value;
    };
    const message = await new Promise((resolve) =>
      Micro.connect("/chat/Connect", "micro", { chat_id, user_id: "ann", after: 0 }, resolve),
    );
    return { parsed: parsed.length, same: parsed[0] === message, text: message.text };
  }, chat_id);
  assert.deepEqual(same, { parsed: 1, same: true, text: "same" });
});

test("a handle can be read by `for await`, and its events tell its life", async () => {
  const chat_id = await newChat();
  for (const text of ["1", "2", "3"]) await send(chat_id, "ben", text);
  const seen = await inPage(async (chat_id) => {
    const events = [];
    const handle = Micro.connect("/chat/Connect", "micro", { chat_id, user_id: "ann", after: 1 });
    for (const event of ["open", "close", "error"]) handle.on(event, () => events.push(event));
    handle.on("state", ({ state }) => events.push(state));
    const off = handle.on("open", () => events.push("never"));
    off();
    const texts = [];
    for await (const message of handle) {
      texts.push(message.text);
      if (texts.length === 2) handle.close();
    }
    return { events, texts, state: handle.state };
  }, chat_id);
  assert.deepEqual(seen.texts, ["2", "3"]);
  assert.deepEqual(
    seen.events.filter((event) => event !== "connecting"),
    ["live", "open", "closed", "close"],
  );
  assert.equal(seen.state, "closed");
});

test("what was stored has come when it says `caughtup`, and what never will is told as a gap", async () => {
  const chat_id = await newChat();
  for (const text of ["1", "2", "3", "4"]) await send(chat_id, "ben", text);
  const read = async (chat_id, removed) => {
    const { parse } = JSON;
    JSON.parse = (text) => {
      const value = parse(text);
      // As a server says it that keeps messages for some time only.
      if (value?.[0] === 21) value[3] += removed;
      return value;
    };
    const seen = [];
    const params = { chat_id, user_id: "ann", after: 1 };
    const handle = Micro.connect("/chat/Connect", "micro", params, ({ text }) => seen.push(text));
    handle.on("gap", (gap) => seen.push(gap));
    await new Promise((resolve) => handle.on("caughtup", resolve));
    JSON.parse = parse;
    const { cursor } = handle;
    handle.close();
    return { seen, seq: cursor.seq };
  };
  assert.deepEqual(await inPage(read, chat_id, 0), { seen: ["2", "3", "4"], seq: 4 });
  const gap = { from: 2, to: 3, restored: false };
  assert.deepEqual(await inPage(read, chat_id, 2), { seen: [gap, "4"], seq: 4 });
});

test("without a network nothing is tried, and the state says so", async () => {
  const chat_id = await newChat();
  await inPage((chat_id) => {
    window.states = [];
    window.handle = Micro.connect("/chat/Connect", "micro", { chat_id, user_id: "ann" });
    handle.on("state", ({ state }) => states.push(state));
  }, chat_id);
  await visitor.until(() => handle.state === "live");
  await server.stop();
  // In the page, as the wait may be over before a driver has asked for it.
  const state = await inPage(async () => {
    while (handle.state !== "waiting") await new Promise((go) => setTimeout(go, 1));
    dispatchEvent(new Event("offline"));
    return handle.state;
  });
  assert.equal(state, "offline");
  await server.restart();
  await sleep(1_500);
  assert.equal(await inPage(() => states.splice(0).at(-1)), "offline");
  await inPage(() => void dispatchEvent(new Event("online")));
  await visitor.until(() => handle.state === "live");
  assert.deepEqual(await inPage(() => states), ["connecting", "live"]);
  await inPage(() => handle.close());
});

test("what others call as you call yours is theirs, and comes", async () => {
  const chat_id = await newChat();
  await inPage((chat_id) => {
    window.heard = [];
    const params = { chat_id, user_id: "ann" };
    window.handle = Micro.connect("/chat/Connect", "micro", params, ({ user_id, text }) => heard.push([user_id, text]));
  }, chat_id);
  await visitor.until(() => handle.state === "live");
  await server.stop();
  await inPage(async () => {
    while (handle.state !== "waiting") await new Promise((go) => setTimeout(go, 1));
    dispatchEvent(new Event("offline"));
    window.sending = handle.send({ client_id: "1", text: "of ann" });
  });
  await server.restart();
  await server.post("/chat/Send", { chat_id, user_id: "ben", client_id: "1", text: "of ben" });
  const seq = await inPage(async () => {
    dispatchEvent(new Event("online"));
    return (await sending).seq;
  });
  assert.equal(seq, 2);
  await send(chat_id, "ben", "the end");
  await visitor.until(() => heard.some(([, text]) => text === "the end"));
  assert.deepEqual(await inPage(() => heard), [
    ["ben", "of ben"],
    ["ben", "the end"],
  ]);
  await inPage(() => handle.close());
});

test("a chat that isn't there is an error, once, and ends the handle", async () => {
  const seen = await inPage(async () => {
    const handle = Micro.connect("/chat/Connect", "micro", { chat_id: "nowhere", user_id: "ann" });
    const sent = handle.send("lost").catch(({ id }) => id);
    const error = await new Promise((resolve) => handle.on("error", resolve));
    const opened = await Micro.post("/chat/Connect", "micro", { chat_id: "nowhere", user_id: "ann" }).catch(
      ({ id }) => id,
    );
    return { id: error.id, sent: await sent, opened, state: handle.state };
  });
  assert.equal(seen.id, "chat.Connect.InvalidChatID");
  assert.equal(seen.opened, "chat.Connect.InvalidChatID");
  assert.equal(seen.state, "closed");
  assert.ok(seen.sent, "what was sent to it is refused");
  assert.deepEqual((await visitor.shown()).error, []);
});

for (const end of ["kill", "stop"]) {
  test(`through a ${end} of the server nothing is lost, doubled or out of order`, async () => {
    const chat_id = await newChat();
    await inPage(async (chat_id) => {
      window.seen = { texts: [], states: [] };
      window.handle = Micro.connect("/chat/Connect", "micro", { chat_id, user_id: "ann" }, (message) =>
        seen.texts.push(message.text),
      );
      handle.on("state", ({ state }) => seen.states.push(state));
      await new Promise((resolve) => handle.on("open", resolve));
    }, chat_id);
    await send(chat_id, "ben", "before");
    await visitor.until(() => seen.texts.length === 1);
    await server[end]();
    await visitor.until(() => handle.state === "waiting");
    // Written while there is no server.
    await inPage(() => void (window.late = Promise.all(["late 1", "late 2"].map((text) => handle.send(text)))));
    await server.restart();
    // Said before this page is back, or after: it comes either way.
    for (const text of ["meanwhile 1", "meanwhile 2"]) await send(chat_id, "ben", text);
    await visitor.until(() => seen.texts.length === 3 && handle.state === "live");
    const late = await inPage(() => late);
    assert.deepEqual(
      late.map(({ text }) => text),
      ["late 1", "late 2"],
    );
    await sleep(100);
    const { texts, states } = await inPage(() => seen);
    assert.deepEqual(texts, ["before", "meanwhile 1", "meanwhile 2"]);
    assert.ok(states.includes("waiting") && states.at(-1) === "live", states.join());
    const stored = (await history(chat_id)).map(({ text }) => text);
    assert.equal(stored.length, 5);
    assert.deepEqual(
      stored.filter((text) => text.startsWith("late")),
      ["late 1", "late 2"],
    );
    await inPage(() => handle.close());
  });
}

test("a text cut inside an emoji is sent, and harms nobody", async () => {
  const chat_id = await newChat();
  const sent = await inPage(async (chat_id) => {
    const handle = Micro.connect("/chat/Connect", "micro", { chat_id, user_id: "ann" });
    const sent = [await handle.send("half \ud83d"), await handle.send({ text: "whole \ud83d\ude42", client_id: "" })];
    const wrong = (params) => {
      try {
        Micro.connect("/chat/Connect", "micro", params);
      } catch ({ id }) {
        return id;
      }
    };
    const refused = [wrong({ chat_id: "\ud83d", user_id: "ann" }), wrong({ chat_id, user_id: "\ude42" })];
    const { state } = handle;
    handle.close();
    return {
      texts: sent.map(({ text }) => text),
      ids: sent.map((message) => message.client_id.length),
      refused,
      state,
    };
  }, chat_id);
  assert.deepEqual(sent.texts, ["half \ufffd", "whole \u{1f642}"]);
  assert.deepEqual(sent.ids, [36, 36]);
  assert.deepEqual(sent.refused, ["client.BadArgument", "client.BadArgument"]);
  assert.equal(sent.state, "live");
  assert.deepEqual(
    (await history(chat_id)).map(({ text }) => text),
    sent.texts,
  );
});

test("an empty address is none, and an element called Micro is no SDK", async () => {
  await visitor.open(`<p id="Micro"></p>${tag('data-api=""')}`);
  const answer = await inPage(async () => {
    Micro.configure({ api: "" });
    return Micro.post("/chat/New", "micro", { user_ids: ["x"] }).then(Boolean);
  });
  assert.equal(answer, true);
});

test("a closed handle leaves no socket, and what it had not sent is refused", async () => {
  const chat_id = await newChat();
  const seen = await inPage(async (chat_id) => {
    const sockets = [];
    const Native = WebSocket;
    window.WebSocket = class extends Native {
      constructor(...args) {
        super(...args);
        sockets.push(this);
      }
    };
    for (let round = 0; round < 20; round++) {
      const handle = Micro.connect("/chat/Connect", "micro", { chat_id, user_id: "ann" });
      await new Promise((resolve) => handle.on("open", resolve));
      handle.close();
    }
    const handle = Micro.connect("/chat/Connect", "micro", { chat_id, user_id: "ann" });
    const pending = handle.send("never").catch(({ id }) => id);
    handle.close();
    handle.close();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const after = await handle.send("after").catch(({ id }) => id);
    return {
      open: sockets.filter(({ readyState }) => readyState < 2).length,
      opened: sockets.length,
      pending: await pending,
      after,
    };
  }, chat_id);
  assert.ok(seen.opened >= 20);
  assert.equal(seen.open, 0);
  assert.equal(seen.pending, "client.Closed");
  assert.equal(seen.after, "client.Closed");
});

test("all chats of a user share one socket", async () => {
  const chat_ids = [await newChat(), await newChat(), await newChat()];
  const opened = await inPage(async (chat_ids) => {
    let opened = 0;
    const Native = WebSocket;
    window.WebSocket = class extends Native {
      constructor(...args) {
        super(...args);
        opened++;
      }
    };
    const handles = chat_ids.map((chat_id) => Micro.connect("/chat/Connect", "micro", { chat_id, user_id: "dan" }));
    await Promise.all(handles.map((handle) => new Promise((resolve) => handle.on("open", resolve))));
    for (const handle of handles) handle.close();
    return opened;
  }, chat_ids);
  assert.equal(opened, 1);
});

test("a page that forbids wasm is told so, and which word its policy needs", async () => {
  const policy = (more) =>
    `<meta http-equiv="Content-Security-Policy" content="script-src 'unsafe-inline' ${server.url} ${more}">`;
  const ask = () =>
    Micro.post("/chat/New", "micro", { user_ids: ["x"] }).then(
      () => "fine",
      ({ id, detail }) => `${id} ${detail}`,
    );
  await visitor.open(policy("") + tag());
  assert.match(await inPage(ask), /^client\.WasmForbidden .*'wasm-unsafe-eval'/);
  await visitor.open(policy("'wasm-unsafe-eval'") + tag());
  assert.equal(await inPage(ask), "fine");
});
