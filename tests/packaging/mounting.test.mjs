// Components with a chat that come, go, wait and are changed, in React's StrictMode, which mounts everything twice.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { Hooks, user } from "./hooks.mjs";

let hooks;

before(async () => {
  hooks = await Hooks.start();
});

beforeEach(() => hooks.open());
after(() => hooks?.stop());

test("mounted twice, it opens a chat once; unmounted, it closes it", async () => {
  const result = await hooks.run(
    async (chatId, options) => {
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
    await hooks.newChat(),
    user,
  );
  assert.deepEqual(result, { opened: ["live"], closed: ["closed"], late: "client.Closed" });
  assert.deepEqual(await hooks.errors(), []);
});

test("another chat begins anew at once, and the first one is closed", async () => {
  const [first, second] = [await hooks.newChat(), await hooks.newChat()];
  await hooks.post(first, "in the first");
  await hooks.post(second, "in the second");
  const result = await hooks.run(
    async (first, second, options) => {
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

test("hidden, it is closed; shown again, it goes on where it was: nothing is missing, nothing twice", async () => {
  const chatId = await hooks.newChat();
  await hooks.post(chatId, "before");
  const hide = async (chatId, options) => {
    probe.render({ chatId, options });
    await probe.until(() => probe.views.at(-1)?.messages.length === 1, "the first message");
    probe.render({ chatId, options }, "hidden");
    await probe.until(() => probe.handles.every(({ state }) => state === "closed"), "closed");
  };
  await hooks.run(hide, chatId, user);
  await hooks.post(chatId, "meanwhile");
  const show = async (chatId, options) => {
    probe.render({ chatId, options });
    await probe.until(() => probe.views.at(-1).messages.length > 1, "the second message");
    await probe.settle();
    return probe.views.at(-1).messages.map(({ text }) => text);
  };
  assert.deepEqual(await hooks.run(show, chatId, user), ["before", "meanwhile"]);
});

for (const [what, after] of [
  ["with its history", 0],
  ["from now on", undefined],
]) {
  test(`opened ${what}, a chat stays as it is when the code of its component is changed`, async () => {
    const chatId = await hooks.newChat();
    const open = async (chatId, options) => {
      probe.render({ chatId, options });
      await probe.until(() => probe.views.at(-1)?.caughtUp, "caught up");
    };
    await hooks.run(open, chatId, { ...user, after });
    await hooks.post(chatId, "before");
    const change = async () => {
      await probe.until(() => probe.views.at(-1).messages.length === 1, "the first message");
      const renders = probe.views.length;
      probe.refresh();
      await probe.until(() => probe.views.length > renders, "the other code");
    };
    await hooks.run(change);
    await hooks.post(chatId, "after");
    const result = await hooks.run(async () => {
      await probe.until(() => probe.views.at(-1).messages.some(({ text }) => text === "after"), "the second message");
      await probe.settle();
      const texts = probe.views.at(-1).messages.map(({ text }) => text);
      return { texts, states: probe.handles.map(({ state }) => state) };
    });
    assert.deepEqual(result, { texts: ["before", "after"], states: ["live"] });
  });
}

test("a component that waits for its data opens its chat once it is shown, and keeps it when it waits again", async () => {
  const chatId = await hooks.newChat();
  await hooks.post(chatId, "before");
  const first = async (chatId, options) => {
    window.load = () => {
      const { promise, resolve } = Promise.withResolvers();
      probe.render({ chatId, options, data: promise });
      return resolve;
    };
    const loaded = load();
    await probe.settle();
    const opened = probe.handles.length;
    loaded();
    await probe.until(() => probe.views.at(-1)?.messages.length === 1, "the first message");
    window.loaded = load();
    await probe.settle();
    return opened;
  };
  assert.equal(await hooks.run(first, chatId, user), 0, "nobody sees it yet");
  await hooks.post(chatId, "meanwhile");
  const result = await hooks.run(async () => {
    const renders = probe.views.length;
    await probe.settle();
    loaded();
    await probe.until(() => probe.views.length > renders, "the data");
    await probe.settle();
    const texts = probe.views.at(-1).messages.map(({ text }) => text);
    return { texts, states: probe.handles.map(({ state }) => state) };
  });
  assert.deepEqual(result, { texts: ["before", "meanwhile"], states: ["live"] });
});

/** Opens a chat, and writes in it when the server is away. */
async function writeOffline(chatId, options = user) {
  const open = async (chatId, options) => {
    probe.render({ chatId, options });
    await probe.until(() => probe.links.at(-1) === "live", "live");
  };
  await hooks.run(open, chatId, options);
  const server = await hooks.server();
  await server.kill();
  await hooks.run(async () => {
    await probe.until(() => probe.links.at(-1) === "waiting", "waiting");
    window.sending = probe.views.at(-1).send({ text: "left behind", client_id: "the same" });
    // What it came to is asked for later.
    sending.catch(() => {});
    await probe.until(async () => (await probe.Micro.pending()).length === 1, "what waits");
  });
  return server;
}

test("a component that goes away while its message waits is closed behind that: it is stored all the same", async () => {
  const chatId = await hooks.newChat();
  const server = await writeOffline(chatId);
  await hooks.run(async () => {
    probe.unmount();
    await probe.until(() => probe.links.at(-1) === "idle", "idle");
    await probe.settle();
  });
  await server.restart();
  const result = await hooks.run(async () => {
    const { seq } = await sending;
    await probe.until(() => probe.handles.every(({ state }) => state === "closed"), "closed");
    return { seq, pending: await probe.Micro.pending() };
  });
  assert.deepEqual(result, { seq: 1, pending: [] });
  assert.deepEqual(await hooks.stored(chatId), ["left behind"]);
});

test("one that is hidden and shown again meanwhile has its message on the way, and then once", async () => {
  const chatId = await hooks.newChat();
  const server = await writeOffline(chatId);
  const hideAndShow = async (chatId, options) => {
    probe.render({ chatId, options }, "hidden");
    await probe.until(() => probe.links.at(-1) === "idle", "idle");
    probe.render({ chatId, options });
    await probe.until(() => probe.handles.length === 2, "another handle");
    await probe.settle();
    return probe.views.at(-1).pending.map(({ text }) => text);
  };
  assert.deepEqual(await hooks.run(hideAndShow, chatId, user), ["left behind"]);
  await server.restart();
  const result = await hooks.run(async () => {
    await sending;
    await probe.until(() => probe.views.at(-1).messages.length > 0, "the message");
    await probe.settle();
    const { messages, pending } = probe.views.at(-1);
    const texts = messages.map(({ text }) => text);
    return { texts, pending, states: probe.handles.map(({ state }) => state) };
  });
  assert.deepEqual(result, { texts: ["left behind"], pending: [], states: ["closed", "live"] });
});

test("hidden and shown again, without `own`, what it had sent stays no message", async () => {
  const chatId = await hooks.newChat();
  const options = { ...user, own: false };
  const server = await writeOffline(chatId, options);
  const hideAndShow = async (chatId, options) => {
    probe.render({ chatId, options }, "hidden");
    await probe.until(() => probe.links.at(-1) === "idle", "idle");
    probe.render({ chatId, options });
    await probe.until(() => probe.handles.length === 2, "another handle");
  };
  await hooks.run(hideAndShow, chatId, options);
  await server.restart();
  // Somebody else's of the same name is another message.
  await server.post("/chat/Send", { chat_id: chatId, user_id: "ben", client_id: "the same", text: "of ben" });
  const result = await hooks.run(async () => {
    await sending;
    await probe.until(() => probe.views.at(-1).messages.length > 0, "ben's");
    await probe.settle();
    const { messages, pending } = probe.views.at(-1);
    return { texts: messages.map(({ text }) => text), pending };
  });
  assert.deepEqual(result, { texts: ["of ben"], pending: [] });
  assert.deepEqual((await hooks.stored(chatId)).sort(), ["left behind", "of ben"]);
});

test("one message that waits keeps one handle, however often its component is hidden and shown", async () => {
  const chatId = await hooks.newChat();
  const server = await writeOffline(chatId);
  const hideAndShow = async (chatId, options) => {
    for (let handles = 2; handles <= 8; handles++) {
      probe.render({ chatId, options }, "hidden");
      await probe.until(() => probe.links.at(-1) === "idle", "idle");
      probe.render({ chatId, options });
      await probe.until(() => probe.handles.length === handles, "another handle");
    }
    await probe.settle();
    return probe.handles.filter(({ state }) => state !== "closed").length;
  };
  assert.equal(await hooks.run(hideAndShow, chatId, user), 2);
  await server.restart();
  await hooks.run(() => sending);
  assert.deepEqual(await hooks.stored(chatId), ["left behind"]);
});

test("where the SDK could not be loaded, a chat opens once it can", async () => {
  const chatId = await hooks.newChat();
  await hooks.post(chatId, "there all along");
  const result = await hooks.run(
    async (chatId, options) => {
      const { instantiate, instantiateStreaming } = WebAssembly;
      const fail = async () => Promise.reject(new Error("broken off"));
      WebAssembly.instantiateStreaming = fail;
      WebAssembly.instantiate = (bytes, imports) => (imports ? fail() : instantiate.call(WebAssembly, bytes));
      probe.render({ chatId, options });
      await probe.until(() => probe.views.at(-1)?.error, "an error");
      const { error, state } = probe.views.at(-1);
      Object.assign(WebAssembly, { instantiate, instantiateStreaming });
      await probe.until(() => probe.views.at(-1).messages.length === 1, "the message");
      return [error.id, state, probe.views.at(-1).state, probe.views.at(-1).error];
    },
    chatId,
    user,
  );
  assert.deepEqual(result.slice(0, 3), ["client.LoadFailed", "closed", "live"]);
  assert.ok(!result[3]);
});
