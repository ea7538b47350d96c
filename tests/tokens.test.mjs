// A site's own users: its back end signs tokens, the server believes nothing else, and the page need not think of it.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { after, before, beforeEach, test } from "node:test";

import { Server } from "./server.mjs";
import { KEPT } from "./unsent.mjs";
import { anything, Visitor } from "./visitor.mjs";

const SECRET = "a-secret-of-the-tests-that-is-long-enough";

let folder;
let server;
let visitor;
// What the site's back end does: the user that is logged in, how long tokens last, and how often it was asked.
const site = { user: "ann", seconds: 3600, asked: 0, secret: SECRET };
let backEnd;

function sign({ user, seconds, secret }) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const body = `${part({ alg: "HS256" })}.${part({ sub: user, exp: Math.floor(Date.now() / 1000) + seconds })}`;
  return `${body}.${createHmac("sha256", secret).update(body).digest("base64url")}`;
}

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "micro-chat-"));
  await writeFile(path.join(folder, "secret"), SECRET);
  backEnd = http
    .createServer((request, response) => {
      site.asked++;
      response.setHeader("access-control-allow-origin", "*");
      if (site.down) return response.writeHead(503).end();
      response.end(sign(site));
    })
    .listen(0, "127.0.0.1");
  visitor = await Visitor.start();
  const args = ["--token-key", path.join(folder, "secret"), "--origin", visitor.origin];
  server = await Server.start({ command: "serve", args });
});

beforeEach(() => Object.assign(site, { user: "ann", seconds: 3600, asked: 0, secret: SECRET, down: false }));

after(async () => {
  await visitor?.quit();
  await server?.remove();
  backEnd?.close();
  await rm(folder, { recursive: true, force: true });
});

const inPage = (fn, ...args) => visitor.run(fn, ...args);

const open = () =>
  visitor.open(`<script src="${server.url}/assets/micro.js" crossorigin></script>
<script>
  Micro.configure({
    token: async () => {
      const answer = await fetch("http://127.0.0.1:${backEnd.address().port}/token");
      if (!answer.ok) throw new Error("the back end is down");
      return answer.text();
    },
  });
  window.TOKENS = "http://127.0.0.1:${backEnd.address().port}/token";
  window.id = (promise) => promise.then(() => "done", ({ id }) => id);
</script>${KEPT}`);

let chats = 0;
/** A chat of Ann and Ben, made by whoever is logged in. */
const newChat = () =>
  inPage(
    async (number) => (await Micro.post("/chat/New", "", { user_ids: ["ann", "ben", `chat ${number}`] })).chat_id,
    ++chats,
  );

