// Who needs to log in.

import { call } from "./callback.js";
import { api } from "./config.js";
import { badArgument, clientError } from "./error.js";
import { hasTokens } from "./token.js";

/** What the server answers about logging in. */
export interface Options {
  login: "none" | "required";
}

const options = new Map<string, Promise<Options>>();

/** Whether the page has a login. */
export const isLoggedIn = (): boolean => hasTokens() || /(^|; )micro_refresh=./.test(document.cookie);

/** Calls back once the user may go on: at once with a login, and where the server wants none. */
export async function requireLogin(ask: () => Promise<Options>, callback?: () => unknown): Promise<void> {
  if (callback != null && typeof callback !== "function") throw badArgument("requireLogin: pass a function.");
  if (!isLoggedIn()) {
    const server = api();
    let answer = options.get(server);
    if (!answer) {
      options.set(server, (answer = ask()));
      answer.catch(() => options.delete(server));
    }
    if ((await answer).login !== "none") {
      throw clientError("LoginUnavailable", "This server requires a login, and this version of the SDK has no dialog.");
    }
  }
  if (callback) call(callback);
}
