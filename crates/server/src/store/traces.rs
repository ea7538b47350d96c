//! Chats in which somebody has left something who is none of their members: the table `traces`. With the members they
//! are all chats in which something of a user can be.

use rusqlite::{Connection, params};

use super::batch::Batch;
use super::{ChatKey, Deletion};

/// A chat that knows something of a user.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Its row.
    pub chat: ChatKey,
    /// Its name in the API.
    pub id: String,
}

/// A user writes to a chat who need not be one of its members: keeps that in mind, where they are none.
pub fn trace(connection: &Connection, chat: ChatKey, user_id: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO traces (user_id, chat)
             SELECT ?2, ?1 WHERE NOT EXISTS (SELECT 1 FROM members WHERE chat = ?1 AND user_id = ?2)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![chat, user_id])
        .map(drop)
}

/// A user is none of a chat's members any more: keeps in mind that they have left something in it, where they have.
pub fn trace_left(connection: &Connection, chat: ChatKey, user_id: &str) -> rusqlite::Result<()> {
    let has_left = connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM messages WHERE chat = ?1 AND user_id = ?2)
             OR EXISTS (SELECT 1 FROM expired WHERE chat = ?1 AND user_id = ?2)
             OR EXISTS (SELECT 1 FROM groups WHERE chat = ?1 AND creator = ?2)",
        )?
        .query_row(params![chat, user_id], |row| row.get(0))?;
    if has_left {
        return trace(connection, chat, user_id);
    }
    connection
        .prepare_cached("DELETE FROM traces WHERE user_id = ?2 AND chat = ?1")?
        .execute(params![chat, user_id])
        .map(drop)
}

/// Forgets chats of a namespace, behind that one, in which nothing of a user is left, as retention may have taken it:
/// looks at as many as a commit may, and says where to look next.
pub fn forget_traces(connection: &Connection, of: &Deletion, behind: ChatKey) -> rusqlite::Result<Option<ChatKey>> {
    let known: Vec<(ChatKey, bool)> = connection
        .prepare_cached(
            "SELECT known.chat, namespace = ?1
             FROM (SELECT chat FROM traces WHERE user_id = ?2 AND chat > ?3 ORDER BY chat LIMIT ?4) AS known
             CROSS JOIN chats ON chats.chat = known.chat ORDER BY known.chat",
        )?
        .query_map(params![of.namespace, of.user_id, behind, Batch::ROWS], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (chat, _) in known.iter().filter(|(_, is_of_namespace)| *is_of_namespace) {
        trace_left(connection, *chat, &of.user_id)?;
    }
    Ok(known.last().filter(|_| known.len() == Batch::ROWS).map(|(chat, _)| *chat))
}
