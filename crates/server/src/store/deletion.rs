//! Users who go, with all that they wrote. A few rows a commit; what is left to do is kept, so that it goes on after a
//! restart.
//!
//! What is in a chat of a user is found by who is a member, and by the table `traces`: it names whoever is no member
//! and has left something. Nearly everybody who writes is a member, so that a message costs nothing more.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::accounts::Terms;
use super::batch::Batch;
use super::traces::{Trace, forget_traces, trace_left};
use super::{
    ChatKey, Committed, Cutoff, Gone, MemberChange, Membership, Nanos, Removal, Store, StoreError, accounts, clock,
    groups, now,
};

/// Chats that one read looks at.
const CHATS: usize = 1_000;

/// A user who is being deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// Their namespace.
    pub namespace: String,
    /// Their name.
    pub user_id: String,
    /// When it began: what was stored later is somebody's who came later.
    pub at: Nanos,
}

/// What a commit took away of a user in a chat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Messages.
    pub messages: u64,
    /// Whether they were a member until then.
    pub was_member: bool,
    /// Whether the chat is gone, because nobody is left in it.
    pub has_ended: bool,
    /// Whether there may be more.
    pub has_more: bool,
}

/// Chats of a namespace, behind that one, that know something of a user from up to that moment, and where to look next.
/// Only chats are looked at that the user is in, or has left something in; by indexes alone, however long they are.
const TRACES: &str = "WITH known (chat) AS (
         SELECT chat FROM members WHERE user_id = ?2 AND chat > ?4
         UNION SELECT chat FROM traces WHERE user_id = ?2 AND chat > ?4
         ORDER BY chat LIMIT ?5)
     SELECT known.chat, id, namespace = ?1 AND (
         EXISTS (SELECT 1 FROM members WHERE members.chat = known.chat AND user_id = ?2 AND joined_at <= ?3)
         OR EXISTS (SELECT 1 FROM messages INDEXED BY messages_by_client_id
                    WHERE messages.chat = known.chat AND user_id = ?2 AND sent_at <= ?3)
         OR EXISTS (SELECT 1 FROM expired WHERE expired.chat = known.chat AND user_id = ?2 AND at <= ?3)
         OR EXISTS (SELECT 1 FROM groups WHERE groups.chat = known.chat AND creator = ?2 AND chats.created_at <= ?3))
     FROM known CROSS JOIN chats ON chats.chat = known.chat ORDER BY known.chat";

/// Messages of a user in a chat from up to that moment. The index is named: SQLite would rather walk through the chat,
/// all of which lies in the order of `seq`.
const WRITTEN: &str = "SELECT seq, octet_length(text) + octet_length(subject)
     FROM messages INDEXED BY messages_by_client_id WHERE chat = ?1 AND user_id = ?2 AND sent_at <= ?3";

fn traces(
    connection: &Connection,
    of: &Deletion,
    behind: ChatKey,
    size: usize,
) -> rusqlite::Result<(Vec<Trace>, Option<ChatKey>)> {
    let mut select = connection.prepare_cached(TRACES)?;
    let mut rows = select.query(params![of.namespace, of.user_id, of.at, behind, size])?;
    let (mut traces, mut seen, mut last) = (Vec::new(), 0, None);
    while let Some(row) = rows.next()? {
        seen += 1;
        let chat = row.get(0)?;
        if row.get(2)? {
            traces.push(Trace { chat, id: row.get(1)? });
        }
        last = Some(chat);
    }
    Ok((traces, last.filter(|_| seen == size)))
}

/// When the deletion of a user begins: now, or with the newest that may be theirs, where the clock was set back since.
fn beginning(connection: &Connection, namespace: &str, user_id: &str) -> rusqlite::Result<Nanos> {
    let newest: Nanos = connection
        .prepare_cached(
            "SELECT coalesce(max(max(active_at, coalesce(joined_at, 0))), 0)
             FROM (SELECT chat, joined_at FROM members WHERE user_id = ?2
                   UNION ALL SELECT chat, NULL FROM traces WHERE user_id = ?2)
             JOIN chats USING (chat) WHERE namespace = ?1",
        )?
        .query_row(params![namespace, user_id], |row| row.get(0))?;
    Ok(now().max(newest))
}

