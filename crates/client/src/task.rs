//! Owns the engine and the socket, and does what the engine decides.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use micro_chat_session::{Action, Cursor, Fault, Frame, Reason, Session};
use micro_chat_wire::chat::Message;
use micro_chat_wire::error::ErrorBody;
use micro_chat_wire::member::MemberEvent;
use micro_chat_wire::{SUBPROTOCOL, close, op};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{self, Message as WsMessage};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::client::{Error, Event};
use crate::frame;
use crate::reader::Reader;

/// How long a link may take what is written.
const STALLED: Duration = Duration::from_secs(10);

/// What a program wants.
#[derive(Debug)]
pub enum Command {
    /// Read a chat.
    Subscribe {
        /// The program's name for it.
        number: u64,
        chat_id: String,
        cursor: Option<Cursor>,
        members: bool,
        events: mpsc::Sender<Event>,
    },
    /// Its reader has taken some of what waited.
    Room { number: u64 },
    /// Read it no longer.
    Unsubscribe { number: u64 },
    /// Prove with this who speaks, from here on.
    Authorize { token: String },
    /// Send a message to a chat that is being read.
    Publish { number: u64, message: Value, timeout: Duration, answer: oneshot::Sender<Result<Value, Error>> },
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The connection, as far as it is.
enum Link {
    None,
    Opening(oneshot::Receiver<Result<Box<Socket>, tungstenite::Error>>),
    Open(Box<Socket>),
}

/// The engine and all it needs.
pub struct Task {
    url: String,
    /// Who speaks: the body of HELLO.
    hello: Value,
    session: Session<Value>,
    link: Link,
    /// The engine's clock begins here.
    start: Instant,
    /// By the engine's number.
    readers: HashMap<u32, Reader>,
    /// The last send's number.
    sends: u32,
    /// By the send's number.
    answers: HashMap<u32, oneshot::Sender<Result<Value, Error>>>,
    /// What the server said of the connection, before it closed it.
    refusal: Option<ErrorBody>,
}

/// What wakes the task.
enum Wake {
    Command(Option<Command>),
    Opened(Result<Box<Socket>, tungstenite::Error>),
    Received(Option<Result<WsMessage, tungstenite::Error>>),
    Deadline,
}

impl Task {
    pub fn new(url: String, hello: Value) -> Self {
        Self {
            url,
            hello,
            session: Session::new(fastrand::u32(..)),
            link: Link::None,
            start: Instant::now(),
            readers: HashMap::new(),
            sends: 0,
            answers: HashMap::new(),
            refusal: None,
        }
    }

