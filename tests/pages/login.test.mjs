// The chat page where people have accounts: they log in, are who they logged in as, and log out.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Key } from "selenium-webdriver";

import { colorSchemes, lacks } from "../browser.mjs";
import { PASSWORD } from "../hosted.mjs";
import { Server } from "../server.mjs";
import { visitHosted } from "../visit.mjs";

let hosted;
let visitor;
let form;

visitHosted((started) => ({ hosted, visitor, form } = started));

const inPage = (fn, ...args) => visitor.run(fn, ...args);

/** The chat page, with somebody new who has logged in; resolves to their address. */
async function openChat() {
  await visitor.browser.forgetCookies();
  const email = await hosted.somebody();
  await visitor.browser.open(`${hosted.url}/?user_id=somebody-else&with=ben`);
  await form.titled("Log in");
  await form.fill({ "E-mail or user name": email, Password: PASSWORD });
  await form.gone();
  await visitor.until(() => !document.getElementById("chat").hidden && Micro.user);
  await visitor.until(() => document.getElementById("state").dataset.state === "live");
  return email;
}

test("visitors log in, and are who they logged in as", async () => {
  const email = await openChat();
  assert.equal(await inPage(() => Micro.user.user_id), email);
});

test("the page knows them when they come again, until they log out", { skip: lacks("cookie") }, async () => {
  const email = await openChat();
  const { browser } = visitor;
  await browser.open(hosted.url);
  await visitor.until(() => document.getElementById("name").value !== "");
  const name = await inPage(() => [document.getElementById("name").value, document.getElementById("name").readOnly]);
  assert.deepEqual(name, [email, true]);
  await browser.screenshot("logged in", { width: 390, height: 844 });
  await browser.look();
  await inPage(() => document.getElementById("logout").click());
  await form.titled("Log in");
  await form.press(Key.ESCAPE);
  await visitor.until(() => !document.getElementById("notice").hidden);
  assert.equal(await inPage(() => Micro.isLoggedIn()), false);
});

/** What the page in front has to press and to fill in. */
const controls = () =>
  inPage(() =>
    [...document.querySelectorAll("a, button, input, textarea, summary")]
      .filter((one) => one.checkVisibility())
      .map((one) => one.ariaLabel ?? (one.textContent.trim() || one.id)),
  );

test("who does not log in is told that it takes a login, is shown no form that can't work, and may try again", async () => {
  await visitor.browser.forgetCookies();
  for (const link of ["", "?user_id=ann&with=ben", "?chat_id=somebodys"]) {
    await visitor.browser.open(`${hosted.url}/${link}`);
    await form.titled("Log in");
    await form.press(Key.ESCAPE);
    await visitor.until(() => !document.getElementById("notice").hidden);
    assert.equal(await inPage(() => document.getElementById("notice-title").textContent), "Log in to chat");
    assert.deepEqual(await controls(), ["Log in", "For developers"], link);
  }
  for (const colorScheme of colorSchemes) {
    for (const width of [390, 1280]) {
      await visitor.browser.screenshot(`notice-login-${width}-${colorScheme}`, { width, height: 844, colorScheme });
    }
  }
  await visitor.browser.look();
  await inPage(() => document.getElementById("notice-action").click());
  assert.deepEqual((await form.titled("Log in")).fields, ["E-mail or user name", "Password"]);
});

test("who is logged in is offered nothing that only trying it out has, and can log out in the chat", async () => {
  await openChat();
  await inPage(() => void (document.getElementById("menu").open = true));
  assert.deepEqual(await controls(), ["More", "Start another chat", "Log out", "text", "Send"]);
  await visitor.browser.screenshot("chat-logged-in-390", { width: 390, height: 844 });
  await visitor.browser.look();
  await inPage(() => document.getElementById("menu-logout").click());
  await form.titled("Log in");
  // Where names are believed, one can be both sides of a chat.
  const dev = await Server.start();
  try {
    await visitor.browser.open(`${dev.url}/?user_id=ann&with=ben`);
    await visitor.until(() => document.getElementById("state")?.dataset.state === "live");
    await inPage(() => void (document.getElementById("menu").open = true));
    const offered = await controls();
    assert.ok(offered.includes("Join as someone else") && !offered.includes("Log out"), `${offered}`);
  } finally {
    await dev.remove();
  }
});

test("a login that ends while somebody chats is said in words, and leads to the next one", async () => {
  const email = await openChat();
  const { token } = await hosted.server.post("/auth/Auth/Token", { id: email, secret: PASSWORD });
  await hosted.server.post("/auth/Auth/Revoke", { refresh_token: token.refresh_token, everywhere: true });
  await visitor.until(() => !document.getElementById("problem").hidden);
  const says = await inPage(() => document.getElementById("problem").innerText.trim().split(/\n+/));
  assert.deepEqual(says, ["You are not logged in any more.", "Log in"]);
  await inPage(() => document.getElementById("problem-action").click());
  await form.titled("Log in");
});