/// Takes a user out of a chat, and away some of what they wrote in it. They go first: whoever is none of its members
/// sends nothing to it meanwhile.
pub fn delete_from(
    connection: &Connection,
    of: &Deletion,
    chat: ChatKey,
    committed: &mut Vec<Committed>,
) -> rusqlite::Result<Deleted> {
    let Deletion { user_id, at, .. } = of;
    let mut deleted = Deleted::default();
    let left = connection
        .prepare_cached("DELETE FROM members WHERE chat = ?1 AND user_id = ?2 AND joined_at <= ?3")?
        .execute(params![chat, user_id, at])?;
    if left > 0 {
        deleted.was_member = true;
        groups::count(connection, chat, -1)?;
        let membership = Membership::Left(user_id.to_owned());
        committed.push(Committed::Member(Arc::new(MemberChange { chat, membership })));
        // The hash of a set of names tells whether a name was among them.
        connection.prepare_cached("UPDATE chats SET user_set = NULL WHERE chat = ?1")?.execute([chat])?;
        let others = connection.prepare_cached("SELECT 1 FROM members WHERE chat = ?1 LIMIT 1")?.exists([chat])?;
        if !others {
            groups::end(connection, chat)?;
            committed.push(Committed::Member(Arc::new(MemberChange { chat, membership: Membership::Ended })));
            return Ok(Deleted { has_ended: true, ..deleted });
        }
    }
    connection
        .prepare_cached(
            "UPDATE groups SET creator = '' WHERE chat = ?1 AND creator = ?2
             AND (SELECT created_at FROM chats WHERE chats.chat = ?1) <= ?3",
        )?
        .execute(params![chat, user_id, at])?;
    let mut batch = Batch::default();
    let forgotten = connection
        .prepare_cached(
            "DELETE FROM expired WHERE chat = ?1 AND user_id = ?2 AND client_id IN
             (SELECT client_id FROM expired WHERE chat = ?1 AND user_id = ?2 AND at <= ?3 LIMIT ?4)",
        )?
        .execute(params![chat, user_id, at, batch.room()])?;
    (0..forgotten).for_each(|_| batch.add(0));
    let seqs = written(connection, of, chat, &mut batch)?;
    deleted.has_more = batch.is_full();
    let mut bury = connection.prepare_cached("INSERT OR IGNORE INTO tombstones (chat, seq) VALUES (?1, ?2)")?;
    let mut delete = connection.prepare_cached("DELETE FROM messages WHERE chat = ?1 AND seq = ?2")?;
    for seq in &seqs {
        bury.execute(params![chat, seq])?;
        delete.execute(params![chat, seq])?;
    }
    deleted.messages = seqs.len() as u64;
    if !seqs.is_empty() {
        committed.push(Committed::Removed(Removal { chat, gone: Gone::Seqs(seqs) }));
    }
    // Whoever is out of a chat is found here while something of them is in it.
    trace_left(connection, chat, user_id)?;
    Ok(deleted)
}

/// Some of the messages that go, as many as still fit.
fn written(connection: &Connection, of: &Deletion, chat: ChatKey, batch: &mut Batch) -> rusqlite::Result<Vec<u64>> {
    let mut select = connection.prepare_cached(WRITTEN)?;
    let mut rows = select.query(params![chat, of.user_id, of.at])?;
    let mut seqs = Vec::new();
    while !batch.is_full() {
        let Some(row) = rows.next()? else { break };
        batch.add(row.get(1)?);
        seqs.push(row.get(0)?);
    }
    Ok(seqs)
}

/// Has what is deleted overwritten, too, as far as SQLite knows where it was.
pub fn overwriting<T>(connection: &Connection, write: impl FnOnce() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    connection.pragma_update(None, "secure_delete", true)?;
    let written = write();
    connection.pragma_update(None, "secure_delete", false)?;
    written
}

