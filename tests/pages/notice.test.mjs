// What a visitor meets where there is no chat to show.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";

import { Server } from "../server.mjs";
import { ann, mayLog, screenshots, server } from "./stage.mjs";

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
    for (const link of ["", "?user_id=ann&with=ben", "?chat_id=somebodys", "?chat_id=somebodys&user_id=ann&with=ben"]) {
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
  mayLog(/ERR_EMPTY_RESPONSE|ERR_CONNECTION|NetworkError/);
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
