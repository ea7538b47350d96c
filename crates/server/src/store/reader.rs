//! Connections that read beside the writer. A read sees the last commit and never waits for the next.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rusqlite::{Connection, OptionalExtension, Row, params};
use tokio::sync::Semaphore;

use super::{Chat, ChatKey, ChatName, Edge, Message, Page, PageSize, Span, StoreError, schema};
use crate::metrics::Metrics;

/// How many reads run at once.
const READERS: usize = 4;

/// A few connections, lent one at a time.
#[derive(Debug)]
pub struct Readers {
    /// As many permits as connections.
    permits: Arc<Semaphore>,
    /// Those that nobody uses.
    idle: Mutex<Vec<Connection>>,
    /// Reads so far.
    count: AtomicU64,
    metrics: Metrics,
}

impl Readers {
    /// Opens them all.
    pub fn open(file: &Path, metrics: Metrics) -> Result<Self, StoreError> {
        let idle = (0..READERS).map(|_| schema::open_to_read(file)).collect::<Result<_, _>>()?;
        let permits = Arc::new(Semaphore::new(READERS));
        Ok(Self { permits, idle: Mutex::new(idle), count: AtomicU64::new(0), metrics })
    }

    /// How many reads there were.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Runs `read` with a connection, on a thread that may block.
    pub async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.count.fetch_add(1, Ordering::Relaxed);
        let (readers, begun) = (self.clone(), Instant::now());
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let task = tokio::task::spawn_blocking(move || {
            let lent = readers.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = lent.ok_or(StoreError::Closed)?;
            let answer = read(&connection);
            readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            // Not before the connection is back: who asked may have gone away while this was running.
            drop(permit);
            readers.metrics.read(begun.elapsed());
            Ok(answer?)
        });
        task.await.map_err(|_| StoreError::Closed)?
    }
}

const CHAT: &str = "SELECT chat, id, epoch, first_seq, last_seq, created_at FROM chats";

/// A row of [`CHAT`].
pub fn chat_of(row: &Row<'_>) -> rusqlite::Result<Chat> {
    Ok(Chat {
        key: row.get(0)?,
        id: row.get(1)?,
        epoch: row.get(2)?,
        first_seq: row.get(3)?,
        last_seq: row.get(4)?,
        created_at: row.get(5)?,
    })
}

/// The chat of that name.
pub fn chat(connection: &Connection, namespace: &str, id: &str) -> rusqlite::Result<Option<Chat>> {
    connection
        .prepare_cached(&format!("{CHAT} WHERE namespace = ?1 AND id = ?2"))?
        .query_row(params![namespace, id], chat_of)
        .optional()
}

/// The chat that somebody asks for, if it is there, and theirs to ask for.
pub fn named(connection: &Connection, name: &ChatName) -> rusqlite::Result<Option<Chat>> {
    let Some(chat) = chat(connection, &name.namespace, &name.id)? else { return Ok(None) };
    let may = match &name.member {
        Some(user_id) => is_member(connection, chat.key, user_id)?,
        None => true,
    };
    Ok(may.then_some(chat))
}

/// The chat that was created for this set of users.
pub fn chat_of_users(connection: &Connection, namespace: &str, user_set: &[u8]) -> rusqlite::Result<Option<Chat>> {
    connection
        .prepare_cached(&format!("{CHAT} WHERE namespace = ?1 AND user_set = ?2"))?
        .query_row(params![namespace, user_set], chat_of)
        .optional()
}

/// Whether that user is a member.
pub fn is_member(connection: &Connection, chat: ChatKey, user_id: &str) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM members WHERE chat = ?1 AND user_id = ?2")?.exists(params![chat, user_id])
}

/// Its members, in the order of their names.
pub fn members(connection: &Connection, chat: ChatKey) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached("SELECT user_id FROM members WHERE chat = ?1 ORDER BY user_id")?
        .query_map([chat], |row| row.get(0))?
        .collect()
}

/// The smallest `seq` that is still there, and the newest.
pub fn bounds(connection: &Connection, chat: ChatKey) -> rusqlite::Result<(u64, u64)> {
    connection
        .prepare_cached("SELECT first_seq, last_seq FROM chats WHERE chat = ?1")?
        .query_row([chat], |row| Ok((row.get(0)?, row.get(1)?)))
}

const MESSAGE: &str = "SELECT seq, id, client_id, user_id, subject, text, sent_at FROM messages";

fn message_of(row: &Row<'_>, chat: ChatKey, chat_id: &str) -> rusqlite::Result<Message> {
    Ok(Message {
        chat,
        chat_id: chat_id.to_owned(),
        seq: row.get(0)?,
        id: row.get(1)?,
        client_id: row.get(2)?,
        user_id: row.get(3)?,
        subject: row.get(4)?,
        text: row.get(5)?,
        sent_at: row.get(6)?,
    })
}