impl Store {
    /// Begins to delete a user: from here on it is done, whatever happens. Their account goes at once; names its
    /// logins. Their tokens are good no more, as the cutoff says, which need not name them.
    pub async fn begin_deletion(
        &self,
        namespace: String,
        user_id: String,
        mut cutoff: Cutoff,
        terms: Terms,
    ) -> Result<Vec<String>, StoreError> {
        self.change(move |connection| {
            overwriting(connection, || {
                let logins = accounts::delete_named(connection, &namespace, &user_id, terms)?;
                // Whatever the clock said since, what was over stays so.
                let before: Option<u64> = connection
                    .prepare_cached("DELETE FROM cutoffs WHERE namespace = ?1 AND user_id = ?2 RETURNING at")?
                    .query_row(params![namespace, user_id], |row| row.get(0))
                    .optional()?;
                cutoff.at = before.map_or(cutoff.at, |before| before.max(cutoff.at));
                super::keys::cut_off(connection, &cutoff)?;
                let at = beginning(connection, &namespace, &user_id)?;
                connection
                    .prepare_cached(
                        "INSERT INTO deletions (namespace, user_id, at) VALUES (?1, ?2, ?3)
                         ON CONFLICT DO UPDATE SET at = excluded.at",
                    )?
                    .execute(params![namespace, user_id, at])?;
                clock::stand_behind_deletions(connection)?;
                Ok(logins)
            })
        })
        .await
    }

