//! One connection, whatever dialect it speaks.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use futures_util::{SinkExt, StreamExt};
use micro_chat_wire::close;
use micro_chat_wire::endpoint::Endpoint;
use tokio::time::{Instant, Sleep, sleep, timeout};
use tracing::Span;

use super::connections::Place;
use super::slowed::LEAST;
use crate::api::fault::Fault;
use crate::auth::{Caller, Denied};
use crate::chat::Refusal;
use crate::hub::{End, Item, Outlet};
use crate::limits;
use crate::metrics::Dialect;
use crate::node::Node;

/// Something that the dialect has to see to.
#[derive(Debug)]
pub enum Event {
    /// A text frame from the client.
    Frame(Utf8Bytes),
    /// A ping from the client, which is answered, or an answer to one. It only counts.
    Control,
    /// Messages from the hub.
    Deliveries(Vec<Item>),
    /// Time for [`Socket::beat`].
    Heartbeat,
}

/// Why a connection ends.
#[derive(Debug)]
pub enum Ending {
    /// The client closed it, or the link broke.
    Left,
    /// The client is told what was wrong.
    Refused(Fault),
    /// The client has no login, or has it no more, and may come back with one.
    Denied(Denied),
    /// A fault of ours; the client may come back.
    Failed(Fault),
    /// More was waiting than may.
    FellBehind,
    /// Two heartbeats in a row were not answered.
    Silent,
    /// The server stops.
    Stopping,
}

impl From<Denied> for Ending {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::KeysUnavailable => Self::Failed(denied.into()),
            Denied::NoToken | Denied::InvalidToken | Denied::ExpiredToken | Denied::RevokedToken => {
                Self::Denied(denied)
            }
            Denied::WrongNamespace | Denied::WrongUser | Denied::NoScope(_) => Self::Refused(denied.into()),
        }
    }
}

impl From<End> for Ending {
    fn from(end: End) -> Self {
        match end {
            End::FellBehind => Self::FellBehind,
            End::Revoked => Self::Denied(Denied::RevokedToken),
            End::Stopping => Self::Stopping,
        }
    }
}

/// A refusal ends the connection; a store that does not answer may do so later.
pub fn refused(endpoint: Endpoint, refusal: Refusal) -> Ending {
    match refusal {
        refusal @ Refusal::Store(_) => Ending::Failed(Fault::Refused(endpoint, refusal)),
        refusal => Ending::Refused(Fault::Refused(endpoint, refusal)),
    }
}

/// One connection.
#[derive(Debug)]
pub struct Socket {
    websocket: WebSocket,
    /// Where the hub puts messages for this connection.
    pub outlet: Arc<Outlet>,
    /// Frames to be written, while they are.
    unsent: VecDeque<Message>,
    node: Arc<Node>,
    heartbeat: Pin<Box<Sleep>>,
    /// When the user's login ends, where they have one.
    expiry: Option<Pin<Box<Sleep>>>,
    /// Heartbeats since the client was heard.
    unheard: u32,
    /// Whose turn it is to be looked at first: the client's, or the hub's. Neither can keep the other from being heard.
    clients_turn: bool,
    /// The request's that it began as. Not a span: ten thousand that are open and idle would take room.
    request_id: Box<str>,
    /// Counts this connection among those the server waits for.
    place: Place,
    /// Among those from its address.
    at_address: Option<limits::Place<IpAddr>>,
    /// Among those of its user.
    _of_user: Option<limits::Place<(String, String)>>,
}

impl Socket {
    /// Takes over an upgraded connection.
    pub fn new(
        websocket: WebSocket,
        node: Arc<Node>,
        at_address: Option<limits::Place<IpAddr>>,
        dialect: Dialect,
        request_id: Box<str>,
    ) -> Self {
        let outlet = Arc::<Outlet>::default();
        Self {
            websocket,
            unsent: VecDeque::new(),
            heartbeat: Box::pin(sleep(node.timing.heartbeat)),
            expiry: None,
            unheard: 0,
            clients_turn: true,
            request_id,
            place: node.connections.enter(outlet.clone(), dialect),
            at_address,
            _of_user: None,
            outlet,
            node,
        }
    }

    /// Lets its user in: who, for how long, and as one of not too many.
    pub async fn admit(&mut self, token: &str, namespace: &str) -> Result<Caller, Ending> {
        let caller = self.node.access.admit(token, namespace).await?;
        self.stay(&caller)?;
        if let (Some(limits), Some(_)) = (&self.node.limits, caller.user()) {
            let place = limits.stream_of_user(&caller);
            self._of_user = Some(place.ok_or(Ending::Failed(Fault::TooManyStreams))?);
        }
        Ok(caller)
    }

