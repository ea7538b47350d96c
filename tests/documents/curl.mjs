// What the documents' command lines are expected to give.

import assert from "node:assert/strict";

import { PLACEHOLDER, swap, THEIR_CHAT } from "./edit.mjs";

const refused = (id, code = 400) => ({ Id: id, Code: code });

const commandNotFound = (name) => new RegExp(`^bash: line \\d+: ${name}:: command not found$`);
const syntaxError = [/^bash: .*syntax error near unexpected token `}'$/, /^bash: .*`};'$/];
const noSuchHost = /^curl: \(7\) /;

/**
 * As written:
 *
 * | line                       | curl sends             | the server answers           | the shell then           |
 * | -------------------------- | ---------------------- | ---------------------------- | ------------------------ |
 * | Create a chat              | the body shown         | the chat of JohnBarry        | is content               |
 * | Send a message to the chat | the body: no `chat_id` | chat.Send.MissingChatID      | is content               |
 * | View the chat history      | the body, to Send      | chat.Send.MissingUserID      | is content               |
 * | Chat Connect               | `Schema`               | chat.Connect.UpgradeRequired | asks two more hosts,     |
 * |                            |                        |                              | `related` and `to`; `#`  |
 * |                            |                        |                              | starts a comment         |
 * | Chat History, Chat Send    | `{`: the line ends     | gateway.InvalidJSON          | takes each field for a   |
 * |                            |                        |                              | command, and `}` for a   |
 * |                            |                        |                              | syntax error             |
 * | Chat New                   | `{}`                   | chat.New.MissingUserIDs      | is content               |
 *
 * `'$yourNamespace'` and `'$yourToken'` are in single quotes: they are sent just so.
 */
export const AS_WRITTEN = {
  "Create a chat": { answers: "a chat" },
  "Send a message to the chat": { answers: refused("chat.Send.MissingChatID") },
  "View the chat history": { answers: refused("chat.Send.MissingUserID") },
  "Chat Connect": {
    answers: refused("chat.Connect.UpgradeRequired", 426),
    code: 7,
    complaints: [noSuchHost, noSuchHost],
  },
  "Chat History": {
    answers: refused("gateway.InvalidJSON"),
    code: 2,
    complaints: [commandNotFound("chat_id"), ...syntaxError],
  },
  "Chat New": { answers: refused("chat.New.MissingUserIDs") },
  "Chat Send": {
    answers: refused("gateway.InvalidJSON"),
    code: 2,
    complaints: [
      ...["chat_id", "client_id", "subject", "text", "user_id"].map((field) => commandNotFound(field)),
      ...syntaxError,
    ],
  },
};

const quoted = (text) => text.replace(/ -d (?!')(.*);$/s, " -d '$1';");

/** With a namespace, a token and a chat of one's own, and bodies in quotes. */
const EDITS = {
  "Create a chat": (text) => text,
  "Send a message to the chat": (text, chat) => swap(text, `'{"user_id"`, `'{"chat_id": "${chat}", "user_id"`),
  // The documents show History's request and answer under Send's address.
  "View the chat history": (text, chat) => swap(swap(text, THEIR_CHAT, chat), "/chat/Send", "/chat/History"),
  "Chat Connect": (text, chat) => quoted(swap(text, PLACEHOLDER, JSON.stringify({ chat_id: chat, user_id: "John" }))),
  "Chat History": (text, chat) => quoted(swap(text, `"string"`, `"${chat}"`)),
  "Chat New": (text) => quoted(swap(text, "{}", `{"user_ids": ["John", "Barry"]}`)),
  "Chat Send": (text, chat) => quoted(swap(text, "id of the chat the message is being sent to / from", chat)),
};

export function withRealIds({ title, text }, { namespace, chat, token = "a-token" }) {
  const own = swap(swap(text, "$yourNamespace", namespace), "$yourToken", token);
  return EDITS[title](own, chat);
}

/** The same line as a WebSocket's handshake: the only way in which curl can hear a stream. */
export function asHandshake({ text }, { namespace, chat }) {
  const headers = [
    `chat-id: ${chat}`,
    "user-id: John",
    "connection: upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    `sec-websocket-key: ${Buffer.alloc(16).toString("base64")}`,
  ];
  const options = ["--no-buffer", "--http1.1", ...headers.map((header) => `-H '${header}'`)].join(" ");
  return swap(swap(text, "$yourNamespace", namespace), `-d ${PLACEHOLDER}`, options);
}

// Fields that the documents don't show, or show in one of two places.
const NEWER = { sent_at: "number", seq: "number" };

function shapeOf(value) {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value !== "object" || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, shapeOf(field)]));
}

/** Throws unless an answer has the shape that the document shows. */
export function checkShape(stdout, shown) {
  const expected = shapeOf(shown);
  if (expected.messages) expected.messages = expected.messages.map((message) => ({ ...message, ...NEWER }));
  const answer = JSON.parse(stdout);
  assert.deepEqual(shapeOf(answer), expected);
  return answer;
}

/** Throws unless a command line gave what it has to: the answer, and what the shell complains of. */
export function checkSaid({ code, stdout, stderr }, { answers, code: expectedCode = 0, complaints = [] }, shown) {
  const said = stderr.split("\n").filter(Boolean);
  const complained = `the shell said:\n${stderr}`;
  assert.equal(said.length, complaints.length, complained);
  complaints.forEach((complaint, index) => assert.match(said[index], complaint, complained));
  assert.equal(code, expectedCode, complained);
  if (answers === "a chat") {
    checkShape(stdout, shown);
    return;
  }
  const { Id, Code, Detail, Status, ...rest } = JSON.parse(stdout);
  assert.deepEqual({ Id, Code, ...rest }, answers);
  assert.ok(Detail && Status, stdout);
}
