// What the page says.

export const isUnknownChat = ({ id }) => /^chat\.\w+\.InvalidChatID$/.test(id);

/** Whether it takes a login to go on. */
export const hasNoLogin = ({ id }) => /^auth\.(NoToken|NoLogin|InvalidToken|ExpiredToken|RevokedToken)$/.test(id);

/** What went wrong, and what to do, for somebody who just wants to chat. */
export function inWords(error) {
  if (isUnknownChat(error)) {
    if (globalThis.Micro?.user) return "This chat does not exist, or you are not in it.";
    return "This chat does not exist. Perhaps a part of its address got lost.";
  }
  if (/TooLarge$/.test(error.id)) return "It is too long for one message.";
  if (error.id === "client.Network") return "The server can't be reached. Check your connection.";
  if (error.id === "client.LoadFailed") return "A part of this page did not load. Check your connection.";
  if (hasNoLogin(error)) return "You are not logged in any more.";
  if (error.id === "client.Closed" || error.id === "client.Dismissed") return "The connection was closed.";
  return error.detail || error.message || String(error);
}

export const dayOf = ({ sent_at }) => new Date(sent_at * 1000).setHours(0, 0, 0, 0);

/** "Today", "Yesterday", or the date, in the visitor's language. */
export function dayInWords(day) {
  const ago = Math.round((new Date().setHours(0, 0, 0, 0) - day) / 86_400_000);
  if (ago === 0 || ago === 1) {
    const words = new Intl.RelativeTimeFormat([], { numeric: "auto" }).format(-ago, "day");
    return words[0].toLocaleUpperCase() + words.slice(1);
  }
  const year = new Date(day).getFullYear() === new Date().getFullYear() ? undefined : "numeric";
  return new Date(day).toLocaleDateString([], { weekday: "long", day: "numeric", month: "long", year });
}
