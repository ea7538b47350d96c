// What the guide shows works when it is copied. What it shows of the package is tested in packaging/.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import os from "node:os";
import path from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { Browser } from "./browser.mjs";
import { Form } from "./form.mjs";
import { Hosted, PASSWORD } from "./hosted.mjs";
import { examples } from "./markdown.mjs";
import { freePort } from "./port.mjs";
import { Server } from "./server.mjs";
import { anything, Visitor } from "./visitor.mjs";

const GUIDE = "docs/guide.md";

const execute = promisify(execFile);

const script = (url) => `<script src="${url}/assets/micro.js"></script>\n`;

describe("in a page", () => {
  let server;
  let visitor;

  before(async () => (visitor = await Visitor.start()));
  after(() => visitor?.quit());
  beforeEach(async () => (server = await Server.start()));
  afterEach(() => server?.remove());

  /** Opens a page with an example, or with none. */
  const open = (example = "") => visitor.open(script(server.url) + example);

  /** Runs an example with these names for it, and resolves to what it gives the names that are asked for. */
  const run = (example, given, asked) =>
    visitor.run(
      async (example, given, asked) => {
        const { constructor: Example } = async function () {};
        const code = `${example}\nreturn (globalThis.example = { ${asked} });`;
        return new Example(...Object.keys(given), code)(...Object.values(given));
      },
      example,
      given,
      asked.join(),
    );

  const lines = () =>
    visitor.run(() => [...document.querySelectorAll("#messages li")].map(({ textContent }) => textContent));

  const chatOf = async (...user_ids) => (await server.post("/chat/New", { user_ids })).chat_id;

  test("the chat shows and sends, whatever users write", async () => {
    await open(examples(GUIDE, "html", "a-chat")[0]);
    await visitor.until(() => document.getElementById("state").textContent === "live");
    await visitor.run(() => {
      document.getElementById("text").value = "<b>Hello</b>";
      document.querySelector("#form button").click();
    });
    await visitor.until(() => document.querySelector("#messages li"));
    assert.deepEqual(await lines(), ["ann: <b>Hello</b>"]);
    assert.deepEqual((await visitor.shown()).error, []);
  });

  test("older messages come page by page, new ones behind them, each once and in order", async () => {
    const chat_id = await chatOf("ann", "ben");
    const say = async (text) => server.post("/chat/Send", { chat_id, user_id: "ben", text });
    for (let number = 1; number <= 45; number++) await say(`${number}`);
    const from = (first, last) => Array.from({ length: last - first + 1 }, (_, index) => `ben: ${first + index}`);

    await open(examples(GUIDE, "html", "older-messages")[0]);
    await visitor.until(() => document.getElementById("older").onclick);
    assert.deepEqual(await lines(), from(26, 45));
    await say("46");
    await visitor.until(() => document.querySelector("#messages").lastChild.textContent === "ben: 46");
    for (const first of [6, 1]) {
      assert.equal(await visitor.run(() => document.getElementById("older").hidden), false);
      await visitor.run(() => document.getElementById("older").click());
      await visitor.until(`() => document.querySelector("#messages li").textContent === "ben: ${first}"`);
      assert.deepEqual(await lines(), from(first, 46));
    }
    assert.equal(await visitor.run(() => document.getElementById("older").hidden), true);
    assert.deepEqual((await visitor.shown()).error, []);
  });

  /** Has somebody write in the moment between the first page of a chat's history and its stream. */
  const between = (text) => `<script>
    const { post } = Micro;
    Micro.post = async function (path, namespace, params) {
      const answer = await post(path, namespace, params);
      if (path !== "/chat/History" || params.before) return answer;
      const { chat_id } = params;
      await post("/chat/Send", namespace, { chat_id, user_id: "ben", text: ${JSON.stringify(text)} });
      return answer;
    };
  </script>`;

  for (const before of [[], ["before"]]) {
    test(`behind ${before.length} messages, what is sent between the history and the stream is not missed`, async () => {
      const chat_id = await chatOf("ann", "ben");
      for (const text of before) await server.post("/chat/Send", { chat_id, user_id: "ben", text });
      await open(between("between") + examples(GUIDE, "html", "older-messages")[0]);
      await visitor.until(() => document.querySelector("#messages").lastChild?.textContent === "ben: between");
      assert.deepEqual(
        await lines(),
        [...before, "between"].map((text) => `ben: ${text}`),
      );
      assert.equal(await visitor.run(() => document.getElementById("older").hidden), true);
    });
  }

  /** Throws unless an answer is the one that is shown, but for what a server makes up. */
  function checkShown(answer, shown) {
    const [name] = Object.keys(shown);
    assert.deepEqual(Object.keys(answer), [name]);
    assert.match(answer[name].id, /^[0-9a-f-]{36}$/);
    assert.ok(Math.abs(Date.parse(answer[name].created_at) - Date.now()) < 600_000, answer[name].created_at);
    const { id, created_at } = shown[name];
    assert.deepEqual({ ...answer[name], id, created_at }, shown[name]);
  }

  test("groups and chats that are created are answered as it is shown; a handle knows who is in a group", async () => {
    const [create, members, createChat] = examples(GUIDE, "js", "groups");
    const [shownGroup, shownChat] = examples(GUIDE, "json", "groups").map((text) => JSON.parse(text));
    await open();
    const created = await run(create, {}, ["group"]);
    checkShown(created, shownGroup);
    checkShown(await run(createChat, {}, ["chat"]), shownChat);
    assert.throws(() => checkShown({ group: { ...created.group, private: true } }, shownGroup));

    await run(members, { ...created, show: null }, ["members"]);
    const are = (...users) => visitor.until(`() => [...example.members].sort().join() === "${users.join()}"`);
    await are("ann", "ben");
    const change = { group_id: created.group.id, user_id: "cat" };
    await server.post("/chat/Invite", change);
    await are("ann", "ben", "cat");
    await server.post("/chat/Leave", change);
    await are("ann", "ben");
  });

  test("a user's chats are listed with what is unread, until it is marked", async () => {
    const chat_id = await chatOf("ann", "ben");
    for (const text of ["one", "two"]) await server.post("/chat/Send", { chat_id, user_id: "ben", text });
    await open();
    const [example] = examples(GUIDE, "js", "several-chats");
    assert.equal((await run(example, {}, ["chats"])).chats[0].unread, 2);
    assert.equal((await run(example, {}, ["chats"])).chats[0].unread, 0);
  });
});

