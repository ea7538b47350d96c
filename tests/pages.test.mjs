// The pages of www/, in a browser, against a real server: two windows that chat, and the examples.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { promisify } from "node:util";

import { Key, until } from "selenium-webdriver";

import { Browser, colorSchemes, lacks } from "./browser.mjs";
import { Server } from "./server.mjs";

const WAIT_MS = 15_000;
// The longest wait between two tries to connect is 20 s.
const RECONNECT_MS = 45_000;

const PHONE = { width: 390, height: 844 };
const DESKTOP = { width: 1280, height: 800 };

// What browsers themselves log while the server is away.
const AWAY = /WebSocket connection to .* failed|net::ERR_CONNECTION_REFUSED|Firefox can’t establish a connection/;

/** A window, and what can be seen in it. */
class Window {
  static async start() {
    const window = new Window();
    window.browser = await Browser.start();
    window.driver = window.browser.driver;
    await window.browser.look(DESKTOP);
    return window;
  }

  /** Runs `fn` in the page. */
  run(fn, ...args) {
    return this.driver.executeScript(`return (${fn})(...arguments)`, ...args);
  }

  /** Waits until `look` returns something that `check` accepts. */
  async until(look, check, what, timeout = WAIT_MS) {
    const deadline = Date.now() + timeout;
    for (;;) {
      const seen = await look();
      if (check(seen)) return seen;
      if (Date.now() > deadline) assert.fail(`no ${what}; there is ${JSON.stringify(seen)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Opens a page of the chat and waits until it is connected. */
  async chat(address) {
    await this.browser.open(address);
    await this.becomes("live");
  }

  state() {
    return this.run(() => document.querySelector("#state")?.dataset.state);
  }

  becomes(state, timeout) {
    return this.until(
      () => this.state(),
      (seen) => seen === state,
      state,
      timeout,
    );
  }

  /** The messages in their order: `{ author, text, status }`. */
  messages() {
    return this.run(() =>
      Array.from(document.querySelectorAll(".message"), (item) => ({
        author: item.querySelector(".author").textContent,
        text: item.querySelector(".text").textContent,
        status: item.querySelector(".status").textContent,
      })),
    );
  }

  async texts() {
    return (await this.messages()).map(({ text }) => text);
  }

  /** Waits until exactly these texts are shown, in this order. */
  shows(texts, timeout) {
    const same = (seen) => JSON.stringify(seen) === JSON.stringify(texts);
    return this.until(() => this.texts(), same, JSON.stringify(texts), timeout);
  }

  /** Types into a field, once it is there. */
  async fill(id, ...keys) {
    const field = await this.driver.wait(until.elementLocated({ id }), WAIT_MS);
    await this.driver.wait(until.elementIsVisible(field), WAIT_MS);
    await field.sendKeys(...keys);
  }

  async type(...keys) {
    await this.fill("text", ...keys);
  }

  /** Types a message and sends it, as a person does. */
  say(text) {
    return this.type(text, Key.ENTER);
  }

  quit() {
    return this.browser.quit();
  }
}

let server;
let ann;
let ben;
// What the console may say in a test besides nothing.
let expected;

before(async () => {
  server = await Server.start();
  [ann, ben] = await Promise.all([Window.start(), Window.start()]);
});

after(async () => {
  await Promise.all([ann?.quit(), ben?.quit()]);
  await server?.remove();
});

beforeEach(async () => {
  expected = undefined;
  await ann.browser.look(DESKTOP);
  // Away from the last test's page, so that nothing of it gets into the next one's console.
  for (const { browser } of [ann, ben]) {
    await browser.open("about:blank");
    await browser.forgetConsole();
  }
});

afterEach(async () => {
  for (const { browser } of [ann, ben]) assert.deepEqual(await browser.errors(expected), []);
});

async function call(path, request) {
  const response = await fetch(server.url + path, { method: "POST", body: JSON.stringify(request) });
  const answer = await response.json();
  assert.ok(response.ok, JSON.stringify(answer));
  return answer;
}

let chats = 0;

/** A chat that no other test knows. */
async function newChat() {
  return (await call("/chat/New", { user_ids: ["ann", "ben", `chat ${++chats}`] })).chat_id;
}

const send = (chat_id, user_id, text, subject = "") => call("/chat/Send", { chat_id, user_id, text, subject });
const history = async (chat_id) => (await call("/chat/History", { chat_id })).messages;
const address = (chat_id, user_id, others) =>
  `${server.url}/?${new URLSearchParams({ chat_id, ...(user_id && { user_id }), ...(others && { with: others }) })}`;

const screenshots = async (window, name) => {
  for (const [size, look] of Object.entries({ phone: PHONE, desktop: DESKTOP })) {
    for (const colorScheme of colorSchemes) {
      await window.browser.look({ ...look, colorScheme });
      // One frame to lay the page out anew, one more for what follows from that.
      await window.driver.executeAsyncScript((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      await window.run(() => {
        for (const animation of document.getAnimations()) {
          if (animation.effect.getComputedTiming().endTime !== Infinity) animation.finish();
        }
      });
      const overflow = await window.run(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(overflow <= 0, `${name} is ${overflow} pixels too wide on a ${size}`);
      await window.browser.screenshot(`${name}-${size}-${colorScheme}`);
    }
  }
};

test("what a page logs is known here, so that a test fails by it", async () => {
  await ann.browser.open(server.url);
  await ann.run(() => {
    console.error("logged");
    setTimeout(() => {
      throw new Error("thrown");
    });
    void Promise.reject(new Error("rejected"));
  });
  for (const what of ["logged", "thrown", "rejected"]) {
    await ann.until(
      () => ann.browser.errors(),
      (errors) => errors.some((error) => error.includes(what)),
      what,
    );
  }
  expected = /logged|thrown|rejected/;
});

test("what it logs while it loads is known as well", { skip: lacks("console") }, async () => {
  await ann.browser.open(`data:text/html,<script>throw new Error("thrown")</script>`);
  await ann.until(
    () => ann.browser.errors(),
    (errors) => errors.some((error) => error.includes("thrown")),
    "what was thrown",
  );
  expected = /thrown/;
});

test("by night the pages are dark", { skip: lacks("dark") }, async () => {
  await ann.browser.open(server.url);
  const background = async (colorScheme) => {
    await ann.browser.look({ ...DESKTOP, colorScheme });
    const [red, green, blue] = await ann.run(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g));
    return Number(red) + Number(green) + Number(blue);
  };
  const [day, night] = [await background("light"), await background("dark")];
  assert.ok(day > 3 * 128 && night < 3 * 128, `${day} by day, ${night} by night`);
});

describe("chat", () => {
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
    assert.match((await ann.messages())[0].status, /stored/);
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
      const mine = (await window.messages()).filter(({ author }) => author === "You");
      assert.equal(mine.length, 10);
      for (const { status } of mine) assert.match(status, /stored/);
    }
  });

  test("history is there on open and after a reload; earlier messages on demand", async () => {
    const chat = await newChat();
    for (let number = 1; number <= 120; number += 1) await send(chat, "ben", `message ${number}`);
    const texts = (from) => Array.from({ length: 121 - from }, (_, index) => `message ${from + index}`);
    await ann.chat(address(chat, "ann"));
    await ann.shows(texts(71));
    await ann.browser.open(address(chat, "ann"));
    await ann.becomes("live");
    await ann.shows(texts(71));
    assert.ok(
      await ann.run(() => scroller.scrollTop + scroller.clientHeight > scroller.scrollHeight - 2),
      "at the end",
    );

    // What is being read stays where it is.
    const earlier = () => ann.run(() => document.querySelector("#earlier").click());
    await ann.run(() => (scroller.scrollTop = 0));
    const place = () =>
      ann.run(() => Array.from(document.querySelectorAll(".text")).at(-50).getBoundingClientRect().top);
    const before = await place();
    await earlier();
    await ann.shows(texts(21));
    assert.ok(Math.abs((await place()) - before) < 60, `${before} became ${await place()}`);
    await earlier();
    await ann.shows(texts(1));
    assert.equal(await ann.run(() => document.querySelector("#earlier").hidden), true);

    // Who reads further up is told, not moved.
    await ann.run(() => (scroller.scrollTop = 0));
    await send(chat, "ben", "news");
    await ann.until(
      () => ann.run(() => newer.hidden || newer.textContent),
      (label) => label === "1 new message ↓",
      "button for the new message",
    );
    assert.equal(await ann.run(() => scroller.scrollTop), 0);
    await ann.run(() => newer.click());
    await ann.until(
      () => ann.run(() => newer.hidden),
      (hidden) => hidden,
      "end of the list",
    );
  });

  test("whoever reads the end still does when the window becomes narrow, and whoever reads further up does, too", async () => {
    const chat = await newChat();
    for (let number = 1; number <= 30; number += 1) await send(chat, "ben", `message ${number}: ${"word ".repeat(20)}`);
    await ann.chat(address(chat, "ann"));
    const fromEnd = () => ann.run(() => scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop);
    const isAtEnd = () => ann.until(fromEnd, (pixels) => pixels < 2, "end of the list");
    await isAtEnd();
    for (const look of [PHONE, DESKTOP, PHONE]) {
      await ann.browser.look(look);
      await isAtEnd();
    }
    await ann.run(() => (scroller.scrollTop = 100));
    // Until the page has heard of it.
    await ann.driver.executeAsyncScript((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    await ann.browser.look(DESKTOP);
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.ok((await fromEnd()) > 200);
  });

  test("the end stays in view when what was scrolled is told before what has another size", async () => {
    const chat = await newChat();
    for (let number = 1; number <= 30; number += 1) await send(chat, "ben", `message ${number}: ${"word ".repeat(20)}`);
    await ann.chat(address(chat, "ann"));
    // No observer was told yet: WebKit leaves it at that until something else is drawn.
    const [before, after] = await ann.run(() => {
      const fromEnd = () => scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop;
      document.querySelector("#chat").style.width = "390px";
      const before = fromEnd();
      scroller.dispatchEvent(new Event("scroll"));
      return [before, fromEnd()];
    });
    assert.ok(before > 200 && after < 2, `${before} pixels before, ${after} after`);
  });

  test("a message in the moment of scrolling takes nobody from the end, and nobody to it", async () => {
    const chat = await newChat();
    for (let number = 1; number <= 30; number += 1) await send(chat, "ben", `message ${number}`);
    await ann.chat(address(chat, "ann"));
    const scroll = async (pixels, height) => {
      await ann.run(
        (pixels, height) => {
          scroller.scrollTop += pixels;
          if (height) {
            const item = document.createElement("li");
            item.style.height = `${height}px`;
            document.querySelector("#messages").append(item);
          }
          // Not when the engine comes to it.
          scroller.dispatchEvent(new Event("scroll"));
        },
        pixels,
        height,
      );
      // Until what follows from it is done.
      await ann.driver.executeAsyncScript((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      return ann.run(() => scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop);
    };
    await scroll(-20);
    const atEnd = await scroll(20, 300);
    const further = await scroll(-200, 300);
    assert.ok(atEnd < 2 && further > 400, `${atEnd} at the end, ${further} further up`);
  });

  for (const how of ["stop", "kill"]) {
    const signal = { stop: "SIGTERM", kill: "SIGKILL" }[how];
    test(`after a ${signal} both wait, and what was said meanwhile comes once`, async () => {
      expected = AWAY;
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
      await Promise.all([ann, ben].map((window) => window.becomes("live", RECONNECT_MS)));

      await ben.say("after");
      await Promise.all([ann, ben].map((window) => window.shows(["before", "meanwhile", "after"])));
      assert.deepEqual(
        (await history(chat)).map(({ text }) => text),
        ["before", "meanwhile", "after"],
      );
      assert.match((await ann.messages())[1].status, /stored/);
    });
  }

  test("what was written and not stored is there after the page was left, and is stored then", async () => {
    expected = AWAY;
    const chat = await newChat();
    await ann.chat(address(chat, "ann"));
    await ann.say("before");
    const isStored = (messages) => /stored/.test(messages.at(-1)?.status);
    await ann.until(() => ann.messages(), isStored, "stored");
    await server.kill();
    await ann.becomes("waiting");
    await ann.say("left behind");
    await ann.until(
      () => ann.run(async () => (await Micro.pending()).length),
      (waiting) => waiting === 1,
      "message that waits",
    );
    // No question is asked that would hold the page.
    await ann.run(() => void (location.href = "about:blank"));
    await server.restart();
    await ann.chat(address(chat, "ann"));
    await ann.shows(["before", "left behind"]);
    await ann.until(() => ann.messages(), isStored, "stored");
    assert.deepEqual(
      (await history(chat)).map(({ text }) => text),
      ["before", "left behind"],
    );
  });

  test("a chat that was restored from a backup is shown anew, with what was said since", async () => {
    expected = AWAY;
    const chat = await newChat();
    const copy = `${server.data}/copy.db`;
    const command = (name) => promisify(execFile)(server.program, [name, copy, "--data", server.data]);
    await send(chat, "ben", "kept");
    await command("backup");
    await send(chat, "ben", "lost");
    await ann.chat(address(chat, "ann"));
    await ann.say("lost, too");
    await ann.until(
      () => ann.messages(),
      (messages) => /stored/.test(messages[2]?.status),
      "stored",
    );
    await server.kill();
    await ann.becomes("waiting");
    await command("restore");
    await server.restart();
    // Under the numbers of what was lost.
    for (const text of ["new", "newer", "newest"]) await send(chat, "ben", text);
    await ann.becomes("live", RECONNECT_MS);
    await ann.shows(["kept", "new", "newer", "newest"]);
    await ann.say("and mine");
    await ann.shows(["kept", "new", "newer", "newest", "and mine"]);
    assert.equal(await ann.run(() => document.querySelector("#gap").hidden), true);
  });

  test("what was removed before it came is told", async () => {
    expected = AWAY;
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
      RECONNECT_MS,
    );
    await screenshots(ann, "chat-gap");
  });

  test("a call that doesn't reach the server says so, and can be tried again", async () => {
    expected = AWAY;
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
    await ann.becomes("live", RECONNECT_MS);
  });

  test("whatever users write is text", async () => {
    const evil = `<img src=x onerror="document.title='owned'"><script>document.title = "owned"</script>`;
    const chat = (await call("/chat/New", { user_ids: ["ann", evil, `chat ${++chats}`] })).chat_id;
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
    assert.ok((await height()) > before, "the field has grown");
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
    await ann.run(() => (text.value = "x".repeat(65 * 1024)));
    await ann.type(Key.ENTER);
    const reason = await ann.until(
      () => ann.run(() => document.querySelector(".failure:not([hidden]) p")?.textContent),
      Boolean,
      "reason",
    );
    assert.equal(reason, "Not sent. It is too long for one message.");
    await ann.run(() => document.querySelector(".failure .retry").click());
    await ann.until(
      () => ann.run(() => document.querySelector(".failure:not([hidden]) p")?.textContent),
      Boolean,
      "it",
    );
    await ann.run(() => document.querySelector(".failure .edit").click());
    assert.equal(await ann.run(() => text.value.length), 65 * 1024);
    await ann.run(() => (text.value = "shorter"));
    await ann.type(Key.ENTER);
    await ann.shows(["shorter"]);
    await ben.shows(["shorter"]);
  });

  test("an address of no chat is told in words", async () => {
    expected = /chat\/History .* 400 \(Bad Request\)/;
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
    // It is shown before it is stored.
    await ann.driver.wait(async () => (await history(chat)).length === 2, 10_000);
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
    await ann.until(
      () => ann.messages(),
      (messages) => /stored/.test(messages[8]?.status),
      "stored message",
    );
    await screenshots(ann, "chat");
  });
});

describe("where there is no chat to show", () => {
  /** What a visitor sees, once there is something: its title, all its words, and what can be pressed or filled in. */
  const seen = () =>
    ann.until(
      () =>
        ann.run(() => {
          const controls = [...document.querySelectorAll("a, button, input, textarea, summary")];
          return {
            title: document.querySelector("main:not([hidden]) h1")?.textContent,
            words: document.body.innerText,
            controls: controls.filter((one) => one.checkVisibility()).map((one) => one.textContent.trim() || one.id),
          };
        }),
      ({ title }) => title,
      "page with a title",
    );

  test("a server of another site's users sends its visitors back there, and developers to the documents", async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), "micro-chat-"));
    const key = path.join(folder, "secret");
    await writeFile(key, "a-secret-of-the-tests-that-is-long-enough");
    const guarded = await Server.start({ command: "serve", args: ["--token-key", key] });
    try {
      for (const link of [
        "",
        "?user_id=ann&with=ben",
        "?chat_id=somebodys",
        "?chat_id=somebodys&user_id=ann&with=ben",
      ]) {
        await ann.browser.open(`${guarded.url}/${link}`);
        const { title, words, controls } = await seen();
        assert.equal(title, "This is a chat’s server", link);
        assert.match(words, /go back to the site that sent you here/);
        assert.deepEqual(controls, ["For developers"], link);
        assert.doesNotMatch(words, /Micro|token|account|configure/i);
      }
      await screenshots(ann, "notice-elsewhere");
      await ann.run(() => document.querySelector("#notice a").click());
      await ann.until(
        () => ann.run(() => location.pathname),
        (pathname) => pathname.startsWith("/docs"),
        "documents",
      );
    } finally {
      await guarded.remove();
      await rm(folder, { recursive: true, force: true });
    }
    // Where names are believed, the same eyes see a form.
    await ann.browser.open(server.url);
    const { title, controls } = await seen();
    assert.equal(title, "Start a chat");
    assert.ok(controls.includes("name") && controls.includes("Open the chat"), `${controls}`);
  });

  test("a server that is not there is said in words, and what was wanted comes when it is back", async () => {
    // What browsers log of what was dropped.
    expected = /ERR_EMPTY_RESPONSE|ERR_CONNECTION|NetworkError/;
    let dropped = /nothing/;
    const front = http
      .createServer(async (request, response) => {
        if (dropped.test(request.url)) return request.destroy();
        const answer = await fetch(server.url + request.url);
        for (const name of ["content-type", "content-security-policy"]) {
          if (answer.headers.has(name)) response.setHeader(name, answer.headers.get(name));
        }
        response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
      })
      .listen(0, "127.0.0.1");
    await once(front, "listening");
    try {
      for (const [what, words] of [
        [/micro\.js/, /A part of this page did not load\. Check your connection\./],
        [/auth\//, /The server can't be reached\. Check your connection\./],
      ]) {
        dropped = what;
        await ann.browser.open(`http://127.0.0.1:${front.address().port}/?user_id=ann`);
        const missed = await seen();
        assert.equal(missed.title, "The chat did not open");
        assert.match(missed.words, words);
        assert.deepEqual(missed.controls, ["Try again", "For developers"]);
        await screenshots(ann, "notice-unreachable");
        dropped = /nothing/;
        await ann.run(() => document.querySelector("#notice-action").click());
        await ann.until(
          () =>
            ann.run(() => document.querySelector("#name")?.checkVisibility() && document.querySelector("#name").value),
          (name) => name === "ann",
          "form",
        );
      }
    } finally {
      front.closeAllConnections();
      front.close();
    }
  });
});

