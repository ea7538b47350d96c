// Who the page's user is, where its own back end says so.

import { clientError } from "./error.js";

/** Asks the page for a token. */
export type TokenSource = () => string | Promise<string>;

let source: TokenSource | undefined;
let current: Promise<string> | undefined;

/** Where tokens come from, from here on. */
export function useTokens(from: TokenSource): void {
  source = from;
  current = undefined;
}

/** Whether the page has tokens. */
export const hasTokens = () => !!source;

/** The token in use, or another where the server does not take that one any more. Empty where the page has none. */
export function tokenOf(another = false): Promise<string> {
  if (!source) return Promise.resolve("");
  if (another) current = undefined;
  // All who ask at the same time get the same one.
  const asked = (current ??= ask(source));
  asked.catch(() => {
    if (current === asked) current = undefined;
  });
  return asked;
}

async function ask(source: TokenSource): Promise<string> {
  const token = await source();
  // What a header can carry.
  if (typeof token === "string" && /^[!-~]+$/.test(token)) return token;
  throw clientError("BadToken", "Micro.configure({ token }): the function has to return a token, or a Promise of one.");
}
