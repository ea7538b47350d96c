//! Old messages go, a few a commit. A round looks only at chats that may have some: each keeps before when nothing of
//! it was stored, and that is noted anew whenever it is looked at.

use rusqlite::{Connection, OptionalExtension, params};

use super::batch::Batch;
use super::{ChatKey, Committed, Gone, Nanos, Removal, Store, StoreError, Trace, groups, now};

/// Chats that one read looks at.
const CHATS: usize = 1_000;

/// When the oldest thing of a chat was stored that may be too old. Of a chat in which all was deleted one by one that
/// is its newest message, whenever that went: none of what was deleted is younger.
const OLDEST: &str = "coalesce(
    (SELECT sent_at FROM messages WHERE messages.chat = chats.chat ORDER BY seq LIMIT 1),
    iif(first_seq <= last_seq, active_at, NULL))";

/// Chats of a namespace that may have something of before that moment, behind that place, and what of it there is.
const DUE: &str = "SELECT chat, id, oldest_at, {OLDEST} FROM chats
    WHERE namespace = ?1 AND oldest_at < ?2 AND (oldest_at, chat) > (?3, ?4) ORDER BY oldest_at, chat LIMIT ?5";

/// Chats that a round has to look at.
#[derive(Debug)]
pub struct Due {
    /// Those that have something that is too old.
    pub outdated: Vec<Trace>,
    /// All of them: what their oldest is now is to be noted.
    pub chats: Vec<ChatKey>,
    /// Behind which place the others are, if there may be others.
    pub next: Option<(Nanos, ChatKey)>,
}

fn due(
    connection: &Connection,
    namespace: &str,
    before: Nanos,
    behind: (Nanos, ChatKey),
    size: usize,
) -> rusqlite::Result<Due> {
    let mut select = connection.prepare_cached(&DUE.replace("{OLDEST}", OLDEST))?;
    let mut rows = select.query(params![namespace, before, behind.0, behind.1, size])?;
    let mut due = Due { outdated: Vec::new(), chats: Vec::new(), next: None };
    while let Some(row) = rows.next()? {
        let chat = row.get(0)?;
        if row.get::<_, Option<Nanos>>(3)?.is_some_and(|oldest| oldest < before) {
            due.outdated.push(Trace { chat, id: row.get(1)? });
        }
        due.chats.push(chat);
        due.next = Some((row.get(2)?, chat));
    }
    due.next.take_if(|_| due.chats.len() < size);
    Ok(due)
}

/// Doubts what is noted of some chats as being of a time to come, as many as a commit may; whether there may be more.
pub fn doubt(connection: &Connection, namespace: &str, now: Nanos) -> rusqlite::Result<bool> {
    let doubted = connection
        .prepare_cached(
            "UPDATE chats SET oldest_at = 0
             WHERE chat IN (SELECT chat FROM chats WHERE namespace = ?1 AND oldest_at > ?2 LIMIT ?3)",
        )?
        .execute(params![namespace, now, Batch::ROWS])?;
    Ok(doubted == Batch::ROWS)
}

/// Notes when the oldest thing of these chats was stored. What comes to a chat that holds nothing is stored from now
/// on.
fn note(connection: &Connection, chats: &[ChatKey]) -> rusqlite::Result<()> {
    let mut update =
        connection.prepare_cached(&format!("UPDATE chats SET oldest_at = coalesce({OLDEST}, ?2) WHERE chat = ?1"))?;
    chats.iter().try_for_each(|chat| update.execute(params![chat, now()]).map(drop))
}

