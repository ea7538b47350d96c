// Where the reader is in the list, and what came that they have not seen.

import { element } from "./element.js";

const log = element("log");
const scroller = element("scroller");

/** Whether the end of the list is in view, and to be kept there. */
let atEnd = true;

/** Messages that came while nobody was looking at the end of the list. */
let unread = 0;

export function watchScrolling() {
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

export function scrollToEnd() {
  scroller.scrollTop = scroller.scrollHeight;
}

/** Puts messages above what is being read, which stays where it is. */
export function addAbove(add) {
  const below = scroller.scrollHeight - scroller.scrollTop;
  add();
  scroller.scrollTop = scroller.scrollHeight - below;
}

/** Counts a message that came, unless it is seen. */
export function countUnread() {
  if (atEnd && !document.hidden) return;
  unread += 1;
  showUnread();
}

export function showUnread() {
  element("newer").hidden = unread === 0 || atEnd;
  element("newer").textContent = unread === 1 ? "1 new message ↓" : `${unread} new messages ↓`;
  document.title = `${unread > 0 ? `(${unread}) ` : ""}${element("title").textContent} · Micro Chat`;
}
