// The chat page: opens the chat that the address names, shows its history, and then what is said and what you say.
//
//   ?user_id=ann&with=ben        finds or creates the chat of these users
//   ?chat_id=…&user_id=ann       opens a chat as one of its users
//   ?chat_id=…                   asks for a name first

import { addressOf, namesIn } from "./address.js";
import { element } from "./element.js";
import { watchField, writeText } from "./field.js";
import { itemFor, messageOf, showStatus, showTime } from "./item.js";
import { oldest, place, remove, showEmpty } from "./list.js";
import { watchLogout } from "./logout.js";
import { showNotice } from "./notice.js";
import { showPeople, watchMenu } from "./people.js";
import { addAbove, countUnread, scrollToEnd, watchScrolling } from "./reader.js";
import { askWho } from "./start.js";
import { hideProblem, showProblem, showState } from "./state.js";
import { inWords } from "./words.js";

// Chats of different namespaces know nothing of each other. Give each of your sites its own.
const NAMESPACE = "micro";

// Messages that are shown at once, and added with each "Show earlier messages".
const PAGE = 50;

const log = element("log");
const text = element("text");

async function start() {
  const { chat_id, user_id: named, with: others } = Micro.params();
  try {
    // Where the server wants to know who you are, you are who you log in as.
    await Micro.requireLogin();
  } catch (error) {
    return showNotice(error, start);
  }
  document.body.dataset.login = Micro.user ? "done" : "none";
  const user_id = Micro.user?.user_id ?? named;
  if (user_id && chat_id) return chat(chat_id, user_id, namesIn(others));
  if (!user_id || !others) return askWho();

  try {
    // The same users always get the same chat, so this may be asked again at each visit.
    const answer = await Micro.post("/chat/New", NAMESPACE, { user_ids: [user_id, ...namesIn(others)] });
    // From here on the address says which chat this is: it can be kept, reloaded and sent to others.
    history.replaceState(null, "", addressOf(answer.chat_id, user_id, namesIn(others)));
    chat(answer.chat_id, user_id, namesIn(others));
  } catch (error) {
    askWho(inWords(error));
  }
}

