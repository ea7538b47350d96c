// The connection of one user of one namespace, shared by all handles of that user.

import { toError, type MicroError } from "./error.js";
import { tell, type Entry, type Outbox } from "./outbox.js";
import { guard, mourners, type Wasm } from "./load.js";
import { hasTokens, renew, tokenOf, watchTokens } from "./token.js";
import type { Gap, MemberEvent, Message, State } from "./types.js";

/** What a connection tells each of its handles. */
export interface Reader {
  /** The connection's state is another. */
  state(state: State): void;
  /** The chat is subscribed, and stands at a cursor. */
  subscribed(epoch: number, seq: number): void;
  /** Some of what was asked for will never come. */
  gap(gap: Gap): void;
  /** All that was stored has been delivered; the chat stands at `seq`. */
  caughtup(seq: number): void;
  /** Messages came; those behind `after` are new, and the chat then stands at `seq`. */
  deliver(messages: Message[], after: number, epoch: number, seq: number): void;
  /** Somebody came in or went, or a part of who is there came: where that was asked for. */
  event(event: Part): void;
  /** Nothing more will come. */
  ended(error: MicroError): void;
}

/** An event as the server sends it. A large list of members comes in parts, all but the last of which say so. */
export type Part = MemberEvent & { has_more?: boolean };

/** The close code of a link that broke. */
const BROKEN = 1006;

/** The close code of one that was refused for good. */
const REFUSED = 1008;

/** The close code of one whose login is none any more. */
const LOGIN = 4003;

/** What the server adds to a message that it stored. */
export type Stored = Pick<Message, "id" | "client_id" | "seq" | "sent_at">;

/** Who waits for a message to be stored. */
export interface Sender {
  /** It is. */
  stored(stored: Stored): void;
  /** It will not be by this connection; unless that is `certain`, it may be stored all the same. */
  refused(error: MicroError, certain: boolean): void;
}

/** A connection. */
export interface Connection {
  /**
   * Adds a handle: reads a chat, maybe its members too, from a cursor on; `after` below 0 is from now on. Returns its
   * number.
   */
  subscribe(reader: Reader, chatId: string, epoch: number, after: number, members: boolean): number;
  /** Takes it away. */
  unsubscribe(id: number): void;
  /** Sends a message to a handle's chat, until that time in Unix seconds; `again` if it may have been sent before. */
  publish(id: number, body: object, expiresAt: number, sender: Sender, again?: boolean): void;
}

/** Who speaks. */
interface Hello {
  namespace: string | undefined;
  user_id: string;
  /** What proves it, as far as the server knows. */
  token?: string;
}

/** A connection as the browser sees it, and whoever has tokens. */
interface Link extends Connection {
  wake(): void;
  pause(): void;
  leave(): void;
  renew(token: string): void;
}

const connections = new Map<string, Link>();

/** The connection of a user, the one that is there or a new one. What waits in the outbox goes out by it. */
export function connectionOf(
  wasm: Wasm,
  server: string,
  namespace: string,
  userId: string,
  outbox: Outbox,
): Connection {
  const key = JSON.stringify([server, namespace, userId]);
  let connection = connections.get(key);
  if (!connection) {
    connection = createConnection(wasm, server, { namespace: namespace || undefined, user_id: userId }, () => {
      if (connections.get(key) !== connection) return false;
      connections.delete(key);
      if (!connections.size) listen("removeEventListener");
      return true;
    });
    connections.set(key, connection);
    if (connections.size === 1) listen("addEventListener");
  }
  outbox.onorphans = () => {
    // What can't go out now, since the Rust side is gone, a later page sends.
    try {
      recover(connectionOf(wasm, server, namespace, userId, outbox), outbox);
    } catch {}
  };
  recover(connection, outbox);
  return connection;
}

