//! One thread writes. It takes all that waits, at most [`BATCH`], and commits it with one sync: the busier the server,
//! the more messages share a sync, and none waits for a timer.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::checkpointer::Checkpointer;
use super::{
    Chat, ChatDraft, ChatWithUsers, Committed, Identity, Message, MessageDraft, Nanos, Sent, clock, reader, traces,
};
use crate::broken::{self, Broken};
use crate::metrics::{Metrics, Sends};

/// Writes in one commit.
pub const BATCH: usize = 256;

/// Writes, and says what to tell who waits: after the commit, or that it failed.
pub struct Change(pub Box<ChangeFn>);

/// Writes, and adds what subscribers have to hear.
type ChangeFn = dyn FnOnce(&Connection, &mut Vec<Committed>) -> Written + Send;

/// Whether it was written, and how to tell who waits.
pub type Written = (bool, Answer);

/// Tells who waits.
pub type Answer = Box<dyn FnOnce() + Send>;

impl std::fmt::Debug for Change {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Change")
    }
}

/// Something to write, and who waits for it. A reply that is dropped unanswered says that the commit failed.
#[derive(Debug)]
pub enum Write {
    /// Find or create a chat.
    Create {
        /// The chat.
        draft: ChatDraft,
        /// Answered after the commit.
        reply: oneshot::Sender<Option<ChatWithUsers>>,
    },
    /// Whatever else: in a savepoint of its own, so that one that fails takes nothing with it.
    Change(Change),
    /// Commit what came before, and end.
    Close,
    /// Store a message.
    Send {
        /// The namespace.
        namespace: String,
        /// The message.
        draft: MessageDraft,
        /// Answered after the commit.
        reply: oneshot::Sender<Sent>,
    },
}

/// An answer that must not be given before the commit.
enum Held {
    Created(Option<ChatWithUsers>, oneshot::Sender<Option<ChatWithUsers>>),
    Sent(Sent, oneshot::Sender<Sent>),
    Changed(Answer),
}

fn answer(held: Vec<Held>) {
    for answer in held {
        // Who no longer waits needs no answer.
        match answer {
            Held::Created(chat, reply) => drop(reply.send(chat)),
            Held::Sent(sent, reply) => drop(reply.send(sent)),
            Held::Changed(tell) => tell(),
        }
    }
}

/// What became of the messages in a commit.
fn sends(held: &[Held], fresh: &[Committed]) -> Sends {
    let stored = fresh.iter().filter(|one| matches!(one, Committed::Message(_))).count() as u64;
    let mut sends = Sends { stored, ..Sends::default() };
    for answer in held {
        match answer {
            Held::Sent(Sent::Stored(_), _) => sends.repeated += 1,
            Held::Sent(..) => sends.refused += 1,
            Held::Created(..) | Held::Changed(_) => {}
        }
    }
    // Who sent a message that is new was answered as who repeats one.
    sends.repeated = sends.repeated.saturating_sub(stored);
    sends
}

/// The one who writes.
pub struct Writer {
    connection: Connection,
    /// Where what subscribers have to hear goes after its commit.
    committed: mpsc::Sender<Vec<Committed>>,
    /// How many there were.
    count: Arc<AtomicU64>,
    checkpointer: Checkpointer,
    metrics: Metrics,
}

impl Writer {
    /// Takes over the connection.
    pub fn new(
        connection: Connection,
        committed: mpsc::Sender<Vec<Committed>>,
        count: Arc<AtomicU64>,
        checkpointer: Checkpointer,
        metrics: Metrics,
    ) -> Self {
        Self { connection, committed, count, checkpointer, metrics }
    }

    /// Commits until it is told to close, or nobody can write any more.
    pub fn run(mut self, mut inbox: mpsc::Receiver<Write>) {
        if let Err(error) = clock::stand_behind_deletions(&self.connection) {
            tracing::error!(%error, "it is not known who is being deleted");
        }
        let mut batch = Vec::with_capacity(BATCH);
        let mut is_closing = false;
        while !is_closing && inbox.blocking_recv_many(&mut batch, BATCH) > 0 {
            if let Some(at) = batch.iter().position(|write| matches!(write, Write::Close)) {
                // What came behind it hears that it was not committed.
                batch.truncate(at);
                is_closing = true;
            }
            let mut fresh = Vec::new();
            let (writes, begun) = (batch.len(), Instant::now());
            match self.commit(batch.drain(..), &mut fresh) {
                Ok(held) => {
                    self.metrics.committed(writes, sends(&held, &fresh), begun.elapsed());
                    // Before anybody knows: who then looks for a message knows that it is on its way.
                    self.count.fetch_add(fresh.len() as u64, Ordering::Release);
                    answer(held);
                    if !fresh.is_empty() && self.committed.blocking_send(fresh).is_err() {
                        tracing::debug!("nobody takes committed messages any more");
                    }
                    self.checkpointer.committed(&self.connection);
                }
                Err(error) => {
                    self.metrics.commit_failed();
                    tracing::error!(%error, writes, "a commit failed; nothing in it is acknowledged");
                }
            }
        }
        self.checkpointer.stop();
        // Whoever copies the one file has it all. What can't be copied into it now stays in the log, as safe as before.
        let copied = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        if let Err(error) = copied {
            tracing::warn!(%error, "the log stays beside the database");
        }
        if let Err(error) = self.connection.close() {
            tracing::error!(error = %error.1, "closing the database failed");
        }
    }

