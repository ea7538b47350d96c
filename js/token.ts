// Who the page's user is, where its own back end says so.

import { clientError } from "./error.js";

/** Asks the page for a token. */
export type TokenSource = () => string | Promise<string>;

/** How long the page may take, in milliseconds. */
const PATIENCE = 15_000;

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
  // One that never comes must not keep the next from being asked for.
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, PATIENCE));
  const token = await Promise.race([source(), late]);
  // What a header can carry.
  if (typeof token === "string" && /^[!-~]+$/.test(token)) return token;
  throw clientError("BadToken", "Micro.configure({ token }): the function has to return a token, or a Promise of one.");
}