/// Removes some of a chat's messages that were stored before that, from its beginning on, and with them what says that
/// others were deleted there; whether there may be more.
pub fn remove(
    connection: &Connection,
    chat: ChatKey,
    before: Nanos,
    committed: &mut Vec<Committed>,
) -> rusqlite::Result<bool> {
    // It may have ended since it was found. All that it held goes otherwise then, and by its numbers.
    if groups::has_ended(connection, chat)? {
        return Ok(false);
    }
    let (last_seq, active_at): (u64, Nanos) = connection
        .prepare_cached("SELECT last_seq, active_at FROM chats WHERE chat = ?1")?
        .query_row([chat], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut select = connection.prepare_cached(
        "SELECT seq, sent_at, octet_length(text) + octet_length(subject) FROM messages WHERE chat = ?1 ORDER BY seq",
    )?;
    let mut rows = select.query([chat])?;
    let (mut batch, mut last, mut keeps_some) = (Batch::default(), 0, false);
    while let Some(row) = rows.next()? {
        if batch.is_full() || row.get::<_, Nanos>(1)? >= before {
            keeps_some = true;
            break;
        }
        batch.add(row.get(2)?);
        last = row.get(0)?;
    }
    drop(rows);
    let mut has_more = batch.is_full();
    let mut first_seq = match keeps_some {
        false if active_at < before => last_seq + 1,
        _ if batch.is_empty() => return Ok(false),
        // What was deleted behind it is not known to be old.
        _ => last + 1,
    };
    // Where many were deleted one by one, what says so goes in several commits, too.
    let beyond: Option<u64> = connection
        .prepare_cached("SELECT seq FROM tombstones WHERE chat = ?1 AND seq < ?2 ORDER BY seq LIMIT 1 OFFSET ?3")?
        .query_row(params![chat, first_seq, Batch::ROWS], |row| row.get(0))
        .optional()?;
    if let Some(seq) = beyond {
        first_seq = seq;
        has_more = true;
    }
    for table in ["messages", "tombstones"] {
        connection
            .prepare_cached(&format!("DELETE FROM {table} WHERE chat = ?1 AND seq < ?2"))?
            .execute(params![chat, first_seq])?;
    }
    connection
        .prepare_cached("UPDATE chats SET first_seq = ?2 WHERE chat = ?1 AND first_seq < ?2")?
        .execute(params![chat, first_seq])?;
    committed.push(Committed::Removed(Removal { chat, gone: Gone::Before(first_seq) }));
    Ok(has_more)
}

impl Store {
    /// The namespace behind that one, in the order of their names.
    pub async fn next_namespace(&self, behind: String) -> Result<Option<String>, StoreError> {
        self.look(move |connection| {
            connection
                .prepare_cached("SELECT namespace FROM chats WHERE namespace > ?1 ORDER BY namespace LIMIT 1")?
                .query_row([behind], |row| row.get(0))
                .optional()
        })
        .await
    }

    /// Doubts what is noted of chats as being of a time to come: since then the clock was put back, and what they hold
    /// may be older. Some of them a commit.
    pub async fn doubt_future(&self, namespace: String) -> Result<(), StoreError> {
        let name = namespace.clone();
        let is_there = move |connection: &Connection| {
            connection
                .prepare_cached("SELECT 1 FROM chats WHERE namespace = ?1 AND oldest_at > ?2 LIMIT 1")?
                .exists(params![name, now()])
        };
        let mut has_more = self.look(is_there).await?;
        while has_more {
            let namespace = namespace.clone();
            has_more = self.change(move |connection| doubt(connection, &namespace, now())).await?;
        }
        Ok(())
    }

    /// Chats of a namespace that may have something of before that moment, behind that place.
    pub async fn due(&self, namespace: String, before: Nanos, behind: (Nanos, ChatKey)) -> Result<Due, StoreError> {
        self.look(move |connection| due(connection, &namespace, before, behind, CHATS)).await
    }

    /// Notes of these chats how old they are now, some of them a commit.
    pub async fn note_oldest(&self, chats: Vec<ChatKey>) -> Result<(), StoreError> {
        for chats in chats.chunks(Batch::ROWS) {
            let chats = chats.to_vec();
            self.change(move |connection| note(connection, &chats)).await?;
        }
        Ok(())
    }

    /// Removes some of a chat's messages that were stored before that; whether there may be more.
    pub async fn remove_old(&self, chat: ChatKey, before: Nanos) -> Result<bool, StoreError> {
        self.change_and_tell(move |connection, committed| remove(connection, chat, before, committed)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::schema;
    use rusqlite::StatementStatus;

    /// A database with a chat that has an old message and a young one, one that has a young one, one that has none, and
    /// one of which all was deleted; beside so many that are known to be young.
    fn database(folder: &tempfile::TempDir, young: usize) -> Connection {
        let connection = schema::open(&folder.path().join("chat.db")).expect("a database");
        let sql = format!(
            "INSERT INTO chats (chat, namespace, id, epoch, last_seq, created_at, active_at)
             VALUES (1, 'micro', 1, 1, 2, 1, 100), (2, 'micro', 2, 1, 1, 1, 100), (3, 'micro', 3, 1, 0, 1, 1),
                    (4, 'micro', 4, 1, 1, 1, 10);
             WITH RECURSIVE n(n) AS (SELECT 5 UNION ALL SELECT n + 1 FROM n WHERE n < {young} + 4)
             INSERT INTO chats (chat, namespace, id, epoch, last_seq, created_at, active_at, oldest_at)
             SELECT n, 'micro', n, 1, 1, 1, 100, 100 FROM n WHERE n < {young} + 5;
             INSERT INTO messages SELECT chat, last_seq, 'b', 'b', 'ann', '', 'hello', 100 FROM chats
             WHERE chat NOT IN (3, 4);
             INSERT INTO messages VALUES (1, 1, 'a', 'a', 'ann', '', 'hello', 10);
             INSERT INTO tombstones VALUES (4, 1);"
        );
        connection.execute_batch(&sql).expect("chats");
        connection
    }

    /// The chats that a round looks at, in pages of that size, and those that have something that is too old.
    fn round(connection: &Connection, before: Nanos, size: usize) -> (Vec<ChatKey>, Vec<ChatKey>) {
        let (mut chats, mut outdated) = (Vec::new(), Vec::new());
        let mut behind = Some((Nanos::MIN, ChatKey::MIN));
        while let Some(at) = behind {
            let due = due(connection, "micro", before, at, size).expect("a read");
            chats.extend(due.chats);
            outdated.extend(due.outdated.iter().map(|trace| trace.chat));
            behind = due.next;
        }
        (chats, outdated)
    }

    #[test]
    fn what_was_looked_at_is_looked_at_again_once_its_oldest_message_is_too_old() {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = database(&folder, 10);
        assert_eq!(round(&connection, 50, CHATS), (vec![1, 2, 3, 4], vec![1, 4]));
        assert_eq!(round(&connection, 50, 1), (vec![1, 2, 3, 4], vec![1, 4]), "in small steps");
        for chat in [1, 4] {
            assert!(!remove(&connection, chat, 50, &mut Vec::new()).expect("it is written"));
        }
        let begun = now();
        note(&connection, &[1, 2, 3, 4]).expect("it is written");
        assert_eq!(round(&connection, 50, CHATS), (vec![], vec![]));
        let of_all = (1..15).filter(|chat| ![3, 4].contains(chat)).collect::<Vec<_>>();
        assert_eq!(round(&connection, 100, CHATS), (vec![], vec![]));
        assert_eq!(round(&connection, 101, CHATS), (of_all.clone(), of_all.clone()));
        assert_eq!(round(&connection, begun, 5), (of_all.clone(), of_all), "whatever comes to an empty one comes now");
        assert_eq!(round(&connection, now() + 1, CHATS).0.len(), 14);
    }

    #[test]
    fn whoever_was_in_a_chat_that_ends_while_a_round_goes_on_goes_with_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = database(&folder, 0);
        connection.execute_batch("INSERT INTO members (chat, user_id) VALUES (4, 'ann'), (4, 'ben')").expect("members");
        assert_eq!(round(&connection, 50, CHATS).1, [1, 4]);
        groups::end(&connection, 4).expect("it ends");
        assert!(!remove(&connection, 4, 50, &mut Vec::new()).expect("it is written"));
        while groups::sweep(&connection).expect("it is written") {}
        for table in ["members", "tombstones"] {
            let left =
                connection.prepare(&format!("SELECT 1 FROM {table} WHERE chat = 4")).and_then(|mut q| q.exists([]));
            assert_eq!(left, Ok(false), "{table}");
        }
    }

    #[test]
    fn a_round_looks_at_no_chat_that_is_known_to_be_young() {
        let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let (few, many) = (database(&folders[0], 1), database(&folders[1], 5_000));
        let steps = |connection: &Connection, sql: &str| {
            let mut select = connection.prepare(&sql.replace("{OLDEST}", OLDEST)).expect("a query");
            let found = select.query_map(params!["micro", 50, 0, 0, 100_000], |_| Ok(())).expect("rows").count();
            (found, select.get_status(StatementStatus::VmStep))
        };
        assert_eq!(steps(&many, DUE), steps(&few, DUE));
        assert_eq!(steps(&few, DUE).0, 4);
        // The control: to look at each for its oldest message.
        let each = "SELECT chat, id FROM chats WHERE namespace = ?1 AND {OLDEST} < ?2 AND chat > ?3 + ?4 LIMIT ?5";
        assert!(steps(&many, each).1 > steps(&few, each).1 + 50_000);
    }
}
