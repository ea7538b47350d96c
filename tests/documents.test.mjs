// The examples of the documents in documents/, taken from there and run: the pages in a browser, the command lines in
// a shell. As they are, each gets the answer or the error that it always got; with a chat of one's own, each succeeds.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import * as curl from "./documents/curl.mjs";
import { swap, THEIR_CHAT } from "./documents/edit.mjs";
import * as html from "./documents/html.mjs";
import { curlExamples, htmlExamples } from "./documents/parse.mjs";
import { Shell } from "./documents/shell.mjs";
import { anything, Visitor } from "./visitor.mjs";
import { Server } from "./server.mjs";

const pages = await htmlExamples();
const lines = await curlExamples();

let server;

before(async () => (server = await Server.start()));
after(() => server?.remove());

async function call(path, request, namespace = "micro") {
  const headers = { "micro-namespace": namespace };
  const response = await fetch(server.url + path, { method: "POST", headers, body: JSON.stringify(request) });
  const answer = await response.json();
  assert.ok(response.ok, JSON.stringify(answer));
  return answer;
}

/** Nobody is written to. */
const MAIL = ["--mail-server", "smtp://127.0.0.1:9", "--mail-from", "chat@example.com"];

let chats = 0;

/** A chat that no other test knows. */
async function newChat(namespace) {
  const { chat_id } = await call("/chat/New", { user_ids: ["John", "Barry", `tester ${++chats}`] }, namespace);
  return chat_id;
}

const send = (chat_id, user_id, text, namespace) => call("/chat/Send", { chat_id, user_id, text }, namespace);
const history = async (chat_id, namespace) => (await call("/chat/History", { chat_id }, namespace)).messages;

test("every example of the documents is found: 11 pages and 13 command lines", () => {
  assert.equal(pages.length, 11);
  assert.equal(lines.length, 13);
  assert.deepEqual(new Set(pages.map(({ title }) => title)), new Set(Object.keys(html.PAGES)));
  assert.deepEqual(new Set(lines.map(({ title }) => title)), new Set(Object.keys(curl.AS_WRITTEN)));
});

