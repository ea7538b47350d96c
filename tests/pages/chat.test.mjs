// The chat page: two windows that talk.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Key } from "selenium-webdriver";

import { address, ann, ben, call, history, mayLog, newChat, screenshots, send, server } from "./stage.mjs";

test("a first visitor says who chats with whom, and a second window talks back", async () => {
  await ann.browser.open(server.url);
  await ann.fill("name", "ann");
  await ann.fill("with", "ben", Key.ENTER);
  await ann.until(
    () => ann.run(() => location.search),
    (search) => /[?&]chat_id=/.test(search),
    "chat_id in the address",
  );
  await ann.becomes("live");
  assert.equal(await ann.run(() => document.querySelector("h1#title").textContent), "ben");

  const second = await ann.run(() => document.querySelector("#empty-links a").href);
  assert.match(second, /user_id=ben/);
  await ben.chat(second);

  await ann.say("Hello Ben");
  await ben.shows(["Hello Ben"]);
  await ben.say("Hello Ann");
  await ann.shows(["Hello Ben", "Hello Ann"]);
  assert.deepEqual(
    (await ann.messages()).map(({ author }) => author),
    ["You", "ben"],
  );
  await ann.stored();
});

test("many messages, from both sides at once, come in one order and once", async () => {
  const chat = await newChat();
  await Promise.all([ann.chat(address(chat, "ann")), ben.chat(address(chat, "ben"))]);
  for (let round = 1; round <= 10; round += 1) {
    await Promise.all([ann.say(`ann ${round}`), ben.say(`ben ${round}`)]);
  }
  const all = await ann.until(
    () => history(chat),
    (messages) => messages.length === 20,
    "20 stored messages",
  );
  const texts = all.map(({ text }) => text);
  await ann.shows(texts);
  await ben.shows(texts);
  for (const window of [ann, ben]) {
    const mine = (await window.stored()).filter(({ author }) => author === "You");
    assert.equal(mine.length, 10);
  }
});

test("whatever users write is text", async () => {
  const evil = `<img src=x onerror="document.title='owned'"><script>document.title = "owned"</script>`;
  const chat = await newChat(evil);
  await ben.chat(address(chat, "ben", evil));
  await send(chat, evil, evil, evil);
  await send(chat, "ann", evil, evil);
  await ann.chat(address(chat, evil, evil));
  await ann.say(evil);
  for (const window of [ann, ben]) {
    await window.shows([evil, evil, evil]);
    const found = await window.run(() => ({
      elements: document.querySelectorAll("#messages img, #messages script, header img, header script").length,
      subject: document.querySelector(".subject").textContent,
      title: document.title,
    }));
    assert.equal(found.elements, 0);
    assert.equal(found.subject, evil);
    assert.doesNotMatch(found.title, /^owned/);
  }
  assert.equal((await ben.messages())[0].author, evil);
});

test("Enter sends, Shift+Enter doesn't, and an empty field has nothing to send", async () => {
  const chat = await newChat();
  await ann.chat(address(chat, "ann"));
  const height = () => ann.run(() => text.offsetHeight);
  const before = await height();
  await ann.type(Key.ENTER, "   ", Key.ENTER);
  await ann.type("one", Key.chord(Key.SHIFT, Key.ENTER));
  await ann.type("two");
  await ann.until(height, (height) => height > before, "field that has grown");
  assert.deepEqual(await ann.texts(), []);
  await ann.type(Key.ENTER);
  await ann.shows(["one\ntwo"]);
  assert.equal(await height(), before);
  // While an input method composes, Enter belongs to it.
  await ann.type("three");
  await ann.run(() => {
    const enter = { key: "Enter", isComposing: true, bubbles: true, cancelable: true };
    text.dispatchEvent(new KeyboardEvent("keydown", enter));
  });
  assert.deepEqual(await ann.texts(), ["one\ntwo"]);
});

test("a message that is refused says why, and can be edited and sent", async () => {
  const chat = await newChat();
  await Promise.all([ann.chat(address(chat, "ann")), ben.chat(address(chat, "ben"))]);
  // In words: to break one of so many letters takes WebKit its time.
  const long = `${"word ".repeat(13 * 1024)}end`;
  await ann.run((long) => (text.value = long), long);
  await ann.type(Key.ENTER);
  const reason = await ann.until(
    () => ann.run(() => document.querySelector(".failure:not([hidden]) p")?.textContent),
    Boolean,
    "reason",
  );
  assert.equal(reason, "Not sent. It is too long for one message.");
  await ann.run(() => document.querySelector(".failure .retry").click());
  await ann.until(() => ann.run(() => document.querySelector(".failure:not([hidden]) p")?.textContent), Boolean, "it");
  await ann.run(() => document.querySelector(".failure .edit").click());
  assert.equal(await ann.run(() => text.value.length), long.length);
  await ann.run(() => (text.value = "shorter"));
  await ann.type(Key.ENTER);
  await ann.shows(["shorter"]);
  await ben.shows(["shorter"]);
});

test("an address of no chat is told in words", async () => {
  mayLog(/chat\/History .* 400 \(Bad Request\)/);
  await ann.browser.open(address("nothing-like-this", "ann"));
  const problem = await ann.until(
    () => ann.run(() => document.querySelector("#problem:not([hidden])")?.innerText),
    Boolean,
    "problem",
  );
  assert.match(problem, /This chat does not exist/);
  assert.match(problem, /Start another chat/);
  assert.equal(await ann.state(), "closed");
  await screenshots(ann, "chat-unknown");
  await ann.run(() => document.querySelector("#problem-action").click());
  await ann.until(
    () => ann.run(() => document.querySelector("#start")?.hidden),
    (hidden) => hidden === false,
    "start",
  );
});

test("a link without a name asks for one", async () => {
  const chat = await newChat();
  await send(chat, "ben", "come in");
  await ann.browser.open(address(chat));
  await ann.fill("name", "cai", Key.ENTER);
  await ann.becomes("live");
  await ann.shows(["come in"]);
  await ann.say("thanks");
  await ann.shows(["come in", "thanks"]);
  await ann.stored();
  assert.deepEqual((await history(chat)).at(-1).user_id, "cai");
});

test("screenshots", async () => {
  await ann.browser.open(server.url);
  await screenshots(ann, "start");

  const chat = (await call("/chat/New", { user_ids: ["ann", "ben", "Céline"] })).chat_id;
  await ann.chat(address(chat, "ann", "ben,Céline"));
  await screenshots(ann, "chat-empty");
  await send(chat, "ben", "Morning! Did the new build go out?");
  await send(chat, "ann", "It did, last night.");
  await send(chat, "ann", "Nothing broke, which makes me suspicious.");
  await send(
    chat,
    "Céline",
    "I looked at the graphs: the queue is short, memory is flat, and the only error in the log is the one that we " +
      "put there ourselves, to see whether anybody reads it.",
  );
  await send(chat, "ben", "So somebody does.");
  await send(chat, "ben", "https://example.com/a/very/long/address/that/has/no/space/in/it/and/does/not/fit/a/phone");
  await send(chat, "Céline", "مرحبا، هل تعمل الكتابة من اليمين إلى اليسار؟");
  await send(chat, "ann", "It does.\nTwo lines are fine, too.", "Minutes");
  await ann.until(
    () => ann.texts(),
    (texts) => texts.length === 8,
    "eight messages",
  );
  await ann.say("Then let’s keep it.");
  await ann.stored();
  await screenshots(ann, "chat");
});
