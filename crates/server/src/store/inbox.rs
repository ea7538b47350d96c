//! A user's chats, those first in which something was said last, and what is unread in them.

use rusqlite::{Connection, OptionalExtension, Row, params};

use micro_chat_wire::limit;

use super::{Chat, Message, Nanos, Store, StoreError, reader};

/// A chat in the list of one of its members.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The chat.
    pub chat: Chat,
    /// Where it stands in the list.
    pub place: Place,
    /// What it is called, where it is a group.
    pub name: Option<String>,
    /// The first of its members, in the order of their names.
    pub user_ids: Vec<String>,
    /// Whether there are more.
    pub more_users: bool,
    /// The newest message that is still there.
    pub last_message: Option<Message>,
    /// Up to where the member has read.
    pub read_seq: u64,
    /// What is behind that.
    pub unread: Unread,
}

/// Where a chat stands in a list: by when something was said last; those of one moment by their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// When that was.
    pub active_at: Nanos,
    /// The chat's name in the API.
    pub id: String,
}

/// What a member has not read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    /// Messages of others among those that were looked at, the newest.
    pub count: u64,
    /// Whether there are others that were not looked at.
    pub has_more: bool,
}

/// What is unread of a chat: at most [`limit::UNREAD`] messages are looked at, however many there are.
fn unread(connection: &Connection, chat: &Chat, user_id: &str, read_seq: u64) -> rusqlite::Result<Unread> {
    if read_seq >= chat.last_seq {
        return Ok(Unread::default());
    }
    let (count, oldest): (u64, Option<u64>) = connection
        .prepare_cached(
            "SELECT coalesce(sum(user_id <> ?2), 0), min(seq) FROM
             (SELECT user_id, seq FROM messages WHERE chat = ?1 AND seq > ?3 ORDER BY seq DESC LIMIT ?4)",
        )?
        .query_row(params![chat.key, user_id, read_seq, limit::UNREAD], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let has_more = connection
        .prepare_cached("SELECT 1 FROM messages WHERE chat = ?1 AND seq > ?2 AND seq < ?3 LIMIT 1")?
        .exists(params![chat.key, read_seq, oldest])?;
    Ok(Unread { count, has_more })
}

fn listed(connection: &Connection, row: &Row<'_>, user_id: &str) -> rusqlite::Result<Listed> {
    let chat = reader::chat_of(row)?;
    let place = Place { active_at: row.get(6)?, id: chat.id.clone() };
    let (read_seq, name) = (row.get(7)?, row.get(8)?);
    let mut user_ids: Vec<String> = connection
        .prepare_cached("SELECT user_id FROM members WHERE chat = ?1 ORDER BY user_id LIMIT ?2")?
        .query_map(params![chat.key, limit::NAMED + 1], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let more_users = user_ids.len() as u64 > limit::NAMED;
    user_ids.truncate(usize::try_from(limit::NAMED).unwrap_or(usize::MAX));
    let last_message = reader::newest(connection, &chat)?;
    let unread = unread(connection, &chat, user_id, read_seq)?;
    Ok(Listed { chat, place, name, user_ids, more_users, last_message, read_seq, unread })
}

/// The chat, and up to where that member has read; none: there is no such chat, or they are no member.
fn mark(
    connection: &Connection,
    namespace: &str,
    chat_id: &str,
    user_id: &str,
) -> rusqlite::Result<Option<(Chat, u64)>> {
    let Some(chat) = reader::chat(connection, namespace, chat_id)? else { return Ok(None) };
    let read_seq = connection
        .prepare_cached("SELECT read_seq FROM members WHERE chat = ?1 AND user_id = ?2")?
        .query_row(params![chat.key, user_id], |row| row.get(0))
        .optional()?;
    Ok(read_seq.map(|read_seq| (chat, read_seq)))
}

impl Store {
    /// The chats of a user behind that place, or from the front; and whether there are more. All chats of the user are
    /// looked at to find their order; of those that are answered, so much of each.
    pub async fn inbox(
        &self,
        namespace: String,
        user_id: String,
        behind: Option<Place>,
        limit: u64,
    ) -> Result<(Vec<Listed>, bool), StoreError> {
        self.look(move |connection| {
            let (active_at, id) = behind.map(|place| (place.active_at, place.id)).unzip();
            let mut select = connection.prepare_cached(
                "SELECT chats.chat, chats.id, epoch, first_seq, last_seq, created_at, active_at, read_seq, groups.name
                 FROM members CROSS JOIN chats ON chats.chat = members.chat LEFT JOIN groups ON groups.chat = chats.chat
                 WHERE members.user_id = ?1 AND chats.namespace = ?2
                 AND (?3 IS NULL OR (active_at, chats.id) < (?3, ?4))
                 ORDER BY active_at DESC, chats.id DESC LIMIT ?5",
            )?;
            let mut rows = select.query(params![user_id, namespace, active_at, id, limit + 1])?;
            let mut list = Vec::new();
            while let Some(row) = rows.next()? {
                if list.len() as u64 == limit {
                    return Ok((list, true));
                }
                list.push(listed(connection, row, &user_id)?);
            }
            Ok((list, false))
        })
        .await
    }

    /// Moves up to where a member has read: never back, and not beyond the end. Where it is now; none: there is no such
    /// chat, or they are no member.
    pub async fn mark_read(
        &self,
        namespace: String,
        chat_id: String,
        user_id: String,
        seq: u64,
    ) -> Result<Option<u64>, StoreError> {
        let name = (namespace.clone(), chat_id.clone(), user_id.clone());
        let found = self.look(move |connection| mark(connection, &name.0, &name.1, &name.2)).await?;
        match found {
            None => return Ok(None),
            // Nothing to write: pages say it again and again.
            Some((chat, read_seq)) if seq.min(chat.last_seq) <= read_seq => return Ok(Some(read_seq)),
            Some(_) => {}
        }
        self.change(move |connection| {
            let Some((chat, read_seq)) = mark(connection, &namespace, &chat_id, &user_id)? else { return Ok(None) };
            let read_seq = seq.min(chat.last_seq).max(read_seq);
            connection
                .prepare_cached("UPDATE members SET read_seq = ?3 WHERE chat = ?1 AND user_id = ?2")?
                .execute(params![chat.key, user_id, read_seq])?;
            Ok(Some(read_seq))
        })
        .await
    }
}