describe("pages", () => {
  let visitor;

  before(async () => (visitor = await Visitor.start()));
  after(() => visitor?.quit());

  /** Sends messages to the chat of a page's stream, which John opened. */
  async function converse(chat, ...userIds) {
    // The stream is open once the frame LIVE (23) is there.
    const isLive = ({ frames }) => frames.some((frame) => frame.startsWith("[23,"));
    const shown = await visitor.shows((shown) => isLive(shown) || anything(1)(shown));
    html.checkSucceeded(shown, 0);
    for (const userId of userIds) await send(chat, userId, `Hey, this is ${userId}`);
  }

  for (const example of pages) {
    const { streams, id, path, code } = html.PAGES[example.title];
    const name = `${example.document} › ${example.title}`;

    test(`${name}, as written, answers ${id} and never says Success`, async () => {
      await visitor.open(html.asWritten(example, server.url));
      const shown = await visitor.shows();
      html.checkRefused(shown, id);
      await visitor.checkConsole(shown, streams ? undefined : { url: server.url + path, code });
    });

    const times = streams ? 2 : 1;
    const promise = streams ? "once for each message of another user" : "exactly once";

    test(`${name}, with real ids, says Success ${promise}`, async () => {
      const chat = await newChat();
      await visitor.open(html.withRealIds(example, server.url, chat));
      if (streams) await converse(chat, "Barry", "Paul");
      const shown = await visitor.shows(anything(times));
      html.checkSucceeded(shown, times);
      await visitor.checkConsole(shown);
    });
  }

  const titled = (title) => pages.find((example) => example.title === title);

  for (const [title, { streams, id, fields }] of Object.entries(html.PAGES)) {
    test(`a callback of ${title} with two parameters is called once with (undefined, error)`, async () => {
      const statement = "console.log([data === undefined, error instanceof Error, error.id].join())";
      await visitor.open(html.withCallback(html.asWritten(titled(title), server.url), "data, error", statement));
      const shown = await visitor.shows(anything(2));
      assert.deepEqual(shown.log, [`true,true,${id}`, "Success."]);
      html.checkRefused({ ...shown, log: [] }, id);
    });

    test(`a callback of ${title} gets ${streams ? "the message" : "the answer"}: {${fields.join(", ")}}`, async () => {
      const chat = await newChat();
      const text = html.withRealIds(titled(title), server.url, chat);
      await visitor.open(html.withCallback(text, "data", "console.log(Object.keys(data).sort().join())"));
      if (streams) await converse(chat, "Barry");
      const shown = await visitor.shows(anything(2));
      assert.deepEqual(shown.log, [fields.toSorted().join(), "Success."]);
    });
  }

  test("a page is of another origin than the script and the API", () => {
    assert.notEqual(new URL(visitor.origin).origin, new URL(server.url).origin);
  });

  test("Chat Connect's page, with real ids, hears the user's other devices, too", async () => {
    // The SDK withholds what the page's own handle sent, not what its user sent from elsewhere.
    const chat = await newChat();
    await visitor.open(html.withRealIds(titled("Chat Connect"), server.url, chat));
    await converse(chat, "John", "Barry", "John");
    html.checkSucceeded(await visitor.shows(anything(3)), 3);
  });

  test("Chat Send's page, with real ids, has stored what it says", async () => {
    const chat = await newChat();
    await visitor.open(html.withRealIds(titled("Chat Send"), server.url, chat));
    await visitor.shows();
    const [{ user_id, text, subject, client_id }, ...others] = await history(chat);
    assert.deepEqual(others, []);
    assert.equal(user_id, "id of the user who sent the message");
    assert.equal(text, "text of the message");
    assert.equal(subject, "subject of the message");
    assert.match(client_id, /^a client side id/);
  });

  test("a page that shows anything else is told: these tests can fail", async () => {
    const { id } = html.PAGES["Chat New"];
    const failing = { url: `${server.url}/chat/Chat/New`, code: 400 };
    await visitor.open(html.asWritten(titled("Chat New"), server.url));
    const refused = await visitor.shows();
    assert.throws(() => html.checkSucceeded(refused, 1));
    assert.throws(() => html.checkRefused(refused, "chat.New.MissingUserID"));
    await assert.rejects(visitor.checkConsole(refused));
    await assert.rejects(visitor.checkConsole({ ...refused, error: [] }, failing));

    const succeeding = html.withRealIds(titled("Chat New"), server.url);
    await visitor.open(succeeding);
    const succeeded = await visitor.shows();
    assert.throws(() => html.checkSucceeded(succeeded, 2));
    assert.throws(() => html.checkRefused(succeeded, id));
    await assert.rejects(visitor.checkConsole(succeeded, failing));

    await visitor.open(html.withCallback(succeeding, "data", "Promise.reject(new Error(data.chat_id))"));
    const rejected = await visitor.shows(({ uncaught }) => uncaught.length > 0);
    assert.throws(() => html.checkSucceeded(rejected, 1));
    await assert.rejects(visitor.checkConsole(rejected));
  });
});