describe("examples", () => {
  const as = (id) => ({ refused: id });
  const CASES = {
    "chat-New": [as("chat.New.MissingUserIDs"), ({ chat_id }) => assert.match(chat_id, /^[0-9a-f-]{36}$/)],
    "chat-Send": [as("chat.Send.InvalidChatID"), (answer) => assert.deepEqual(answer, {})],
    "chat-History": [
      as("chat.History.InvalidChatID"),
      ({ messages }) => assert.ok(messages.length > 0 && messages.every(({ seq }) => seq > 0)),
    ],
    "chats-CreateChat": [
      as("MISSING_USER_IDs"),
      ({ chat }) => assert.deepEqual([...chat.user_ids].sort(), ["Barry", "John"]),
    ],
    "chats-SendMessage": [as("NOT_FOUND"), ({ message }) => assert.equal(message.author_id, "John")],
    "chats-ListMessages": [as("NOT_FOUND"), ({ messages }) => assert.ok(messages.length > 0)],
  };

  const REFUSED = /\/(chat\/Chat|chats\/Chats)\/\w+ .* (400 \(Bad Request\)|404 \(Not Found\))/;

  const choose = async (id, values) => {
    const before = await ann.run((id) => document.querySelector(`#${id} .params`).value, id);
    await ann.run((id, values) => document.querySelector(`#${id} [value=${values}]`).click(), id, values);
    await ann.until(
      () => ann.run((id) => document.querySelector(`#${id} .params`).value, id),
      (value) => value !== before,
      "other values",
    );
  };

  /** Runs an example; returns what it shows. */
  const run = async (id) => {
    await ann.run((id) => document.querySelector(`#${id} .run`).click(), id);
    return ann.until(
      () =>
        ann.run((id) => {
          const part = (name) => document.querySelector(`#${id} ${name}`);
          const body = part(".body").hidden ? undefined : JSON.parse(part(".body").textContent);
          return { kind: part(".answer").classList.item(1), verdict: part(".verdict").textContent, body };
        }, id),
      ({ kind }) => kind === "good" || kind === "bad",
      "answer",
    );
  };

  beforeEach(async () => {
    await ann.browser.open(`${server.url}/examples.html`);
    const areReal = () => {
      const all = [...document.querySelectorAll(".example")];
      // There are none before the page's script has run.
      return all.length > 0 && all.every((one) => one.querySelector("[value=real]:checked"));
    };
    await ann.until(() => ann.run(areReal), Boolean, "real ids");
  });

  for (const [id, [{ refused }, check]] of Object.entries(CASES)) {
    test(`${id}: an answer at first, ${refused} as written, an answer with real ids`, async () => {
      expected = REFUSED;
      const first = await run(id);
      assert.equal(first.kind, "good", JSON.stringify(first));
      await choose(id, "written");
      const error = await run(id);
      assert.equal(error.kind, "bad");
      assert.equal(error.body.id, refused);
      assert.equal(error.body.code, refused === "NOT_FOUND" ? 404 : 400);
      assert.ok(error.body.detail);
      await choose(id, "real");
      const answer = await run(id);
      assert.equal(answer.kind, "good", JSON.stringify(answer));
      check(answer.body);
    });
  }

  test("chat-Connect: an error as written; with real ids others' messages arrive", async () => {
    // A failure with a callback is logged; that's what the documents' form of the call does.
    expected = /chat\.Connect\.Missing/;
    await choose("chat-Connect", "written");
    const error = await run("chat-Connect");
    assert.match(error.body.id, /^chat\.Connect\.Missing(UserID|ChatID)$/);
    await choose("chat-Connect", "real");
    const answer = await run("chat-Connect");
    assert.equal(answer.kind, "good");
    await ann.run(() => {
      const form = document.querySelector("#chat-Connect form");
      form.querySelector("input").value = "<b>Hey Barry</b>";
      form.requestSubmit();
    });
    const arrived = await ann.until(
      () => ann.run(() => Array.from(document.querySelectorAll(".arrived li"), (item) => item.textContent)),
      (items) => items.length > 0,
      "message",
    );
    assert.equal(arrived.length, 1);
    assert.equal(JSON.parse(arrived[0]).text, "<b>Hey Barry</b>");
    assert.equal(JSON.parse(arrived[0]).user_id, "John");
    await ann.run(() => document.querySelector("#chat-Connect").scrollIntoView());
    await screenshots(ann, "examples-connect");
    await ann.run(() => document.querySelector("#chat-Connect .stop").click());
    assert.equal(await ann.run(() => document.querySelector("#chat-Connect form").hidden), true);
  });

  test("a box without JSON is told so", async () => {
    await ann.run(() => (document.querySelector("#chat-New .params").value = "{user_ids: [}"));
    const { kind, verdict, body } = await run("chat-New");
    assert.equal(kind, "bad");
    assert.match(verdict, /does not hold JSON/);
    assert.equal(body, null);
  });

  test("screenshots", async () => {
    expected = REFUSED;
    await run("chat-New");
    await choose("chat-Send", "written");
    await run("chat-Send");
    await ann.run(() => scrollTo(0, 0));
    await screenshots(ann, "examples");
  });
});