    /// Users of whom something is left to delete.
    pub async fn deletions(&self) -> Result<Vec<(String, String)>, StoreError> {
        self.look(|connection| {
            connection
                .prepare_cached("SELECT namespace, user_id FROM deletions ORDER BY at")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .await
    }

    /// What is left to delete of a user, if anything is.
    pub async fn deletion(&self, namespace: String, user_id: String) -> Result<Option<Deletion>, StoreError> {
        self.look(move |connection| {
            let at = connection
                .prepare_cached("SELECT at FROM deletions WHERE namespace = ?1 AND user_id = ?2")?
                .query_row(params![namespace, user_id], |row| row.get(0))
                .optional()?;
            Ok(at.map(|at| Deletion { namespace, user_id, at }))
        })
        .await
    }

    /// Chats behind that one that know something of a user, and where to look next.
    pub async fn traces(
        &self,
        namespace: String,
        user_id: String,
        behind: ChatKey,
    ) -> Result<(Vec<Trace>, Option<ChatKey>), StoreError> {
        self.traces_of(Deletion { namespace, user_id, at: Nanos::MAX }, behind).await
    }

    /// The same of those that know something of a user who is being deleted.
    pub async fn traces_of(&self, of: Deletion, behind: ChatKey) -> Result<(Vec<Trace>, Option<ChatKey>), StoreError> {
        self.look(move |connection| traces(connection, &of, behind, CHATS)).await
    }

    /// Takes a user out of a chat, and away some of what they wrote in it.
    pub async fn delete_from(&self, of: Deletion, chat: ChatKey) -> Result<Deleted, StoreError> {
        self.change_and_tell(move |connection, committed| {
            overwriting(connection, || delete_from(connection, &of, chat, committed))
        })
        .await
    }

    /// Nothing is left of a user. Whether that was all: they may have begun anew to be deleted meanwhile.
    pub async fn end_deletion(&self, of: Deletion) -> Result<bool, StoreError> {
        let mut behind = Some(ChatKey::MIN);
        while let Some(at) = behind {
            let of = of.clone();
            let forget = move |connection: &Connection| overwriting(connection, || forget_traces(connection, &of, at));
            behind = self.change(forget).await?;
        }
        self.change(move |connection| {
            overwriting(connection, || {
                let ended = connection
                    .prepare_cached("DELETE FROM deletions WHERE namespace = ?1 AND user_id = ?2 AND at = ?3")?
                    .execute(params![of.namespace, of.user_id, of.at])?;
                clock::stand_behind_deletions(connection)?;
                Ok(ended > 0)
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::schema;
    use rusqlite::StatementStatus;

    /// A database in which Ann is in two chats and has left something in a third, beside so many of others, who also
    /// write as much in hers.
    fn database(folder: &tempfile::TempDir, others: usize) -> Connection {
        let connection = schema::open(&folder.path().join("chat.db")).expect("a database");
        let sql = format!(
            "WITH RECURSIVE series(chat) AS (SELECT 1 UNION ALL SELECT chat + 1 FROM series WHERE chat < {others} + 3)
             INSERT INTO chats (chat, namespace, id, epoch, last_seq, created_at, active_at)
             SELECT chat, 'micro', 'chat ' || chat, 1, 1, 1, 1 FROM series;
             INSERT INTO messages SELECT chat, 1, 'a', 'a', iif(chat < 4, 'ann', 'ben'), '', 'hello', 1 FROM chats;
             INSERT INTO members (chat, user_id) SELECT chat, 'ben' FROM chats;
             INSERT INTO members (chat, user_id) VALUES (1, 'ann'), (3, 'ann');
             INSERT INTO traces VALUES ('ann', 2);
             INSERT INTO messages SELECT 1 + chat % 3, chat, 'b' || chat, 'b' || chat, 'ben', '', 'hello', 1
             FROM chats WHERE chat > 3;"
        );
        connection.execute_batch(&sql).expect("chats");
        connection
    }

    /// How many steps SQLite takes for a query about Ann, and the chats that it finds.
    fn steps(connection: &Connection, sql: &str) -> (i32, Vec<ChatKey>) {
        let mut select = connection.prepare(sql).expect("a query");
        let found = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(2)?));
        let rows: Vec<(ChatKey, bool)> = select
            .query_map(params!["micro", "ann", Nanos::MAX, 0, CHATS], found)
            .expect("rows")
            .collect::<rusqlite::Result<_>>()
            .expect("rows");
        let chats = rows.into_iter().filter_map(|(chat, knows)| knows.then_some(chat)).collect();
        (select.get_status(StatementStatus::VmStep), chats)
    }

    #[test]
    fn chats_that_know_nothing_of_a_user_are_not_looked_at() {
        let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let (few, many) = (database(&folders[0], 0), database(&folders[1], 5_000));
        assert_eq!(steps(&few, TRACES).1, [1, 2, 3]);
        assert_eq!(steps(&many, TRACES), steps(&few, TRACES), "as many steps, however many chats others have");
        // The control: to ask each chat costs steps for each.
        let each = "SELECT chat, id, EXISTS (SELECT 1 FROM messages WHERE messages.chat = chats.chat AND user_id = ?2)
            FROM chats WHERE namespace = ?1 AND ?3 > 0 AND chat > ?4 LIMIT 10 * ?5";
        let (of_few, of_many) = (steps(&few, each), steps(&many, each));
        assert_eq!(of_few.1, of_many.1);
        assert!(of_many.0 > of_few.0 + 5_000, "{of_few:?} {of_many:?}");
    }

    #[test]
    fn what_others_wrote_in_a_chat_is_not_looked_at() {
        let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let (few, many) = (database(&folders[0], 0), database(&folders[1], 5_000));
        let steps = |connection: &Connection, sql: &str| {
            let mut select = connection.prepare(sql).expect("a query");
            let found = select.query_map(params![1, "ann", Nanos::MAX], |_| Ok(())).expect("rows").count();
            (found, select.get_status(StatementStatus::VmStep))
        };
        assert_eq!(steps(&many, WRITTEN), steps(&few, WRITTEN));
        assert_eq!(steps(&few, WRITTEN).0, 1);
        // The control: as SQLite does it by itself.
        let walked = WRITTEN.replace("INDEXED BY messages_by_client_id", "");
        assert!(steps(&many, &walked).1 > steps(&few, &walked).1 + 1_000);
    }

    #[test]
    fn a_walk_in_small_steps_finds_what_one_finds_and_comes_to_its_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = database(&folder, 10);
        let of = Deletion { namespace: "micro".to_owned(), user_id: "ann".to_owned(), at: Nanos::MAX };
        let (mut found, mut behind) = (Vec::new(), Some(ChatKey::MIN));
        while let Some(at) = behind {
            let (traces, next) = traces(&connection, &of, at, 1).expect("a read");
            found.extend(traces.into_iter().map(|trace| trace.chat));
            behind = next;
        }
        assert_eq!(found, [1, 2, 3]);
        let elsewhere = Deletion { namespace: "other".to_owned(), ..of };
        assert!(traces(&connection, &elsewhere, 0, CHATS).expect("a read").0.is_empty(), "another namespace's Ann");
    }
}
