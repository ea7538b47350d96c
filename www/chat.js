// The chat page: opens the chat that the address names, shows its history, and then what is said and what you say.
//
//   ?user_id=ann&with=ben        finds or creates the chat of these users
//   ?chat_id=…&user_id=ann       opens a chat as one of its users
//   ?chat_id=…                   asks for a name first
//
// Whatever users wrote goes into the page as text (`textContent`), never as HTML.

// Chats of different namespaces know nothing of each other. Give each of your sites its own.
const NAMESPACE = "micro";

// Messages that are shown at once, and added with each "Show earlier messages".
const PAGE = 50;

// Messages of one user that are at most this far apart, in seconds, stand together under one name.
const TOGETHER = 5 * 60;

const element = (id) => document.getElementById(id);
const list = element("messages");
const log = element("log");
const scroller = element("scroller");
const text = element("text");

async function start() {
  const { chat_id, user_id: named, with: others } = Micro.params();
  try {
    // Where the server wants to know who you are, you are who you log in as.
    await Micro.requireLogin();
  } catch (error) {
    if (error.id.startsWith("client.Login")) return askWho(inWords(error));
    // It can't be reached: what follows says so, and tries again.
  }
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

/** Shows the form that asks for names, with a complaint above if something went wrong. */
function askWho(complaint) {
  const { chat_id, user_id, with: others } = Object.fromEntries(new URLSearchParams(location.search));
  const user = globalThis.Micro?.user;
  element("name").value = user?.user_id ?? user_id ?? "";
  element("name").readOnly = Boolean(user);
  element("logout").hidden = !user;
  element("with").value = others ?? "";
  if (chat_id) {
    element("start-title").textContent = "Join the chat";
    element("start-lead").textContent = "Somebody sent you here. Say who you are, and you are in.";
    element("with-field").hidden = true;
    element("with").disabled = true;
    element("start-chat").disabled = false;
    element("start-chat").value = chat_id;
  }
  element("start-complaint").textContent = complaint ?? "";
  element("start-complaint").hidden = !complaint;
  element("start").hidden = false;
}

/** The chat itself, from opening it on. */
function chat(chatId, me, others) {
  /** Who else is here, as far as the address and the messages tell. */
  const people = new Set(others);

  /** The list item of each stored message, by `seq`: a message is shown once, however often it comes. */
  const stored = new Map();

  /** The list items of your messages that are not stored yet, by `client_id`. */
  const unsent = new Map();

  /** What each list item shows. */
  const messageOf = new WeakMap();

  /** The stream. There is none before the history is there. */
  let handle;

  /** Where the stream goes on: everything before came already. */
  let cursor = 0;

  /** Whether the end of the list is in view, and to be kept there. */
  let atEnd = true;

  /** Messages that came while nobody was looking at the end of the list. */
  let unread = 0;

  element("chat").hidden = false;
  element("composer").addEventListener("submit", submit);
  element("earlier").addEventListener("click", showEarlier);
  element("newer").addEventListener("click", scrollToEnd);
  watchScrolling();
  watchField();
  watchMenu();
  watchPending();
  showPeople();
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
    element("empty").hidden = list.childElementCount > 0;
    connect();
    // A phone would open its keyboard and cover what was said.
    if (matchMedia("(pointer: fine)").matches) text.focus();
  }

  function connect() {
    hideProblem();
    // From the cursor on, so that nothing is missed that is said between the history and the stream.
    handle = Micro.connect("/chat/Connect", NAMESPACE, { chat_id: chatId, user_id: me, after: cursor }, receive);
    handle.on("state", showState);
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
    const known = new Set([...stored.values(), ...unsent.values()].map((item) => messageOf.get(item).client_id));
    for (const { namespace, ...message } of pending) {
      const { chat_id, user_id, client_id } = message;
      if (namespace !== NAMESPACE || chat_id !== chatId || user_id !== me || known.has(client_id)) continue;
      const item = itemFor(message);
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
    button.disabled = true;
    try {
      const { seq: before } = messageOf.get(list.firstElementChild);
      const { messages, has_more } = await Micro.post("/chat/History", NAMESPACE, {
        chat_id: chatId,
        limit: PAGE,
        before,
      });
      // What you are reading stays where it is.
      const below = scroller.scrollHeight - scroller.scrollTop;
      addAll(messages);
      scroller.scrollTop = scroller.scrollHeight - below;
      button.hidden = !has_more;
      hideProblem();
    } catch (error) {
      showProblem(error, showEarlier);
    }
    button.disabled = false;
  }

  // Receiving.

  /** Shows history. Nobody wants to hear all of it read out. */
  function addAll(messages) {
    log.setAttribute("aria-live", "off");
    messages.forEach(show);
    showPeople();
    setTimeout(() => log.setAttribute("aria-live", "polite"), 500);
  }

  function receive(message) {
    const item = show(message);
    if (!item) return;
    item.classList.add("fresh");
    showPeople();
    if (atEnd && !document.hidden) return;
    unread += 1;
    showUnread();
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
    const item = itemFor(message);
    stored.set(message.seq, item);
    place(item);
    return item;
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
    const item = itemFor(message);
    item.classList.add("fresh");
    unsent.set(message.client_id, item);
    place(item);
    send(item);
    writeText("");
    scrollToEnd();
  }

  async function send(item) {
    const message = messageOf.get(item);
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
    const message = messageOf.get(item);
    unsent.delete(message.client_id);
    Object.assign(message, { seq, sent_at });
    stored.set(seq, item);
    showTime(item);
    showStatus(item, "stored");
    place(item);
  }

  /** Takes a message that failed back into the field. */
  function edit(item) {
    const message = messageOf.get(item);
    const following = item.nextElementSibling;
    unsent.delete(message.client_id);
    item.remove();
    if (following) arrange(following);
    writeText([message.text, text.value].filter(Boolean).join("\n"));
    text.focus();
  }

  // The list.

  function itemFor(message) {
    const item = element("message").content.cloneNode(true).firstElementChild;
    const part = (name) => item.querySelector(name);
    const mine = message.user_id === me;
    messageOf.set(item, message);
    item.classList.toggle("mine", mine);
    item.style.setProperty("--hue", hueOf(message.user_id));
    part(".author").textContent = mine ? "You" : message.user_id;
    part(".subject").textContent = message.subject;
    part(".subject").hidden = !message.subject;
    part(".text").textContent = message.text;
    part(".retry").addEventListener("click", () => send(item));
    part(".edit").addEventListener("click", () => edit(item));
    showTime(item);
    if (mine && message.seq) showStatus(item, "stored");
    return item;
  }

  /** Puts an item where it belongs: in the order of `seq`, and what isn't stored yet behind that. */
  function place(item) {
    element("empty").hidden = true;
    const order = (other) => messageOf.get(other).seq ?? Infinity;
    // From the end, for that's where nearly all of them belong.
    let following = null;
    for (let other = list.lastElementChild; other; other = other.previousElementSibling) {
      if (other === item) continue;
      if (order(other) <= order(item)) break;
      following = other;
    }
    if (item.parentNode !== list || item.nextElementSibling !== following) {
      const left = item.nextElementSibling;
      list.insertBefore(item, following);
      if (left) arrange(left);
    }
    arrange(item);
    if (following) arrange(following);
  }

  /** Decides what an item shows above its bubble, which depends on the one before. */
  function arrange(item) {
    const message = messageOf.get(item);
    const before = messageOf.get(item.previousElementSibling);
    const newDay = !before || dayOf(before) !== dayOf(message);
    const together = !newDay && before.user_id === message.user_id && message.sent_at - before.sent_at <= TOGETHER;
    item.classList.toggle("continues", together);
    item.querySelector(".day").hidden = !newDay;
    // All of them: since the last time, today may have become yesterday.
    if (newDay) {
      for (const day of list.querySelectorAll(".day:not([hidden])")) {
        day.textContent = dayInWords(dayOf(messageOf.get(day.parentNode)));
      }
    }
  }

  function showTime(item) {
    const date = new Date(messageOf.get(item).sent_at * 1000);
    const time = item.querySelector("time");
    time.dateTime = date.toISOString();
    time.title = date.toLocaleString();
    time.textContent = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  }

  /** What has become of a message of yours: "sending", "stored" or "failed". */
  function showStatus(item, status, error) {
    const mark = item.querySelector(".status");
    item.classList.toggle("sending", status === "sending");
    item.classList.toggle("failed", status === "failed");
    item.querySelector(".failure").hidden = status !== "failed";
    item.querySelector(".failure p").textContent = error ? `Not sent. ${inWords(error)}` : "";
    if (status === "stored") {
      mark.replaceChildren(spoken("stored"), shown("✓"));
      mark.title = "Stored";
    } else {
      mark.textContent = status === "sending" ? "sending…" : "not sent";
      mark.removeAttribute("title");
    }
  }

  // Around the list.

  function showPeople() {
    const names = people.size > 0 ? new Intl.ListFormat([], { type: "conjunction" }).format(people) : "Chat";
    if (element("title").textContent !== names) element("title").textContent = names;
    showUnread();

    // Links that open this chat as somebody else, to see both sides of it.
    element("share").href = addressOf(chatId);
    const links = [...people].slice(0, 5).map((name) => {
      const link = document.createElement("a");
      link.href = addressOf(chatId, name, [me, ...[...people].filter((other) => other !== name)]);
      link.target = "_blank";
      link.rel = "noopener";
      link.append("Open a second window as ", isolated(name));
      return link;
    });
    element("menu-list")
      .querySelectorAll(".as")
      .forEach((entry) => entry.remove());
    for (const link of links) {
      const entry = document.createElement("li");
      entry.className = "as";
      entry.append(link.cloneNode(true));
      element("share").parentNode.before(entry);
    }
    element("empty-links").replaceChildren(...links.slice(0, 1));
  }

  function showUnread() {
    element("newer").hidden = unread === 0 || atEnd;
    element("newer").textContent = unread === 1 ? "1 new message ↓" : `${unread} new messages ↓`;
    document.title = `${unread > 0 ? `(${unread}) ` : ""}${element("title").textContent} · Micro Chat`;
  }

  function watchScrolling() {
    const look = () => {
      if (atEnd && !document.hidden) unread = 0;
      showUnread();
    };
    let width = scroller.clientWidth;
    scroller.addEventListener("scroll", () => {
      // WebKit also tells what another width did, before there was time to go back to the end.
      if (scroller.clientWidth !== width) return;
      atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 48;
      look();
    });
    document.addEventListener("visibilitychange", look);
    // New messages, a keyboard that opens, a field that grows: the end stays in view for those who were there.
    const keep = new ResizeObserver(() => {
      width = scroller.clientWidth;
      if (atEnd) scrollToEnd();
    });
    keep.observe(scroller);
    keep.observe(log);
    // iOS covers the page with its keyboard instead of making it smaller.
    globalThis.visualViewport?.addEventListener("resize", () => {
      const { height, scale } = visualViewport;
      if (scale === 1) document.documentElement.style.setProperty("--visible-height", `${height}px`);
    });
  }

  function scrollToEnd() {
    scroller.scrollTop = scroller.scrollHeight;
  }

  function watchField() {
    text.addEventListener("input", fit);
    text.addEventListener("keydown", (event) => {
      // While an input method composes a word, Enter accepts the word. (229 is how Safari says that.)
      const composes = event.isComposing || event.keyCode === 229;
      if (event.key !== "Enter" || event.shiftKey || composes) return;
      event.preventDefault();
      element("composer").requestSubmit();
    });
  }

  /** As high as what is in it; chat.css says where that ends. */
  function fit() {
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight + text.offsetHeight - text.clientHeight}px`;
  }

  function writeText(value) {
    text.value = value;
    fit();
  }

  function watchMenu() {
    const menu = element("menu");
    document.addEventListener("click", (event) => {
      if (!menu.contains(event.target) || event.target.closest("a")) menu.open = false;
    });
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  }
}

// The connection.

let counting;

/** Shows the state of the connection; `delay` is the time to the next try, in milliseconds. */
function showState({ state, delay }) {
  clearInterval(counting);
  const words = {
    connecting: "Connecting…",
    live: "Live",
    waiting: "No connection",
    offline: "Offline",
    closed: "Not connected",
  };
  element("state").dataset.state = state;
  element("state-words").textContent = words[state] ?? state;
  element("state-countdown").textContent = "";
  if (state !== "waiting" || delay === undefined) return;
  const until = performance.now() + delay;
  const count = () => {
    const seconds = Math.ceil((until - performance.now()) / 1000);
    element("state-countdown").textContent = seconds > 0 ? `· next try in ${seconds} s` : "· trying again";
  };
  count();
  counting = setInterval(count, 250);
}

function showProblem(error, retry) {
  const isGone = isUnknownChat(error);
  element("problem-words").textContent = inWords(error);
  element("problem-action").textContent = isGone ? "Start another chat" : "Try again";
  element("problem-action").onclick = isGone ? () => (location.href = "./") : retry;
  element("problem").hidden = false;
  // There is nothing to write to.
  element("composer").hidden = isGone;
}

function hideProblem() {
  element("problem").hidden = true;
}

// Words.

const isUnknownChat = ({ id }) => /^chat\.\w+\.InvalidChatID$/.test(id);

/** What went wrong, and what to do, for somebody who just wants to chat. */
function inWords(error) {
  if (isUnknownChat(error)) return "This chat does not exist. Perhaps a part of its address got lost.";
  if (/TooLarge$/.test(error.id)) return "It is too long for one message.";
  if (error.id === "client.Network") return "The server can't be reached. Check your connection.";
  if (error.id === "client.LoginCancelled") return "Log in to chat here: load this page again.";
  if (error.id === "client.Closed" || error.id === "client.Dismissed") return "The connection was closed.";
  return error.detail || error.message || String(error);
}

const dayOf = ({ sent_at }) => new Date(sent_at * 1000).setHours(0, 0, 0, 0);

/** "Today", "Yesterday", or the date, in the visitor's language. */
function dayInWords(day) {
  const ago = Math.round((new Date().setHours(0, 0, 0, 0) - day) / 86_400_000);
  if (ago === 0 || ago === 1) {
    const words = new Intl.RelativeTimeFormat([], { numeric: "auto" }).format(-ago, "day");
    return words[0].toLocaleUpperCase() + words.slice(1);
  }
  const year = new Date(day).getFullYear() === new Date().getFullYear() ? undefined : "numeric";
  return new Date(day).toLocaleDateString([], { weekday: "long", day: "numeric", month: "long", year });
}

// Small things.

/** The names in "ann, ben". */
function namesIn(others = "") {
  return others
    .split(",")
    .map((name) => name.trim())
    .filter(Boolean);
}

/** The address of a chat, as one of its users, or as somebody who is yet to say who. */
function addressOf(chat_id, user_id, others = []) {
  const address = new URLSearchParams({ chat_id });
  if (user_id) address.set("user_id", user_id);
  if (others.length > 0) address.set("with", others.join(","));
  return `?${address}`;
}

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A hue for a name, the same each time. */
function hueOf(name) {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + character.codePointAt(0)) % 360;
  return hash;
}

/** A name among other words, whichever way it is written. */
function isolated(name) {
  const part = document.createElement("bdi");
  part.textContent = name;
  return part;
}

function spoken(words) {
  const part = document.createElement("span");
  part.className = "unseen";
  part.textContent = words;
  return part;
}

function shown(sign) {
  const part = document.createElement("span");
  part.setAttribute("aria-hidden", "true");
  part.textContent = sign;
  return part;
}

element("logout").addEventListener("click", async () => {
  try {
    await Micro.logout();
    location.reload();
  } catch (error) {
    askWho(inWords(error));
  }
});

// Everything above is there now.
if (globalThis.Micro) start();
else askWho("micro.js did not load. Is the address in the page's script tag right, and is the server running?");