test("calls and streams carry the token, and one is asked for once", async () => {
  await open();
  const chat_id = await newChat();
  const seen = await inPage(async (chat_id) => {
    let called = 0;
    await Micro.requireLogin(() => called++);
    const texts = [];
    const handle = Micro.connect("/chat/Connect", "", { chat_id, user_id: "ann", own: true }, ({ user_id, text }) =>
      texts.push([user_id, text]),
    );
    const stored = await handle.send("by the stream");
    await Micro.post("/chat/Send", "", { chat_id, user_id: "somebody else", text: "by a call" });
    while (texts.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    const { messages } = await Micro.get("/chat/History", "", { chat_id });
    return { called, loggedIn: Micro.isLoggedIn(), texts, seq: stored.seq, history: messages.length };
  }, chat_id);
  const texts = [
    ["ann", "by the stream"],
    ["ann", "by a call"],
  ];
  assert.deepEqual(seen, { called: 1, loggedIn: true, texts, seq: 1, history: 2 });
  assert.equal(site.asked, 1);
  assert.deepEqual((await visitor.shows(anything(0))).error, []);
});

test("a token is replaced before it ends, on the open socket, and nothing has to reconnect", async () => {
  await open();
  const chat_id = await newChat();
  // It is replaced in its last tenth: seconds, even on a machine that has none to spare.
  site.seconds = 40;
  site.asked = 0;
  await inPage(async (chat_id) => {
    Micro.configure({ token: async () => (await fetch(TOKENS)).text() });
    window.states = [];
    window.handle = Micro.connect("/chat/Connect", "", { chat_id, user_id: "ann", own: true });
    handle.on("state", ({ state }) => states.push(state));
    await handle.send("with the first token");
    // For longer than it lasts.
    await new Promise((resolve) => setTimeout(resolve, 42_000));
    await handle.send("with another");
  }, chat_id);
  assert.deepEqual(await inPage(() => states), ["live"]);
  assert.equal(site.asked, 2);
  const sent = (await visitor.shown()).frames.map((frame) => JSON.parse(frame)[0]);
  assert.equal(sent.filter((op) => op === 20).length, 1, "one welcome");
});

test("nobody is asked for tokens that nothing needs", async () => {
  await open();
  const chat_id = await newChat();
  site.seconds = 8;
  site.asked = 0;
  await inPage(async (chat_id) => {
    Micro.configure({ token: async () => (await fetch(TOKENS)).text() });
    const handle = Micro.connect("/chat/Connect", "", { chat_id, user_id: "ann" });
    await handle.send("that was it");
    handle.close();
    await new Promise((resolve) => setTimeout(resolve, 9_000));
  }, chat_id);
  assert.equal(site.asked, 1);
});

test("a token that lasts for longer than any timer is replaced before it ends, too", async () => {
  await open();
  const chat_id = await newChat();
  site.seconds = 40 * 86_400;
  site.asked = 0;
  const delays = await inPage(async (chat_id) => {
    const { setTimeout } = window;
    const { now } = Date;
    const [delays, fired] = [[], []];
    window.setTimeout = (work, delay) => {
      if (delay < 1e9) return setTimeout(work, delay);
      fired.push(work);
      return -delays.push(delay);
    };
    Micro.configure({ token: async () => (await fetch(TOKENS)).text() });
    await Micro.connect("/chat/Connect", "", { chat_id, user_id: "ann" }).send("with a token of forty days");
    const passed = delays[0];
    Date.now = () => now() + passed;
    fired[0]();
    return delays;
  }, chat_id);
  assert.equal(delays.length, 2, delays.join());
  assert.equal(delays[0], 2 ** 31 - 1, "the longest there is");
  // Two minutes before its end.
  const left = site.seconds * 1000 - 120_000 - delays[0];
  assert.ok(delays[1] <= left + 1 && delays[1] > left - 60_000, `${delays[1]} of ${left}`);
});

test("a token of another user on the same socket is refused", async () => {
  await open();
  const chat_id = await newChat();
  site.seconds = 3;
  await inPage(async (chat_id) => {
    Micro.configure({ token: async () => (await fetch(TOKENS)).text() });
    window.handle = Micro.connect("/chat/Connect", "", { chat_id, user_id: "ann" });
    await handle.send("Ann's");
    window.ended = new Promise((resolve) => handle.on("error", ({ id }) => resolve(id)));
  }, chat_id);
  site.user = "ben";
  assert.equal(await inPage(() => window.ended), "auth.WrongUser");
});

test("a back end that fails just before a token ends costs nothing while that is good", async () => {
  await open();
  await newChat();
  site.seconds = 300;
  const answer = await inPage(async () => {
    let asked = 0;
    Micro.configure({
      token: async () => {
        if (asked++) throw new Error("the back end is down");
        return (await fetch(TOKENS)).text();
      },
    });
    const params = { user_ids: ["ann"] };
    await Micro.post("/chat/New", "", params);
    // In the last tenth of its life.
    const now = Date.now;
    Date.now = () => now() + 280_000;
    return [await id(Micro.post("/chat/New", "", params)), asked];
  });
  assert.deepEqual(answer, ["done", 2]);
});

test("calls that are refused together ask for one token together", async () => {
  await open();
  await newChat();
  site.seconds = -10;
  site.asked = 0;
  await inPage(() => {
    Micro.configure({ token: async () => (await fetch(TOKENS)).text() });
  });
  // All of them go out with the same token, which has ended already; the next one is good.
  const calls = inPage(async () => {
    const answers = Array.from({ length: 8 }, () => id(Micro.post("/chat/New", "", { user_ids: ["ann"] })));
    return Promise.all(answers);
  });
  while (site.asked < 1) await new Promise((resolve) => setTimeout(resolve, 1));
  site.seconds = 3600;
  assert.deepEqual(await calls, Array(8).fill("done"));
  assert.equal(site.asked, 2);
});

test("a token that expires on the way costs nobody anything: not a call, not a message, not its order", async () => {
  await open();
  const chat_id = await newChat();
  site.seconds = 5;
  await inPage(async (chat_id) => {
    // A clock that is an hour behind does not tell when a token ends.
    const now = Date.now;
    Date.now = () => now() - 3_600_000;
    Micro.configure({ token: async () => (await fetch(TOKENS)).text() });
    window.seqs = [];
    window.states = [];
    window.handle = Micro.connect("/chat/Connect", "", { chat_id, user_id: "ann", own: true, after: 0 }, ({ seq }) =>
      seqs.push(seq),
    );
    handle.on("state", ({ state }) => states.push(state));
    window.failures = [];
    window.count = 0;
    // For longer than two tokens last, each of which ends the link.
    window.done = false;
    (async () => {
      while (states.filter((state) => state === "live").length < 3) {
        count++;
        handle.send(`message ${count}`).catch(({ id }) => failures.push(id));
        await Micro.get("/chat/History", "", { chat_id, limit: 1 }).catch(({ id }) => failures.push(id));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      done = true;
    })();
  }, chat_id);
  await visitor.until(() => done && seqs.length >= count);
  const { seqs, failures, count } = await inPage(() => ({ seqs, failures, count }));
  assert.deepEqual(failures, []);
  assert.deepEqual(
    seqs,
    Array.from({ length: count }, (_, index) => index + 1),
  );
});

test("a back end that is down is waited for, as a network is", async () => {
  await open();
  const chat_id = await newChat();
  site.down = true;
  await inPage((chat_id) => {
    Micro.configure({ token: async () => ((await fetch(TOKENS)).ok ? (await fetch(TOKENS)).text() : undefined) });
    window.handle = Micro.connect("/chat/Connect", "", { chat_id, user_id: "ann" });
    window.sent = id(handle.send("patience"));
  }, chat_id);
  await visitor.until(() => handle.state === "waiting");
  assert.equal(await inPage(() => id(Micro.post("/chat/New", "", { user_ids: ["ann"] }))), "client.BadToken");
  site.down = false;
  assert.equal(await inPage(() => sent), "done");
});

test("a token that the server does not take is asked for once more, and then it is an error", async () => {
  await open();
  const chat_id = await newChat();
  Object.assign(site, { secret: "another secret, that is long enough too", asked: 0 });
  const ids = await inPage(async (chat_id) => {
    Micro.configure({ token: async () => (await fetch(TOKENS)).text() });
    const call = await id(Micro.post("/chat/New", "", { user_ids: ["ann"] }));
    const handle = Micro.connect("/chat/Connect", "", { chat_id, user_id: "ann" });
    const stream = await new Promise((resolve) => handle.on("error", ({ id }) => resolve(id)));
    return [call, stream, handle.state];
  }, chat_id);
  assert.deepEqual(ids, ["auth.InvalidToken", "auth.InvalidToken", "closed"]);
  assert.equal(site.asked, 3, "the call twice; the stream once more");
});

test("another user's name, no name, and no token are told apart", async () => {
  await open();
  const chat_id = await newChat();
  const refused = await inPage(async (chat_id) => {
    const ended = (params) => {
      try {
        const handle = Micro.connect("/chat/Connect", "", { chat_id, ...params });
        return new Promise((resolve) => handle.on("error", ({ id }) => resolve(id)));
      } catch ({ id }) {
        return id;
      }
    };
    return [await ended({ user_id: "ben" }), await ended({}), await ended({ user_id: "ann", chat_id: "no such chat" })];
  }, chat_id);
  assert.deepEqual(refused, ["auth.WrongUser", "client.BadArgument", "chat.Connect.InvalidChatID"]);
  await visitor.open(`<script src="${server.url}/assets/micro.js" crossorigin></script>`);
  const without = await inPage(async (chat_id) => {
    const call = await Micro.post("/chat/New", "", { user_ids: ["ann"] }).catch(({ id, code }) => [id, code]);
    const handle = Micro.connect("/chat/Connect", "", { chat_id, user_id: "ann" });
    const stream = await new Promise((resolve) => handle.on("error", ({ id }) => resolve(id)));
    return [call, stream, Micro.isLoggedIn()];
  }, chat_id);
  assert.deepEqual(without, [["auth.NoToken", 401], "auth.NoToken", false]);
});

test("what one user left unsent does not go out under the next one's name", async () => {
  await open();
  const chat_id = await newChat();
  await server.kill();
  await inPage((chat_id) => {
    window.handle = Micro.connect("/chat/Connect", "", { chat_id, user_id: "ann" });
    handle.send("Ann's").catch(() => {});
  }, chat_id);
  await visitor.until(async () => (await kept()) === 1);
  await visitor.open("");
  await server.restart();
  site.user = "ben";
  await open();
  const seen = await inPage(async (chat_id) => {
    const handle = Micro.connect("/chat/Connect", "", { chat_id, user_id: "ben" });
    await handle.send("Ben's");
    return (await Micro.get("/chat/History", "", { chat_id })).messages.map(({ user_id, text }) => [user_id, text]);
  }, chat_id);
  assert.deepEqual(seen, [["ben", "Ben's"]]);
  site.user = "ann";
  await open();
  await inPage((chat_id) => {
    Micro.connect("/chat/Connect", "", { chat_id, user_id: "ann" });
    window.users = async () =>
      (await Micro.get("/chat/History", "", { chat_id })).messages.map(({ user_id }) => user_id);
  }, chat_id);
  await visitor.until(async () => (await users()).length > 1);
  assert.deepEqual(await inPage(() => users()), ["ben", "ann"]);
});

test("a page that calls too fast for the server is slowed down, and loses nothing", async () => {
  await open();
  const chat_id = await newChat();
  // 200 at once and 20 a second are what one user may.
  const [stored, failures] = await inPage(async (chat_id) => {
    const failures = [];
    for (let number = 1; number <= 260; number++) {
      await Micro.post("/chat/Send", "", { chat_id, text: `message ${number}` }).catch(({ id }) => failures.push(id));
    }
    const { messages } = await Micro.get("/chat/History", "", { chat_id });
    return [messages.map(({ text }) => text), failures];
  }, chat_id);
  assert.deepEqual(failures, []);
  assert.deepEqual(
    stored,
    Array.from({ length: 260 }, (_, index) => `message ${index + 1}`),
  );
});

test("a handle that is closed while its token is on the way harms nobody, and a late token cuts no link", async () => {
  await open();
  const chat_id = await newChat();
  const seen = await inPage(async (chat_id) => {
    const answers = [];
    Micro.configure({ token: () => new Promise((resolve, reject) => answers.push({ resolve, reject })) });
    const asked = async (count) => {
      while (answers.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    const params = { chat_id, user_id: "ann" };
    for (const how of ["resolve", "reject"]) {
      const handle = Micro.connect("/chat/Connect", "", params);
      await asked(answers.length + 1);
      handle.close();
      await new Promise((resolve) => setTimeout(resolve, 20));
      answers.at(-1)[how]("nobody waits for this");
      await new Promise((resolve) => setTimeout(resolve, 20));
      Micro.configure({ token: () => new Promise((resolve, reject) => answers.push({ resolve, reject })) });
    }
    Micro.configure({ token: async () => (await fetch(TOKENS)).text() });
    const handle = Micro.connect("/chat/Connect", "", params);
    const { seq } = await handle.send("still here");
    return [seq, handle.state];
  }, chat_id);
  assert.deepEqual(seen, [1, "live"]);
});
