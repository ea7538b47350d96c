// The form that asks who chats with whom. A plain form: it puts the answers into the page's address.

import { element } from "./element.js";

/** Shows the form that asks for names, with a complaint above if something went wrong. */
export function askWho(complaint) {
  const { chat_id, user_id, with: others } = Object.fromEntries(new URLSearchParams(location.search));
  const user = globalThis.Micro?.user;
  element("name").value = user?.user_id ?? user_id ?? "";
  element("name").readOnly = Boolean(user);
  element("logout").hidden = !user;
  if (user) {
    element("name-label").textContent = "Logged in as";
    element("with-hint").textContent = "The address or name that they log in with. Several with commas between them.";
  }
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
