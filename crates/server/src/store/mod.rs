//! Where chats and messages are kept: SQLite, in one file, synced before anything is acknowledged.
//!
//! - `schema`: the tables,
//! - `chat` and `message`: what is in them,
//! - `writer`: one thread that commits all that waits,
//! - `checkpointer`: one that copies the log into the database meanwhile,
//! - `reader`: connections that read beside it,
//! - `groups`: chats whose members come and go,
//! - `directory`: groups that somebody may see,
//! - `inbox`: a user's chats, and what is unread in them,
//! - `listing`: messages by their number from one end of a chat,
//! - `members`: who is in a chat, and what changes of that,
//! - `deletion`: users who go, with all that they wrote,
//! - `traces`: chats in which somebody has left something,
//! - `batch`: how much one commit takes away,
//! - `export`: what is asked for all of a chat, or of a user,
//! - `retention`: old messages go,
//! - `accounts`: who logs in with a password, and codes that were mailed,
//! - `logins`: their logins,
//! - `keys`: API keys, and from when on tokens are good,
//! - `clock`: the time that is written,
//! - `folder`: where it lies, for one process at a time,
//! - `backup`: copies of it,
//! - `check`: whether it is sound.

mod accounts;
mod backup;
mod batch;
mod chat;
mod check;
mod checkpointer;
mod clock;
mod deletion;
mod directory;
mod export;
mod folder;
mod groups;
mod inbox;
mod keys;
mod listing;
mod logins;
mod members;
mod message;
mod reader;
mod retention;
mod schema;
mod traces;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::metrics::Metrics;
pub use accounts::{Account, Named, SealedCode, SignedUp, Terms};
pub use backup::{back_up, restore};
pub use chat::{Chat, ChatDraft, ChatKey, ChatName, ChatWithUsers};
pub use check::{Checked, check};
use checkpointer::Checkpointer;
use clock::now;
pub use clock::rfc3339;
pub use deletion::{Deleted, Deletion};
pub use export::{About, AccountData};
pub use folder::SIGNING_KEY;
use folder::{DATABASE, Folder};
pub use groups::{Group, GroupChange, GroupDraft, GroupName, Standing};
pub use inbox::{Listed, Place, Unread};
pub use keys::{ApiKey, Cutoff, KeyRing};
pub use listing::Range;
pub use logins::{Issue, NewLogin, Rotation, Used};
pub use members::{MemberChange, MemberPage, Membership};
pub use message::{Edge, Gone, Identity, Message, MessageDraft, Page, PageSize, Removal, Sent, Span};
use reader::Readers;
pub use retention::Due;
pub use traces::Trace;
use writer::{Change, Write, Writer};

/// Nanoseconds since the Unix epoch.
pub type Nanos = i64;

/// Something that was committed, and that subscribers have to hear.
#[derive(Clone, Debug)]
pub enum Committed {
    /// A new message.
    Message(Arc<Message>),
    /// Somebody came, or went.
    Member(Arc<MemberChange>),
    /// Messages are gone: what is kept for those who come back must not have them.
    Removed(Removal),
}

/// Why the database did not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder can't be made or written.
    #[error("can't use the data folder {0}: {1}")]
    Folder(PathBuf, std::io::Error),
    /// There is none.
    #[error(
        "there is no database in {0}{why}; name the folder of the server's data with --data",
        why = if .0.exists() { "" } else { ", as there is no such folder" }
    )]
    NoDatabase(PathBuf),
    /// Another process has it.
    #[error(
        "the data folder {0} is in use by another micro-chat-server; stop it, or choose another folder with --data"
    )]
    InUse(PathBuf),
    /// The tables are not as this program knows them, and somebody works with them.
    #[error("a server of another version runs on this database; use its own program, or start it anew with this one")]
    OtherVersion,
    /// A file of it can't be read or written.
    #[error("can't use the file {0}: {1}")]
    File(PathBuf, std::io::Error),
    /// A backup would replace something.
    #[error("{0} exists already; name a new file")]
    Exists(PathBuf),
    /// What should be a database of this server isn't, or is broken.
    #[error("{0} is not a database of micro-chat-server, or is damaged: {1}")]
    NotADatabase(PathBuf, String),
    /// The tables could not be brought up to date.
    #[error("can't bring the database up to date: {0}")]
    Migration(#[from] rusqlite_migration::Error),
    /// There is no thread to write with.
    #[error("can't start the thread that writes: {0}")]
    Thread(std::io::Error),
    /// SQLite refused.
    #[error("the database failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The commit that held this write failed; the reason is in the log.
    #[error("the write was not committed")]
    NotCommitted,
    /// The store is closed.
    #[error("the server is stopping")]
    Closed,
}

impl StoreError {
    /// Says so in the log, once for each that fails: why a commit failed is said where that is known, and not once more
    /// for each write that was in it.
    pub fn log(&self) {
        if !matches!(self, Self::NotCommitted) {
            tracing::error!(error = %self, "the store failed");
        }
    }
}

/// The database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    /// What waits for the next commit. In order: who writes first is committed first.
    writes: mpsc::Sender<Write>,
    /// How much was committed since the start that subscribers have to hear. Nothing is acknowledged before it is
    /// counted here.
    committed: Arc<AtomicU64>,
    /// Connections to read with.
    readers: Arc<Readers>,
    metrics: Metrics,
}

/// What keeps an open store open: its thread, and the folder's lock.
#[derive(Debug)]
pub struct StoreGuard {
    /// Ends when it is told to.
    writer: std::thread::JoinHandle<()>,
    /// To tell it.
    writes: mpsc::Sender<Write>,
    /// Nobody else may use it meanwhile.
    _folder: Folder,
}