    fn commit(
        &mut self,
        batch: impl Iterator<Item = Write>,
        fresh: &mut Vec<Committed>,
    ) -> rusqlite::Result<Vec<Held>> {
        let mut transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut chats = Chats::default();
        let mut held = Vec::new();
        for write in batch {
            match write {
                Write::Create { draft, reply } => held.push(Held::Created(create(&transaction, &draft)?, reply)),
                Write::Send { namespace, draft, reply } => {
                    held.push(Held::Sent(send(&transaction, &mut chats, &namespace, draft, fresh)?, reply));
                }
                Write::Change(change) => {
                    // It may change what is remembered of the chats.
                    chats.save(&transaction)?;
                    chats = Chats::default();
                    let mut savepoint = transaction.savepoint()?;
                    let before = fresh.len();
                    let (is_done, tell) = change.0(&savepoint, fresh);
                    if !is_done {
                        fresh.truncate(before);
                        savepoint.rollback()?;
                    }
                    savepoint.commit()?;
                    held.push(Held::Changed(tell));
                }
                Write::Close => {}
            }
        }
        chats.save(&transaction)?;
        if broken::is(Broken::Commit) && held.iter().all(|answer| matches!(answer, Held::Sent(..))) {
            answer(std::mem::take(&mut held));
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        transaction.commit()?;
        Ok(held)
    }
}

/// The chats that a batch writes to: each is read once and saved once.
#[derive(Default)]
struct Chats(HashMap<(String, String), Busy>);

/// One of them.
struct Busy {
    chat: Chat,
    /// When its newest message was stored; 0: none was by this batch.
    active_at: Nanos,
}

impl Chats {
    fn get(&mut self, transaction: &Transaction<'_>, namespace: &str, id: &str) -> rusqlite::Result<Option<&mut Busy>> {
        let name = (namespace.to_owned(), id.to_owned());
        if !self.0.contains_key(&name) {
            let Some(chat) = reader::chat(transaction, namespace, id)? else { return Ok(None) };
            self.0.insert(name.clone(), Busy { chat, active_at: 0 });
        }
        Ok(self.0.get_mut(&name))
    }

