//! Old messages go, a few a commit.

use rusqlite::{Connection, OptionalExtension, params};

use super::{ChatKey, Committed, Gone, Nanos, Removal, Store, StoreError, Trace};

/// Messages that one commit removes: others' do not wait for long.
const BATCH: usize = 500;

/// Chats that one read looks at.
const CHATS: usize = 1_000;

/// Removes some of a chat's messages that were stored before that, from its beginning on; whether there may be more.
fn remove(
    connection: &Connection,
    chat: ChatKey,
    before: Nanos,
    committed: &mut Vec<Committed>,
) -> rusqlite::Result<bool> {
    let mut select =
        connection.prepare_cached("SELECT seq, sent_at FROM messages WHERE chat = ?1 ORDER BY seq LIMIT ?2")?;
    let mut rows = select.query(params![chat, BATCH + 1])?;
    let (mut count, mut first_kept) = (0, None);
    while let Some(row) = rows.next()? {
        if count == BATCH || row.get::<_, Nanos>(1)? >= before {
            first_kept = Some(row.get::<_, u64>(0)?);
            break;
        }
        count += 1;
    }
    drop(rows);
    if count == 0 {
        return Ok(false);
    }
    let first_seq: u64 = match first_kept {
        Some(seq) => seq,
        None => connection
            .prepare_cached("SELECT last_seq + 1 FROM chats WHERE chat = ?1")?
            .query_row([chat], |row| row.get(0))?,
    };
    for table in ["messages", "tombstones"] {
        connection
            .prepare_cached(&format!("DELETE FROM {table} WHERE chat = ?1 AND seq < ?2"))?
            .execute(params![chat, first_seq])?;
    }
    connection
        .prepare_cached("UPDATE chats SET first_seq = ?2 WHERE chat = ?1 AND first_seq < ?2")?
        .execute(params![chat, first_seq])?;
    committed.push(Committed::Removed(Removal { chat, gone: Gone::Before(first_seq) }));
    Ok(count == BATCH)
}

impl Store {
    /// The tenant behind that one, in the order of their names.
    pub async fn next_namespace(&self, behind: String) -> Result<Option<String>, StoreError> {
        self.look(move |connection| {
            connection
                .prepare_cached("SELECT namespace FROM chats WHERE namespace > ?1 ORDER BY namespace LIMIT 1")?
                .query_row([behind], |row| row.get(0))
                .optional()
        })
        .await
    }

    /// Chats of a tenant behind that name whose oldest message was stored before that, and where to look next.
    pub async fn outdated(
        &self,
        namespace: String,
        before: Nanos,
        behind: String,
    ) -> Result<(Vec<Trace>, Option<String>), StoreError> {
        self.look(move |connection| {
            let mut select = connection.prepare_cached(
                "SELECT chat, id, (SELECT sent_at FROM messages WHERE messages.chat = chats.chat ORDER BY seq LIMIT 1)
                 FROM chats WHERE namespace = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
            )?;
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
