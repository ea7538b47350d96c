// What the page and the SDK say to each other.

import type { MicroError } from "./error.js";
import type { TokenSource } from "./token.js";
import type { ChatMessage, Methods } from "./wire.js";
import type { Words } from "./words.js";

/** A message, as the server stored it. */
export type Message = ChatMessage;

/** A message to send. */
export interface Draft {
  /** What it says. */
  text: string;
  /** What it is about. */
  subject?: string | undefined;
  /** Your own name for it, if you retry by yourself; otherwise one is made. */
  client_id?: string | undefined;
}

/** A message with all its parts. */
export type WholeDraft = { [Part in keyof Draft]-?: string };

/** Where in a chat a reader stands. Keep it, and `connect` goes on from there. */
export interface Cursor {
  /** Which numbering `seq` belongs to. */
  epoch: number;
  /** The last message received. */
  seq: number;
}

/** What `connect` connects to. */
export interface ConnectParams {
  /** The chat to read and to send to. */
  chat_id: string;
  /** Who reads and sends; without it, who is logged in at the server's accounts (`Micro.user`). */
  user_id?: string | undefined;
  /** Begin behind this message: its `seq`, or a kept cursor. 0 is from the start; without it, from now on. */
  after?: number | Cursor | undefined;
  /** Also deliver what this handle itself sent. */
  own?: boolean | undefined;
  /** Also tell who is in the chat, and who comes and goes: `handle.on("member", …)`. */
  members?: boolean | undefined;
}

/** How a handle is connected. */
export interface State {
  /**
   * `waiting` is for the next try after the link broke; `offline` is for the browser to say that there is a network
   * again, or to bring back the page that was left, and nothing is tried before; `closed` is final.
   */
  state: "connecting" | "live" | "waiting" | "offline" | "closed";
  /** Milliseconds until the next try, while waiting. */
  delay?: number;
}

/** What the server has no more, of what a handle asked for. */
export interface Gap {
  /** The `seq` of the first message that is missing. */
  from: number;
  /** The `seq` of the last one. */
  to: number;
  /**
   * The chat counts anew, since the server was restored from a backup. `from` and `to` then are of the new numbering
   * (`to` is 0 where it is delivered from its start), and nobody knows which of these messages were delivered before:
   * show the history anew.
   */
  restored: boolean;
}

/**
 * Who is in a chat, or a change of that. A type that you don't know is of a later server: pass over it.
 *
 * `members` comes first, and anew after each reconnect; between, one change after the other. What is in a list may be
 * told once more behind it: keep a set.
 */
export type MemberEvent =
  | {
      /** Who is in the chat: replaces what was known before. */
      type: "members";
      /** All of them, in the order of their names. */
      user_ids: string[];
    }
  | {
      /** Somebody came in, or went, by themselves. */
      type: "joined" | "left";
      /** Who. */
      user_id: string;
    }
  | {
      /** Somebody was brought in, or put out. */
      type: "invited" | "kicked";
      /** Who. */
      user_id: string;
      /** By whom; missing where that is not known, as where your own server did it. */
      by?: string;
    };

/** What a handle's listeners get. */
export interface Events {
  /** The chat is connected for the first time; later reconnects are told by `state`. */
  open: () => void;
  /** The handle is closed for good, by you or after an `error`. */
  close: () => void;
  /** The server refused the chat or the connection; `close` follows. Broken links are no errors: they heal. */
  error: (error: MicroError) => void;
  /** The state is another. */
  state: (state: State) => void;
  /**
   * Everything that was stored has been delivered; what comes from here on, happens now. After each reconnect it comes
   * anew.
   */
  caughtup: () => void;
  /** Messages that were asked for will never come: what follows begins behind them. */
  gap: (gap: Gap) => void;
  /** Who is in the chat, and then who comes and goes: where `connect` was told `members: true`. */
  member: (event: MemberEvent) => void;
}

/** A message that is not yet known to be stored. */
export interface Pending extends WholeDraft {
  /** The namespace of its chat. */
  namespace: string;
  /** The chat that it goes to. */
  chat_id: string;
  /** Who sends it. */
  user_id: string;
  /** When it was written, in Unix seconds. */
  sent_at: number;
}

