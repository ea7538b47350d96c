// The list of messages, in their order, with their days.

import { element } from "./element.js";
import { messageOf } from "./item.js";
import { dayInWords, dayOf } from "./words.js";

// Messages of one user that are at most this far apart, in seconds, stand together under one name.
const TOGETHER = 5 * 60;

const list = element("messages");

/** The oldest message that is shown. */
export const oldest = () => messageOf(list.firstElementChild);

/** Says so where there is no message yet. */
export function showEmpty() {
  element("empty").hidden = list.childElementCount > 0;
}

/** Puts an item where it belongs: in the order of `seq`, and what isn't stored yet behind that. */
export function place(item) {
  element("empty").hidden = true;
  const order = (other) => messageOf(other).seq ?? Infinity;
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

/** Takes an item out. */
export function remove(item) {
  const following = item.nextElementSibling;
  item.remove();
  if (following) arrange(following);
}

/** Decides what an item shows above its bubble, which depends on the one before. */
function arrange(item) {
  const message = messageOf(item);
  const before = messageOf(item.previousElementSibling);
  const newDay = !before || dayOf(before) !== dayOf(message);
  const together = !newDay && before.user_id === message.user_id && message.sent_at - before.sent_at <= TOGETHER;
  item.classList.toggle("continues", together);
  item.querySelector(".day").hidden = !newDay;
  // All of them: since the last time, today may have become yesterday.
  if (newDay) {
    for (const day of list.querySelectorAll(".day:not([hidden])")) {
      day.textContent = dayInWords(dayOf(messageOf(day.parentNode)));
    }
  }
}
