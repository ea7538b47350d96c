// What the documents' pages are expected to show.

import assert from "node:assert/strict";

import { PLACEHOLDER, swap, THEIR_CHAT } from "./edit.mjs";

const body = (value) => JSON.stringify(value);

/**
 * By an example's title: the endpoint it calls, how that refuses it as written (`id`; `code`, which a stream doesn't
 * have), its text with a chat of one's own (`edit`), and the fields of what its callback then gets.
 */
export const PAGES = {
  "Chat Connect": {
    path: "/chat/Chat/Connect",
    id: "chat.Connect.InvalidChatID",
    streams: true,
    fields: ["id", "client_id", "chat_id", "user_id", "subject", "text", "sent_at", "seq"],
    edit: (text, chat) => swap(text, THEIR_CHAT, chat),
  },
  "Chat History": {
    path: "/chat/Chat/History",
    id: "chat.History.InvalidChatID",
    code: 400,
    fields: ["messages"],
    edit: (text, chat) => swap(text, `"string"`, `"${chat}"`),
  },
  "Chat New": {
    path: "/chat/Chat/New",
    id: "chat.New.MissingUserIDs",
    code: 400,
    fields: ["chat_id"],
    edit: (text) => swap(text, "{},", `${body({ user_ids: ["John", "Barry"] })},`),
  },
  "Chat Send": {
    path: "/chat/Chat/Send",
    id: "chat.Send.InvalidChatID",
    code: 400,
    fields: [],
    edit: (text, chat) => swap(text, "id of the chat the message is being sent to / from", chat),
  },
  "Chats CreateChat": {
    path: "/chats/Chats/CreateChat",
    id: "MISSING_USER_IDs",
    code: 400,
    fields: ["chat"],
    edit: (text) => swap(text, `"string"`, `"John", "Barry"`),
  },
  "Chats ListMessages": {
    path: "/chats/Chats/ListMessages",
    id: "NOT_FOUND",
    code: 404,
    fields: ["messages"],
    edit: (text, chat) => swap(text, "unique id of the chat", chat),
  },
  "Chats SendMessage": {
    path: "/chats/Chats/SendMessage",
    id: "NOT_FOUND",
    code: 404,
    fields: ["message"],
    edit: (text, chat) => swap(text, `"chat_id": "string"`, `"chat_id": "${chat}"`),
  },
};

/** The example, with the script from `server`; where the document has a placeholder for the request, with a request. */
export function asWritten({ text }, server) {
  const own = swap(text, "https://web.m3o.com/assets/micro.js", `${server}/assets/micro.js`);
  return own.replace(PLACEHOLDER, body({ chat_id: THEIR_CHAT, user_id: "John" }));
}

export const withRealIds = (example, server, chat) => PAGES[example.title].edit(asWritten(example, server), chat);

/** The example with a callback of these parameters that does something first. */
export const withCallback = (text, parameters, statement) =>
  swap(text, "function (data) {", `function (${parameters}) { ${statement};`);

/** Throws unless the page logged exactly one error, which names `id`, and never success. */
export function checkRefused({ log, error, uncaught }, id) {
  assert.deepEqual({ log, uncaught }, { log: [], uncaught: [] });
  assert.equal(error.length, 1, `one error, not:\n${error.join("\n")}`);
  assert.ok(error[0].split(/[^\w.]+/).includes(id), error[0]);
}

/** Throws unless the page logged success so many times, and nothing else. */
export function checkSucceeded({ log, error, uncaught }, times) {
  assert.deepEqual({ log, error, uncaught }, { log: Array(times).fill("Success."), error: [], uncaught: [] });
}
