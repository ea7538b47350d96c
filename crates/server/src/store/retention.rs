//! Old messages go, a few a commit.

use rusqlite::{Connection, OptionalExtension, params};

use super::batch::Batch;
use super::{ChatKey, Committed, Gone, Nanos, Removal, Store, StoreError, Trace};

/// Chats that one read looks at.
const CHATS: usize = 1_000;

/// When the oldest thing of a chat was stored that may be too old. Of a chat in which all was deleted one by one that is
/// its newest message, whenever that went: none of what was deleted is younger.
const OLDEST: &str = "coalesce(
    (SELECT sent_at FROM messages WHERE messages.chat = chats.chat ORDER BY seq LIMIT 1),
    iif(first_seq <= last_seq, active_at, NULL))";

/// Removes some of a chat's messages that were stored before that, from its beginning on, and with them what says that
/// others were deleted there; whether there may be more.
pub fn remove(
    connection: &Connection,
    chat: ChatKey,
    before: Nanos,
    committed: &mut Vec<Committed>,
) -> rusqlite::Result<bool> {
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

    /// Chats of a namespace behind that name that have something of before that moment, and where to look next.
    pub async fn outdated(
        &self,
        namespace: String,
        before: Nanos,
        behind: String,
    ) -> Result<(Vec<Trace>, Option<String>), StoreError> {
        self.look(move |connection| {
            let mut select = connection.prepare_cached(&format!(
                "SELECT chat, id, {OLDEST} FROM chats WHERE namespace = ?1 AND id > ?2 ORDER BY id LIMIT ?3"
            ))?;
            let mut rows = select.query(params![namespace, behind, CHATS])?;
            let (mut outdated, mut seen, mut last) = (Vec::new(), 0, None);
            while let Some(row) = rows.next()? {
                seen += 1;
                let id: String = row.get(1)?;
                if row.get::<_, Option<Nanos>>(2)?.is_some_and(|oldest| oldest < before) {
                    outdated.push(Trace { chat: row.get(0)?, id: id.clone() });
                }
                last = Some(id);
            }
            Ok((outdated, last.filter(|_| seen == CHATS)))
        })
        .await
    }

    /// Removes some of a chat's messages that were stored before that; whether there may be more.
    pub async fn remove_old(&self, chat: ChatKey, before: Nanos) -> Result<bool, StoreError> {
        self.change_and_tell(move |connection, committed| remove(connection, chat, before, committed)).await
    }
}
