//! How much one commit takes away: others' messages do not wait for long, and the log stays small.

/// Rows.
const ROWS: usize = 500;

/// Bytes of texts and subjects. What is taken away is written to the log where it is overwritten.
const BYTES: usize = 1024 * 1024;

/// What one commit takes away, so far.
#[derive(Debug, Default)]
pub struct Batch {
    rows: usize,
    bytes: usize,
}

impl Batch {
    /// The most rows of one.
    pub const ROWS: usize = ROWS;

    /// One more row with so many bytes, which may be the one that is too much: each commit takes something away.
    pub fn add(&mut self, bytes: usize) {
        self.rows += 1;
        self.bytes += bytes;
    }

    /// Whether nothing more goes in.
    pub fn is_full(&self) -> bool {
        self.rows >= ROWS || self.bytes >= BYTES
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Erasure, Nanos, erasure, groups, retention, schema};
    use rusqlite::Connection;

    /// A database with a chat of Ann and Ben: so many messages of hers, of so many bytes each.
    fn database(folder: &tempfile::TempDir, messages: usize, bytes: usize) -> Connection {
        let connection = schema::open(&folder.path().join("chat.db")).expect("a database");
        let sql = format!(
            "INSERT INTO chats (chat, namespace, id, epoch, last_seq, created_at, active_at) VALUES (1, 'micro', 'a', 1, {messages}, 1, 1);
             INSERT INTO members (chat, user_id) VALUES (1, 'ann'), (1, 'ben');
             WITH RECURSIVE series(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM series WHERE seq < {messages})
             INSERT INTO messages SELECT 1, seq, seq, seq, 'ann', '', printf('%.{bytes}c', 'x'), 1 FROM series;"
        );
        connection.execute_batch(&sql).expect("a chat");
        connection
    }

    /// What each commit takes away, until there is no more.
    fn taken(connection: &Connection, table: &str, mut commit: impl FnMut() -> bool) -> Vec<usize> {
        let count = format!("SELECT count(*) FROM {table}");
        let left = || -> usize { connection.query_row(&count, [], |row| row.get(0)).expect("a count") };
        let (mut taken, mut before) = (Vec::new(), left());
        loop {
            let has_more = commit();
            let now = left();
            taken.push(before - now);
            before = now;
            if !has_more {
                return taken;
            }
        }
    }

    #[test]
    fn whoever_takes_messages_away_takes_so_many_bytes_and_so_many_rows_in_a_commit() {
        let of = Erasure { namespace: "micro".to_owned(), user_id: "ann".to_owned(), at: Nanos::MAX };
        // 16 of 64 KiB are one MiB.
        for (messages, bytes, most) in [(40, 64 * 1024, 16), (1_200, 10, ROWS)] {
            for who in ["erasure", "retention", "sweep"] {
                let folder = tempfile::tempdir().expect("a folder");
                let connection = database(&folder, messages, bytes);
                if who == "sweep" {
                    groups::end(&connection, 1).expect("it ends");
                }
                let taken = taken(&connection, "messages", || match who {
                    "erasure" => erasure::erase(&connection, &of, 1, &mut Vec::new()).expect("it is written").has_more,
                    "retention" => retention::remove(&connection, 1, 2, &mut Vec::new()).expect("it is written"),
                    _ => groups::sweep(&connection).expect("it is written"),
                });
                assert!(taken.iter().all(|count| *count <= most), "{who}: {taken:?}");
                assert_eq!(taken.iter().sum::<usize>(), messages, "{who}: {taken:?}");
                assert_eq!(taken[0], most, "{who}: no less than it may");
            }
        }
    }
    #[test]
    fn what_says_that_messages_were_deleted_goes_in_as_small_steps() {
        // One message is left behind what was deleted: none, an old one, a young one.
        for (sent_at, first_seq) in [(None, 1_201), (Some(1), 1_201), (Some(3), 2)] {
            let folder = tempfile::tempdir().expect("a folder");
            let connection = database(&folder, 1_200, 1);
            let last = if sent_at.is_some() { 1_200 } else { 1_201 };
            let sql = format!(
                "INSERT INTO tombstones SELECT chat, seq FROM messages WHERE seq > 1 AND seq < {last};
                 DELETE FROM messages WHERE seq > 1 AND seq < {last};
                 UPDATE messages SET sent_at = {} WHERE seq = 1200;",
                sent_at.unwrap_or(1)
            );
            connection.execute_batch(&sql).expect("most are deleted");
            let commit = || retention::remove(&connection, 1, 2, &mut Vec::new()).expect("it is written");
            let taken = taken(&connection, "tombstones", commit);
            assert!(taken.iter().all(|count| *count <= ROWS), "{taken:?}");
            let is: i64 = connection.query_row("SELECT first_seq FROM chats", [], |row| row.get(0)).expect("a seq");
            assert_eq!(is, first_seq, "{taken:?}");
        }
    }
}
