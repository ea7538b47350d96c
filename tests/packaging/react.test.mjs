// What the hooks promise, in React's StrictMode, which mounts everything twice.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, before, beforeEach, test } from "node:test";

import { build } from "esbuild";

import { Workshop } from "./workshop.mjs";

const PAGE = `<!doctype html><meta charset="utf-8" /><title>Hooks</title><link rel="icon" href="data:," />
<script src="probe.js"></script>`;

let workshop;
let address;
let browser;

before(async () => {
  workshop = await Workshop.start();
  await build({
    absWorkingDir: workshop.at("react"),
    entryPoints: ["probe.tsx"],
    bundle: true,
    jsx: "automatic",
    outdir: "probe",
    // React's development build: only that mounts everything twice.
    define: { "process.env.NODE_ENV": '"development"' },
    logLevel: "error",
  });
  await writeFile(workshop.at("react/probe/index.html"), PAGE);
  address = `${await workshop.serve("react/probe")}/`;
});

after(() => workshop?.stop());

beforeEach(async () => {
  browser = await workshop.open(address);
});

/** Runs an async function in the page, with the server's address; resolves to what it returns. */
async function inPage(fn, ...args) {
  const { url } = await workshop.server();
  const { value, error } = await browser.driver.executeAsyncScript(
    `const [fn, args, done] = arguments;
     probe.Micro.configure({ api: args[0] });
     (0, eval)("(" + fn + ")")(...args).then((value) => done({ value }), (error) => done({ error: String(error.stack) }));`,
    String(fn),
    [url, ...args],
  );
  if (error) throw new Error(error);
  return value;
}

const newChat = async () =>
  (await (await workshop.server()).post("/chat/New", { user_ids: ["ann", String(Math.random())] })).chat_id;

const post = async (chat_id, text) => (await workshop.server()).post("/chat/Send", { chat_id, user_id: "ben", text });

const user = { userId: "ann", namespace: "micro", after: 0 };

test("mounted twice, it opens a chat once; unmounted, it closes it", async () => {
  const result = await inPage(
    async (api, chatId, options) => {
      probe.render({ chatId, options });
      await probe.until(() => probe.views.at(-1)?.state === "live", "live");
      const opened = probe.handles.map(({ state }) => state);
      probe.unmount();
      await probe.until(() => probe.links.at(-1) === "idle", "idle");
      const late = await probe.views
        .at(-1)
        .send("too late")
        .catch(({ id }) => id);
      return { opened, closed: probe.handles.map(({ state }) => state), late };
    },
    await newChat(),
    user,
  );
  assert.deepEqual(result, { opened: ["live"], closed: ["closed"], late: "client.Closed" });
  assert.deepEqual(await browser.errors(), []);
});

test("messages are in order, each once, whoever sends them; what is on the way is pending and never both", async () => {
  const chatId = await newChat();
  const sending = inPage(
    async (api, chatId, options) => {
      probe.render({ chatId, options });
      await probe.until(() => probe.views.at(-1)?.state === "live", "live");
      const { send } = probe.views.at(-1);
      await Promise.all(Array.from({ length: 30 }, (_, number) => send(`ann ${number}`)));
      await probe.until(() => probe.views.at(-1).messages.length === 60, "all messages");
      await probe.settle();
      const both = probe.views.filter(({ messages, pending }) => {
        const shown = new Set(messages.map(({ client_id }) => client_id));
        return pending.some(({ client_id }) => shown.has(client_id));
      });
      return {
        seqs: probe.views.at(-1).messages.map(({ seq }) => seq),
        both: both.length,
        waited: Math.max(...probe.views.map(({ pending }) => pending.length)),
        left: probe.views.at(-1).pending.length,
        sends: new Set(probe.views.map(({ send }) => send)).size,
      };
    },
    chatId,
    user,
  );
  for (let number = 0; number < 30; number++) await post(chatId, `ben ${number}`);
  const { seqs, both, waited, left, sends } = await sending;
  assert.deepEqual(
    seqs,
    Array.from({ length: 60 }, (_, index) => index + 1),
  );
  assert.ok(waited > 0);
  // StrictMode makes what a component remembers twice, and drops one.
  assert.ok(sends <= 2);
  assert.deepEqual([both, left], [0, 0]);
});

test("without `own`, what is sent here is pending until it is stored, and no message", async () => {
  const result = await inPage(
    async (api, chatId, options) => {
      probe.render({ chatId, options: { ...options, own: false } });
      await probe.until(() => probe.views.at(-1)?.state === "live", "live");
      const { seq } = await probe.views.at(-1).send({ text: "mine", subject: "own" });
      await probe.settle();
      const { messages, pending } = probe.views.at(-1);
      return { seq, messages, pending };
    },
    await newChat(),
    user,
  );
  assert.deepEqual(result, { seq: 1, messages: [], pending: [] });
});

