// The page's address: which chat it is, whose, and with whom.

/** The names in "ann, ben". */
export function namesIn(others = "") {
  return others
    .split(",")
    .map((name) => name.trim())
    .filter(Boolean);
}

/** The address of a chat, as one of its users, or as somebody who is yet to say who. */
export function addressOf(chat_id, user_id, others = []) {
  const address = new URLSearchParams({ chat_id });
  if (user_id) address.set("user_id", user_id);
  if (others.length > 0) address.set("with", others.join(","));
  return `?${address}`;
}