function createConnection(wasm: Wasm, server: string, hello: Hello, forget: () => boolean) {
  // Whether the Rust side of it is freed: who comes late, with a token, finds nobody.
  let gone = false;
  // Counts what was asked for: only the last token that comes counts.
  let asked = 0;
  // Whether the token in use was refused, and nothing has gone well since.
  let denied = false;
  const readers = new Map<number, Reader>();
  const senders = new Map<number, Sender>();
  // The last send's number.
  let sends = 0;

  // What the socket and the timer say goes into wasm; a trap has been told of when it comes out.
  const enter = (step: () => void) => {
    if (gone) return;
    try {
      guard(step);
    } catch {}
  };
  // The last one out: once the stack has unwound, nobody is inside any more.
  const rest = () => {
    if (!readers.size && !senders.size && forget()) {
      mourners.delete(mourn);
      queueMicrotask(() => {
        enter(() => client.free());
        gone = true;
      });
    }
  };
  const mourn = (error: MicroError) => {
    forget();
    for (const reader of readers.values()) reader.ended(error);
    for (const sender of senders.values()) sender.refused(error, false);
  };
  const settle = (send: number, how: (sender: Sender) => void) => {
    const sender = senders.get(send);
    senders.delete(send);
    if (sender) how(sender);
    rest();
  };

  const page = {
    onopen: () => enter(() => client.opened()),
    onmessage: (event: MessageEvent) => enter(() => client.received(event.data)),
    onclose({ code }: CloseEvent) {
      const ends = code === LOGIN && (denied || !hasTokens());
      if (code === LOGIN) denied = true;
      enter(() => client.closed(ends ? REFUSED : code));
    },
    open() {
      const turn = ++asked;
      // Without one it is as if there were no network: the page's own server may be out of reach.
      tokenOf(denied ? hello.token : "").then(
        (token) => {
          if (turn !== asked) return;
          if (token) hello.token = token;
          else delete hello.token;
          enter(() => client.open(hello));
        },
        (error: unknown) => {
          if (turn === asked) enter(() => client.closed(BROKEN));
          console.error(error);
        },
      );
    },
    ontimer: () => enter(() => client.timeout()),
    state(name: State["state"], delay?: number) {
      const state = delay === undefined ? { state: name } : { state: name, delay };
      for (const reader of readers.values()) reader.state(state);
    },
    subscribed(id: number, epoch: number, seq: number) {
      denied = false;
      readers.get(id)?.subscribed(epoch, seq);
    },
    gap: (id: number, from: number, to: number, restored: boolean) => readers.get(id)?.gap({ from, to, restored }),
    caughtup: (id: number, seq: number) => readers.get(id)?.caughtup(seq),
    deliver: (id: number, messages: Message[], after: number, epoch: number, seq: number) =>
      readers.get(id)?.deliver(messages, after, epoch, seq),
    event: (id: number, event: Part) => readers.get(id)?.event(event),
    stored: (send: number, stored: Stored) => settle(send, (sender) => sender.stored(stored)),
    refused: (send: number, error: unknown, certain: boolean) =>
      settle(send, (sender) => sender.refused(toError(error), certain)),
    ended(id: number, error: unknown) {
      const reader = readers.get(id);
      readers.delete(id);
      reader?.ended(toError(error));
      rest();
    },
  };
  const url = `${server.replace(/^http/, "ws")}/chat/Connect`;
  const client = guard(() => new wasm.Client(url, page));
  mourners.add(mourn);

  return {
    subscribe(reader: Reader, chatId: string, epoch: number, after: number, members: boolean) {
      const id = guard(() => client.subscribe(chatId, epoch, after, members));
      readers.set(id, reader);
      enter(() => client.run());
      return id;
    },
    unsubscribe(id: number) {
      if (!readers.delete(id)) return;
      enter(() => client.unsubscribe(id));
      rest();
    },
    publish(id: number, body: object, expiresAt: number, sender: Sender, again = false) {
      // What is too late already fails at once.
      senders.set(++sends, sender);
      enter(() => client.publish(sends, id, body, again, expiresAt * 1000 - Date.now()));
    },
    wake: () => enter(() => client.wake()),
    pause: () => enter(() => client.pause()),
    leave: () => enter(() => client.leave()),
    renew(token: string) {
      if (!hello.token || hello.token === token) return;
      hello.token = token;
      enter(() => client.renew({ token }));
    },
  };
}

/** Sends what no handle waits for: to each chat through a subscription of its own, which delivers to nobody. */
function recover(connection: Connection, outbox: Outbox): void {
  const subscriptions = new Map<string, { id: number; waiting: number }>();
  const nothing = () => {};
  const nobody = {
    state: nothing,
    subscribed: nothing,
    gap: nothing,
    caughtup: nothing,
    deliver: nothing,
    event: nothing,
    ended: nothing,
  };
  const send = (entry: Entry) => {
    const { chat_id, client_id, subject, text, expires_at } = entry;
    let subscription = subscriptions.get(chat_id);
    if (!subscription) {
      subscription = { id: connection.subscribe(nobody, chat_id, 0, -1, false), waiting: 0 };
      subscriptions.set(chat_id, subscription);
    }
    const { id } = subscription;
    const leave = () => {
      if (!--subscription.waiting) connection.unsubscribe(id);
    };
    const message = outbox.messageOf(entry);
    subscription.waiting++;
    const sender: Sender = {
      stored(stored) {
        outbox.remove(entry);
        tell("sent", { ...message, ...stored });
        leave();
      },
      refused(error, certain) {
        // Otherwise it stays, for a later page to ask again.
        if (certain) {
          outbox.remove(entry);
          tell("failed", message, error);
        }
        leave();
      },
    };
    connection.publish(id, { client_id, subject, text }, expires_at, sender, true);
  };
  // What can't go out now, since the connection is refused, a later page sends.
  try {
    outbox.orphans.splice(0).forEach(send);
  } catch {}
}

// Moments at which a link is worth asking whether it still lives, while there is one.
const wake = () => {
  connections.forEach((connection) => connection.wake());
  renew();
};
const pause = () => connections.forEach((connection) => connection.pause());
// Some browsers keep no page for the way back that has a socket; the others cut it.
const leave = ({ persisted }: PageTransitionEvent) =>
  persisted && connections.forEach((connection) => connection.leave());
const told = (token: string) => connections.forEach((connection) => connection.renew(token));
const look = () => document.visibilityState === "visible" && wake();

function listen(how: "addEventListener" | "removeEventListener"): void {
  watchTokens(how === "addEventListener" ? told : undefined);
  window[how]("online", wake);
  window[how]("pageshow", wake);
  window[how]("pagehide", leave as EventListener);
  window[how]("offline", pause);
  document[how]("visibilitychange", look);
}
