// The connection of one user of one namespace, shared by all handles of that user.

import { api } from "./config.js";
import { toError, type MicroError } from "./error.js";
import { guard, mourners, type Wasm } from "./load.js";
import type { Gap, Message, State } from "./types.js";

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
  /** Nothing more will come. */
  ended(error: MicroError): void;
}

/** What the server adds to a message that it stored. */
export type Stored = Pick<Message, "id" | "client_id" | "seq" | "sent_at">;

/** Who waits for a message to be stored. */
export interface Sender {
  /** It is. */
  stored(stored: Stored): void;
  /** It will not be. */
  refused(error: MicroError): void;
}

/** A connection. */
export interface Connection {
  /** Adds a handle: reads a chat from a cursor on; `after` below 0 is from now on. Returns its number. */
  subscribe(reader: Reader, chatId: string, epoch: number, after: number): number;
  /** Takes it away. */
  unsubscribe(id: number): void;
  /** Sends a message to a handle's chat. */
  publish(id: number, body: object, sender: Sender): void;
}

const connections = new Map<string, Connection & { wake(): void; pause(): void }>();

/** The connection of a user, the one that is there or a new one. */
export function connectionOf(wasm: Wasm, namespace: string, userId: string): Connection {
  const key = JSON.stringify([api(), namespace, userId]);
  let connection = connections.get(key);
  if (!connection) {
    connection = createConnection(wasm, { namespace: namespace || undefined, user_id: userId }, () => {
      if (connections.get(key) !== connection) return false;
      connections.delete(key);
      if (!connections.size) listen("removeEventListener");
      return true;
    });
    connections.set(key, connection);
    if (connections.size === 1) listen("addEventListener");
  }
  return connection;
}

function createConnection(wasm: Wasm, hello: object, forget: () => boolean) {
  const readers = new Map<number, Reader>();
  const senders = new Map<number, Sender>();

  // What the socket and the timer say goes into wasm; a trap has been told of when it comes out.
  const enter = (step: () => void) => {
    try {
      guard(step);
    } catch {}
  };
  // The last one out: once the stack has unwound, nobody is inside any more.
  const rest = () => {
    if (!readers.size && !senders.size && forget()) {
      mourners.delete(mourn);
      queueMicrotask(() => enter(() => client.free()));
    }
  };
  const mourn = (error: MicroError) => {
    forget();
    for (const reader of readers.values()) reader.ended(error);
    for (const sender of senders.values()) sender.refused(error);
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
    onclose: (event: CloseEvent) => enter(() => client.closed(event.code)),
    ontimer: () => enter(() => client.timeout()),
    state(state: State) {
      for (const reader of readers.values()) reader.state(state);
    },
    subscribed: (id: number, epoch: number, seq: number) => readers.get(id)?.subscribed(epoch, seq),
    gap: (id: number, from: number, to: number, restored: boolean) => readers.get(id)?.gap({ from, to, restored }),
    caughtup: (id: number, seq: number) => readers.get(id)?.caughtup(seq),
    deliver: (id: number, messages: Message[], after: number, epoch: number, seq: number) =>
      readers.get(id)?.deliver(messages, after, epoch, seq),
    stored: (send: number, stored: Stored) => settle(send, (sender) => sender.stored(stored)),
    refused: (send: number, error: unknown) => settle(send, (sender) => sender.refused(toError(error))),
    ended(id: number, error: unknown) {
      const reader = readers.get(id);
      readers.delete(id);
      reader?.ended(toError(error));
      rest();
    },
  };
  const url = `${api().replace(/^http/, "ws")}/chat/Connect`;
  const client = guard(() => new wasm.Client(url, hello, page));
  mourners.add(mourn);

  return {
    subscribe(reader: Reader, chatId: string, epoch: number, after: number) {
      const id = guard(() => client.subscribe(chatId, epoch, after));
      readers.set(id, reader);
      enter(() => client.run());
      return id;
    },
    unsubscribe(id: number) {
      if (!readers.delete(id)) return;
      enter(() => client.unsubscribe(id));
      rest();
    },
    publish(id: number, body: object, sender: Sender) {
      senders.set(
        guard(() => client.publish(id, body)),
        sender,
      );
    },
    wake: () => enter(() => client.wake()),
    pause: () => enter(() => client.pause()),
  };
}

// Moments at which a link is worth asking whether it still lives, while there is one.
const wake = () => connections.forEach((connection) => connection.wake());
const pause = () => connections.forEach((connection) => connection.pause());
const look = () => document.visibilityState === "visible" && wake();

function listen(how: "addEventListener" | "removeEventListener"): void {
  window[how]("online", wake);
  window[how]("pageshow", wake);
  window[how]("offline", pause);
  document[how]("visibilitychange", look);
}
