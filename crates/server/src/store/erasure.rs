//! Users who go, with all that they wrote. A few rows a commit; what is left to do is kept, so that it goes on after a
//! restart.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::accounts::Terms;
use super::{
    ChatKey, Committed, Cutoff, Gone, MemberChange, Membership, Removal, Store, StoreError, accounts, groups, now,
};

/// Messages that one commit deletes: others' do not wait for long.
const BATCH: usize = 500;

/// Chats that one read looks at.
const CHATS: usize = 1_000;

/// A chat that knows something of a user.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Its row.
    pub chat: ChatKey,
    /// Its name in the API.
    pub id: String,
}

/// What a commit took away of a user in a chat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Messages.
    pub messages: u64,
    /// Whether they were a member until then.
    pub was_member: bool,
    /// Whether the chat is gone, because nobody is left in it.
    pub has_ended: bool,
    /// Whether there may be more.
    pub has_more: bool,
}

/// Chats of a tenant behind that name that know something of a user, and where to look next. By indexes alone, however
/// long the chats are.
fn traces(
    connection: &Connection,
    namespace: &str,
    user_id: &str,
    behind: &str,
) -> rusqlite::Result<(Vec<Trace>, Option<String>)> {
    let mut select = connection.prepare_cached(
        "SELECT chat, id,
             EXISTS (SELECT 1 FROM members WHERE members.chat = chats.chat AND user_id = ?2)
             OR EXISTS (SELECT 1 FROM messages WHERE messages.chat = chats.chat AND user_id = ?2)
             OR EXISTS (SELECT 1 FROM expired WHERE expired.chat = chats.chat AND user_id = ?2)
             OR EXISTS (SELECT 1 FROM groups WHERE groups.chat = chats.chat AND creator = ?2)
         FROM chats WHERE namespace = ?1 AND id > ?3 ORDER BY id LIMIT ?4",
    )?;
    let mut rows = select.query(params![namespace, user_id, behind, CHATS])?;
    let (mut traces, mut seen, mut last) = (Vec::new(), 0, None);
    while let Some(row) = rows.next()? {
        seen += 1;
        let id: String = row.get(1)?;
        if row.get(2)? {
            traces.push(Trace { chat: row.get(0)?, id: id.clone() });
        }
        last = Some(id);
    }
    Ok((traces, last.filter(|_| seen == CHATS)))
}

