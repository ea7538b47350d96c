// Reading a chat: what was said before, and the end, which stays in view.

import assert from "node:assert/strict";
import { test } from "node:test";

import { until } from "selenium-webdriver";

import { address, ann, newChat, send } from "./stage.mjs";
import { DESKTOP, PHONE } from "./window.mjs";

test("history is there on open and after a reload; earlier messages on demand", async () => {
  const chat = await newChat();
  for (let number = 1; number <= 120; number += 1) await send(chat, "ben", `message ${number}`);
  const texts = (from) => Array.from({ length: 121 - from }, (_, index) => `message ${from + index}`);
  await ann.chat(address(chat, "ann"));
  await ann.shows(texts(71));
  await ann.browser.open(address(chat, "ann"));
  await ann.becomes("live");
  await ann.shows(texts(71));
  const fromEnd = () => ann.run(() => scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop);
  await ann.until(fromEnd, (pixels) => pixels < 2, "end of the list");

  // What is being read stays where it is.
  const earlier = () => ann.run(() => document.querySelector("#earlier").click());
  await ann.run(() => (scroller.scrollTop = 0));
  const place = () => ann.run(() => Array.from(document.querySelectorAll(".text")).at(-50).getBoundingClientRect().top);
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