describe("beside a server that wants tokens", () => {
  let folder;
  let site;
  let server;
  let backEnd;
  /** What the site shows; it has tokens from the back end, as the guide says it should. */
  let page = "";

  const token = async () => (await fetch(backEnd.url)).text();

  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "micro-chat-guide-"));
    const secret = path.join(folder, "chat.secret");
    await writeFile(secret, randomBytes(48).toString("base64") + "\n");
    site = createServer(async ({ url }, response) => {
      response.setHeader("content-type", "text/html; charset=utf-8");
      response.end(url === "/chat-token" ? await token() : `<link rel="icon" href="data:," />${page}`);
    }).listen(0, "127.0.0.1");
    await once(site, "listening");
    site.url = `http://127.0.0.1:${site.address().port}`;
    server = await Server.start({ command: "serve", args: ["--token-key", secret, "--origin", site.url] });

    const port = await freePort();
    const [example] = examples(GUIDE, "js", "your-back-end");
    await writeFile(path.join(folder, "back-end.mjs"), example.replace("3000", port));
    await symlink(fileURLToPath(new URL("../node_modules", import.meta.url)), path.join(folder, "node_modules"));
    backEnd = spawn(process.execPath, ["back-end.mjs"], { cwd: folder, stdio: "inherit" });
    backEnd.url = `http://127.0.0.1:${port}`;
    for (let tries = 0; tries < 1_200; tries++) {
      const isThere = await token().catch(() => false);
      if (isThere) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });

  after(async () => {
    backEnd?.kill();
    site?.closeAllConnections();
    site?.close();
    await server?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  test("the back end signs tokens that the server takes", async () => {
    const ask = async (headers) => {
      const body = JSON.stringify({ user_ids: ["ann", "ben"] });
      return (await fetch(`${server.url}/chat/New`, { method: "POST", body, headers })).status;
    };
    assert.equal(await ask({ authorization: `Bearer ${await token()}` }), 200);
    assert.equal(await ask({}), 401);
  });

  test("the page chats as the token's user, and as nobody else", async () => {
    const [example] = examples(GUIDE, "html", "your-back-end");
    page = script(server.url) + example;
    const browser = await Browser.start();
    try {
      await browser.open(site.url);
      const line = () => browser.driver.executeScript("return document.querySelector('#messages li')?.textContent");
      await browser.driver.wait(line, 60_000);
      assert.equal(await line(), "ann: Hello, Ben");
      assert.deepEqual(await browser.errors(), []);
      const refused = await browser.run(async () => {
        const idOf = (promise) => promise.then(String, ({ id }) => id);
        const connect = async (user_id) => {
          const { chat_id } = await Micro.post("/chat/New", "micro", { user_ids: ["ann", "ben"] });
          const chat = Micro.connect("/chat/Connect", "micro", { chat_id, user_id });
          return new Promise((_, reject) => chat.on("error", reject));
        };
        const others = Micro.post("/chat/New", "micro", { user_ids: ["ben", "cat"] });
        return Promise.all([connect(), connect("ben"), others].map(idOf));
      });
      // As the guide tells them.
      assert.deepEqual(refused, ["client.BadArgument", "auth.WrongUser", "chat.New.NotAmongUsers"]);
    } finally {
      await browser.quit();
    }
  });

  test("the back end in Rust is the one that is compiled", async () => {
    const source = await readFile(new URL("../crates/server/examples/own_users.rs", import.meta.url), "utf8");
    assert.equal(examples(GUIDE, "rust")[0].trim(), source.split("\n").slice(2).join("\n").trim());
  });

  test("a program with an API key makes a chat and sends to it", async () => {
    const [example] = examples(GUIDE, "sh", "your-own-server");
    const [key, create, send] = example.replaceAll("\\\n", "").split("\n");
    const own = (line) => line.replace("https://chat.example.com", server.url).replace("./data", server.data);
    const shell = async (...lines) => {
      const program = path.dirname(server.program);
      const env = { PATH: `${program}${path.delimiter}${process.env.PATH}` };
      const { stdout } = await execute("bash", ["-ec", lines.map(own).join("\n")], { env });
      return JSON.parse(stdout);
    };
    const silent = (line) => line.replace("curl ", "curl --silent --noproxy '*' ");
    const { chat_id } = await shell(key, silent(create));
    assert.deepEqual(await shell(key, silent(send).replace("…", chat_id)), {});
    // Without the key it is refused: the checks above can fail.
    assert.equal((await shell(silent(create))).Id, "auth.NoToken");
  });
});