/// Takes a user out of a chat, and away some of what they wrote in it. They go first: whoever is none of its members
/// sends nothing to it meanwhile.
fn erase(
    connection: &Connection,
    chat: ChatKey,
    user_id: &str,
    committed: &mut Vec<Committed>,
) -> rusqlite::Result<Erased> {
    let mut erased = Erased::default();
    let left = connection
        .prepare_cached("DELETE FROM members WHERE chat = ?1 AND user_id = ?2")?
        .execute(params![chat, user_id])?;
    if left > 0 {
        erased.was_member = true;
        groups::count(connection, chat, -1)?;
        let membership = Membership::Left(user_id.to_owned());
        committed.push(Committed::Member(Arc::new(MemberChange { chat, membership })));
        // The hash of a set of names tells whether a name was among them.
        connection.prepare_cached("UPDATE chats SET user_set = NULL WHERE chat = ?1")?.execute([chat])?;
        let others = connection.prepare_cached("SELECT 1 FROM members WHERE chat = ?1 LIMIT 1")?.exists([chat])?;
        if !others {
            groups::end(connection, chat)?;
            committed.push(Committed::Member(Arc::new(MemberChange { chat, membership: Membership::Ended })));
            return Ok(Erased { has_ended: true, ..erased });
        }
    }
    connection
        .prepare_cached("UPDATE groups SET creator = '' WHERE chat = ?1 AND creator = ?2")?
        .execute(params![chat, user_id])?;
    connection
        .prepare_cached("DELETE FROM expired WHERE chat = ?1 AND user_id = ?2")?
        .execute(params![chat, user_id])?;
    let seqs: Vec<u64> = connection
        .prepare_cached(
            "SELECT seq FROM messages WHERE chat = ?1 AND user_id = ?2 AND sent_at <=
             (SELECT at FROM erasures JOIN chats USING (namespace) WHERE chats.chat = ?1 AND erasures.user_id = ?2)
             LIMIT ?3",
        )?
        .query_map(params![chat, user_id, BATCH], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut bury = connection.prepare_cached("INSERT OR IGNORE INTO tombstones (chat, seq) VALUES (?1, ?2)")?;
    let mut delete = connection.prepare_cached("DELETE FROM messages WHERE chat = ?1 AND seq = ?2")?;
    for seq in &seqs {
        bury.execute(params![chat, seq])?;
        delete.execute(params![chat, seq])?;
    }
    erased.messages = seqs.len() as u64;
    erased.has_more = seqs.len() == BATCH;
    if !seqs.is_empty() {
        committed.push(Committed::Removed(Removal { chat, gone: Gone::Seqs(seqs) }));
    }
    Ok(erased)
}

/// Has what is deleted overwritten, too, as far as SQLite knows where it was.
fn overwriting<T>(connection: &Connection, write: impl FnOnce() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    connection.pragma_update(None, "secure_delete", true)?;
    let written = write();
    connection.pragma_update(None, "secure_delete", false)?;
    written
}

impl Store {
    /// Begins to delete a user: from here on it is done, whatever happens. Their account goes at once; names its logins.
    /// Their tokens are good no more, as the cutoff says, which need not name them.
    pub async fn begin_erasure(
        &self,
        namespace: String,
        user_id: String,
        cutoff: Cutoff,
        terms: Terms,
    ) -> Result<Vec<String>, StoreError> {
        self.change(move |connection| {
            overwriting(connection, || {
                let logins = accounts::erase(connection, &namespace, &user_id, terms)?;
                connection
                    .prepare_cached("DELETE FROM cutoffs WHERE namespace = ?1 AND user_id = ?2")?
                    .execute(params![namespace, user_id])?;
                super::keys::cut_off(connection, &cutoff)?;
                connection
                    .prepare_cached(
                        "INSERT INTO erasures (namespace, user_id, at) VALUES (?1, ?2, ?3)
                         ON CONFLICT DO UPDATE SET at = excluded.at",
                    )?
                    .execute(params![namespace, user_id, now()])?;
                Ok(logins)
            })
        })
        .await
    }

    /// A user of whom something is left to delete.
    pub async fn erasure(&self) -> Result<Option<(String, String)>, StoreError> {
        self.look(|connection| {
            connection
                .query_row("SELECT namespace, user_id FROM erasures LIMIT 1", [], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
        .await
    }

    /// Chats behind that name that know something of a user, and where to look next.
    pub async fn traces(
        &self,
        namespace: String,
        user_id: String,
        behind: String,
    ) -> Result<(Vec<Trace>, Option<String>), StoreError> {
        self.look(move |connection| traces(connection, &namespace, &user_id, &behind)).await
    }

    /// Takes a user out of a chat, and away some of what they wrote in it.
    pub async fn erase(&self, chat: ChatKey, user_id: String) -> Result<Erased, StoreError> {
        self.change_and_tell(move |connection, committed| {
            overwriting(connection, || erase(connection, chat, &user_id, committed))
        })
        .await
    }

    /// Nothing is left of a user.
    pub async fn end_erasure(&self, namespace: String, user_id: String) -> Result<(), StoreError> {
        self.change(move |connection| {
            overwriting(connection, || {
                connection
                    .prepare_cached("DELETE FROM erasures WHERE namespace = ?1 AND user_id = ?2")?
                    .execute(params![namespace, user_id])
                    .map(drop)
            })
        })
        .await
    }
}
