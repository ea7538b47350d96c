// What the page calls: checks what it passes, and hands on.

import { isLoggedIn, logout, requireLogin, resume, settled, userOf } from "./account.js";
import { call, handled } from "./callback.js";
import { api, checkNamespace, configure } from "./config.js";
import { wellFormed } from "./draft.js";
import { badArgument, textOf, toError } from "./error.js";
import { open } from "./handle.js";
import { guard, load, request } from "./load.js";
import { on, pending } from "./outbox.js";
import { pageParams, queryOf } from "./query.js";
import { hasTokens, tokenOf } from "./token.js";
import type { Answer, Callback, ConnectParams, Handle, Heard, Message, Params, User } from "./types.js";

/** Filled in by the bundler. */
declare const __VERSION__: string;

/** Checks what all three calls are given. */
function check(path: string, namespace: string, params: object | undefined, callback?: unknown): void {
  resume();
  if (typeof path !== "string") throw badArgument("The path has to be a string, like /chat/New.");
  checkNamespace(namespace);
  if (params != null && (typeof params !== "object" || Array.isArray(params))) {
    throw badArgument("The params have to be an object.");
  }
  if (callback != null && typeof callback !== "function") throw badArgument("The callback has to be a function.");
}

/** A copy, of whoever is logged in where nobody is named: what the page does with its own is too late. */
function ownStream(params: object): ConnectParams {
  const own = { user_id: userOf()?.user_id, ...params } as ConnectParams;
  if (own.after && typeof own.after === "object") {
    const { epoch, seq } = own.after;
    own.after = { epoch, seq };
  }
  return own;
}

function checkStream({ chat_id = "", user_id = "", after }: Partial<ConnectParams>): void {
  if (hasTokens() && !user_id) {
    throw badArgument("Name the token's user in user_id: what they leave unsent is kept under that name.");
  }
  const isId = (id: unknown) => typeof id === "string" && id.length < 1000 && wellFormed(id) === id;
  if (![chat_id, user_id].every(isId)) {
    throw badArgument("chat_id and user_id have to be strings of at most 256 bytes.");
  }
  const { epoch, seq } = typeof after === "object" ? (after ?? {}) : { epoch: 0, seq: after ?? 0 };
  if (![epoch, seq].every((number) => Number.isSafeInteger(number) && number! >= 0)) {
    throw badArgument("after has to be a seq, or a cursor { epoch, seq }.");
  }
}

const url = (path: string) => `${api()}/${path.replace(/^\/+/, "")}`;

/** How often a call is made, at most. */
const TRIES = 5;

/** How long a call that comes too soon waits in all, in milliseconds: for longer only who made it can say. */
const PATIENCE = 5_000;

/** Asks for one answer. Without a body it is a GET. */
async function ask<T>(address: string, namespace: string, body?: string): Promise<T> {
  let refused: string | undefined;
  let patience = PATIENCE;
  for (let tries = TRIES; ;) {
    let token = "";
    try {
      token = await tokenOf(refused);
      const headers: Record<string, string> = {};
      if (namespace) headers["micro-namespace"] = namespace;
      if (token) headers["authorization"] = `Bearer ${token}`;
      return await request(address, { method: body === undefined ? "GET" : "POST", body: body!, headers });
    } catch (thrown) {
      const error = toError(thrown);
      const { id, code, retry_after } = error;
      if (!--tries) throw error;
      // A token that has expired is no fault of the call's; the next one has to do.
      if (/^auth\.\w+Token$/.test(id) && token && !refused) refused = token;
      // It was not done: once the server has room for it again, it may be.
      else if (code === 429 && retry_after && (patience -= retry_after) >= 0)
        await new Promise((resolve) => setTimeout(resolve, retry_after));
      else throw error;
    }
  }
}

/** What `write` makes of the params. */
function written(write: (params: object) => string | undefined, params: object): string {
  let text;
  try {
    text = write(params ?? {});
  } catch (error) {
    throw badArgument(`The params can't be JSON: ${textOf(error)}`);
  }
  if (text === undefined) throw badArgument("The params can't be JSON: their toJSON returns nothing.");
  return text;
}

/** Passes the answer to the callback, too. */
const answered = async <T>(answer: Promise<T>, callback?: Callback<T>): Promise<T> => {
  const data = await answer;
  if (callback) call(callback, data);
  return data;
};

