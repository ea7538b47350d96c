// What a page's browser keeps of messages that wait to be stored.

/** Runs in a page: a Promise of how many there are, of all users. */
export function kept() {
  return new Promise((resolve) => {
    const opening = indexedDB.open("micro-chat", 1);
    // Nobody has kept anything yet: the database is the SDK's to make.
    opening.onupgradeneeded = () => opening.transaction.abort();
    opening.onerror = () => resolve(0);
    opening.onsuccess = () => {
      const database = opening.result;
      database.transaction("outbox").objectStore("outbox").count().onsuccess = ({ target: { result } }) => {
        database.close();
        resolve(result);
      };
    };
  });
}

/** Gives a page `kept()`. */
export const KEPT = `<script>window.kept = ${kept}</script>`;
