// Where there is no chat to show: why, and what to do, for somebody who just wants to chat.

import { element } from "./element.js";
import { inWords } from "./words.js";

/** Says why nobody can chat here, or not yet; `retry` does what failed once more. */
export function showNotice(error, retry) {
  const { title, lead, action, act = () => location.reload() } = noticeOf(error, retry);
  element("notice-title").textContent = title;
  element("notice-lead").textContent = lead;
  element("notice-action").textContent = action ?? "";
  element("notice-action").hidden = !action;
  element("notice-action").onclick = () => {
    element("notice").hidden = true;
    act();
  };
  element("notice").hidden = false;
  // Whoever does not see it hears it.
  element("notice-title").focus();
}

function noticeOf(error, retry) {
  switch (error.id) {
    // Its users are another site's, which is where they chat.
    case "client.LoginUnavailable":
      return {
        title: "This is a chat’s server",
        lead: "It keeps the messages of a chat on another site. To read and write, go back to the site that sent you here.",
      };
    case "client.LoginCancelled":
      return {
        title: "Log in to chat",
        lead: "Only people who have logged in can chat here.",
        action: "Log in",
        act: retry,
      };
    case "client.Network":
      return { title: "The chat did not open", lead: inWords(error), action: "Try again", act: retry };
    default:
      return { title: "The chat did not open", lead: inWords(error), action: "Try again" };
  }
}
