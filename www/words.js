// What the page says.

export const isUnknownChat = ({ id }) => /^chat\.\w+\.InvalidChatID$/.test(id);

/** What went wrong, and what to do, for somebody who just wants to chat. */
export function inWords(error) {
  if (isUnknownChat(error)) return "This chat does not exist. Perhaps a part of its address got lost.";
  if (/TooLarge$/.test(error.id)) return "It is too long for one message.";
  if (error.id === "client.Network") return "The server can't be reached. Check your connection.";
  if (error.id === "client.LoginCancelled") return "Log in to chat here: load this page again.";
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
