// How the chat is connected, and what went wrong.

import { element } from "./element.js";
import { hasNoLogin, inWords, isUnknownChat } from "./words.js";

let counting;

/** Shows the state of the connection; `delay` is the time to the next try, in milliseconds. */
export function showState({ state, delay }) {
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

export function showProblem(error, retry) {
  const isGone = isUnknownChat(error);
  const [action, act] = isGone
    ? ["Start another chat", () => (location.href = "./")]
    : // Loaded anew, the page asks for a login. It may be somebody else's.
      hasNoLogin(error)
      ? ["Log in", () => location.reload()]
      : ["Try again", retry];
  element("problem-words").textContent = inWords(error);
  element("problem-action").textContent = action;
  element("problem-action").onclick = act;
  element("problem").hidden = false;
  // There is nothing to write to.
  element("composer").hidden = isGone;
}

export function hideProblem() {
  element("problem").hidden = true;
}
