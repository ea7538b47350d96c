// Keeps a login: the access token in memory; the refresh token where no script can read it, if the browser has such a
// place, and otherwise in memory, too. Tabs share what they can, and only one of them refreshes at a time.

import type { Host } from "./account.js";
import { forgetCookies, keepCookies, readCookies } from "./cookies.js";
import { claimsOf } from "./claims.js";
import type { MicroError } from "./error.js";
import type { User } from "./types.js";

/** A login, as the server answers it. */
export interface Tokens {
  access_token: string;
  /** Empty where it came as a cookie. */
  refresh_token: string;
  /** When the access token ends, in Unix seconds. */
  expiry: number;
}

interface Answer {
  token?: Tokens;
  authToken?: Tokens;
}

/** Proves who the user is; with `{ cookie: true }` the refresh token comes as a cookie. */
export type Proof = (how: { cookie?: true }) => Promise<object>;

/** What keeps a login. */
export interface Keeper {
  /** Who is logged in. */
  readonly user: User | undefined;
  /** Another access token; rejects with a 401 where nobody is logged in any more. */
  token(): Promise<string>;
  /** Logs in by `proof`, and if that has to be done once more, by `again`; not if nobody wants it any more by then. */
  enter(isWanted: () => boolean, proof: Proof, again?: Proof): Promise<void>;
  /** Logs out. */
  leave(everywhere: boolean): Promise<void>;
  /** Is called when somebody is logged in, by whichever tab. */
  onenter: (() => void) | undefined;
}

const TOKEN = "auth/Auth/Token";
const REVOKE = "auth/Auth/Revoke";

/** What tabs tell each other besides tokens: nobody is logged in any more. */
const LEFT = "left";

/** How long the next tab waits in line, in milliseconds: until then it has heard of the token that this one got. */
const LINGER = 200;

const tokensOf = ({ token, authToken }: Answer) => (token ?? authToken)!;

const sleep = (time: number) => new Promise((resolve) => setTimeout(resolve, time));

/** Whether the server says that there is no login, or none by a cookie for this page. */
const isRefusal = ({ code }: MicroError) => code === 401 || code === 403;

/** The same, or the browser: where a server keeps no cookies for a page, it does not let the answer through. */
export const isHopeless = (error: MicroError) => isRefusal(error) || error.code === 0;

/** A keeper. */
export function createKeeper(host: Host): Keeper {
  const { name, legacy } = host;
  let access = "";
  // Only where nothing else may hold it.
  let refresh = "";
  const channel = typeof BroadcastChannel === "function" ? new BroadcastChannel(name) : undefined;

  const keeper: Keeper = {
    get user() {
      if (!access) return undefined;
      const { sub, namespace } = claimsOf(access);
      return { user_id: String(sub), namespace: String(namespace) };
    },
    token() {
      const before = access;
      // Another tab may have been faster.
      return alone(async () => (access === before ? renew() : access));
    },
    enter: (isWanted, proof, again = proof) =>
      alone(async () => {
        const answer = await prove(proof, again);
        if (isWanted()) return take(answer);
        const { refresh_token } = tokensOf(answer);
        await host.ask(REVOKE, refresh_token ? { refresh_token } : { cookie: true });
      }),
    leave: (everywhere) =>
      alone(async () => {
        try {
          await host.ask(REVOKE, { ...held(), everywhere });
        } catch (error) {
          if (!isRefusal(error as MicroError)) throw error;
        }
        drop();
        channel?.postMessage(LEFT);
      }),
    onenter: undefined,
  };

  if (channel) {
    channel.onmessage = ({ data }) => {
      if (data === LEFT) {
        // What is kept here only, nobody else can have ended.
        if (refresh) host.ask(REVOKE, held()).catch(() => {});
        drop();
      } else if (!refresh && typeof data?.token === "string") begin(data.token);
    };
  }

  // Who comes back to a page that the browser kept was told nothing meanwhile.
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted && access && !refresh && !isNoted()) drop();
  });

  /** One tab after the other, as each refresh makes the last one's token void. */
  function alone<T>(work: () => Promise<T>): Promise<T> {
    const { locks } = navigator;
    // Plain http has none; nor does it have cookies that tabs could share.
    if (!locks) return work();
    return new Promise((resolve, reject) => {
      const turn = async () => {
        const done = work();
        done.then(resolve, reject);
        await done.then(
          () => sleep(LINGER),
          () => {},
        );
      };
      locks.request(name, turn).catch(reject);
    });
  }

  /** The refresh token, as requests name it. */
  function held() {
    const refresh_token = legacy ? readCookies().refresh : refresh;
    return refresh_token ? { refresh_token } : { cookie: true };
  }

  async function renew(): Promise<string> {
    if (legacy && !access) {
      const { access, expiry } = readCookies();
      if (access && expiry > Date.now() / 1000 + 60) {
        begin(access);
        return access;
      }
    }
    try {
      take(await host.ask<Answer>(TOKEN, held()));
    } catch (error) {
      if (isRefusal(error as MicroError)) drop();
      throw error;
    }
    return access;
  }

  async function prove(proof: Proof, again: Proof): Promise<Answer> {
    if (legacy) return proof({});
    let answer: Answer;
    try {
      answer = await proof({ cookie: true });
    } catch (error) {
      const { id } = error as MicroError;
      if (id !== "auth.ForbiddenOrigin" && id !== "client.Network") throw error;
      return proof({});
    }
    try {
      // Only this shows whether the browser has kept the cookie.
      answer = await host.ask<Answer>(TOKEN, { cookie: true });
    } catch (error) {
      if (isRefusal(error as MicroError)) answer = await again({});
    }
    return answer;
  }

  /** Uses what the server has answered. */
  function take(answer: Answer): void {
    const tokens = tokensOf(answer);
    if (legacy) keepCookies(tokens);
    else refresh = tokens.refresh_token;
    begin(tokens.access_token);
    // What only this tab has, no other one can go on with.
    if (!refresh) channel?.postMessage({ token: access });
  }

  function begin(token: string): void {
    access = token;
    note(!refresh);
    host.enter(token);
    keeper.onenter?.();
  }

  function drop(): void {
    access = refresh = "";
    if (legacy) forgetCookies();
    note(false);
    host.leave();
  }

  /** Notes for the next page whether there is a login to take up. It is no secret. */
  function note(isThere: boolean): void {
    try {
      if (isThere && !legacy) localStorage.setItem(name, "1");
      else localStorage.removeItem(name);
    } catch {
      // This browser keeps nothing: the next page asks its user.
    }
  }

  function isNoted(): boolean {
    try {
      return !!(legacy ? readCookies().refresh : localStorage.getItem(name));
    } catch {
      return true;
    }
  }

  return keeper;
}
