// Where things are, and how long they may take.

import { badArgument, textOf } from "./error.js";
import { useTokens } from "./token.js";
import type { LoginModule } from "./account.js";
import type { Config } from "./types.js";

const DAY = 24 * 60 * 60 * 1000;

/** The addresses in use. The entry fills in what lies beside it. */
export const addresses = { api: "", wasm: "", login: (): Promise<LoginModule> => Promise.reject() };

/** How one logs in. */
export const settings = {
  namespace: "micro",
  cookies: "" as NonNullable<Config["cookies"]> | "",
  words: {} as NonNullable<Config["words"]>,
  /** A login was begun: where that is can't change any more, or its token would go somewhere else. */
  isFixed: false,
};

/** How long a message may wait to be stored, in milliseconds. */
export let sendTimeout = DAY;

/** The API's address, without a slash at its end. */
export const api = () => (addresses.api || location.origin).replace(/\/+$/, "");

/** A namespace is what a header can carry. */
export function checkNamespace(namespace: unknown): void {
  if (namespace != null && !(typeof namespace === "string" && /^[!-~]*$/.test(namespace))) {
    throw badArgument("The namespace has to be a string of ASCII letters, digits and signs, and no spaces.");
  }
}

/** Sets what is given, for what is called from here on. */
export function configure(config: Config): void {
  const timeout = config?.sendTimeout ?? sendTimeout;
  if (!(typeof timeout === "number" && timeout > 0)) {
    throw badArgument(`configure: sendTimeout has to be milliseconds, not ${textOf(timeout)}.`);
  }
  const { token, namespace, cookies, words } = config ?? {};
  if (token !== undefined && typeof token !== "function") {
    throw badArgument("configure: token has to be a function that returns one.");
  }
  checkNamespace(namespace);
  if (cookies && cookies !== "legacy") throw badArgument('configure: cookies has to be "legacy", or nothing.');
  const own = { ...words };
  for (const [key, word] of Object.entries(own)) {
    if (typeof (word ?? "") !== "string") throw badArgument(`configure: ${key} in words has to be a string.`);
  }
  const places = { ...addresses };
  for (const key of ["api", "wasm"] as const) {
    const address = config?.[key];
    // None, or an empty one, changes nothing.
    if (address === undefined || address === "") continue;
    try {
      if (typeof address !== "string") throw address;
      // On a server, where nothing is loaded, there is no page that it could be relative to.
      places[key] = new URL(address, globalThis.document?.baseURI ?? "http://localhost").href;
    } catch {
      throw badArgument(`configure: ${key} has to be an address, not ${textOf(address)}.`);
    }
  }
  const kept = { ...settings };
  if (namespace) kept.namespace = namespace;
  if (cookies) kept.cookies = cookies;
  if (words) kept.words = own;
  const login = (where: typeof addresses, how: typeof settings) => [where.api, how.namespace, how.cookies].join();
  if (settings.isFixed && login(places, kept) !== login(addresses, settings)) {
    throw badArgument("configure: api, namespace and cookies can't change once somebody logs in.");
  }
  // All of it, or nothing.
  sendTimeout = timeout;
  if (token) useTokens(token);
  Object.assign(addresses, places);
  Object.assign(settings, kept);
}