/// The message of that user with that `client_id`.
pub fn message_of_client_id(
    connection: &Connection,
    chat: &Chat,
    user_id: &str,
    client_id: &str,
) -> rusqlite::Result<Option<Message>> {
    connection
        .prepare_cached(&format!("{MESSAGE} WHERE chat = ?1 AND user_id = ?2 AND client_id = ?3"))?
        .query_row(params![chat.key, user_id, client_id], |row| message_of(row, chat.key, &chat.id))
        .optional()
}

/// The message whose client chose that `id`.
pub fn message_of_chosen_id(connection: &Connection, chat: &Chat, id: &str) -> rusqlite::Result<Option<Message>> {
    connection
        .prepare_cached(&format!("{MESSAGE} WHERE chat = ?1 AND id = ?2 AND id = client_id"))?
        .query_row(params![chat.key, id], |row| message_of(row, chat.key, &chat.id))
        .optional()
}

/// The newest message that is still there.
pub fn newest(connection: &Connection, chat: &Chat) -> rusqlite::Result<Option<Message>> {
    connection
        .prepare_cached(&format!("{MESSAGE} WHERE chat = ?1 ORDER BY seq DESC LIMIT 1"))?
        .query_row([chat.key], |row| message_of(row, chat.key, &chat.id))
        .optional()
}

/// A page of the messages with `after < seq < before`, taken from that end, in that direction.
pub fn page(
    connection: &Connection,
    chat: &Chat,
    after: u64,
    before: u64,
    size: PageSize,
    from: Edge,
) -> rusqlite::Result<Page> {
    let direction = from.direction();
    // SQLite's integers are signed; no seq comes near their end.
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let mut select = connection.prepare_cached(&format!(
        "{MESSAGE} WHERE chat = ?1 AND seq > ?2 AND seq < ?3 ORDER BY seq {direction} LIMIT ?4"
    ))?;
    // One more than asked for tells whether there is more.
    let mut rows = select.query(params![chat.key, signed(after), signed(before), signed(size.messages) + 1])?;
    let mut page = Page { messages: Vec::new(), has_more: false };
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        if page.messages.len() as u64 == size.messages || bytes >= size.bytes {
            page.has_more = true;
            break;
        }
        let message = message_of(row, chat.key, &chat.id)?;
        bytes += message.text.len() + message.subject.len();
        page.messages.push(message);
    }
    Ok(page)
}

/// Messages of a user that a chat had when it was read, in the order of their `client_id` and behind that one, and
/// whether there may be more. By an index, however much others have written.
pub fn messages_of(
    connection: &Connection,
    chat: &Chat,
    user_id: &str,
    behind: &str,
    size: PageSize,
) -> rusqlite::Result<(Vec<Message>, bool)> {
    let mut select = connection.prepare_cached(&format!(
        "{MESSAGE} WHERE chat = ?1 AND user_id = ?2 AND client_id > ?3 AND seq <= ?4 ORDER BY client_id LIMIT ?5"
    ))?;
    let mut rows = select.query(params![chat.key, user_id, behind, chat.last_seq, size.messages])?;
    let (mut messages, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let message = message_of(row, chat.key, &chat.id)?;
        bytes += message.text.len() + message.subject.len();
        messages.push(message);
        if bytes >= size.bytes {
            return Ok((messages, true));
        }
    }
    let has_more = messages.len() as u64 == size.messages;
    Ok((messages, has_more))
}

/// What a chat has behind `after`: as much as a page holds, or all up to the chat's end. It begins later than that
/// where what lay between is gone.
pub fn behind(connection: &Connection, chat: &Chat, after: u64, size: PageSize) -> rusqlite::Result<Span> {
    // Of one moment: what goes between two reads is neither there nor known to be gone.
    let moment = connection.unchecked_transaction()?;
    let (first_seq, last_seq) = bounds(&moment, chat.key)?;
    let after = after.max(first_seq - 1);
    let Page { messages, has_more } = page(&moment, chat, after, u64::MAX, size, Edge::Oldest)?;
    moment.commit()?;
    let newest = messages.last().map_or(after, |message| message.seq);
    let to = if has_more { newest } else { newest.max(last_seq) };
    Ok(Span { after, messages, to })
}

/// A chat's newest messages, as many as a page holds.
pub fn tail(connection: &Connection, chat: &Chat, size: PageSize) -> rusqlite::Result<Span> {
    // Of one moment, as above.
    let moment = connection.unchecked_transaction()?;
    let (first_seq, last_seq) = bounds(&moment, chat.key)?;
    let Page { mut messages, has_more } = page(&moment, chat, 0, u64::MAX, size, Edge::Newest)?;
    moment.commit()?;
    messages.reverse();
    let after = match messages.first() {
        Some(oldest) if has_more => oldest.seq - 1,
        _ => first_seq - 1,
    };
    let to = messages.last().map_or(last_seq, |newest| newest.seq.max(last_seq));
    Ok(Span { after, messages, to })
}

/// Whether the database answers.
pub fn probe(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("SELECT 1", [], |_| Ok(()))
}
