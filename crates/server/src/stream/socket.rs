//! One connection, whatever dialect it speaks.

use std::sync::Arc;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use futures_util::SinkExt;
use micro_chat_wire::close;
use micro_chat_wire::endpoint::Endpoint;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::{Streams, Timing};
use crate::api::fault::Fault;
use crate::chat::Refusal;
use crate::hub::{Inlet, Item, Outlet};

/// Messages taken from the queue at once.
const BATCH: usize = 256;

/// Something that the dialect has to see to.
#[derive(Debug)]
pub enum Event {
    /// A text frame from the client.
    Frame(Utf8Bytes),
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
    /// A fault of ours; the client may come back.
    Failed(Fault),
    /// More was waiting than may.
    FellBehind,
    /// Nothing was heard for two heartbeats.
    Silent,
    /// The server stops.
    Stopping,
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
    inlet: Inlet,
    heartbeat: Interval,
    /// Heartbeats since the client was heard.
    unheard: u32,
    stopping: CancellationToken,
    timing: Timing,
    /// Counts this connection among those the server waits for.
    _counted: TaskTrackerToken,
}

impl Socket {
    /// Takes over an upgraded connection.
    pub fn new(websocket: WebSocket, streams: &Streams) -> Self {
        let (outlet, inlet) = Outlet::new();
        let every = streams.timing.heartbeat;
        let mut heartbeat = interval_at(Instant::now() + every, every);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            websocket,
            outlet,
            inlet,
            heartbeat,
            unheard: 0,
            // A node of its own, so that connections don't meet at one lock.
            stopping: streams.stopping.child_token(),
            timing: streams.timing,
            _counted: streams.tasks.token(),
        }
    }

    /// The first text frame.
    pub async fn first_frame(&mut self) -> Result<Utf8Bytes, Ending> {
        let limit = self.timing.first_frame;
        let first = async {
            loop {
                if let Event::Frame(frame) = self.next().await? {
                    return Ok(frame);
                }
            }
        };
        timeout(limit, first).await.unwrap_or(Err(Ending::Refused(Fault::NoFirstFrame)))
    }

    /// What comes next. Cancel-safe.
    pub async fn next(&mut self) -> Result<Event, Ending> {
        let mut items = Vec::new();
        loop {
            tokio::select! {
                () = self.inlet.take(&mut items, BATCH) => return Ok(Event::Deliveries(items)),
                received = self.websocket.recv() => {
                    self.unheard = 0;
                    match received {
                        Some(Ok(Message::Text(text))) => return Ok(Event::Frame(text)),
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                        Some(Ok(Message::Binary(_))) => return Err(Ending::Refused(Fault::BinaryFrame)),
                        Some(Ok(Message::Close(_))) | None => return Err(Ending::Left),
                        Some(Err(error)) => return Err(broken(&error)),
                    }
                }
                _ = self.heartbeat.tick() => {
                    self.unheard += 1;
                    if self.unheard > 2 {
                        return Err(Ending::Silent);
                    }
                    return Ok(Event::Heartbeat);
                }
                () = self.outlet.cut() => return Err(Ending::FellBehind),
                () = self.stopping.cancelled() => return Err(Ending::Stopping),
            }
        }
    }

    /// Writes frames together.
    pub async fn write(&mut self, frames: impl IntoIterator<Item = Utf8Bytes>) -> Result<(), Ending> {
        self.write_messages(frames.into_iter().map(Message::Text)).await
    }

    /// Says that the server lives, and asks whether the client does: a page can't see pings, but its browser answers.
    pub async fn beat(&mut self, words: Option<Utf8Bytes>) -> Result<(), Ending> {
        let ping = Message::Ping(Default::default());
        self.write_messages([ping].into_iter().chain(words.map(Message::Text))).await
    }

    async fn write_messages(&mut self, messages: impl IntoIterator<Item = Message>) -> Result<(), Ending> {
        let Self { websocket, outlet, stopping, timing, .. } = self;
        let written = async {
            for message in messages {
                websocket.feed(message).await?;
            }
            websocket.flush().await
        };
        tokio::select! {
            // First: most writes are done at once, and nothing else is looked at then.
            biased;
            written = written => written.map_err(|_: axum::Error| Ending::Left),
            () = sleep(2 * timing.heartbeat + timing.grace) => Err(Ending::Silent),
            () = async { outlet.cut().await; sleep(timing.stalled).await } => Err(Ending::FellBehind),
            () = async { stopping.cancelled().await; sleep(timing.stalled).await } => Err(Ending::Stopping),
        }
    }

    /// Says goodbye: the dialect's last words, then the close code.
    pub async fn end(&mut self, ending: &Ending, last_words: Option<Utf8Bytes>) {
        let (code, reason) = match ending {
            Ending::Left => (close::NORMAL, ""),
            Ending::Refused(Fault::FrameTooLarge) => (close::TOO_LARGE, "frame too large"),
            Ending::Refused(Fault::NoFirstFrame) => (close::SILENT, "no first frame"),
            Ending::Refused(_) => (close::REFUSED, "refused"),
            Ending::Failed(_) => (close::FAULT, "fault"),
            Ending::FellBehind => (close::RESUME, "fell behind: resume from your cursor"),
            Ending::Silent => (close::SILENT, "silent"),
            Ending::Stopping => (close::RESTART, "restarting: come back"),
        };
        let goodbye = async {
            if let Some(words) = last_words {
                self.websocket.feed(Message::Text(words)).await?;
            }
            let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
            self.websocket.send(Message::Close(Some(frame))).await?;
            // The client's own close frame ends the handshake; what it says before that is dropped.
            while let Some(Ok(_)) = self.websocket.recv().await {}
            Ok::<(), axum::Error>(())
        };
        // A link that takes nothing more can't be told; it is dropped.
        let _ = timeout(self.timing.stalled, goodbye).await;
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