async function postOrOpen(path: string, namespace: string, params: object, callback?: Callback<Message>) {
  check(path, namespace, params, callback);
  // As they are now, whatever the page does with them while the wasm loads.
  const [address, body, copy] = [url(path), written(JSON.stringify, params), ownStream(params)];
  const wasm = await load();
  if (!guard(() => wasm.streams(path)))
    return answered(ask<unknown>(address, namespace, body), callback as Callback<unknown>);
  checkStream(copy);
  return new Promise<Handle>((resolve, reject) => open(path, namespace ?? "", copy, callback, { resolve, reject }));
}

async function getAnswer<T>(path: string, namespace: string, params: object, callback?: Callback<T>): Promise<T> {
  check(path, namespace, params, callback);
  const address = url(path) + written(queryOf, params);
  return answered(ask<T>(address, namespace), callback);
}

/** Micro Chat, in the browser. Everything may be called right away: what needs the wasm waits for it. */
export const Micro = {
  /**
   * Posts `params` to an endpoint: `/chat/New`, with or without the slash, or `/chat/Chat/New`.
   *
   * Resolves to the answer, which the callback gets, too; rejects with a `MicroError`. With a callback a failure counts
   * as handled: it is logged, and passed on as `callback(undefined, error)` if the callback declares two parameters.
   * What comes too soon is tried again if that takes a few seconds; otherwise it rejects with a 429 whose `retry_after`
   * says when. A post to a stream, `/chat/Connect`, opens it: the callback gets each message, and the Promise resolves
   * to the handle once the chat is connected.
   */
  post<T = never, P extends string = string, Q extends Params<P> = Params<P>>(
    path: P,
    namespace = "",
    params: Q = {} as Q,
    callback?: Callback<Heard<T, P, Q>>,
  ): Promise<Answer<T, P, Q>> {
    // Which of the two it is, the path says, once the Rust side is there to read it.
    const answer = postOrOpen(path, namespace, params, callback as Callback<unknown>) as Promise<Answer<T, P, Q>>;
    return handled(answer, callback);
  },

  /** Gets an endpoint's answer, `params` as the query: a list as a repeated key. Otherwise like `post`. */
  get<T = never, P extends string = string, Q extends Params<P> = Params<P>>(
    path: P,
    namespace = "",
    params: Q = {} as Q,
    callback?: Callback<Answer<T, P, Q>>,
  ): Promise<Answer<T, P, Q>> {
    return handled(getAnswer(path, namespace, params, callback), callback);
  },

  /**
   * Connects to a chat and returns its handle at once; the callback gets each message. Throws a `MicroError` only for
   * what is a mistake in the call itself; everything else is told by the handle's events.
   */
  connect(path: string, namespace: string, params: ConnectParams, callback?: Callback<Message>): Handle {
    check(path, namespace, params, callback);
    const own = ownStream(params);
    checkStream(own);
    return open(path, namespace ?? "", own, callback);
  },

  /**
   * What waits to be stored, of the users that this page has connected, oldest first: also what earlier pages left, and
   * nothing of another tab's.
   */
  pending,

  /**
   * Listens to what becomes of messages that no handle of this page waits for: those of an earlier page, and those
   * whose handle was closed. Returns a function that stops it.
   */
  on,

  /** Sets what is given, for what is called from here on. */
  configure,

  /**
   * Calls back as soon as the user may go on: at once with a login, and where the server wants none. Otherwise a dialog
   * has the user log in or sign up; whoever closes it rejects this with `client.LoginCancelled`.
   */
  requireLogin(callback?: () => unknown): Promise<void> {
    return handled(requireLogin(callback), callback);
  },

  /** Whether somebody is logged in; certain once `ready` has resolved. */
  isLoggedIn,

  /** Who that is, if it is somebody with an account of the server's; certain once `ready` has resolved. */
  get user(): User | undefined {
    return userOf();
  },

  /**
   * Logs out here and in the other tabs, or `everywhere` that this user is logged in. Rejects where the server can't be
   * asked; then nobody is logged out.
   */
  logout: (from?: { everywhere?: boolean | undefined }): Promise<void> => logout(from?.everywhere),

  /** The page's own query string, as an object. */
  params: pageParams,

  /** Resolves once the SDK has loaded, and knows whether somebody is logged in; rejects if it can't load. */
  get ready(): Promise<void> {
    return Promise.all([load(), settled().catch(() => {})]).then(() => {});
  },

  /** The SDK's version. */
  version: __VERSION__,
};
