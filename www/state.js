// How the chat is connected, and what went wrong.

import { element } from "./element.js";
import { inWords, isUnknownChat } from "./words.js";

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
  element("problem-words").textContent = inWords(error);
  element("problem-action").textContent = isGone ? "Start another chat" : "Try again";
  element("problem-action").onclick = isGone ? () => (location.href = "./") : retry;
  element("problem").hidden = false;
  // There is nothing to write to.
  element("composer").hidden = isGone;
}

export function hideProblem() {
  element("problem").hidden = true;
}
