// What the README shows works when it is copied.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

import { Browser } from "./browser.mjs";
import { freePort } from "./port.mjs";
import { Server } from "./server.mjs";
import { Visitor } from "./visitor.mjs";

const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
const example = (language) => readme.match(new RegExp("```" + language + "\n([^]*?)```"))[1];

let server;
let folder;
const windows = [];

before(async () => {
  server = await Server.start();
  folder = await mkdtemp(path.join(os.tmpdir(), "micro-chat-readme-"));
});

after(async () => {
  for (const browser of windows) await browser.quit();
  await server?.remove();
  await rm(folder, { recursive: true, force: true });
});

/** Opens the saved file, as a newcomer does, and answers its question. */
async function open(file, name) {
  const browser = await Browser.start();
  windows.push(browser);
  // Loading stops at the question.
  await browser.open(pathToFileURL(file).href).catch(() => {});
  const prompt = await browser.driver.wait(
    () =>
      browser.driver
        .switchTo()
        .alert()
        .catch(() => false),
    10_000,
  );
  await prompt.sendKeys(name);
  await prompt.accept();
  return browser;
}

test("the page of the README, saved as a file, is a chat of two windows", async () => {
  const page = example("html");
  assert.match(page, /http:\/\/127\.0\.0\.1:8080\/assets\/micro\.js/);
  const file = path.join(folder, "chat.html");
  await writeFile(file, page.replace("http://127.0.0.1:8080", server.url));
  const ann = await open(file, "ann");
  const ben = await open(file, "ben");
  const lines = (browser) =>
    browser.driver.executeScript("return [...document.querySelectorAll('li')].map((li) => li.textContent)");
  const say = async (browser, text) => {
    await browser.driver.findElement({ css: "#text" }).sendKeys(text, "\n");
  };
  const shows = (browser, ...expected) =>
    browser.driver
      .wait(async () => String(await lines(browser)) === String(expected), 15_000)
      .catch(async () => {
        assert.deepEqual(await lines(browser), expected);
      });
  await ann.driver.wait(
    () => ann.driver.executeScript("return Boolean(document.getElementById('form').onsubmit)"),
    15_000,
  );
  await ben.driver.wait(
    () => ben.driver.executeScript("return Boolean(document.getElementById('form').onsubmit)"),
    15_000,
  );
  await say(ann, "Hello, Ben");
  await shows(ben, "ann: Hello, Ben");
  await say(ben, "Hello, Ann");
  for (const browser of [ann, ben]) await shows(browser, "ann: Hello, Ben", "ben: Hello, Ann");
  for (const browser of [ann, ben]) assert.deepEqual(await browser.errors(), []);
});

test("the chat of the guide shows and sends, whatever users write", async () => {
  const guide = await readFile(new URL("../docs/guide.md", import.meta.url), "utf8");
  const chat = guide.match(/```html\n(<ul id="messages">[^]*?)```/)[1];
  const visitor = await Visitor.start();
  try {
    await visitor.open(`<script src="${server.url}/assets/micro.js"></script>\n${chat}`);
    await visitor.until(() => document.getElementById("state").textContent === "live");
    await visitor.run(() => {
      document.getElementById("text").value = "<b>Hello</b>";
      document.querySelector("#form button").click();
    });
    // Behind what the README's page said: the same users have the same chat.
    await visitor.until(() => document.querySelector("#messages li:last-child")?.textContent === "ann: <b>Hello</b>");
    assert.deepEqual((await visitor.shown()).error, []);
  } finally {
    await visitor.quit();
  }
});

test("the back end of the README signs tokens that the server takes", async () => {
  const secret = path.join(folder, "chat.secret");
  await writeFile(secret, randomBytes(48).toString("base64") + "\n");
  const port = await freePort();
  await writeFile(path.join(folder, "back-end.mjs"), example("js").replace("3000", port));
  await symlink(fileURLToPath(new URL("../node_modules", import.meta.url)), path.join(folder, "node_modules"));
  const backEnd = spawn(process.execPath, ["back-end.mjs"], { cwd: folder, stdio: "inherit" });
  const guarded = await Server.start({ command: "serve", args: ["--token-key", secret] });
  try {
    let token;
    for (let tries = 0; !token && tries < 100; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      token = await fetch(`http://127.0.0.1:${port}`).then(
        (answer) => answer.text(),
        () => undefined,
      );
    }
    const ask = async (headers) => {
      const body = JSON.stringify({ user_ids: ["ann", "ben"] });
      return (await fetch(`${guarded.url}/chat/New`, { method: "POST", body, headers })).status;
    };
    assert.equal(await ask({ authorization: `Bearer ${token}` }), 200);
    assert.equal(await ask({}), 401);
  } finally {
    backEnd.kill();
    await guarded.remove();
  }
});

test("the back end in Rust is the one that is compiled", async () => {
  const source = await readFile(new URL("../crates/server/examples/own_users.rs", import.meta.url), "utf8");
  assert.equal(example("rust").trim(), source.split("\n").slice(2).join("\n").trim());
});
