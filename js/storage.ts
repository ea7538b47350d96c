// Where messages that wait to be stored outlive the page: IndexedDB, shared by all tabs of an origin.

import type { WholeDraft } from "./types.js";

/** A message that waits. */
export interface Row extends WholeDraft {
  /** Its place among all. */
  key?: number;
  /** Whose it is: the API's address, the namespace and the user. */
  owner: string;
  /** The tab that sends it. Others leave it alone as long as that tab lives. */
  tab: string;
  /** Where it goes. */
  chat_id: string;
  /** When it was written, in Unix seconds. */
  sent_at: number;
  /** From when on it is not to be stored any more, likewise. */
  expires_at: number;
}

/** The rows, as one tab sees them. */
export interface Storage {
  /** Adds a row of this tab; resolves to its key once it is kept. */
  add(row: Omit<Row, "tab">): Promise<number>;
  /** Takes a row away, if what has its key is that one still. */
  remove(row: Pick<Row, "key" | "client_id">): Promise<void>;
  /**
   * Makes the oldest rows of an owner that no living tab sends this tab's own, and resolves to those that are new to
   * it; `later` is called as other tabs end, and when the browser brings this page back.
   */
  adopt(owner: string, most: number, later: () => void): Promise<Row[]>;
}

const NAME = "micro-chat";

/** How long a step may take, in milliseconds: browsers forget to answer, and a tab that is frozen keeps its locks. */
const PATIENCE = 5_000;

/** How long a page that was left may take to be gone, in milliseconds. */
const LEAVING = 1_000;

let opening: Promise<Storage | undefined> | undefined;
// Who has not answered in time is waited for no more until it answers.
let patience = PATIENCE;
let warned = false;

/** What can't be kept is sent all the same, as long as the page stays. */
export function warn(error: unknown): void {
  if (!warned) console.warn("Micro Chat: messages that wait to be sent don't survive a reload of this page:", error);
  warned = true;
}

/** Resolves once a step is done or has failed, or takes too long: then it may still be done later. */
export const settled = (step: Promise<unknown>): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => {
      patience = 0;
      warn("IndexedDB does not answer");
      resolve();
    }, patience);
    step.catch(warn).then(() => {
      patience = PATIENCE;
      clearTimeout(timer);
      resolve();
    });
  });

/** The storage; undefined where the browser has none for this page. */
export const storage = (): Promise<Storage | undefined> =>
  (opening ??= open().catch((error: unknown) => {
    warn(error);
    return undefined;
  }));

async function open(): Promise<Storage> {
  const { locks } = navigator;
  const lockOf = (tab: string) => `${NAME} ${tab}`;
  // Missing on plain http, as locks are.
  const tab = crypto.randomUUID();
  const owners = new Map<string, () => void>();
  let letGo: () => void;
  // Held as long as this page lives: it says that this tab's rows are taken care of. So it comes before the first row.
  const hold = () =>
    new Promise<void>((resolve, reject) => {
      const held = () =>
        new Promise<void>((release) => {
          letGo = release;
          resolve();
        });
      locks.request(lockOf(tab), held).catch(reject);
    });
  await hold();
  // A page that is left and kept for the way back takes care of nothing meanwhile, and with a lock it would not be
  // kept.
  addEventListener("pagehide", ({ persisted }) => persisted && letGo());
  addEventListener(
    "pageshow",
    ({ persisted }) => persisted && hold().then(() => owners.forEach((later) => later()), warn),
  );
  // What this page knows already, whoever took it over while the page was away.
  const own = new Set<IDBValidKey>();
  let opened: Promise<IDBDatabase> | undefined;
  // The next step opens it anew; what has been in it may be gone, and keys be others' then.
  const forget = () => {
    opened = undefined;
    own.clear();
  };
  const connect = () =>
    (opened ??= new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open(NAME, 1);
      request.onupgradeneeded = () =>
        request.result
          .createObjectStore("outbox", { keyPath: "key", autoIncrement: true })
          .createIndex("owner", "owner");
      request.onsuccess = () => {
        const { result } = request;
        // A later version of this script wants to change it.
        result.onversionchange = () => {
          result.close();
          forget();
        };
        // The browser closed it, maybe since its user took away what was in it.
        result.onclose = forget;
        resolve(result);
      };
      request.onerror = () => {
        forget();
        reject(request.error);
      };
    }));
  await connect();

  const run = async <T>(work: (rows: IDBObjectStore) => IDBRequest<T> | void) => {
    const database = await connect();
    return new Promise<T>((resolve, reject) => {
      const transaction = database.transaction("outbox", "readwrite");
      const request = work(transaction.objectStore("outbox"));
      transaction.oncomplete = () => resolve(request?.result as T);
      transaction.onabort = () => reject(transaction.error);
    });
  };
  const rowsOf = (owner: string): Promise<Row[]> => run((rows) => rows.index("owner").getAll(owner));
  const waitsFor = new Set<string>();
  return {
    async add(row) {
      const key = await run((rows) => rows.add({ ...row, tab }));
      own.add(key);
      return key as number;
    },
    async remove({ key, client_id }) {
      await run((rows) => {
        const request: IDBRequest<Row | undefined> = rows.get(key!);
        request.onsuccess = () => request.result?.client_id === client_id && rows.delete(key!);
      });
      own.delete(key!);
    },
    async adopt(owner, most, later) {
      owners.set(owner, later);
      // A tab's lock is granted when it ends. One that lives keeps nobody waiting for long; a page that has just been
      // left lets go of its lock in a moment, and what it left goes before what the next one sends.
      const others = new Set((await rowsOf(owner)).map((row) => row.tab));
      let waits = true;
      const ends = [...others].map(async (other) => {
        const whose = owner + other;
        if (other === tab || waitsFor.has(whose)) return;
        waitsFor.add(whose);
        await locks.request(lockOf(other), () => {});
        waitsFor.delete(whose);
        if (!waits) later();
      });
      await Promise.race([Promise.all(ends), new Promise((resolve) => setTimeout(resolve, LEAVING))]);
      waits = false;
      // One tab after the other.
      return locks.request(NAME, async () => {
        // First the rows, then the tabs: who had written one held its lock by then.
        const found = await rowsOf(owner);
        const { held = [] } = await locks.query();
        const alive = new Set(held.map(({ name }) => name));
        const dead = new Set(found.map((row) => row.tab).filter((other) => !alive.has(lockOf(other))));
        const orphans: Row[] = [];
        await run((rows) => {
          const request: IDBRequest<Row[]> = rows.index("owner").getAll(owner);
          request.onsuccess = () => {
            for (const row of request.result.filter((row) => dead.has(row.tab))) {
              const isNew = !own.has(row.key!);
              if (isNew && orphans.length >= most) continue;
              rows.put({ ...row, tab });
              if (isNew) orphans.push(row);
            }
          };
        });
        for (const { key } of orphans) own.add(key!);
        return orphans;
      });
    },
  };
}