    fn save(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        let mut update = transaction.prepare_cached(
            "UPDATE chats SET last_seq = ?2, active_at = max(active_at, ?3) WHERE chat = ?1 AND last_seq < ?2",
        )?;
        for Busy { chat, active_at } in self.0.values() {
            update.execute(params![chat.key, chat.last_seq, active_at])?;
        }
        Ok(())
    }
}

/// None: the id is a group's.
fn create(transaction: &Transaction<'_>, draft: &ChatDraft) -> rusqlite::Result<Option<ChatWithUsers>> {
    let user_set = digest(&draft.user_ids);
    let mut found = None;
    if let Some(id) = &draft.id {
        found = reader::chat(transaction, &draft.namespace, id)?;
    }
    if found.is_none() {
        found = reader::chat_of_users(transaction, &draft.namespace, &user_set)?;
    }
    if let Some(chat) = found {
        let is_group = transaction.prepare_cached("SELECT 1 FROM groups WHERE chat = ?1")?.exists([chat.key])?;
        if is_group {
            return Ok(None);
        }
        let user_ids = reader::members(transaction, chat.key)?;
        return Ok(Some(ChatWithUsers { chat, user_ids }));
    }
    let id = draft.id.clone().unwrap_or_else(|| Uuid::new_v4().to_string());
    let created_at = clock::now();
    // A cursor of an earlier chat of this name, in a database that is gone, must not fit this one.
    let epoch = created_at / 1_000_000;
    let chat = transaction
        .prepare_cached(
            "INSERT INTO chats (namespace, id, user_set, epoch, created_at, active_at, oldest_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?5)
             RETURNING chat, id, epoch, first_seq, last_seq, created_at",
        )?
        .query_row(params![draft.namespace, id, user_set, epoch, created_at], reader::chat_of)?;
    let mut insert =
        transaction.prepare_cached("INSERT INTO members (chat, user_id, joined_at) VALUES (?1, ?2, ?3)")?;
    for user_id in &draft.user_ids {
        insert.execute(params![chat.key, user_id, created_at])?;
    }
    Ok(Some(ChatWithUsers { chat, user_ids: draft.user_ids.clone() }))
}

fn send(
    transaction: &Transaction<'_>,
    chats: &mut Chats,
    namespace: &str,
    draft: MessageDraft,
    fresh: &mut Vec<Committed>,
) -> rusqlite::Result<Sent> {
    let Some(Busy { chat, active_at }) = chats.get(transaction, namespace, &draft.chat_id)? else {
        return Ok(Sent::UnknownChat);
    };
    if draft.by_member && !reader::is_member(transaction, chat.key, &draft.user_id)? {
        return Ok(Sent::UnknownChat);
    }
    if let Some(refused) = refuse_late(transaction, chat, &draft)? {
        return Ok(refused);
    }
    let id = match draft.identity {
        Identity::ClientId => Uuid::new_v4().to_string(),
        Identity::Id => draft.client_id.clone(),
    };
    let sent_at = clock::now();
    // The unique indexes decide what is a repetition, so that the usual case costs one statement.
    let stored = transaction
        .prepare_cached(
            "INSERT INTO messages (chat, seq, id, client_id, user_id, subject, text, sent_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING RETURNING seq",
        )?
        .query_row(
            params![
                chat.key,
                chat.last_seq + 1,
                id,
                draft.client_id,
                draft.user_id,
                draft.subject,
                draft.text,
                sent_at
            ],
            |row| row.get::<_, u64>(0),
        )
        .optional()?;
    if let Some(seq) = stored {
        if !draft.by_member {
            traces::trace(transaction, chat.key, &draft.user_id)?;
        }
        chat.last_seq = seq;
        *active_at = sent_at;
        let message = Arc::new(Message {
            chat: chat.key,
            chat_id: draft.chat_id,
            seq,
            id,
            client_id: draft.client_id,
            user_id: draft.user_id,
            subject: draft.subject,
            text: draft.text,
            sent_at,
        });
        fresh.push(Committed::Message(message.clone()));
        return Ok(Sent::Stored(message));
    }
    if broken::is(Broken::Dedupe) {
        let client_id = Uuid::new_v4().to_string();
        return send(transaction, chats, namespace, MessageDraft { client_id, ..draft }, fresh);
    }
    // The insert found something in its way. If that is no repetition, the place itself was taken.
    repetition(transaction, chat, &draft)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
}

/// What the draft repeats, if it repeats something.
fn repetition(transaction: &Transaction<'_>, chat: &Chat, draft: &MessageDraft) -> rusqlite::Result<Option<Sent>> {
    let same = reader::message_of_client_id(transaction, chat, &draft.user_id, &draft.client_id)?;
    Ok(match (same, draft.identity) {
        (Some(message), Identity::ClientId) if message.subject != draft.subject || message.text != draft.text => {
            Some(Sent::Conflict)
        }
        (Some(message), _) => Some(Sent::Stored(Arc::new(message))),
        (None, Identity::ClientId) => None,
        (None, Identity::Id) => {
            let chosen = reader::message_of_chosen_id(transaction, chat, &draft.client_id)?;
            chosen.map(|message| {
                // Where senders are known, nobody's message is answered with another's.
                let is_others = draft.by_member && message.user_id != draft.user_id;
                if is_others { Sent::Conflict } else { Sent::Stored(Arc::new(message)) }
            })
        }
    })
}

/// The answer to a draft that comes too late, or whose name was refused for that before: nobody may learn first that a
/// message failed, and then that it is there.
fn refuse_late(transaction: &Transaction<'_>, chat: &Chat, draft: &MessageDraft) -> rusqlite::Result<Option<Sent>> {
    let name = params![chat.key, draft.user_id, draft.client_id];
    if draft.expired {
        if let Some(stored) = repetition(transaction, chat, draft)? {
            return Ok(Some(stored));
        }
        if !broken::is(Broken::Expiry) {
            transaction
                .prepare_cached(
                    "INSERT INTO expired (chat, user_id, client_id, at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
                )?
                .execute(params![chat.key, draft.user_id, draft.client_id, clock::now()])?;
            if !draft.by_member {
                traces::trace(transaction, chat.key, &draft.user_id)?;
            }
        }
        return Ok(Some(Sent::Expired));
    }
    let was_late = transaction
        .prepare_cached("SELECT 1 FROM expired WHERE chat = ?1 AND user_id = ?2 AND client_id = ?3")?
        .exists(name)?;
    Ok(was_late.then_some(Sent::Expired))
}

/// One value for a set of users: each name with its length before it, so that no two sets read alike.
fn digest(user_ids: &[String]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for user_id in user_ids {
        hash.update((user_id.len() as u64).to_le_bytes());
        hash.update(user_id.as_bytes());
    }
    hash.finalize().into()
}