test("a page that asks for a login makes the chat of whoever logs in", async () => {
  const visitor = await Visitor.start();
  const hosted = await Hosted.start(visitor.origin);
  try {
    const email = await hosted.somebody();
    const form = new Form(visitor);
    await visitor.open(script(hosted.url) + examples("docs/accounts.md", "html", "the-dialog")[0]);
    await form.titled("Log in");
    await form.fill({ "E-mail or user name": email, Password: PASSWORD });
    await visitor.until(() => document.querySelector("#messages li"));
    const line = await visitor.run(() => document.querySelector("#messages li").textContent);
    assert.equal(line, `${email}: Hello, Ben`);
    assert.deepEqual((await visitor.shows(anything(0))).error, []);
    const { user_id, chats } = await visitor.run(async () => {
      const { user_id } = Micro.user;
      return { user_id, ...(await Micro.post("/chats/ListChats", "micro", { user_id })) };
    });
    assert.deepEqual([user_id, chats.map(({ user_ids }) => user_ids)], [email, [["ben@example.com", email]]]);
  } finally {
    await visitor.quit();
    await hosted.remove();
  }
});

test("the calls about accounts run in their order", async () => {
  const server = await Server.start();
  try {
    const [example] = examples("docs/accounts.md", "sh", "signing-up-and-logging-in");
    const known = {};
    let used = 0;
    for (const call of example.split("\n")) {
      const codes = () => server.output.match(/\b\d{8}\b/g) ?? [];
      if (call.includes("12345678")) {
        for (let tries = 0; tries < 6_000 && codes().length === used; tries++) {
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        used = codes().length;
      }
      const own = call
        .replace("http://127.0.0.1:8080", server.url)
        .replace("12345678", codes().at(-1))
        .replace("mcr_…", known.refresh_token)
        .replace("…", known.access_token)
        .replace("curl ", "curl --silent --noproxy '*' --fail-with-body ");
      const { stdout } = await execute("bash", ["-c", own]).catch(({ stdout }) => assert.fail(`${call}: ${stdout}`));
      Object.assign(known, JSON.parse(stdout).token);
    }
    // The last of them has taken the account away.
    const gone = server.post("/auth/Token", { id: "ann@example.com", secret: "correct horse" });
    await assert.rejects(gone, /auth\.WrongCredentials/);
  } finally {
    await server.remove();
  }
});