    /// Runs until the last client and the last reading are gone.
    pub async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Command>) {
        loop {
            let deadline = self.session.deadline().and_then(|at| self.start.checked_add(Duration::from_millis(at)));
            let timer = async {
                match deadline {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            // What has arrived is handled before a timer is believed.
            let wake = tokio::select! {
                biased;
                command = inbox.recv() => Wake::Command(command),
                wake = self.link.next() => wake,
                () = timer => Wake::Deadline,
            };
            let now = self.now();
            match wake {
                Wake::Command(Some(command)) => self.obey(command, now),
                Wake::Command(None) => return self.link.close().await,
                Wake::Opened(Ok(socket)) => {
                    self.link = Link::Open(socket);
                    self.session.opened(now);
                }
                Wake::Received(Some(Ok(WsMessage::Text(text)))) => {
                    let frame = frame::read(&text);
                    if let Frame::Error { scope: op::SCOPE_CONNECTION, error, .. } = &frame {
                        self.refusal = serde_json::from_value(error.clone()).ok();
                    }
                    self.session.received(frame, now);
                }
                Wake::Received(Some(Ok(WsMessage::Close(close)))) => {
                    self.link.close().await;
                    let code = close.map_or(close::BROKEN, |frame| frame.code.into());
                    if let (close::LOGIN, Some(error)) = (code, self.refusal.take()) {
                        self.tell_all(&Event::Login(error));
                    }
                    self.session.closed(code, now);
                }
                Wake::Received(Some(Ok(_))) => {}
                Wake::Opened(Err(_)) | Wake::Received(Some(Err(_)) | None) => {
                    self.link = Link::None;
                    self.session.closed(close::BROKEN, now);
                }
                Wake::Deadline => self.session.timeout(now),
            }
            self.act().await;
            // Readers on the same thread have their turn, or they would fall behind while frames come without a pause.
            yield_now().await;
        }
    }

    /// Milliseconds of the engine's clock.
    fn now(&self) -> u64 {
        millis(self.start.elapsed())
    }

    fn obey(&mut self, command: Command, now: u64) {
        match command {
            Command::Subscribe { number, chat_id, cursor, members, events } => {
                let id = self.session.subscribe(Value::String(chat_id), cursor, members, now);
                self.readers.insert(id, Reader::new(number, members, cursor, events));
            }
            Command::Room { number } => {
                for (id, reader) in &mut self.readers {
                    if reader.number == number && reader.returns() {
                        self.session.seek(*id, reader.cursor, reader.members, now);
                    }
                }
            }
            Command::Unsubscribe { number } => {
                if let Some(id) = self.id_of(number) {
                    self.readers.remove(&id);
                    self.session.unsubscribe(id);
                }
            }
            Command::Authorize { token } => {
                self.hello["token"] = token.clone().into();
                self.session.renew(json!({ "token": token }));
            }
            Command::Publish { number, message, timeout, answer } => {
                let Some(id) = self.id_of(number) else {
                    // Who no longer waits needs no answer.
                    return drop(answer.send(Err(error_of(Reason::Fault(Fault::Closed)))));
                };
                self.sends = self.sends.wrapping_add(1);
                self.answers.insert(self.sends, answer);
                self.session.publish(self.sends, id, message, now.saturating_add(millis(timeout)), now);
            }
        }
    }

    fn id_of(&self, number: u64) -> Option<u32> {
        self.readers.iter().find(|(_, reader)| reader.number == number).map(|(id, _)| *id)
    }

    /// Does what the engine wants.
    async fn act(&mut self) {
        let mut frames = Vec::new();
        while let Some(action) = self.session.poll_action() {
            match action {
                Action::Open => self.link = Link::open(&self.url),
                Action::Close => self.link.close().await,
                Action::Hello => frames.push(json!([op::HELLO, self.hello])),
                Action::Subscribe { handle, chat, epoch, after, members } => {
                    frames.push(json!([op::SUBSCRIBE, handle, chat, epoch, after, members]));
                }
                Action::Unsubscribe { handle } => frames.push(json!([op::UNSUBSCRIBE, handle])),
                Action::Publish { n, handle, message, expired } => {
                    frames.push(json!([op::PUBLISH, n, handle, message, expired]));
                }
                Action::Probe => frames.push(json!([op::PROBE])),
                Action::Renew { renewal } => frames.push(json!([op::RENEW, renewal])),
                Action::Waiting { delay } => self.tell_all(&Event::Waiting(Duration::from_millis(delay))),
                Action::Offline => {}
                Action::Subscribed { id, cursor } => self.tell(id, |reader| reader.stands(cursor)),
                Action::Event { id, event } => self.tell(id, |reader| member(reader, event)),
                Action::Deliver { id, messages, after, cursor } => {
                    self.tell(id, |reader| deliver(reader, messages, after, cursor));
                }
                Action::Gap { id, gap } => self.tell(id, |reader| reader.tell(Event::Gap(gap), None)),
                Action::CaughtUp { id, cursor } => {
                    self.tell(id, |reader| reader.tell(Event::CaughtUp, Some(cursor)));
                }
                Action::Stored { send, stored } => self.answer(send, Ok(stored)),
                Action::Refused { send, reason, .. } => self.answer(send, Err(error_of(reason))),
                Action::Ended { id, reason } => {
                    if let Some(reader) = self.readers.remove(&id) {
                        reader.end(error_of(reason));
                    }
                }
            }
        }
        if !self.link.send(frames).await {
            self.link = Link::None;
            self.session.closed(close::BROKEN, self.now());
            // Nothing can be sent now: what follows is a wait, or the next try.
            Box::pin(self.act()).await;
        }
    }

    /// Tells a reader something; false says that it fell behind. What is stored it gets once it has room, and what
    /// comes meanwhile is not for it: the chat stays open for what is sent to it.
    fn tell(&mut self, id: u32, something: impl FnOnce(&mut Reader) -> bool) {
        if self.readers.get_mut(&id).is_some_and(|reader| !something(reader)) {
            self.session.seek(id, None, false, self.now());
        }
    }

    fn tell_all(&mut self, event: &Event) {
        for reader in self.readers.values_mut() {
            reader.mention(event.clone());
        }
    }

    fn answer(&mut self, send: u32, outcome: Result<Value, Error>) {
        if let Some(answer) = self.answers.remove(&send) {
            let _ = answer.send(outcome);
        }
    }
}

impl Link {
    /// Begins to open a socket.
    fn open(url: &str) -> Self {
        let (sender, receiver) = oneshot::channel();
        let request = url.into_client_request().map(|mut request| {
            let headers = request.headers_mut();
            headers.insert("sec-websocket-protocol", HeaderValue::from_static(SUBPROTOCOL));
            request
        });
        tokio::spawn(async move {
            let opened = match request {
                Ok(request) => connect_async(request).await.map(|(socket, _)| Box::new(socket)),
                Err(error) => Err(error),
            };
            // A link that was given up meanwhile is dropped, and with it its socket.
            let _ = sender.send(opened);
        });
        Self::Opening(receiver)
    }

    /// What comes next. Cancel-safe.
    async fn next(&mut self) -> Wake {
        match self {
            Self::None => std::future::pending().await,
            Self::Opening(opening) => Wake::Opened(opening.await.unwrap_or(Err(tungstenite::Error::ConnectionClosed))),
            Self::Open(socket) => Wake::Received(socket.next().await),
        }
    }

    /// Writes frames together; false if the link takes them no more.
    async fn send(&mut self, frames: Vec<Value>) -> bool {
        let Self::Open(socket) = self else { return true };
        let written = async {
            for frame in frames {
                socket.feed(WsMessage::text(frame.to_string())).await?;
            }
            socket.flush().await
        };
        matches!(timeout(STALLED, written).await, Ok(Ok(())))
    }

    async fn close(&mut self) {
        if let Self::Open(mut socket) = std::mem::replace(self, Self::None) {
            // Politely, but nobody waits for it.
            tokio::spawn(async move {
                let _ = timeout(Duration::from_secs(1), WebSocketStream::close(&mut socket, None)).await;
            });
        }
    }
}

/// Tells of messages, the last of them at `cursor` or before; false if not of all.
fn deliver(reader: &mut Reader, messages: Value, after: u64, cursor: Cursor) -> bool {
    let Value::Array(messages) = messages else { return true };
    let messages = messages.into_iter().filter_map(|message| serde_json::from_value::<Message>(message).ok());
    messages.filter(|message| message.seq > after).all(|message| {
        let seq = message.seq;
        reader.tell(Event::Message(message), Some(Cursor { seq, ..cursor }))
    })
}

/// Tells of members, once a list of them is whole.
fn member(reader: &mut Reader, event: Value) -> bool {
    // What can't be read is of a later version.
    let Ok(event) = serde_json::from_value(event) else { return true };
    let event = match event {
        MemberEvent::Members { user_ids, has_more } => {
            reader.listed.extend(user_ids);
            if has_more {
                return true;
            }
            MemberEvent::Members { user_ids: std::mem::take(&mut reader.listed), has_more }
        }
        event => event,
    };
    reader.tell(Event::Member(event), None)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn error_of(reason: Reason<Value>) -> Error {
    match reason {
        Reason::Error(error) => serde_json::from_value::<ErrorBody>(error).map_or(Error::BadAnswer, Error::Refused),
        Reason::Fault(Fault::OutboxFull) => Error::OutboxFull,
        Reason::Fault(Fault::Expired) => Error::Expired,
        Reason::Fault(Fault::Closed | Fault::Dismissed) => Error::Closed,
    }
}
