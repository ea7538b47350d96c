// What the hooks show, in React's StrictMode, which mounts everything twice.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { Hooks, user } from "./hooks.mjs";

let hooks;

before(async () => {
  hooks = await Hooks.start();
});

beforeEach(() => hooks.open());
after(() => hooks?.stop());

test("messages are in order, each once, whoever sends them; what is on the way is pending and never both", async () => {
  const chatId = await hooks.newChat();
  const begin = async (chatId, options) => {
    probe.render({ chatId, options });
    await probe.until(() => probe.views.at(-1)?.state === "live", "live");
    const { send } = probe.views.at(-1);
    // The messages come back before anybody says that they are stored.
    probe.lose("acks");
    window.sending = Promise.all(Array.from({ length: 30 }, (_, number) => send(`ann ${number}`)));
  };
  await hooks.run(begin, chatId, user);
  for (let number = 0; number < 30; number++) await hooks.post(chatId, `ben ${number}`);
  await hooks.run(async () => {
    await probe.until(() => probe.views.at(-1).messages.length === 60, "all messages");
    await probe.settle();
    probe.lose();
  });
  const server = await hooks.server();
  await server.kill();
  await server.restart();
  const { seqs, both, waited, left, sends } = await hooks.run(async () => {
    await sending;
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
  });
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
  const result = await hooks.run(
    async (chatId, options) => {
      probe.render({ chatId, options: { ...options, own: false } });
      await probe.until(() => probe.views.at(-1)?.state === "live", "live");
      const { seq } = await probe.views.at(-1).send({ text: "mine", subject: "own" });
      await probe.settle();
      const { messages, pending } = probe.views.at(-1);
      return { seq, messages, pending };
    },
    await hooks.newChat(),
    user,
  );
  assert.deepEqual(result, { seq: 1, messages: [], pending: [] });
});

test("what was stored before is shown once and waits for nothing when it is sent again", async () => {
  const send = async (chatId, options) => {
    probe.render({ chatId, options });
    await probe.until(() => probe.views.at(-1)?.state === "live", "live");
    const message = { client_id: "the same", text: "once" };
    const { seq } = await probe.views.at(-1).send(message);
    await probe.until(() => probe.views.at(-1).messages.length === 1, "the message");
    const again = await probe.views.at(-1).send(message);
    await probe.settle();
    const { messages, pending } = probe.views.at(-1);
    return { seqs: [seq, again.seq], texts: messages.map(({ text }) => text), pending };
  };
  const result = await hooks.run(send, await hooks.newChat(), user);
  assert.deepEqual(result, { seqs: [1, 1], texts: ["once"], pending: [] });
});

test("it renders when something has changed, and not otherwise; new options that say the same change nothing", async () => {
  const chatId = await hooks.newChat();
  const result = await hooks.run(
    async (chatId, options) => {
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
  const chatId = await hooks.newChat();
  for (let number = 0; number < 200; number++) await hooks.post(chatId, `${number}`);
  const result = await hooks.run(
    async (chatId, options) => {
      probe.render({ chatId, options });
      await probe.until(() => probe.views.at(-1)?.messages.length === 200, "the history");
      return probe.views.length;
    },
    chatId,
    user,
  );
  assert.ok(result < 60, `${result} renders`);
});

test("what the server refuses, and what can't be meant, is the view's error", async () => {
  const result = await hooks.run(async (options) => {
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
  const opened = await hooks.run(
    async (chatId, options) => {
      probe.render({ options });
      await probe.settle();
      probe.render({ chatId, options: { ...options, userId: undefined } });
      await probe.settle();
      return [probe.handles.length, probe.views.at(-1).state, probe.links.at(-1)];
    },
    await hooks.newChat(),
    user,
  );
  assert.deepEqual(opened, [0, "connecting", "idle"]);
});

test("useConnection tells of a link that broke, and that it is back", async () => {
  const chatId = await hooks.newChat();
  const live = async (chatId, options) => {
    probe.render({ chatId, options });
    await probe.until(() => probe.links.at(-1) === "live", "live");
  };
  await hooks.run(live, chatId, user);
  const server = await hooks.server();
  await server.kill();
  await hooks.run(() => probe.until(() => probe.links.at(-1) === "waiting", "waiting"));
  await server.restart();
  await hooks.run(() => probe.until(() => probe.links.at(-1) === "live", "live again"));
});

test("a chat that was restored begins anew: what it has lost is neither a message nor on the way any more", async () => {
  const chatId = await hooks.newChat();
  const server = await hooks.server();
  const command = (name, file) => hooks.execute(server.program, [name, file, "--data", server.data]);
  const copy = `${server.data}/copy.db`;
  await hooks.post(chatId, "before");
  await command("backup", copy);
  await hooks.post(chatId, "behind");
  await hooks.post(chatId, "further behind");
  const send = async (chatId, options) => {
    probe.render({ chatId, options });
    await probe.until(() => probe.views.at(-1)?.messages.length === 3, "three messages");
    // It is stored, and its reader has not come to it.
    probe.lose("messages");
    const { seq } = await probe.views.at(-1).send("lost");
    await probe.settle();
    return [seq, probe.views.at(-1).messages.length, probe.views.at(-1).pending.map(({ text }) => text)];
  };
  assert.deepEqual(await hooks.run(send, chatId, user), [4, 3, ["lost"]]);
  await server.kill();
  await command("restore", copy);
  await hooks.run(async () => {
    probe.lose();
    window.sending = probe.views.at(-1).send("not stored yet");
    await probe.until(() => probe.views.at(-1).pending.length === 2, "what waits");
  });
  await server.restart();
  const view = await hooks.run(async () => {
    await sending;
    await probe.until(() => probe.views.at(-1).messages.length === 2, "what is left");
    await probe.settle();
    const texts = (list) => list.map(({ text }) => text);
    const { gap, messages, pending } = probe.views.at(-1);
    const missing = ({ messages, pending }) => ![...texts(messages), ...texts(pending)].includes("not stored yet");
    const restored = probe.views.filter((view) => view.gap?.restored && view.messages.length < 2);
    return {
      restored: gap.restored,
      texts: texts(messages),
      pending,
      meanwhile: [restored.length > 0, restored.filter(missing).length],
    };
  });
  const texts = ["before", "not stored yet"];
  assert.deepEqual(view, { restored: true, texts, pending: [], meanwhile: [true, 0] });
});
