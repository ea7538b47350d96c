// What each test of a page has: a server, Ann's window and Ben's, and consoles in which nothing is left over.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach } from "node:test";

import { colorSchemes } from "../browser.mjs";
import { Server } from "../server.mjs";
import { DESKTOP, PHONE, Window } from "./window.mjs";

export let server;
export let ann;
export let ben;
// What the console may say in a test besides nothing.
let expected;

/** Lets the consoles of this test say what `pattern` matches. */
export function mayLog(pattern) {
  expected = pattern;
}

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

export async function call(path, request) {
  const response = await fetch(server.url + path, { method: "POST", body: JSON.stringify(request) });
  const answer = await response.json();
  assert.ok(response.ok, JSON.stringify(answer));
  return answer;
}

let chats = 0;

/** A chat of Ann's and somebody's that no other test knows. */
export async function newChat(other = "ben") {
  return (await call("/chat/New", { user_ids: ["ann", other, `chat ${++chats}`] })).chat_id;
}

export const send = (chat_id, user_id, text, subject = "") => call("/chat/Send", { chat_id, user_id, text, subject });
export const history = async (chat_id) => (await call("/chat/History", { chat_id })).messages;
export const address = (chat_id, user_id, others) =>
  `${server.url}/?${new URLSearchParams({ chat_id, ...(user_id && { user_id }), ...(others && { with: others }) })}`;

export const screenshots = async (window, name) => {
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
