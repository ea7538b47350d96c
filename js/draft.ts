// A message before it is sent.

import { badArgument, clientError } from "./error.js";
import type { Draft, WholeDraft } from "./types.js";

/** The largest message the server takes, as JSON in bytes. */
const LARGEST = 192 * 1024;

/** The message as it goes out, with a name of its own. */
export function draftOf(message: string | Draft): WholeDraft {
  const { text, subject, client_id } = typeof message === "string" ? { text: message } : (message ?? {});
  const draft = { client_id: client_id || uuid(), subject: subject || "", text } as WholeDraft;
  if (Object.values(draft).some((value) => typeof value !== "string")) {
    throw badArgument("send: pass a string, or { text, subject, client_id }, all of them strings.");
  }
  for (const field of ["client_id", "subject", "text"] as const) draft[field] = wellFormed(draft[field]);
  const json = JSON.stringify(draft);
  // A frame over the limit would end the connection of all handles, not just fail this message. UTF-8 takes at most
  // three bytes for each unit of a string: short messages need no count.
  if (json.length * 3 > LARGEST && new TextEncoder().encode(json).length > LARGEST) {
    throw clientError("TooLarge", `This message is larger than ${LARGEST} bytes. Send it in parts.`);
  }
  return draft;
}

/**
 * A text without halves of characters, as they come from cutting between the two of an emoji: no server can read those,
 * and one that can't read a frame ends the connection.
 */
export const wellFormed = (text: string) => text.replace(/\p{Cs}/gu, "\ufffd");

/** A random UUID; pages on plain http have no `randomUUID`. */
function uuid(): string {
  if (crypto.randomUUID) return crypto.randomUUID();
  const hex = (byte: number) => byte.toString(16).padStart(2, "0");
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 15) | 64;
  bytes[8] = (bytes[8]! & 63) | 128;
  return [...bytes]
    .map(hex)
    .join("")
    .replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
