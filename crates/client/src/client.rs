//! What a program holds.

use std::sync::Arc;
use std::time::Duration;

use micro_chat_session::{Cursor, Gap};
use micro_chat_wire::chat::Message;
use micro_chat_wire::error::ErrorBody;
use micro_chat_wire::limit;
use micro_chat_wire::member::MemberEvent;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use crate::reader::{self, ROOM};
use crate::task::{Command, Task};

/// How long a message may wait to be stored, where its draft doesn't say.
pub const SEND_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// Bytes that a frame may have around its message.
const ENVELOPE: usize = 64;

/// One user's connection to one server; it reconnects by itself.
#[derive(Clone, Debug)]
pub struct Client {
    commands: Arc<mpsc::UnboundedSender<Command>>,
}

/// Where to begin to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With what comes.
    Now,
    /// With the first message.
    First,
    /// Behind what was read before.
    After(Cursor),
}

/// A message to send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The sender's name for it, which makes a retry safe; unique for this user in this chat.
    pub client_id: String,
    /// What it is about; may be empty.
    pub subject: String,
    /// What it says.
    pub text: String,
    /// How long it may wait to be stored, without it [`SEND_TIMEOUT`]. What reached the server by then may be stored
    /// later.
    pub timeout: Option<Duration>,
}

impl Draft {
    /// A message that says this, with a name of its own.
    pub fn text(text: impl Into<String>) -> Self {
        let client_id = format!("{:032x}", fastrand::u128(..));
        Self { client_id, text: text.into(), ..Self::default() }
    }
}

/// Where a message was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The server's name for it.
    pub id: String,
    /// Its place in its chat.
    pub seq: u64,
    /// When, in Unix seconds.
    pub sent_at: i64,
}

impl Stored {
    /// An ack's body.
    fn read(body: &Value) -> Option<Self> {
        let id = body["id"].as_str()?.to_owned();
        Some(Self { id, seq: body["seq"].as_u64()?, sent_at: body["sent_at"].as_i64()? })
    }
}

/// Why something failed for good.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The server refused it.
    #[error("{}: {}", .0.id, .0.detail)]
    Refused(ErrorBody),
    /// As many messages as may are waiting already.
    #[error("too many messages wait to be sent")]
    OutboxFull,
    /// No frame holds it.
    #[error(
        "the message is too large: as JSON, its escapes counted, it has more than {} bytes",
        limit::FRAME - ENVELOPE
    )]
    TooLarge,
    /// The message waited for longer than it may, and never went out.
    #[error("the message waited too long to be sent")]
    Expired,
    /// The client or its subscription is over. What was on its way may have been stored.
    #[error("the connection is closed")]
    Closed,
    /// The server sent what it should not.
    #[error("the server's answer can't be read")]
    BadAnswer,
}

/// What a reader is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The chat is connected, and stands there: anew after each broken link, and where a reader goes on that had fallen
    /// behind.
    Subscribed(Cursor),
    /// Some of what was asked for will never come.
    Gap(Gap),
    /// The next message.
    Message(Message),
    /// Who is in the chat, as a whole, and then who comes and goes: for who asked. After each [`Event::Subscribed`] it
    /// begins anew.
    Member(MemberEvent),
    /// All that was stored has been delivered: anew after each [`Event::Subscribed`].
    CaughtUp,
    /// The link is down, and the next try follows after this time; again after each try that failed.
    Waiting(Duration),
    /// The server wants another token, and this is why. It gets what [`Client::authorize`] is told by the next try.
    Login(ErrorBody),
    /// Nothing more will come.
    Ended(Error),
}

/// A chat that is being read; dropped, it is left.
///
/// Whoever takes its events slowly, or not at all, keeps nobody waiting: about a thousand of them wait, and what comes
/// then is asked for again once there is room. No message is lost by that, unless the chat ends meanwhile; what was
/// said of the connection, and who came and went, is not told again: who is there then is.
#[derive(Debug)]
pub struct Reading {
    /// Names the subscription to the task.
    number: u64,
    /// Events that were taken.
    taken: usize,
    events: mpsc::Receiver<Event>,
    client: Client,
}

impl Reading {
    /// The next event; none once all is over.
    pub async fn next(&mut self) -> Option<Event> {
        let event = self.events.recv().await?;
        self.taken += 1;
        if self.taken.is_multiple_of(ROOM) {
            let _ = self.client.commands.send(Command::Room { number: self.number });
        }
        Some(event)
    }

    /// What sends to this chat, as long as it is being read.
    pub fn publisher(&self) -> Publisher {
        Publisher { number: self.number, client: self.client.clone() }
    }
}

/// Sends to a chat that is being read.
#[derive(Clone, Debug)]
pub struct Publisher {
    /// Names the subscription to the task.
    number: u64,
    client: Client,
}

impl Publisher {
    /// Sends a message. It is in line, behind those sent before, when this returns; the future ends once it is stored,
    /// however many reconnects that takes.
    pub fn publish(&self, draft: Draft) -> impl Future<Output = Result<Stored, Error>> + Send + use<> {
        let message = json!({ "client_id": draft.client_id, "subject": draft.subject, "text": draft.text });
        let timeout = draft.timeout.unwrap_or(SEND_TIMEOUT);
        let (answer, answered) = oneshot::channel();
        if message.to_string().len() > limit::FRAME - ENVELOPE {
            // The server would end the whole connection for it, and again for each try.
            let _ = answer.send(Err(Error::TooLarge));
        } else {
            // A task that is gone drops the answer's sender: the future says so.
            let _ = self.client.commands.send(Command::Publish { number: self.number, message, timeout, answer });
        }
        async {
            let stored = answered.await.map_err(|_| Error::Closed)??;
            Stored::read(&stored).ok_or(Error::BadAnswer)
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let _ = self.client.commands.send(Command::Unsubscribe { number: self.number });
    }
}

impl Client {
    /// A client for `url`, such as `ws://127.0.0.1:8080/chat/Connect`. It connects once it is needed, and has to be
    /// made within a tokio runtime.
    pub fn new(url: &str, namespace: &str, user_id: &str) -> Self {
        let (commands, inbox) = mpsc::unbounded_channel();
        let hello = json!({ "namespace": namespace, "user_id": user_id });
        tokio::spawn(Task::new(url.to_owned(), hello).run(inbox));
        Self { commands: Arc::new(commands) }
    }

    /// Proves with a token who speaks, from the next hello on, and at once on a connection that stands. A server that
    /// wants logins wants one before the first chat is read, and another before that one expires.
    pub fn authorize(&self, token: impl Into<String>) {
        let _ = self.commands.send(Command::Authorize { token: token.into() });
    }

    /// Reads a chat.
    pub fn subscribe(&self, chat_id: &str, start: Start) -> Reading {
        self.read(chat_id, start, false)
    }

    /// Reads a chat, and who is in it: [`Event::Member`].
    pub fn subscribe_with_members(&self, chat_id: &str, start: Start) -> Reading {
        self.read(chat_id, start, true)
    }

    fn read(&self, chat_id: &str, start: Start, members: bool) -> Reading {
        let (sender, events) = reader::queue();
        let number = fastrand::u64(..);
        let cursor = match start {
            Start::Now => None,
            Start::First => Some(Cursor { epoch: 0, seq: 0 }),
            Start::After(cursor) => Some(cursor),
        };
        let chat_id = chat_id.to_owned();
        // A task that is gone drops the sender: the reading ends.
        let _ = self.commands.send(Command::Subscribe { number, chat_id, cursor, members, events: sender });
        Reading { number, taken: 0, events, client: self.clone() }
    }
}
