// Where things are, and how long they may take.

import { badArgument } from "./error.js";
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

/** Sets what is given, for what is called from here on. */
export function configure(config: Config): void {
  const timeout = config?.sendTimeout ?? sendTimeout;
  if (!(typeof timeout === "number" && timeout > 0)) {
    throw badArgument(`configure: sendTimeout has to be milliseconds, not ${timeout}.`);
  }
  sendTimeout = timeout;
  const { token, namespace, cookies, words } = config ?? {};
  if (token !== undefined) {
    if (typeof token !== "function") throw badArgument("configure: token has to be a function that returns one.");
    useTokens(token);
  }
  if (settings.isFixed && (config?.api ?? namespace ?? cookies)) {
    throw badArgument("configure: api, namespace and cookies can't change once somebody logs in.");
  }
  if (namespace) settings.namespace = namespace;
  if (cookies) settings.cookies = cookies;
  if (words) settings.words = words;
  for (const key of ["api", "wasm"] as const) {
    const address = config?.[key];
    // None, or an empty one, changes nothing.
    if (address === undefined || address === "") continue;
    try {
      if (typeof address !== "string") throw address;
      addresses[key] = new URL(address, document.baseURI).href;
    } catch {
      throw badArgument(`configure: ${key} has to be an address, not ${address}.`);
    }
  }
}