    /// Lets the same user stay, by another token.
    pub async fn renew(&mut self, token: &str, caller: &Caller) -> Result<Caller, Ending> {
        let renewed = self.node.access.admit(token, &caller.namespace).await?;
        let name = |caller: &Caller| caller.user().map(|user| user.id.clone());
        if name(&renewed) != name(caller) {
            return Err(Denied::WrongUser.into());
        }
        self.stay(&renewed)?;
        Ok(renewed)
    }

    /// The connection is that caller's, and ends with what it came with.
    fn stay(&mut self, caller: &Caller) -> Result<(), Ending> {
        self.place.admit(caller.clone());
        if self.node.access.has_ended(caller) {
            // Between the two, when nobody knew whose connection this is.
            return Err(Denied::RevokedToken.into());
        }
        self.expiry = caller.remaining().map(|remaining| Box::pin(sleep(remaining)));
        Ok(())
    }

    /// What is logged in it is this stream's. Made when it is needed.
    pub fn span(&self) -> Span {
        tracing::error_span!("stream", request_id = &*self.request_id)
    }

    /// Where it comes from, as far as that counts.
    pub fn address(&self) -> Option<IpAddr> {
        self.at_address.as_ref().map(|place| *place.key())
    }

    /// The first text frame.
    pub async fn first_frame(&mut self) -> Result<Utf8Bytes, Ending> {
        let limit = self.node.timing.first_frame;
        let first = async {
            loop {
                match self.next(true).await? {
                    Event::Frame(frame) => return Ok(frame),
                    // Nobody has been let in yet: it counts as its address's.
                    Event::Control => self.turn().await,
                    Event::Deliveries(_) | Event::Heartbeat => {}
                }
            }
        };
        timeout(limit, first).await.unwrap_or(Err(Ending::Refused(Fault::NoFirstFrame)))
    }

    /// Waits until the address may send a smallest frame more.
    async fn turn(&mut self) {
        let (Some(limits), Some(from)) = (&self.node.limits, self.address()) else { return };
        while let Err(wait) = limits.bytes_of_address(from, LEAST) {
            sleep(wait).await;
        }
    }

    /// What comes next; of the client nothing, where it is not listened to. Cancel-safe.
    pub async fn next(&mut self, listens: bool) -> Result<Event, Ending> {
        poll_fn(|context| self.poll_next(context, listens)).await
    }

    fn poll_next(&mut self, context: &mut Context<'_>, listens: bool) -> Poll<Result<Event, Ending>> {
        if self.expiry.as_mut().is_some_and(|expiry| expiry.as_mut().poll(context).is_ready()) {
            return Poll::Ready(Err(Ending::Denied(Denied::ExpiredToken)));
        }
        self.clients_turn = !self.clients_turn;
        if self.clients_turn {
            if let Poll::Ready(event) = self.poll_client(context, listens) {
                return Poll::Ready(event);
            }
            return self.poll_hub(context);
        }
        if let Poll::Ready(event) = self.poll_hub(context) {
            return Poll::Ready(event);
        }
        self.poll_client(context, listens)
    }

    /// Messages from the hub, or the end.
    fn poll_hub(&self, context: &Context<'_>) -> Poll<Result<Event, Ending>> {
        self.outlet.poll_take(context).map(|taken| taken.map(Event::Deliveries).map_err(Ending::from))
    }

    /// A frame from the client, or the time to ask for one.
    fn poll_client(&mut self, context: &mut Context<'_>, listens: bool) -> Poll<Result<Event, Ending>> {
        let received = if listens { self.websocket.poll_next_unpin(context) } else { Poll::Pending };
        if let Poll::Ready(received) = received {
            self.unheard = 0;
            return Poll::Ready(match received {
                Some(Ok(Message::Text(text))) => Ok(Event::Frame(text)),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(Event::Control),
                Some(Ok(Message::Binary(_))) => Err(Ending::Refused(Fault::BinaryFrame)),
                Some(Ok(Message::Close(_))) | None => Err(Ending::Left),
                Some(Err(error)) => Err(broken(&error)),
            });
        }
        ready!(self.heartbeat.as_mut().poll(context));
        self.heartbeat.as_mut().reset(Instant::now() + self.node.timing.heartbeat);
        // Who is not listened to can't be heard.
        self.unheard += u32::from(listens);
        Poll::Ready(if self.unheard > 2 { Err(Ending::Silent) } else { Ok(Event::Heartbeat) })
    }

    /// Writes frames together. What is to be written lies in the socket, not in the future: each future that writes
    /// would widen its connection's task for good.
    pub fn write(&mut self, frames: impl IntoIterator<Item = Utf8Bytes>) -> impl Future<Output = Result<(), Ending>> {
        self.unsent.extend(frames.into_iter().map(Message::Text));
        self.write_all()
    }

