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

    /// How many more rows may go in.
    pub fn room(&self) -> usize {
        if self.is_full() { 0 } else { ROWS - self.rows }
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
    use crate::store::{Deletion, Nanos, deletion, groups, retention, schema, traces};
    use rusqlite::Connection;

    /// A database with a chat of Ann and Ben: so many messages of hers, of so many bytes each.
    fn database(folder: &tempfile::TempDir, messages: usize, bytes: usize) -> Connection {
        let connection = schema::open(&folder.path().join("chat.db")).expect("a database");
        let sql = format!(
            "INSERT INTO chats (chat, namespace, id, epoch, last_seq, created_at, active_at)
             VALUES (1, 'micro', 'a', 1, {messages}, 1, 1);
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
        let of = Deletion { namespace: "micro".to_owned(), user_id: "ann".to_owned(), at: Nanos::MAX };
        // 16 of 64 KiB are one MiB.
        for (messages, bytes, most) in [(40, 64 * 1024, 16), (1_200, 10, ROWS)] {
            for who in ["deletion", "retention", "sweep"] {
                let folder = tempfile::tempdir().expect("a folder");
                let connection = database(&folder, messages, bytes);
                if who == "sweep" {
                    // Otherwise they go with the first of them.
                    connection.execute("DELETE FROM members", []).expect("nobody is in it");
                    groups::end(&connection, 1).expect("it ends");
                }
                let taken = taken(&connection, "messages", || match who {
                    "deletion" => {
                        deletion::delete_from(&connection, &of, 1, &mut Vec::new()).expect("it is written").has_more
                    }
                    "retention" => retention::remove(&connection, 1, 2, &mut Vec::new()).expect("it is written"),
                    _ => groups::sweep(&connection).expect("it is written"),
                });
                assert!(taken.iter().all(|count| *count <= most), "{who}: {taken:?}");
                assert_eq!(taken.iter().sum::<usize>(), messages, "{who}: {taken:?}");
                assert_eq!(taken[0], most, "{who}: no less than it may");
            }
        }
    }

    /// Rows of the tables that know who is, or was, in a chat.
    const KNOWN: &str =
        "(SELECT chat FROM members UNION ALL SELECT chat FROM traces UNION ALL SELECT chat FROM expired)";

    /// Makes the chat that of 1,000 members, 800 who left something, and as many refusals of Ann's messages.
    fn crowd(connection: &Connection) {
        let sql = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 998)
             INSERT INTO members (chat, user_id) SELECT 1, n FROM n;
             WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 800)
             INSERT INTO traces (chat, user_id) SELECT 1, 'left ' || n FROM n;
             INSERT INTO expired (chat, user_id, client_id) SELECT chat, 'ann', user_id FROM traces;";
        connection.execute_batch(sql).expect("a crowd");
    }

    #[test]
    fn whoever_was_in_a_chat_that_ended_goes_in_as_small_steps_though_nothing_was_said_in_it() {
        for messages in [0, 1, 1_200] {
            let folder = tempfile::tempdir().expect("a folder");
            let connection = database(&folder, 1_200, 1);
            crowd(&connection);
            let sql = format!(
                "DELETE FROM messages WHERE seq > {messages}; UPDATE chats SET last_seq = {messages};
                 INSERT INTO groups VALUES (1, 'micro', 'lunch', '', 'ann', 0, 1000);"
            );
            connection.execute_batch(&sql).expect("a group");
            let ended = taken(&connection, KNOWN, || {
                groups::end(&connection, 1).expect("it ends");
                false
            });
            assert_eq!(ended, [0], "what ends a group takes nobody out of it");
            let found = "(SELECT 1 FROM groups UNION ALL SELECT 1 FROM chats WHERE namespace <> '')";
            assert!(connection.query_row(&format!("SELECT 1 FROM {found}"), [], |_| Ok(())).is_err(), "it is gone");
            let both = format!("(SELECT chat FROM messages UNION ALL SELECT chat FROM {KNOWN})");
            let taken = taken(&connection, &both, || groups::sweep(&connection).expect("it is written"));
            assert!(taken.iter().all(|count| *count <= ROWS), "{messages}: {taken:?}");
            assert_eq!(taken.iter().sum::<usize>(), 2_600 + messages, "{messages}: {taken:?}");
            assert_eq!(taken[0], ROWS, "no less than it may");
        }
    }

    #[test]
    fn what_was_refused_of_a_user_who_goes_goes_in_as_small_steps() {
        let of = Deletion { namespace: "micro".to_owned(), user_id: "ann".to_owned(), at: Nanos::MAX };
        let folder = tempfile::tempdir().expect("a folder");
        let connection = database(&folder, 700, 1);
        crowd(&connection);
        let theirs = "(SELECT chat FROM messages UNION ALL SELECT chat FROM expired)";
        let mut delete =
            || deletion::delete_from(&connection, &of, 1, &mut Vec::new()).expect("it is written").has_more;
        let taken = taken(&connection, theirs, &mut delete);
        assert!(taken.iter().all(|count| *count <= ROWS), "{taken:?}");
        assert_eq!(taken.iter().sum::<usize>(), 1_500, "{taken:?}");
    }

    /// Makes so many chats more, of which it is noted that they are of a time to come, and that Ann has left something
    /// in them, as she did in as many of another namespace.
    fn chats(connection: &Connection, count: usize) {
        let sql = format!(
            "WITH RECURSIVE n(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n <= 2 * {count})
             INSERT INTO chats (chat, namespace, id, epoch, created_at, active_at, oldest_at)
             SELECT n, iif(n % 2, 'micro', 'club'), n, 1, 1, 1, 9 FROM n;
             INSERT INTO traces (user_id, chat) SELECT 'ann', chat FROM chats WHERE chat > 1;"
        );
        connection.execute_batch(&sql).expect("chats");
    }

    #[test]
    fn what_was_noted_of_a_time_to_come_is_doubted_in_as_small_steps() {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = database(&folder, 1, 1);
        chats(&connection, 1_200);
        let of_future = "(SELECT 1 FROM chats WHERE oldest_at > 5)";
        let taken = taken(&connection, of_future, || retention::doubt(&connection, "micro", 5).expect("it is written"));
        assert_eq!(taken, [ROWS, ROWS, 200], "those of one namespace");
    }

    #[test]
    fn chats_that_know_nothing_of_a_user_any_more_are_forgotten_in_as_small_steps() {
        let of = Deletion { namespace: "micro".to_owned(), user_id: "ann".to_owned(), at: Nanos::MAX };
        let folder = tempfile::tempdir().expect("a folder");
        let connection = database(&folder, 1, 1);
        chats(&connection, 1_200);
        let mut behind = 0;
        let taken = taken(&connection, "traces", || {
            let next = traces::forget_traces(&connection, &of, behind).expect("it is written");
            behind = next.unwrap_or(behind);
            next.is_some()
        });
        assert!(taken.iter().all(|count| *count <= ROWS), "{taken:?}");
        assert_eq!(taken.iter().sum::<usize>(), 1_200, "those of one namespace: {taken:?}");
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
