// The page and the calls that the README shows work when they are copied. What it shows of the package is tested in
// packaging/.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";

import { Browser } from "./browser.mjs";
import { examples } from "./markdown.mjs";
import { Server } from "./server.mjs";

const WAIT_MS = 60_000;

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
  // Loading stops at the question, so there is no waiting for the page.
  await browser.driver.get(pathToFileURL(file).href).catch(() => {});
  const prompt = await browser.driver.wait(
    () =>
      browser.driver
        .switchTo()
        .alert()
        .catch(() => false),
    WAIT_MS,
  );
  await prompt.sendKeys(name);
  await prompt.accept();
  return browser;
}

test("the page of the README, saved as a file, is a chat of two windows", async () => {
  const [page] = examples("README.md", "html");
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
      .wait(async () => String(await lines(browser)) === String(expected), WAIT_MS)
      .catch(async () => {
        assert.deepEqual(await lines(browser), expected);
      });
  for (const { driver } of [ann, ben]) await driver.wait(() => driver.executeScript("return Boolean(handle)"), WAIT_MS);
  await say(ann, "Hello, Ben");
  await shows(ben, "ann: Hello, Ben");
  await say(ben, "Hello, Ann");
  for (const browser of [ann, ben]) await shows(browser, "ann: Hello, Ben", "ben: Hello, Ann");
  for (const browser of [ann, ben]) assert.deepEqual(await browser.errors(), []);
});

/** The page, changed, as another file that somebody opens. */
async function openChanged(name, ...change) {
  const [page] = examples("README.md", "html");
  const changed = page.replace("http://127.0.0.1:8080", server.url).replace(...change);
  assert.notEqual(changed, page.replace("http://127.0.0.1:8080", server.url));
  const file = path.join(folder, name);
  await writeFile(file, changed);
  return open(file, "ann");
}

test("what is written before the chat is open stays, and so does the page", async () => {
  // A server that takes its time.
  const browser = await openChanged("slow.html", "<script>\n", "<script>\nMicro.post = () => new Promise(() => {});\n");
  const { driver } = browser;
  const page = await driver.executeScript("return performance.timeOrigin");
  const field = await driver.findElement({ css: "#text" });
  await field.sendKeys("too early", "\n");
  assert.equal(await field.getAttribute("value"), "too early");
  assert.equal(await driver.executeScript("return performance.timeOrigin"), page);
  assert.deepEqual(await browser.errors(), []);
});

test("a chat that can't be opened says why", async () => {
  const { driver } = await openChanged("refused.html", 'user_ids: ["ann", "ben"]', "user_ids: []");
  const alert = await driver.wait(
    () =>
      driver
        .switchTo()
        .alert()
        .catch(() => false),
    WAIT_MS,
  );
  assert.equal(await alert.getText(), "Name at least one user in user_ids.");
  await alert.accept();
});

test("the calls of the README, and of whoever moves to this server, are answered", async () => {
  const { chat_id } = await server.post("/chat/New", { user_ids: ["ann", "ben"] });
  const calls = [
    ...examples("README.md", "sh", "the-server"),
    ...examples("docs/moving.md", "sh", "a-program-that-calls-the-api"),
  ]
    .flatMap((example) => example.split("\n"))
    .filter((line) => line.startsWith("curl "));
  assert.equal(calls.length, 5);
  const answerTo = async (call) => {
    const own = call.replace("http://127.0.0.1:8080", server.url).replace("…", chat_id);
    const options = "curl --silent --noproxy '*' --fail-with-body ";
    const { stdout } = await promisify(execFile)("bash", ["-c", own.replace("curl ", options)]);
    return JSON.parse(stdout);
  };
  const answers = [];
  for (const call of calls) answers.push(await answerTo(call));
  const [made, sent, history, again, created] = answers;
  assert.deepEqual([made, sent, again], [{ chat_id }, {}, { chat_id }]);
  assert.equal(history.messages.at(-1).text, "Hello");
  assert.deepEqual(created.group.user_ids, ["ann", "ben"]);
  const refused = answerTo(calls[1].replace("text", "words"));
  await assert.rejects(refused, ({ stdout }) => JSON.parse(stdout).Id === "chat.Send.MissingText");
});
