// Changing an example's text, as a reader does who fills in what is his own.

/** Replaces `from`, which has to be there: an edit that misses would test something else than it says. */
export function swap(text, from, to) {
  if (!text.includes(from)) throw new Error(`there is no ${from} in\n${text}`);
  return text.replaceAll(from, to);
}

/** What the documents' generator wrote where it found no description of the request. */
export const PLACEHOLDER = "Schema related to #/components/requestBodies/ChatConnectRequest not found";

/** The chat in the documents' command lines; it exists nowhere. */
export const THEIR_CHAT = "bed4f0f0-da12-46d2-90d2-17ae1714a214";
