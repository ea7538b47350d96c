// One connected chat, as the page holds it.

import { call, callWithError, takesErrors } from "./callback.js";
import { api } from "./config.js";
import { connectionOf, type Connection, type Reader, type Sender } from "./connection.js";
import { draftOf } from "./draft.js";
import { badArgument, clientError, toError, type MicroError } from "./error.js";
import { createBuffer, type Buffer } from "./iterator.js";
import { guard, load } from "./load.js";
import { outboxOf } from "./outbox.js";
import type { Callback, ConnectParams, Events, Handle, Message, State } from "./types.js";

/** Who waits for a handle to open: then it is theirs to tell of a failure, and not the handle's. */
export interface Opening {
  resolve(handle: Handle): void;
  reject(error: MicroError): void;
}

const EVENTS = ["open", "close", "error", "state", "caughtup", "gap", "member"] as const satisfies (keyof Events)[];

const closedError = () =>
  clientError("Closed", "The handle was closed before the server acknowledged this. It may have been stored.");

/** Opens a chat. `path` is checked as soon as the Rust side is there. */
export function open(
  path: string,
  namespace: string,
  params: ConnectParams,
  callback: Callback<Message> | undefined,
  opening?: Opening,
): Handle {
  const { chat_id = "", user_id = "", after, own, members } = params;
  const listeners = {} as { [K in keyof Events]: Set<Events[K]> };
  for (const event of EVENTS) listeners[event] = new Set<never>();
  const buffers = new Set<Buffer>();
  // What this handle sent and has not yet seen come back, by client_id.
  const sent = new Set<string>();
  // Where it goes is settled now, whatever is configured before the wasm is there.
  const server = api();
  const outbox = outboxOf(server, namespace || "micro", user_id);
  // Resolves once the connection is there, or never will be.
  let connects!: () => void;
  const connected = new Promise<void>((resolve) => (connects = resolve));
  let connection: Connection | undefined;
  let id = 0;
  let state: State["state"] = "connecting";
  let epoch: number | undefined;
  let seq = 0;
  // Who is in the chat, as far as that has come.
  let listed: string[] = [];
  let opened = false;
  let failure: MicroError | undefined;

  function emit<K extends keyof Events>(event: K, ...args: Parameters<Events[K]>): void {
    for (const listener of [...listeners[event]]) call(listener as (...args: unknown[]) => void, ...args);
  }

  function become(next: State): void {
    if (state === "closed" || (state === next.state && next.delay === undefined)) return;
    state = next.state;
    emit("state", next);
  }

  function finish(error?: MicroError): void {
    if (state === "closed") return;
    failure = error;
    become({ state: "closed" });
    for (const buffer of buffers) buffer.end(error);
    connects();
    if (error) tell(error);
    emit("close");
  }

  function tell(error: MicroError): void {
    if (opening && !opened) return opening.reject(error);
    if (!listeners.error.size && !takesErrors(callback)) console.error(error);
    emit("error", error);
    callWithError(callback, error);
  }

  const reader: Reader = {
    state: become,
    subscribed(newEpoch, newSeq) {
      [epoch, seq, listed] = [newEpoch, newSeq, []];
      become({ state: "live" });
      if (opened || state === "closed") return;
      opened = true;
      opening?.resolve(handle);
      emit("open");
    },
    deliver(messages, after, newEpoch, newSeq) {
      epoch = newEpoch;
      for (const message of messages) {
        if (!(message?.seq > after)) continue;
        if (state === "closed") return;
        seq = message.seq;
        // Others may call theirs the same.
        if (message.user_id === user_id && sent.delete(message.client_id) && !own) continue;
        if (callback) call(callback, message);
        for (const buffer of buffers) if (!buffer.push(message)) buffers.delete(buffer);
      }
      seq = newSeq;
    },
    gap: (gap) => emit("gap", gap),
    caughtup(newSeq) {
      seq = newSeq;
      emit("caughtup");
    },
    event(event) {
      if (event.type === "members") {
        listed = event.user_ids = listed.concat(event.user_ids ?? []);
        if (event.has_more) return;
        listed = [];
      }
      emit("member", event);
    },
    ended: finish,
  };

  const handle: Handle = {
    get state() {
      return state;
    },
    get cursor() {
      return epoch === undefined ? undefined : { epoch, seq };
    },
    send: async (message) => {
      const body = draftOf(message);
      if (state === "closed") throw failure ?? closedError();
      // It is kept before it goes out: what this page doesn't hear of, a later one does.
      const [entry] = await Promise.all([outbox.add(chat_id, body), connected]);
      return new Promise((resolve, reject) => {
        sent.add(body.client_id);
        const refused = (error: MicroError, certain: boolean) => {
          sent.delete(body.client_id);
          if (certain) outbox.remove(entry);
          else {
            outbox.orphans.push(entry);
            outbox.onorphans?.();
          }
          // Where the chat was refused, that is why, whatever became of this message.
          reject(failure ?? error);
        };
        if (!connection || state === "closed") return refused(closedError(), true);
        const sender: Sender = {
          stored(stored) {
            outbox.remove(entry);
            // It was there before, and won't come any more.
            if (stored.seq <= seq) sent.delete(body.client_id);
            resolve({ ...body, chat_id, user_id, ...stored });
          },
          refused,
        };
        connection.publish(id, body, entry.expires_at, sender);
      });
    },
    close() {
      finish();
      connection?.unsubscribe(id);
    },
    on(event, listener) {
      if (!EVENTS.includes(event) || typeof listener !== "function") {
        throw badArgument(`on: pass one of ${EVENTS.join(", ")}, and a function.`);
      }
      const set = listeners[event].add(listener);
      return () => void set.delete(listener);
    },
    [Symbol.asyncIterator]() {
      const buffer = createBuffer(() => buffers.delete(buffer));
      if (state === "closed") buffer.end(failure);
      else buffers.add(buffer);
      return buffer;
    },
  };

  load()
    .then((wasm) => {
      if (state === "closed") return;
      if (!guard(() => wasm.streams(path)))
        throw badArgument(`Only /chat/Connect can be connected to. Use post or get for ${path}.`);
      const cursor = typeof after === "object" ? after : { epoch: 0, seq: after ?? -1 };
      connection = connectionOf(wasm, server, namespace, user_id, outbox);
      id = connection.subscribe(reader, chat_id, cursor.epoch, cursor.seq, !!members);
      connects();
    })
    .catch((error: unknown) => finish(toError(error)));
  return handle;
}