/** The chat itself, from opening it on. */
function chat(chatId, me, others) {
  /** Who else is here, as far as the address and the messages tell. */
  const people = new Set(others);

  /** The list item of each stored message, by `seq`: a message is shown once, however often it comes. */
  const stored = new Map();

  /** The list items of your messages that are not stored yet, by `client_id`. */
  const unsent = new Map();

  /** The stream. There is none before the history is there. */
  let handle;

  /** Where the stream goes on: everything before came already. */
  let cursor = 0;

  element("chat").hidden = false;
  element("composer").addEventListener("submit", submit);
  element("earlier").addEventListener("click", showEarlier);
  element("newer").addEventListener("click", showEnd);
  watchScrolling();
  watchField();
  watchMenu();
  watchPending();
  showPeople(people, chatId, me);
  open();

  // Opening.

  async function open() {
    hideProblem();
    showState({ state: "connecting" });
    try {
      const { messages, has_more } = await Micro.post("/chat/History", NAMESPACE, { chat_id: chatId, limit: PAGE });
      addAll(messages);
      element("earlier").hidden = !has_more;
      cursor = messages.at(-1)?.seq ?? 0;
    } catch (error) {
      showState({ state: "closed" });
      return showProblem(error, open);
    }
    showEmpty();
    connect();
    // A phone would open its keyboard and cover what was said.
    if (matchMedia("(pointer: fine)").matches) text.focus();
  }

  function connect() {
    hideProblem();
    // From the cursor on, so that nothing is missed that is said between the history and the stream.
    handle = Micro.connect("/chat/Connect", NAMESPACE, { chat_id: chatId, user_id: me, after: cursor }, receive);
    handle.on("state", showState);
    handle.on("gap", showGap);
    showPending();
    // Broken links heal by themselves and are no errors. After an error the handle is closed.
    handle.on("error", (error) => {
      cursor = handle.cursor ?? cursor;
      showProblem(error, connect);
    });
  }

  /** Shows what you wrote before this page was loaded, and was not stored then: it is being sent now. */
  async function showPending() {
    const pending = await Micro.pending();
    const known = new Set([...stored.values(), ...unsent.values()].map((item) => messageOf(item).client_id));
    for (const { namespace, ...message } of pending) {
      const { chat_id, user_id, client_id } = message;
      if (namespace !== NAMESPACE || chat_id !== chatId || user_id !== me || known.has(client_id)) continue;
      const item = itemOf(message);
      unsent.set(client_id, item);
      showStatus(item, "sending");
      place(item);
    }
  }

  /** What became of such a message, which may be another chat's, or here already. */
  function watchPending() {
    Micro.on("sent", (message) => {
      const item = unsent.get(message.client_id);
      if (item) settle(item, message);
    });
    Micro.on("failed", (message, error) => {
      const item = unsent.get(message.client_id);
      if (item) showStatus(item, "failed", error);
    });
  }

  async function showEarlier() {
    const button = element("earlier");
    const isFocused = document.activeElement === button;
    button.disabled = true;
    try {
      const { seq: before } = oldest();
      const { messages, has_more } = await Micro.post("/chat/History", NAMESPACE, {
        chat_id: chatId,
        limit: PAGE,
        before,
      });
      addAbove(() => addAll(messages));
      button.hidden = !has_more;
      hideProblem();
    } catch (error) {
      showProblem(error, showEarlier);
    }
    button.disabled = false;
    // Whoever uses a keyboard stays where they were.
    if (isFocused) (button.hidden ? element("scroller") : button).focus({ preventScroll: true });
  }

  function showEnd() {
    scrollToEnd();
    // Its button goes, and takes the focus with it.
    element("scroller").focus({ preventScroll: true });
  }

  // Receiving.

  /** Shows history. Nobody wants to hear all of it read out. */
  function addAll(messages) {
    log.setAttribute("aria-live", "off");
    messages.forEach(show);
    showPeople(people, chatId, me);
    setTimeout(() => log.setAttribute("aria-live", "polite"), 500);
  }

  /** Some of the chat will never come. */
  function showGap({ restored }) {
    element("gap").hidden = restored;
    if (!restored) return;
    // The server was restored from a backup, and its chats count anew: what is shown may be lost, and what is there
    // comes all again.
    for (const item of stored.values()) remove(item);
    stored.clear();
    element("earlier").hidden = true;
    showEmpty();
  }

  function receive(message) {
    const item = show(message);
    if (!item) return;
    item.classList.add("fresh");
    showPeople(people, chatId, me);
    countUnread();
  }

  /** Shows a stored message. Returns its item if it is new here. */
  function show(message) {
    if (stored.has(message.seq)) return undefined;
    const mine = message.user_id === me && unsent.get(message.client_id);
    if (mine) {
      // It reached the server although no answer reached us.
      settle(mine, message);
      return undefined;
    }
    if (message.user_id !== me) people.add(message.user_id);
    const item = itemOf(message);
    stored.set(message.seq, item);
    place(item);
    return item;
  }

  function itemOf(message) {
    return itemFor(message, message.user_id === me, { retry: send, edit });
  }

  // Sending.

  function submit(event) {
    event.preventDefault();
    if (!handle || !text.value.trim()) return;
    // This id stays the message's own through every retry: the server stores it once, however often it comes.
    const message = {
      client_id: newId(),
      user_id: me,
      subject: "",
      text: text.value.trim(),
      sent_at: Date.now() / 1000,
    };
    const item = itemOf(message);
    item.classList.add("fresh");
    unsent.set(message.client_id, item);
    place(item);
    send(item);
    writeText("");
    scrollToEnd();
  }

  async function send(item) {
    const message = messageOf(item);
    showStatus(item, "sending");
    try {
      const { client_id, subject, text } = message;
      settle(item, await handle.send({ client_id, subject, text }));
    } catch (error) {
      // It may have come back by the stream before its answer failed.
      if (unsent.has(message.client_id)) showStatus(item, "failed", error);
    }
  }

  /** A message of yours is stored; the server says at which place and when. */
  function settle(item, { seq, sent_at }) {
    const message = messageOf(item);
    unsent.delete(message.client_id);
    Object.assign(message, { seq, sent_at });
    stored.set(seq, item);
    showTime(item);
    showStatus(item, "stored");
    place(item);
  }

  /** Takes a message that failed back into the field. */
  function edit(item) {
    const message = messageOf(item);
    unsent.delete(message.client_id);
    remove(item);
    writeText([message.text, text.value].filter(Boolean).join("\n"));
    text.focus();
  }
}

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

watchLogout();
// Everything above is there now.
if (globalThis.Micro) start();
else showNotice({ id: "client.LoadFailed" });
