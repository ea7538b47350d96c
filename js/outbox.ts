// What one user has sent and the server has not yet answered. It outlives the page where the browser lets it.

import { call } from "./callback.js";
import { sendTimeout } from "./config.js";
import { badArgument, clientError } from "./error.js";
import { settled, storage, warn, type Row } from "./storage.js";
import type { OutboxEvents, Pending, WholeDraft } from "./types.js";

/** How many messages may wait. */
const CAPACITY = 1_000;

/** A message that waits. */
export type Entry = Omit<Row, "tab">;

/** The outbox of one user. */
export interface Outbox {
  /** What no handle waits for, oldest first: left by an earlier page, or by a handle that was closed. */
  readonly orphans: Entry[];
  /** Resolves once it is known what earlier pages left. */
  readonly ready: Promise<void>;
  /** Is called when there are new orphans. */
  onorphans: (() => void) | undefined;
  /** Keeps a message, until `remove`. */
  add(chatId: string, draft: WholeDraft): Promise<Entry>;
  /** What became of a message is certain. */
  remove(entry: Entry): void;
  /** As the page sees it. */
  messageOf(entry: Entry): Pending;
}

const outboxes = new Map<string, Outbox & { pending(): Pending[] }>();
const listeners = { sent: new Set<OutboxEvents["sent"]>(), failed: new Set<OutboxEvents["failed"]>() };

/** Listens to what becomes of messages that no handle waits for. */
export function on<K extends keyof OutboxEvents>(event: K, listener: OutboxEvents[K]): () => void {
  if (!["sent", "failed"].includes(event) || typeof listener !== "function") {
    throw badArgument("Micro.on: pass one of sent, failed, and a function.");
  }
  const set = (listeners[event] as Set<OutboxEvents[K]>).add(listener);
  return () => void set.delete(listener);
}

/** Tells of it. */
export function tell<K extends keyof OutboxEvents>(event: K, ...args: Parameters<OutboxEvents[K]>): void {
  for (const listener of [...listeners[event]]) call(listener as (...args: unknown[]) => void, ...args);
}

/** All that waits, of the users that this page has connected. */
export async function pending(): Promise<Pending[]> {
  const all = [...outboxes.values()];
  await Promise.all(all.map(({ ready }) => ready));
  return all.flatMap((outbox) => outbox.pending());
}

/** The outbox of a user of a namespace of a server. */
export function outboxOf(api: string, namespace: string, userId: string): Outbox {
  const owner = JSON.stringify([api, namespace, userId]);
  let outbox = outboxes.get(owner);
  if (!outbox) outboxes.set(owner, (outbox = createOutbox(owner, namespace, userId)));
  return outbox;
}

function createOutbox(owner: string, namespace: string, user_id: string) {
  const entries = new Set<Entry>();
  const adopt = async () => {
    const rows = await (
      await storage()
    )?.adopt(owner, Math.max(0, CAPACITY - entries.size), () => void adopt().catch(warn));
    if (!rows?.length) return;
    for (const row of rows) entries.add(row);
    outbox.orphans.push(...rows);
    outbox.onorphans?.();
  };
  const write = async (entry: Entry) => {
    const rows = await storage();
    // The storage may be late: what has been answered by then is not to come back.
    if (!entries.has(entry)) return;
    const key = await rows?.add(entry);
    if (key) entry.key = key;
    if (!entries.has(entry)) outbox.remove(entry);
  };
  const keep = async (entry: Entry, before?: Promise<void>) => {
    // What an earlier page left goes first.
    await outbox.ready;
    const written = write(entry).catch(warn);
    // What can't be kept takes less time than what can, and must not overtake it.
    await before;
    await settled(written);
  };
  // Resolves once all that was added before may go out.
  let last: Promise<void> | undefined;
  const outbox = {
    orphans: [] as Entry[],
    onorphans: undefined as (() => void) | undefined,
    ready: Promise.resolve(),
    async add(chat_id: string, draft: WholeDraft): Promise<Entry> {
      const sent_at = Date.now() / 1000;
      const entry: Entry = { owner, chat_id, ...draft, sent_at, expires_at: sent_at + sendTimeout / 1000 };
      if (entries.size >= CAPACITY) {
        throw clientError("OutboxFull", `${CAPACITY} messages wait to be stored. Send again when some of them are.`);
      }
      entries.add(entry);
      await (last = keep(entry, last));
      return entry;
    },
    remove(entry: Entry) {
      entries.delete(entry);
      // What stays there is sent once more by a later page, and answered alike.
      if (entry.key) void storage().then((rows) => rows?.remove(entry).catch(warn));
    },
    messageOf: ({ chat_id, client_id, subject, text, sent_at }: Entry) => {
      return { namespace, user_id, chat_id, client_id, subject, text, sent_at };
    },
    pending: () => [...entries].sort((one, other) => one.sent_at - other.sent_at).map(outbox.messageOf),
  };
  outbox.ready = settled(adopt());
  return outbox;
}
