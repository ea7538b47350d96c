// The page of examples: each of them as it is written, and with ids that there are.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ann, call, mayLog, screenshots, server } from "./stage.mjs";

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
    mayLog(REFUSED);
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
  mayLog(/chat\.Connect\.Missing/);
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
  mayLog(REFUSED);
  await run("chat-New");
  await choose("chat-Send", "written");
  await run("chat-Send");
  await ann.run(() => scrollTo(0, 0));
  await screenshots(ann, "examples");
});
