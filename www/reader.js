// Where the reader is in the list, and what came that they have not seen.

import { element } from "./element.js";

const log = element("log");
const scroller = element("scroller");

/** Whether the end of the list is in view, and to be kept there. */
let atEnd = true;

/** What was in view at the last look: its size, and how far down that was. */
let width;
let height;
let top;

/** Messages that came while nobody was looking at the end of the list. */
let unread = 0;

export function watchScrolling() {
  keep();
  scroller.addEventListener("scroll", () => {
    // WebKit may tell another size here, and nowhere else.
    if (!follow()) keep();
    look();
  });
  document.addEventListener("visibilitychange", look);
  // New messages, a keyboard that opens, a field that grows: the end stays in view for those who were there.
  const observer = new ResizeObserver(keep);
  observer.observe(scroller);
  observer.observe(log);
  addEventListener("resize", keep);
  // iOS covers the page with its keyboard instead of making it smaller.
  globalThis.visualViewport?.addEventListener("resize", () => {
    const { height, scale } = visualViewport;
    if (scale === 1) document.documentElement.style.setProperty("--visible-height", `${height}px`);
  });
}

/** Notes where the reader went; false where another size moved what is in view, which says nothing of them. */
function follow() {
  if (scroller.clientWidth !== width || scroller.clientHeight !== height) return false;
  const isEnd = scroller.scrollHeight - scroller.scrollTop - height < 48;
  // Only who goes up leaves the end: a message that came in this moment takes nobody away from it.
  if (isEnd || scroller.scrollTop < top) atEnd = isEnd;
  top = scroller.scrollTop;
  return true;
}

/** Shows the end to those who were there. Where they are now says nothing: WebKit may put back what it had before. */
function keep() {
  ({ clientWidth: width, clientHeight: height } = scroller);
  if (atEnd) scrollToEnd();
}

function look() {
  if (atEnd && !document.hidden) unread = 0;
  showUnread();
}

export function scrollToEnd() {
  scroller.scrollTop = scroller.scrollHeight;
  top = scroller.scrollTop;
  atEnd = true;
}

/** Puts messages above what is being read, which stays where it is. */
export function addAbove(add) {
  // From here on nobody could tell whether they went up.
  follow();
  const below = scroller.scrollHeight - scroller.scrollTop;
  add();
  scroller.scrollTop = scroller.scrollHeight - below;
  top = scroller.scrollTop;
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
