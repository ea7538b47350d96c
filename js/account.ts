// Who the page's user is, where the server has its own accounts. What only a login needs, `login.js` brings.

import { call } from "./callback.js";
import { addresses, api, settings } from "./config.js";
import { badArgument, clientError } from "./error.js";
import { request } from "./load.js";
import { hasTokens, tokenOf, useToken, useTokens } from "./token.js";
import type { User, Words } from "./types.js";

/** What the server answers about logging in. */
interface Options {
  login: "none" | "required";
  /** Strangers may sign up. */
  sign_up?: boolean;
  /** People have passwords here. */
  accounts?: boolean;
}

/** What `login.js` does, once it is there. */
export interface Login {
  /** Who is logged in. */
  readonly user: User | undefined;
  /** Another access token; rejects with a 401 where nobody is logged in any more. */
  token(): Promise<string>;
  /** Has the user log in, or sign up where strangers may; resolves once they have. */
  open(mayJoin: boolean): Promise<void>;
  /** Logs out. */
  logout(everywhere: boolean): Promise<void>;
}

/** What it is given. It shares no module with this side, or there would be two of each. */
export interface Host {
  /** Where one logs in. */
  readonly namespace: string;
  /** Under this name it is noted that there is a login, tabs tell each other, and one of them waits for another. */
  readonly name: string;
  /** The page wants readable cookies. */
  readonly legacy: boolean;
  /** The page's own words. */
  readonly words: Partial<Words>;
  /** An error that arose on this side. */
  readonly clientError: typeof clientError;
  /** Asks the server, and tells nobody who asks. */
  ask<T>(path: string, body: object): Promise<T>;
  /** Somebody is logged in: from here on with this token. */
  enter(token: string): void;
  /** Nobody is any more. */
  leave(): void;
}

/** What `login.js` exports. */
export interface LoginModule {
  createLogin(host: Host): Login;
}

const options = new Map<string, Promise<Options>>();
let loading: Promise<Login> | undefined;
let login: Login | undefined;

const noteOf = () => `micro-chat login ${api()} ${settings.namespace}`;

/** Asks the server at `server`; with cookies where the body says so. */
function askAt<T>(server: string, path: string, body?: object): Promise<T> {
  const headers = { "micro-namespace": settings.namespace };
  const credentials = body && "cookie" in body ? "include" : "omit";
  // What a login's cookie became must reach the browser, whatever becomes of the page.
  const init: RequestInit = { method: "POST", headers, credentials, keepalive: true };
  return request(`${server}/${path}`, { ...init, body: JSON.stringify(body ?? {}) });
}

const load = () =>
  (loading ??= addresses.login().then(
    ({ createLogin }) => {
      const server = api();
      const { namespace, cookies, words } = settings;
      settings.isFixed = true;
      return (login = createLogin({
        namespace,
        name: noteOf(),
        legacy: cookies === "legacy",
        words,
        clientError,
        ask: (path, body) => askAt(server, path, body),
        // Where the page has said meanwhile where its tokens come from, they come from there.
        enter(token) {
          if (hasTokens() && !hasTokens(keeper)) return;
          useTokens(keeper);
          useToken(token);
        },
        leave() {
          if (hasTokens(keeper)) useTokens();
        },
      }));
    },
    (error) => {
      loading = undefined;
      throw clientError("LoadFailed", `The login could not be loaded. Reload the page. ${error}`);
    },
  ));

/** Brings another token of the login, or finds that there is none any more. */
const keeper = async () => (await load()).token();

/** Takes up the login of an earlier page, if there was one. */
export function resume(): void {
  try {
    const isNoted =
      settings.cookies === "legacy" ? /(^|; )micro_refresh=./.test(document.cookie) : localStorage.getItem(noteOf());
    if (isNoted && !hasTokens()) useTokens(keeper);
  } catch {
    // Neither outlives the page here.
  }
}

/** Whether the page has a login. */
export const isLoggedIn = (): boolean => (resume(), hasTokens());

/** Resolves once that is certain. */
export async function settled(): Promise<void> {
  if (isLoggedIn() && hasTokens(keeper)) await tokenOf();
}

/** Who that is. */
export const userOf = () => (hasTokens(keeper) ? login?.user : undefined);

/** Calls back once the user may go on: at once with a login, and where the server wants none. */
export async function requireLogin(callback?: () => unknown): Promise<void> {
  if (callback != null && typeof callback !== "function") throw badArgument("requireLogin: pass a function.");
  await settled();
  if (!hasTokens()) {
    const where = noteOf();
    let answer = options.get(where);
    if (!answer) {
      options.set(where, (answer = askAt<Options>(api(), "auth/Auth/Options")));
      answer.catch(() => options.delete(where));
    }
    const { login, accounts, sign_up } = await answer;
    if (login !== "none") {
      if (!accounts) {
        throw clientError("LoginUnavailable", "This server has no accounts. Use Micro.configure({ token }).");
      }
      await (await load()).open(!!sign_up);
    }
  }
  if (callback) call(callback);
}

/** Logs out. */
export async function logout(everywhere = false): Promise<void> {
  if (isLoggedIn() && hasTokens(keeper)) await (await load()).logout(everywhere);
}