test("another chat begins anew at once, and the first one is closed", async () => {
  const [first, second] = [await newChat(), await newChat()];
  await post(first, "in the first");
  await post(second, "in the second");
  const result = await inPage(
    async (api, first, second, options) => {
      const texts = ({ messages }) => messages.map(({ text }) => text).join();
      probe.render({ chatId: first, options });
      await probe.until(() => texts(probe.views.at(-1) ?? { messages: [] }) === "in the first", "the first");
      const before = probe.views.length;
      probe.render({ chatId: second, options });
      await probe.until(() => texts(probe.views.at(-1)) === "in the second", "the second");
      await probe.settle();
      const shown = [...new Set(probe.views.slice(before).map(texts))];
      return { shown, states: probe.handles.map(({ state }) => state) };
    },
    first,
    second,
    user,
  );
  assert.deepEqual(result, { shown: ["", "in the second"], states: ["closed", "live"] });
});

test("it renders when something has changed, and not otherwise; new options that say the same change nothing", async () => {
  const chatId = await newChat();
  const result = await inPage(
    async (api, chatId, options) => {
      probe.render({ chatId, options: { ...options } });
      await probe.until(() => probe.views.at(-1)?.caughtUp, "caught up");
      await probe.settle();
      const renders = probe.views.length;
      const view = probe.views.at(-1);
      await probe.settle();
      const idle = probe.views.length - renders;
      probe.render({ chatId, options: { ...options, after: 7 } });
      await probe.until(() => probe.views.length > renders, "another render");
      await probe.settle();
      return { idle, same: probe.views.at(-1) === view, opened: probe.handles.length };
    },
    chatId,
    user,
  );
  assert.deepEqual(result, { idle: 0, same: true, opened: 1 });
});

test("a long history comes in few renders", async () => {
  const chatId = await newChat();
  for (let number = 0; number < 200; number++) await post(chatId, `${number}`);
  const result = await inPage(
    async (api, chatId, options) => {
      probe.render({ chatId, options });
      await probe.until(() => probe.views.at(-1)?.messages.length === 200, "the history");
      return probe.views.length;
    },
    chatId,
    user,
  );
  assert.ok(result < 60, `${result} renders`);
});

test("hidden, it is closed; shown again, it goes on where it was: nothing is missing, nothing twice", async () => {
  const chatId = await newChat();
  await post(chatId, "before");
  const hide = async (api, chatId, options) => {
    probe.render({ chatId, options });
    await probe.until(() => probe.views.at(-1)?.messages.length === 1, "the first message");
    probe.render({ chatId, options }, "hidden");
    await probe.until(() => probe.handles.every(({ state }) => state === "closed"), "closed");
  };
  await inPage(hide, chatId, user);
  await post(chatId, "meanwhile");
  const show = async (api, chatId, options) => {
    probe.render({ chatId, options });
    await probe.until(() => probe.views.at(-1).messages.length > 1, "the second message");
    await probe.settle();
    return probe.views.at(-1).messages.map(({ text }) => text);
  };
  assert.deepEqual(await inPage(show, chatId, user), ["before", "meanwhile"]);
});

test("what the server refuses, and what can't be meant, is the view's error", async () => {
  const result = await inPage(async (api, options) => {
    const errors = [];
    for (const [chatId, change] of [
      ["00000000-0000-4000-8000-000000000000", {}],
      ["any", { after: -1 }],
    ]) {
      // What is seen before is the last one's.
      const before = probe.views.length;
      probe.render({ chatId, options: { ...options, ...change } });
      await probe.until(() => probe.views.length > before && probe.views.at(-1).error, "an error");
      const { error, state } = probe.views.at(-1);
      errors.push([error.id, state]);
      probe.unmount();
      await probe.settle();
    }
    return errors;
  }, user);
  assert.deepEqual(
    result.map(([, state]) => state),
    ["closed", "closed"],
  );
  assert.match(result[0][0], /^chat\./);
  assert.equal(result[1][0], "client.BadArgument");
});

test("without a chat or a user nothing is opened", async () => {
  const opened = await inPage(
    async (api, chatId, options) => {
      probe.render({ options });
      await probe.settle();
      probe.render({ chatId, options: { ...options, userId: undefined } });
      await probe.settle();
      return [probe.handles.length, probe.views.at(-1).state, probe.links.at(-1)];
    },
    await newChat(),
    user,
  );
  assert.deepEqual(opened, [0, "connecting", "idle"]);
});

test("useConnection tells of a link that broke, and that it is back", async () => {
  const chatId = await newChat();
  const live = async (api, chatId, options) => {
    probe.render({ chatId, options });
    await probe.until(() => probe.links.at(-1) === "live", "live");
  };
  await inPage(live, chatId, user);
  const server = await workshop.server();
  await server.kill();
  await inPage(() => probe.until(() => probe.links.at(-1) === "waiting", "waiting"));
  await server.restart();
  await inPage(() => probe.until(() => probe.links.at(-1) === "live", "live again"));
});
