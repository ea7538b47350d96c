// A message as an item of the list. Whatever users wrote goes into the page as text (`textContent`), never as HTML.

import { element, shown, spoken } from "./element.js";
import { inWords } from "./words.js";

/** What each list item shows. */
const messages = new WeakMap();

/** What an item shows. */
export const messageOf = (item) => messages.get(item);

/** The item of a message, which is `mine` or somebody's; `retry` and `edit` are for one of mine that failed. */
export function itemFor(message, mine, { retry, edit }) {
  const item = element("message").content.cloneNode(true).firstElementChild;
  const part = (name) => item.querySelector(name);
  messages.set(item, message);
  item.classList.toggle("mine", mine);
  item.style.setProperty("--hue", hueOf(message.user_id));
  part(".author").textContent = mine ? "You" : message.user_id;
  part(".subject").textContent = message.subject;
  part(".subject").hidden = !message.subject;
  part(".text").textContent = message.text;
  part(".retry").addEventListener("click", () => retry(item));
  part(".edit").addEventListener("click", () => edit(item));
  showTime(item);
  if (mine && message.seq) showStatus(item, "stored");
  return item;
}

export function showTime(item) {
  const date = new Date(messageOf(item).sent_at * 1000);
  const time = item.querySelector("time");
  time.dateTime = date.toISOString();
  time.title = date.toLocaleString();
  time.textContent = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

/** What has become of a message of yours: "sending", "stored" or "failed". */
export function showStatus(item, status, error) {
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

/** A hue for a name, the same each time. */
function hueOf(name) {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + character.codePointAt(0)) % 360;
  return hash;
}