describe("command lines", () => {
  // A namespace of one's own, and the one that stands in the documents: single quotes keep a shell from filling it in.
  const namespace = "a-shop";
  const unexpanded = "$yourNamespace";
  let shell;

  before(async () => (shell = await Shell.start(server.url)));
  after(() => shell?.remove());

  const titled = (title) => lines.filter((line) => line.title === title);

  for (const line of lines) {
    const expected = curl.AS_WRITTEN[line.title];
    const answer = expected.answers.Id ?? expected.answers;
    test(`${line.document} › ${line.title}, as written, answers ${answer}`, async () => {
      curl.checkSaid(await shell.run(line.text), expected, line.shown);
    });
  }

  test("Create a chat, as written, is one chat in all documents, in the namespace that says $yourNamespace", async () => {
    const { chat_id } = await call("/chat/New", { user_ids: ["JohnBarry"] }, unexpanded);
    const elsewhere = await call("/chat/New", { user_ids: ["JohnBarry"] });
    assert.notEqual(elsewhere.chat_id, chat_id);
    for (const { text } of titled("Create a chat")) {
      const { stdout } = await shell.run(text);
      assert.deepEqual(JSON.parse(stdout), { chat_id });
    }
  });

  test("View the chat history, as written but asking History, answers chat.History.InvalidChatID", async () => {
    for (const { text } of titled("View the chat history")) {
      const said = await shell.run(swap(text, "/chat/Send", "/chat/History"));
      curl.checkSaid(said, { answers: { Id: "chat.History.InvalidChatID", Code: 400 } });
    }
  });

  for (const line of lines.filter(({ shown }) => shown)) {
    test(`${line.document} › ${line.title}, with real ids and quotes, answers in the shape shown`, async () => {
      const chat = await newChat(namespace);
      const reads = "messages" in line.shown;
      if (reads) await send(chat, "John", "Hey Barry", namespace);
      const { code, stdout, stderr } = await shell.run(curl.withRealIds(line, { namespace, chat }));
      assert.equal(stderr, "");
      assert.equal(code, 0);
      const answer = curl.checkShape(stdout, line.shown);
      if (reads) assert.deepEqual(answer.messages, await history(chat, namespace));
      if (/send/i.test(line.title)) {
        const [{ text }, ...others] = await history(chat, namespace);
        assert.deepEqual(others, []);
        assert.ok(line.text.includes(`"text": "${text}"`), text);
      }
    });
  }

  const [connect] = titled("Chat Connect");

  test(`${connect.document} › Chat Connect, with real ids and quotes, answers that this is a stream`, async () => {
    const chat = await newChat(namespace);
    const said = await shell.run(curl.withRealIds(connect, { namespace, chat }));
    curl.checkSaid(said, { answers: { Id: "chat.Connect.UpgradeRequired", Code: 426 } });
  });

  test(`${connect.document} › Chat Connect, with real ids and a WebSocket's headers, gives the messages`, async () => {
    const chat = await newChat(namespace);
    const { child, said } = shell.start(`exec ${curl.asHandshake(connect, { namespace, chat })}`);
    let heard = "";
    child.stdout.on("data", (data) => (heard += data));
    // curl doesn't tell when the stream is open: some messages may come too early for it.
    const end = Date.now() + 60_000;
    while (!heard.includes("Hey John") && Date.now() < end) {
      await send(chat, "Barry", "Hey John", namespace);
      await sleep(50);
    }
    child.kill();
    await said;
    assert.ok(heard.includes(`"chat_id":"${chat}","user_id":"Barry","subject":"","text":"Hey John"`), heard);
  });

  describe("on a server that wants to know who calls, with an API key in $yourToken", () => {
    let guarded, shell, token, users;

    before(async () => {
      guarded = await Server.start({ command: "serve", args: ["--accounts", "people", ...MAIL] });
      const args = ["keys", "create", "--namespace", namespace, "--data", guarded.data];
      token = execFileSync(guarded.program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
      shell = await Shell.start(guarded.url);
      users = ["John", "Barry", "id of the user who sent the message"];
    });
    after(async () => {
      await shell?.remove();
      await guarded?.remove();
    });

    async function ask(path, request) {
      const headers = { authorization: `Bearer ${token}` };
      const response = await fetch(guarded.url + path, { method: "POST", headers, body: JSON.stringify(request) });
      assert.ok(response.ok, await response.clone().text());
      return response.json();
    }

    for (const line of lines.filter(({ shown }) => shown)) {
      test(`${line.document} › ${line.title} answers in the shape shown`, async () => {
        const { chat_id: chat } = await ask("/chat/New", { user_ids: [...users, `tester ${++chats}`] });
        if ("messages" in line.shown) await ask("/chat/Send", { chat_id: chat, user_id: "John", text: "Hey Barry" });
        const { code, stdout, stderr } = await shell.run(curl.withRealIds(line, { namespace, chat, token }));
        assert.equal(stderr, "");
        assert.equal(code, 0);
        curl.checkShape(stdout, line.shown);
        const wrong = await shell.run(curl.withRealIds(line, { namespace, chat, token: `${token}0` }));
        assert.equal(JSON.parse(wrong.stdout).Id, "auth.InvalidToken");
      });
    }
  });

  test("a line that says anything else is told: these tests can fail", async () => {
    const [create] = titled("Create a chat");
    const created = await shell.run(create.text);
    assert.throws(() => curl.checkSaid(created, { answers: { Id: "chat.New.MissingUserIDs", Code: 400 } }));
    assert.throws(() => curl.checkSaid(created, curl.AS_WRITTEN[create.title], { chat: "" }));

    const [view] = titled("View the chat history");
    const refused = await shell.run(swap(view.text, THEIR_CHAT, ""));
    assert.throws(() => curl.checkSaid(refused, curl.AS_WRITTEN[view.title], view.shown));
    assert.throws(() => curl.checkShape(refused.stdout, view.shown));
  });
});
