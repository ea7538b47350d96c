// A chat whose server, page or messages go away in the middle of it.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";

import { kept } from "../unsent.mjs";
import { address, ann, ben, history, mayLog, newChat, screenshots, send, server } from "./stage.mjs";

// What browsers themselves log while the server is away.
const AWAY = /WebSocket connection to .* failed|net::ERR_CONNECTION_REFUSED|Firefox can’t establish a connection/;

for (const how of ["stop", "kill"]) {
  const signal = { stop: "SIGTERM", kill: "SIGKILL" }[how];
  test(`after a ${signal} both wait, and what was said meanwhile comes once`, async () => {
    mayLog(AWAY);
    const chat = await newChat();
    await Promise.all([ann.chat(address(chat, "ann")), ben.chat(address(chat, "ben"))]);
    await ann.say("before");
    await ben.shows(["before"]);

    await server[how]();
    await Promise.all([ann, ben].map((window) => window.becomes("waiting")));
    await ann.say("meanwhile");
    await ann.until(
      () => ann.messages(),
      (messages) => messages.at(-1).status === "sending…",
      "sending…",
    );
    if (how === "kill") await screenshots(ann, "chat-waiting");
    await server.restart();
    await Promise.all([ann, ben].map((window) => window.becomes("live")));

    await ann.stored();
    await ben.say("after");
    await Promise.all([ann, ben].map((window) => window.shows(["before", "meanwhile", "after"])));
    assert.deepEqual(
      (await history(chat)).map(({ text }) => text),
      ["before", "meanwhile", "after"],
    );
  });
}

test("what was written and not stored is there after the page was left, and is stored then", async () => {
  mayLog(AWAY);
  const chat = await newChat();
  await ann.chat(address(chat, "ann"));
  await ann.say("before");
  await ann.stored();
  await server.kill();
  await ann.becomes("waiting");
  await ann.say("left behind");
  await ann.until(
    () => ann.browser.run(kept),
    (count) => count === 1,
    "message that is kept",
  );
  // No question is asked that would hold the page.
  await ann.run(() => void (location.href = "about:blank"));
  await ann.until(
    () => ann.run(() => location.href),
    (href) => href === "about:blank",
    "other page",
  );
  await server.restart();
  await ann.chat(address(chat, "ann"));
  await ann.shows(["before", "left behind"]);
  await ann.stored();
  assert.deepEqual(
    (await history(chat)).map(({ text }) => text),
    ["before", "left behind"],
  );
});

test("a chat that was restored from a backup is shown anew, with what was said since", async () => {
  mayLog(AWAY);
  const chat = await newChat();
  const copy = `${server.data}/copy.db`;
  const command = (name) => promisify(execFile)(server.program, [name, copy, "--data", server.data]);
  await send(chat, "ben", "kept");
  await command("backup");
  await send(chat, "ben", "lost");
  await ann.chat(address(chat, "ann"));
  await ann.say("lost, too");
  await ann.shows(["kept", "lost", "lost, too"]);
  await ann.stored();
  await server.kill();
  await ann.becomes("waiting");
  await command("restore");
  await server.restart();
  // Under the numbers of what was lost.
  for (const text of ["new", "newer", "newest"]) await send(chat, "ben", text);
  await ann.becomes("live");
  await ann.shows(["kept", "new", "newer", "newest"]);
  await ann.say("and mine");
  await ann.shows(["kept", "new", "newer", "newest", "and mine"]);
  assert.equal(await ann.run(() => document.querySelector("#gap").hidden), true);
});

test("what was removed before it came is told", async () => {
  mayLog(AWAY);
  const chat = await newChat();
  for (const text of ["old", "older than is kept", "kept"]) await send(chat, "ben", text);
  await ann.chat(address(chat, "ann"));
  await ann.shows(["old", "older than is kept", "kept"]);
  await ann.browser.run(() => {
    const { parse } = JSON;
    // As a server says it that keeps messages for some time only.
    JSON.parse = (text) => {
      const value = parse(text);
      if (value?.[0] === 21) value[3] += 2;
      return value;
    };
  });
  await server.kill();
  await ann.becomes("waiting");
  await server.restart();
  await ann.until(
    () => ann.run(() => document.querySelector("#gap:not([hidden])")?.innerText),
    (words) => /were removed/.test(words),
    "words about a gap",
  );
  await screenshots(ann, "chat-gap");
});

test("a call that doesn't reach the server says so, and can be tried again", async () => {
  mayLog(AWAY);
  const chat = await newChat();
  for (let number = 1; number <= 55; number += 1) await send(chat, "ben", `message ${number}`);
  await ann.chat(address(chat, "ann"));
  await server.stop();
  await ann.run(() => document.querySelector("#earlier").click());
  const problem = await ann.until(
    () => ann.run(() => document.querySelector("#problem:not([hidden])")?.innerText),
    Boolean,
    "problem",
  );
  assert.match(problem, /can't be reached/);
  await server.restart();
  await ann.run(() => document.querySelector("#problem-action").click());
  await ann.shows(Array.from({ length: 55 }, (_, index) => `message ${index + 1}`));
  assert.equal(await ann.run(() => document.querySelector("#problem").hidden), true);
  await ann.becomes("live");
});
