// What proves who the page's user is, and when something else has to.

import { clientError } from "./error.js";

/** Asks for a token. */
export type TokenSource = () => string | Promise<string>;

/** How long it may take to come, in milliseconds. */
const PATIENCE = 15_000;

/** How long before its end a token is replaced, in milliseconds: a hidden tab's timer is late by up to half of that. */
const EARLY = 120_000;

/** The longest time that a browser's timer can wait. */
const LONGEST = 2 ** 31 - 1;

let source: TokenSource | undefined;
let current: Promise<string> | undefined;
// What that came to; empty while it is on its way.
let known = "";
// When another is needed.
let due = Infinity;
let timer: ReturnType<typeof setTimeout>;
let watcher: ((token: string) => void) | undefined;

/** Where tokens come from, from here on; from nowhere without a source. */
export function useTokens(from?: TokenSource): void {
  source = from;
  current = undefined;
  known = "";
  due = Infinity;
  clearTimeout(timer);
}

/** Whether there are tokens, and from there if that is asked. */
export const hasTokens = (from = source) => !!source && source === from;

/** Who is to know of each token that comes, if anybody: then one comes in time even if nobody calls. */
export const watchTokens = (by?: (token: string) => void) => void (watcher = by);

/** The token in use, or another where the server has `refused` that one. Empty where there is none. */
export function tokenOf(refused?: string): Promise<string> {
  if (!source) return Promise.resolve("");
  if (known && (known === refused || Date.now() > due)) {
    // One that is only about to end is better than none.
    const old = known === refused ? "" : known;
    current = undefined;
    return next(source, old);
  }
  // All who ask at the same time get the same one.
  return current ?? next(source);
}

/** Uses a token that came by itself. */
export function useToken(token: string): void {
  current = Promise.resolve(token);
  hold(token);
}

function next(from: TokenSource, old = ""): Promise<string> {
  known = "";
  const asked: Promise<string> = ask(from).catch((error: unknown) => {
    // Whoever lost their login meanwhile speaks for nobody.
    if (!source) return "";
    if (old) return old;
    throw error;
  });
  current = asked;
  asked.then(
    (token) => current === asked && hold(token),
    () => current === asked && (current = undefined),
  );
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

function hold(token: string): void {
  known = token;
  const left = expiryOf(token) - Date.now();
  // One that lives for minutes only is replaced in its last tenth. This machine's clock may be wrong, and the server
  // then says when a token is over.
  due = left > 0 ? Date.now() + left - Math.min(EARLY, left / 10) : Infinity;
  renew();
  watcher?.(token);
}

/** Gets another token if it is time, and somebody needs one. */
export function renew(): void {
  clearTimeout(timer);
  const wait = due - Date.now() + 1;
  if (wait <= 0) {
    // Who needs it later asks for it.
    if (watcher) tokenOf().catch(() => {});
  } else if (wait < Infinity) {
    // No timer waits for a month: then it is set again.
    timer = setTimeout(renew, Math.min(wait, LONGEST));
  }
}

/** When a token ends, in milliseconds; not a number where it does not say. */
function expiryOf(token: string): number {
  try {
    const claims = token.split(".")[1]!.replace(/-/g, "+").replace(/_/g, "/");
    return JSON.parse(atob(claims)).exp * 1000;
  } catch {
    return NaN;
  }
}
