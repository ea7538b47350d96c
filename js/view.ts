// A chat as a component shows it: what was delivered, as one value that changes only when something did.

import { Micro, MicroError } from "./index.js";
import { linkOf } from "./link.js";
import type { Cursor, Draft, Events, Gap, Handle, Message, State } from "./index.js";

/** What a component shows of a chat. */
export interface ChatView {
  /** What was delivered so far, in the chat's order, each message once. */
  readonly messages: readonly Message[];
  /** What was sent here and is not among `messages` yet, oldest first. */
  readonly pending: readonly Draft[];
  /** How it is connected; `closed` after an `error`. */
  readonly state: State["state"];
  /** Everything that was stored has come, once; what comes from here on, happens now. */
  readonly caughtUp: boolean;
  /** What the server has no more, of what was asked for. */
  readonly gap: Gap | undefined;
  /** Why the chat was refused. */
  readonly error: MicroError | undefined;
  /**
   * Sends a message, as `handle.send` does. It is the same function as long as the chat is the same, and rejects where
   * no component shows that.
   */
  readonly send: (message: string | Draft) => Promise<Message>;
}

/** Which chat it is, and how it is read. */
export interface ViewOptions {
  chat_id: string | undefined;
  user_id: string | undefined;
  namespace: string | undefined;
  after: number | Cursor | undefined;
  own: boolean;
}

/** What React asks and subscribes to. Nothing is opened before somebody subscribes. */
export interface View {
  subscribe(listener: () => void): () => void;
  now(): ChatView;
  /** Where it begins, and all there is of it on a server. */
  initial(): ChatView;
}

/** A message on its way, and its place once the server has told that. */
interface Sent {
  draft: Draft & { client_id: string };
  seq?: number;
}

/** How long after the SDK could not be loaded that is tried again, in milliseconds. */
const AGAIN = 5_000;

const closedError = () =>
  new MicroError({
    Id: "client.Closed",
    Code: 0,
    Detail: "This chat is not open: no component shows it yet, or any more, or its chat or user is not known.",
    Status: "Client Error",
  });

/** Makes the view of a chat; without a user or a chat it stays as it begins. */
export function createView({ chat_id, user_id, namespace, after, own }: ViewOptions): View {
  const listeners = new Set<() => void>();
  const link = linkOf();
  let sent: Sent[] = [];
  let arrived: Message[] = [];
  let handle: Handle | undefined;
  // What the handle has not stored yet: it is closed behind that, or what was written would be given up.
  let unstored = new Set<Promise<Message>>();
  // Where the last handle stood: the next one goes on there.
  let cursor = after;
  let again: ReturnType<typeof setTimeout> | undefined;
  let isDue = false;

  const initial: ChatView = {
    messages: [],
    pending: [],
    state: "connecting",
    caughtUp: false,
    gap: undefined,
    error: undefined,
    send,
  };
  let now = initial;
  let next = initial;

  /** Notes what is different. A whole frame of messages is one change. */
  function change(part: Partial<ChatView>): void {
    next = { ...next, ...part };
    if (isDue) return;
    isDue = true;
    queueMicrotask(() => {
      isDue = false;
      if (arrived.length) next = { ...next, messages: [...next.messages, ...arrived] };
      arrived = [];
      const seq = handle?.cursor?.seq ?? 0;
      // What the reader has passed is shown or gone.
      sent = sent.filter((message) => !(message.seq! <= seq));
      const pending = sent.filter(({ seq }) => own || seq === undefined).map(({ draft }) => draft);
      if (pending.length !== next.pending.length || pending.some((draft, place) => draft !== next.pending[place])) {
        next = { ...next, pending };
      }
      const keys = Object.keys(next) as (keyof ChatView)[];
      if (keys.every((key) => next[key] === now[key])) return;
      now = next;
      for (const listener of [...listeners]) listener();
    });
  }

  async function send(message: string | Draft): Promise<Message> {
    const target = handle;
    if (!target) throw closedError();
    const draft = typeof message === "string" ? { text: message } : message;
    // A name of its own, by which it is known when it comes back; pages on plain http have no `randomUUID`.
    const client_id = draft?.client_id || crypto.getRandomValues(new Uint32Array(4)).join("-");
    const entry: Sent = { draft: { ...draft, client_id } };
    // The SDK refuses anything else.
    if (typeof draft?.text === "string") sent = [...sent, entry];
    change({});
    try {
      const [storing, waiting] = [target.send(entry.draft), unstored];
      waiting.add(storing);
      const stored = await storing.finally(() => waiting.delete(storing));
      entry.seq = stored.seq;
      change({});
      return stored;
    } catch (error) {
      sent = sent.filter((other) => other !== entry);
      change({});
      throw error;
    }
  }

  function open(): void {
    if (!chat_id || !user_id) return;
    try {
      const params = { chat_id, user_id, own, ...(cursor === undefined ? {} : { after: cursor }) };
      const mine = Micro.connect("/chat/Connect", namespace ?? "", params, (message) => {
        // The rest of a frame, after the component went away.
        if (handle !== mine) return;
        // What an earlier handle sent, this one does not know.
        const others = sent.filter(({ draft }) => draft.client_id !== message.client_id || message.user_id !== user_id);
        if (own || others.length === sent.length) arrived.push(message);
        sent = others;
        change({});
      });
      [handle, unstored] = [mine, new Set()];
      const on = <K extends keyof Events>(event: K, listener: Events[K]) =>
        mine.on(event, ((...args: never[]) => handle === mine && (listener as Function)(...args)) as Events[K]);
      link.become({ state: mine.state });
      on("state", (state) => {
        link.become(state);
        change(state.state === "live" ? { state: "live", error: undefined } : { state: state.state });
      });
      on("error", (error) => {
        change({ error });
        // Nobody refused the chat: what would open it did not come, and may the next time.
        if (error.id === "client.LoadFailed") again = setTimeout(open, AGAIN);
      });
      on("caughtup", () => change({ caughtUp: true }));
      on("gap", (gap) => {
        // Nobody knows which of these were shown before: the chat begins anew.
        if (gap.restored) {
          arrived = [];
          sent = sent.filter(({ seq }) => seq === undefined);
        }
        change(gap.restored ? { gap, messages: [] } : { gap });
      });
    } catch (error) {
      change({ state: "closed", error: error as MicroError });
    }
  }

  function close(): void {
    const last = handle;
    handle = undefined;
    clearTimeout(again);
    cursor = last?.cursor ?? cursor;
    void Promise.allSettled(unstored).then(() => last?.close());
    link.leave();
    change({ state: "connecting", caughtUp: false, error: undefined });
  }

  return {
    subscribe(listener) {
      listeners.add(listener);
      if (!handle) open();
      return () => {
        listeners.delete(listener);
        // StrictMode, and a list that is sorted anew, come back at once.
        queueMicrotask(() => {
          if (!listeners.size) close();
        });
      };
    },
    now: () => now,
    initial: () => initial,
  };
}