    /// Says that the server lives, and asks whether the client does: a page can't see pings, but its browser answers.
    pub fn beat(&mut self, words: Option<Utf8Bytes>) -> impl Future<Output = Result<(), Ending>> {
        self.unsent.push_back(Message::Ping(Default::default()));
        self.write(words)
    }

    async fn write_all(&mut self) -> Result<(), Ending> {
        // Nearly always all of it can be written at once. Where not, waiting takes room that no other connection needs.
        match poll_fn(|context| Poll::Ready(self.poll_write(context))).await {
            Poll::Ready(written) => written,
            Poll::Pending => Box::pin(self.write_on()).await,
        }
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Ending>> {
        let left = |_: axum::Error| Ending::Left;
        while !self.unsent.is_empty() {
            ready!(self.websocket.poll_ready_unpin(context)).map_err(left)?;
            if let Some(message) = self.unsent.pop_front() {
                self.websocket.start_send_unpin(message).map_err(left)?;
            }
        }
        // Most connections have nothing to write for long.
        self.unsent = VecDeque::new();
        self.websocket.poll_flush_unpin(context).map_err(left)
    }

    /// Waits for a client that takes its time, but not for ever.
    async fn write_on(&mut self) -> Result<(), Ending> {
        let timing = self.node.timing;
        let outlet = self.outlet.clone();
        let end = async {
            let end = poll_fn(|context| outlet.poll_end(context)).await;
            sleep(timing.stalled).await;
            end
        };
        tokio::select! {
            written = poll_fn(|context| self.poll_write(context)) => written,
            () = sleep(2 * timing.heartbeat + timing.grace) => Err(Ending::Silent),
            end = end => Err(end.into()),
        }
    }

    /// Counts and logs the end.
    fn ended(&self, code: u16, reason: &'static str, ending: &Ending) {
        let metrics = &self.node.metrics;
        let error = match ending {
            Ending::Refused(fault) | Ending::Failed(fault) => Some(fault.body().id),
            Ending::Denied(denied) => Some(Fault::from(*denied).body().id),
            _ => None,
        };
        let reason = if code == close::NORMAL { "left" } else { reason };
        metrics.closed(code, reason.split(':').next().unwrap_or_default());
        error.iter().for_each(|id| metrics.error(id));
        let (span, error) = (self.span(), error.as_deref());
        match ending {
            Ending::Failed(_) => tracing::warn!(parent: &span, code, error, "a stream failed"),
            _ => tracing::debug!(parent: &span, code, error, "a stream has ended"),
        }
    }

    /// Says goodbye: the dialect's last words, then the close code.
    pub async fn end(&mut self, ending: &Ending, last_words: Option<Utf8Bytes>) {
        let (code, reason) = match ending {
            Ending::Left => (close::NORMAL, ""),
            Ending::Refused(Fault::FrameTooLarge) => (close::TOO_LARGE, "frame too large"),
            Ending::Refused(Fault::NoFirstFrame) => (close::SILENT, "no first frame"),
            Ending::Refused(_) => (close::REFUSED, "refused"),
            Ending::Denied(_) => (close::LOGIN, "log in"),
            Ending::Failed(_) => (close::FAULT, "fault"),
            Ending::FellBehind => (close::RESUME, "fell behind: resume from your cursor"),
            Ending::Silent => (close::SILENT, "silent"),
            Ending::Stopping => (close::RESTART, "restarting: come back"),
        };
        self.ended(code, reason, ending);
        let stalled = self.node.timing.stalled;
        let goodbye = async {
            // Whoever left has had the answer to that prepared by the library, which sends it when it is asked to read
            // on.
            if !matches!(ending, Ending::Left) {
                if let Some(words) = last_words {
                    self.websocket.feed(Message::Text(words)).await?;
                }
                let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
                self.websocket.send(Message::Close(Some(frame))).await?;
            }
            // The client's own close frame ends the handshake; what it says before that is dropped.
            while let Some(Ok(_)) = self.websocket.recv().await {}
            Ok::<(), axum::Error>(())
        };
        // A link that takes nothing more can't be told; it is dropped.
        let _ = timeout(stalled, goodbye).await;
    }
}

/// What the library says when it can't read on.
fn broken(error: &axum::Error) -> Ending {
    use tokio_tungstenite::tungstenite::Error;
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<Error>());
    match source {
        Some(Error::Capacity(_)) => Ending::Refused(Fault::FrameTooLarge),
        Some(Error::Utf8(_)) => Ending::Refused(Fault::InvalidUtf8),
        _ => Ending::Left,
    }
}
