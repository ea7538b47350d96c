// Who is in the chat, and the links by which others come into it.

import { addressOf } from "./address.js";
import { element, isolated } from "./element.js";
import { showUnread } from "./reader.js";

/** Shows who else is here, as far as that is known: `people`, in the chat that `me` is in. */
export function showPeople(people, chatId, me) {
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
    entry.className = "as for-trial";
    entry.append(link.cloneNode(true));
    element("share").parentNode.before(entry);
  }
  element("empty-links").replaceChildren(...links.slice(0, 1));
}

export function watchMenu() {
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