/** What `Micro.on` tells of messages that no handle of this page waits for. Each ends as one of the two, never both. */
export interface OutboxEvents {
  /** It is stored. */
  sent: (message: Message & Pending) => void;
  /** It will not be stored: the server refused it, or it waited too long. */
  failed: (message: Pending, error: MicroError) => void;
}

/** Where a chat is connected. */
export type StreamPath = `${"" | "/"}chat/${"" | "Chat/"}Connect`;

/**
 * What a method takes: the fields of its request, or anything where the path is not spelled as in `Methods`. Fields may
 * be missing: the server says which it needs.
 */
export type Params<P extends string> = P extends StreamPath
  ? ConnectParams
  : P extends keyof Methods
    ? Partial<Methods[P]["request"]>
    : object;

/** What the callback of a post gets: each message of a stream, or the answer. */
export type Heard<T, P extends string, Q> = P extends StreamPath ? Message : Answer<T, P, Q>;

/** What a method answers: `T`, where that is said, or what `Methods` says of the path; a stream, its handle. */
export type Answer<T, P extends string, Q> = [T] extends [never]
  ? P extends StreamPath
    ? Handle
    : P extends keyof Methods
      ? Methods[P] extends { group: infer OfGroup }
        ? Q extends { group_id: string }
          ? OfGroup
          : Methods[P]["answer"]
        : Methods[P]["answer"]
      : unknown
  : T;

/**
 * Gets an answer or a message. If it declares two parameters, it is also told of failures: `(undefined, error)`.
 */
export type Callback<T> = (data: T, error?: MicroError) => unknown;

/**
 * A chat that is connected, or on its way to be: it reconnects by itself, for ever, and resumes where it was.
 *
 * It is iterable: `for await (const message of handle)`. Messages are kept for an iterator from the moment it is made
 * until it reads them; one that leaves 10,000 unread fails with `client.Behind` after those, and no memory is spent on
 * it any more. The loop ends when the handle is closed, and fails when the server refuses.
 */
export interface Handle extends AsyncIterable<Message> {
  /** How it is connected. */
  readonly state: State["state"];
  /**
   * Where it stands: behind the message that was delivered last. Undefined until the server has said where it begins.
   */
  readonly cursor: Cursor | undefined;
  /**
   * Sends a message. Resolves with it once it is stored for good, however many reconnects that takes; rejects with a
   * `MicroError` once it is certain that this handle won't get it stored.
   *
   * It survives the page: one that is loaded later sends what is left for the same user (`Micro.pending`, `Micro.on`).
   * At most 1,000 may wait; then it rejects with `client.OutboxFull`. After `sendTimeout` (`Micro.configure`, a day) it
   * rejects: with `client.Expired` if it never went out, with `chat.Send.Expired` once the server, which it may have
   * reached, says that it is not stored. It will not be then.
   */
  send(message: string | Draft): Promise<Message>;
  /**
   * Closes it for good. What has not been acknowledged rejects with `client.Closed`. Of that, what was not sent yet
   * never will be; what the server may have, `Micro.on` tells.
   */
  close(): void;
  /** Listens to an event; returns a function that stops it. */
  on<K extends keyof Events>(event: K, listener: Events[K]): () => void;
}

/** What can be configured. */
export interface Config {
  /** Address of the API, like `https://chat.example.com`. */
  api?: string | undefined;
  /** Address of the `.wasm` file, where it does not lie beside the script. */
  wasm?: string | undefined;
  /**
   * Where your users are your own: returns a token that your back end has signed for the page's user, or a Promise of
   * one. It is called when a token is needed, and again when the server does not take the last one any more.
   */
  token?: TokenSource | undefined;
  /** The namespace that people log in to; without it `micro`. */
  namespace?: string | undefined;
  /**
   * `legacy` keeps a login in the cookies `micro_access`, `micro_refresh` and `micro_expiry`, which every script of the
   * page can read, as the original did. Otherwise no script can read what outlives the page.
   */
  cookies?: "legacy" | undefined;
  /** Other words for the login dialog; what is not given stays English. */
  words?: Partial<Words> | undefined;
  /** How long a message that is sent may wait to be stored, in milliseconds; without it a day. */
  sendTimeout?: number | undefined;
}

/** Who is logged in. */
export interface User {
  /** What the server calls them. */
  user_id: string;
  /** Where they have their account. */
  namespace: string;
}

export type * from "./wire.js";
export type { TokenSource, Words };
