// What a page's browser keeps of messages that wait to be stored.

/** Gives a page `kept()`: a Promise of how many there are, of all users. */
export const KEPT = `<script>
  window.kept = () => new Promise((resolve) => {
    indexedDB.open("micro-chat", 1).onsuccess = ({ target: { result: database } }) => {
      database.transaction("outbox").objectStore("outbox").count().onsuccess = ({ target: { result } }) => {
        database.close();
        resolve(result);
      };
    };
  });
</script>`;