impl StoreGuard {
    /// Commits what was accepted, and ends. Blocks.
    pub fn close(self) {
        // A writer that is gone has nothing to commit.
        let _ = self.writes.blocking_send(Write::Close);
        if self.writer.join().is_err() {
            tracing::error!("the writer thread had panicked");
        }
    }
}

impl Store {
    /// Opens the database in `folder`, making both where they are missing. Each newly stored message, and each change
    /// of members, goes to `committed` after its commit, in the order of commits.
    pub fn open(
        folder: &Path,
        committed: mpsc::Sender<Vec<Committed>>,
        metrics: Metrics,
    ) -> Result<(Self, StoreGuard), StoreError> {
        let folder = Folder::take(folder)?;
        let file = folder.file(DATABASE);
        let connection = schema::open(&file)?;
        let (writes, inbox) = mpsc::channel(4 * writer::BATCH);
        let readers = Arc::new(Readers::open(&file, metrics.clone())?);
        let count = Arc::new(AtomicU64::new(0));
        let checkpointer = Checkpointer::start(schema::open_to_copy(&file)?).map_err(StoreError::Thread)?;
        let writer = Writer::new(connection, committed, count.clone(), checkpointer, metrics.clone());
        let writer = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run(inbox))
            .map_err(StoreError::Thread)?;
        let store = Self { writes: writes.clone(), committed: count, readers, metrics };
        Ok((store, StoreGuard { writer, writes, _folder: folder }))
    }

    /// Finds the chat with the draft's id, else the one created for the same users, else creates it. None: the id is a
    /// group's.
    pub async fn create(&self, draft: ChatDraft) -> Result<Option<ChatWithUsers>, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.writes.send(Write::Create { draft, reply }).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::NotCommitted)
    }

    /// Puts a message in line for the next commit. The first future ends when it is in line, in order with all others
    /// of this caller; the second when it is durable.
    pub async fn send(
        &self,
        namespace: String,
        draft: MessageDraft,
    ) -> Result<impl Future<Output = Result<Sent, StoreError>> + Send + use<>, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.writes.send(Write::Send { namespace, draft, reply }).await.map_err(|_| StoreError::Closed)?;
        Ok(async { answer.await.map_err(|_| StoreError::NotCommitted) })
    }

    /// Writes something, in line with everything else, and ends when it is durable. What fails is undone, alone.
    pub async fn change<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.change_and_tell(|connection, _| write(connection)).await
    }

    /// The same, and says what subscribers have to hear.
    async fn change_and_tell<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Connection, &mut Vec<Committed>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let change = Change(Box::new(move |connection, committed| {
            let written = write(connection, committed);
            // Who no longer waits needs no answer.
            (written.is_ok(), Box::new(move || drop(reply.send(written))))
        }));
        self.writes.send(Write::Change(change)).await.map_err(|_| StoreError::Closed)?;
        Ok(answer.await.map_err(|_| StoreError::NotCommitted)??)
    }

    /// Reads something: the last commit.
    pub async fn look<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.run(read).await
    }

    /// The chat of that name; where a member is named, only if they are one.
    pub async fn chat(&self, name: ChatName) -> Result<Option<Chat>, StoreError> {
        self.readers.run(move |connection| reader::named(connection, &name)).await
    }

    /// How much was committed since the start that subscribers have to hear: at least all that anybody knows of.
    pub fn committed(&self) -> u64 {
        self.committed.load(Ordering::Acquire)
    }

    /// How many reads there were since the start.
    pub fn reads(&self) -> u64 {
        self.readers.count()
    }

    /// What a chat has behind `after`: as much as a page holds, or all up to the chat's end.
    pub async fn behind(&self, chat: &Arc<Chat>, after: u64, size: PageSize) -> Result<Span, StoreError> {
        let chat = chat.clone();
        self.readers.run(move |connection| reader::behind(connection, &chat, after, size)).await
    }

    /// A chat's newest messages, as many as a page holds.
    pub async fn tail(&self, chat: &Arc<Chat>, size: PageSize) -> Result<Span, StoreError> {
        let chat = chat.clone();
        self.readers.run(move |connection| reader::tail(connection, &chat, size)).await
    }

    /// A page of the messages with `after < seq < before`, taken from that end, in that direction.
    pub async fn page(
        &self,
        chat: &Chat,
        after: u64,
        before: u64,
        size: PageSize,
        from: Edge,
    ) -> Result<Page, StoreError> {
        let chat = chat.clone();
        self.readers.run(move |connection| reader::page(connection, &chat, after, before, size, from)).await
    }

    /// Ends when nothing can be written any more: the server has ended.
    pub async fn closed(&self) {
        self.writes.closed().await;
    }

    /// What is counted of it.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// How many writes are in line for the next commit.
    pub fn waiting_writes(&self) -> usize {
        self.writes.max_capacity() - self.writes.capacity()
    }

    /// Commits something that changes nothing: ends when it is durable, as a message would be.
    pub async fn touch(&self) -> Result<(), StoreError> {
        self.change(|connection| {
            let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
            connection.pragma_update(None, "user_version", version)
        })
        .await
    }

    /// Whether the database answers, and takes writes.
    pub async fn probe(&self) -> Result<(), StoreError> {
        if self.writes.is_closed() {
            return Err(StoreError::Closed);
        }
        self.readers.run(reader::probe).await
    }
}
