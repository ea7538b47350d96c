// How the page is connected, of all chats that its components show.

import type { State } from "./index.js";

/** How the page is connected. */
export interface Connection {
  /** `idle` while no component shows a chat; otherwise the state of the chat that is worst off. */
  readonly state: "idle" | "live" | "connecting" | "waiting" | "offline";
  /** Milliseconds until the next try, while waiting. */
  readonly delay?: number;
}

const IDLE: Connection = { state: "idle" };

/** From the best to the worst. A chat that is closed, the server has refused: that says nothing of the connection. */
const ORDER = ["idle", "closed", "live", "connecting", "waiting", "offline"];

const links = new Set<{ now: State }>();
const listeners = new Set<() => void>();
let connection = IDLE;
let isDue = false;

const worse = (one: Connection, { state, delay }: State): Connection => {
  if (state === "closed" || ORDER.indexOf(state) <= ORDER.indexOf(one.state)) return one;
  return delay === undefined ? { state } : { state, delay };
};

/** One change for all handles that hear of it together. */
function change(): void {
  if (isDue) return;
  isDue = true;
  queueMicrotask(() => {
    isDue = false;
    const next = [...links].map(({ now }) => now).reduce(worse, IDLE);
    if (next.state === connection.state && next.delay === connection.delay) return;
    connection = next;
    for (const listener of [...listeners]) listener();
  });
}

/** What one chat has to say about it. */
export function linkOf() {
  const link = { now: { state: "connecting" } as State };
  return {
    become(state: State): void {
      link.now = state;
      links.add(link);
      change();
    },
    leave(): void {
      links.delete(link);
      change();
    },
  };
}

/** What React asks and subscribes to. */
export const page = {
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
  now: (): Connection => connection,
  initial: (): Connection => IDLE,
};
