//! The session dialect, `micro.chat.v1`: one socket for all chats of a user, with cursors and acks.
//! `docs/protocol.md` describes it.

mod frame;
mod members;
mod subscription;
mod subscriptions;

use std::collections::VecDeque;
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use futures_util::FutureExt;
use micro_chat_wire::endpoint::Endpoint;
use micro_chat_wire::frame::{ClientFrame, Publication};
use micro_chat_wire::{limit, op};
use tracing::Instrument;

use super::Metadata;
use super::answers::Answers;
use super::slowed::{Kind, Load, Slowed};
use super::socket::{Ending, Event, Socket, refused};
use crate::api::fault::Fault;
use crate::api::request::{checked_namespace, from_json};
use crate::auth::Caller;
use crate::chat::{Pending, Reader, Refusal, Start};
use crate::hub::{Item, Outlet, Recipient};
use crate::node::Node;
use crate::store::{Identity, Message, MessageDraft};
use subscription::{Read, Reading, Subscription};
use subscriptions::Subscriptions;

/// Publishes of one connection that wait for their commit.
const PENDING: usize = 64;

/// Connections that a server takes back a second with ease: half of what `npm run bench -- idle` saw.
const RETURNS: u64 = 1_500;

/// Nobody is kept away for longer, in milliseconds.
const LONGEST_SPREAD: u64 = 20_000;

/// The largest handle: what JavaScript's small integers hold.
const LAST_HANDLE: u32 = i32::MAX as u32;

/// Serves a connection to its end, in a task of its own.
pub fn serve(socket: Socket, node: Arc<Node>, endpoint: Endpoint, metadata: Metadata) {
    // Steps that are rare and large are boxed: they would widen every connection's task for good.
    let span = socket.span();
    let opening = Box::pin(open(socket, node, endpoint, metadata).instrument(span));
    tokio::spawn(async move {
        let Some((mut session, mut socket)) = opening.await else { return };
        let ended = session.run(&mut socket).await;
        Box::pin(session.leave(&mut socket, ended)).await;
    });
}

async fn open(
    mut socket: Socket,
    node: Arc<Node>,
    endpoint: Endpoint,
    metadata: Metadata,
) -> Option<(Session, Socket)> {
    match Session::open(&mut socket, &node, endpoint, metadata).await {
        Ok(session) => Some((session, socket)),
        Err(ending) => {
            end(&mut socket, &node, ending).await;
            None
        }
    }
}

/// Says what was wrong with the handshake.
pub async fn refuse(mut socket: Socket, node: &Node, fault: Fault) {
    end(&mut socket, node, Ending::Refused(fault)).await;
}

async fn end(socket: &mut Socket, node: &Node, ending: Ending) {
    let words = |fault: &Fault| Some(frame::error(op::SCOPE_CONNECTION, 0, fault));
    let words = match &ending {
        Ending::Refused(fault) | Ending::Failed(fault) => words(fault),
        Ending::Denied(denied) => words(&(*denied).into()),
        // All come back to a server that has just started: each is given a moment of its own.
        Ending::Stopping => words(&Fault::Restarting(fastrand::u64(..=spread(node.connections.stopped())))),
        _ => None,
    };
    socket.end(&ending, words).await;
}

/// Over how many milliseconds so many connections come back.
fn spread(connections: usize) -> u64 {
    let all = connections as u64 * 1_000 / RETURNS;
    all.min(LONGEST_SPREAD)
}

/// What became of a publish, with its number.
type Published = (u32, Result<Arc<Message>, Refusal>);

/// A user and their chats.
struct Session {
    node: Arc<Node>,
    /// The endpoint that the socket was opened at: errors bear its name.
    endpoint: Endpoint,
    caller: Caller,
    user_id: String,
    subscriptions: Subscriptions,
    /// How many subscriptions were asked for.
    asked: u32,
    /// Subscriptions that something has to be read for, in the order in which they came.
    behind: VecDeque<u32>,
    /// What is being read for one of them.
    reading: Option<Reading>,
    /// A frame that came before its turn.
    slowed: Slowed<ClientFrame>,
    /// Publishes in line for a commit.
    pending: Answers<Published>,
}

impl Session {
    async fn open(
        socket: &mut Socket,
        node: &Arc<Node>,
        endpoint: Endpoint,
        metadata: Metadata,
    ) -> Result<Self, Ending> {
        let first = socket.first_frame().await?;
        let ClientFrame::Hello(hello) = from_json(&first).map_err(Ending::Refused)? else {
            return Err(Ending::Refused(Fault::HelloExpected));
        };
        let choose = |said: String, before: String| if said.is_empty() { before } else { said };
        let namespace = choose(checked_namespace(hello.namespace).map_err(Ending::Refused)?, metadata.namespace);
        let caller = socket.admit(&choose(hello.token, metadata.token), &namespace).await?;
        let user_id = caller.connects_as(choose(hello.user_id, metadata.user_id))?;
        let timing = node.timing;
        socket.write([frame::welcome(timing.heartbeat, timing.grace)]).await?;
        Ok(Self {
            node: node.clone(),
            endpoint,
            caller,
            user_id,
            subscriptions: Subscriptions::default(),
            asked: 0,
            behind: VecDeque::new(),
            reading: None,
            slowed: Slowed::default(),
            pending: Answers::default(),
        })
    }

    async fn run(&mut self, socket: &mut Socket) -> Result<(), Ending> {
        loop {
            self.read_on(socket);
            let reading = async {
                match &mut self.reading {
                    Some(reading) => reading.await,
                    None => std::future::pending().await,
                }
            };
            let listens = self.slowed.is_empty() && self.pending.len() < PENDING;
            let (limits, from) = (self.node.limits.as_deref(), socket.address());
            let slowed = self.slowed.next(|load| load.pass(limits, from, &self.caller));
            tokio::select! {
                event = socket.next(listens) => match event? {
                    Event::Frame(frame) => {
                        let span = socket.span();
                        Box::pin(self.receive(socket, &frame).instrument(span)).await?;
                    }
                    Event::Control => {
                        let load = Load::new(ClientFrame::Unknown, Kind::Other, 0);
                        self.slowed.pass(load, limits, from, &self.caller);
                    }
                    Event::Deliveries(items) => {
                        let frames = self.deliver(items);
                        socket.write(frames).await?;
                    }
                    Event::Heartbeat => socket.beat(Some(frame::HEARTBEAT)).await?,
                },
                frame = slowed => {
                    let span = socket.span();
                    Box::pin(self.act(socket, frame).instrument(span)).await?;
                }
                read = reading => {
                    self.reading = None;
                    let frames = self.take(read)?;
                    socket.write(frames).await?;
                }
                Some(published) = self.pending.next(), if !self.pending.is_empty() => {
                    // All acks that are there leave in one write.
                    let mut frames = vec![self.answer(published)?];
                    while let Some(Some(published)) = self.pending.next().now_or_never() {
                        frames.push(self.answer(published)?);
                    }
                    socket.write(frames).await?;
                }
            }
        }
    }

    /// Answers what came before the end, and says why it ends.
    async fn leave(&mut self, socket: &mut Socket, ended: Result<(), Ending>) {
        let Err(ending) = ended else { return };
        // Who takes nothing hears no answers.
        if !matches!(ending, Ending::Left | Ending::FellBehind | Ending::Silent) {
            self.settle(socket).await;
        }
        end(socket, &self.node, ending).await;
    }

    /// Answers the publishes that came before the end.
    async fn settle(&mut self, socket: &mut Socket) {
        let mut frames = Vec::new();
        while let Some(published) = self.pending.next().await {
            frames.extend(self.answer(published));
        }
        // A link that is broken hears no answers; the client publishes again.
        let _ = socket.write(frames).await;
    }

    async fn receive(&mut self, socket: &mut Socket, text: &str) -> Result<(), Ending> {
        let frame = from_json(text).map_err(Ending::Refused)?;
        let kind = match frame {
            ClientFrame::Publish { .. } => Kind::Send,
            ClientFrame::Subscribe { .. } => Kind::Subscribe,
            _ => Kind::Other,
        };
        let load = Load::new(frame, kind, text.len());
        match self.slowed.pass(load, self.node.limits.as_deref(), socket.address(), &self.caller) {
            Some(frame) => self.act(socket, frame).await,
            None => Ok(()),
        }
    }

    async fn act(&mut self, socket: &mut Socket, frame: ClientFrame) -> Result<(), Ending> {
        match frame {
            ClientFrame::Hello(_) => Err(Ending::Refused(Fault::HelloExpected)),
            ClientFrame::Subscribe { handle, chat_id, epoch, after, members } => {
                let start = u64::try_from(after).map_or(Start::Now, |seq| Start::After { epoch, seq });
                match self.subscribe(&socket.outlet, handle, &chat_id, start, members).await {
                    Ok(frames) => socket.write(frames).await,
                    Err(Refusal::Store(error)) => Err(refused(self.endpoint, Refusal::Store(error))),
                    Err(refusal) => {
                        let fault = Fault::Refused(self.endpoint, refusal);
                        socket.write([self.error(op::SCOPE_SUBSCRIPTION, handle, &fault)]).await
                    }
                }
            }
            ClientFrame::Unsubscribe { handle } => {
                self.remove(handle);
                Ok(())
            }
            ClientFrame::Publish { n, handle, message, expired } => {
                self.publish(socket, n, handle, message, expired).await
            }
            ClientFrame::Probe => socket.write([frame::HEARTBEAT]).await,
            ClientFrame::Renew(renewal) => {
                self.caller = socket.renew(&renewal.token, &self.caller).await?;
                Ok(())
            }
            ClientFrame::Unknown => Ok(()),
        }
    }

    async fn subscribe(
        &mut self,
        outlet: &Arc<Outlet>,
        handle: u32,
        chat_id: &str,
        start: Start,
        members: bool,
    ) -> Result<Vec<Utf8Bytes>, Refusal> {
        // A client that loses count of its handles can't be served on this connection; one that asks for much can.
        if handle == 0 || handle > LAST_HANDLE || self.subscriptions.get(handle).is_some() {
            return Ok(vec![self.error(op::SCOPE_SUBSCRIPTION, handle, &Fault::InvalidHandle)]);
        }
        if self.subscriptions.len() >= limit::SUBSCRIPTIONS {
            return Ok(vec![self.error(op::SCOPE_SUBSCRIPTION, handle, &Fault::TooManySubscriptions)]);
        }
        self.asked = self.asked.wrapping_add(1);
        let recipient = Recipient { handle, number: self.asked };
        let chats = &self.node.chats;
        let reader = Reader { caller: &self.caller, user_id: &self.user_id, outlet, recipient, members };
        let joined = chats.join(reader, chat_id, start).await?;
        let (subscription, frames) = Subscription::begin(recipient, joined, members);
        if subscription.has_to_read() {
            self.behind.push_back(handle);
        }
        self.subscriptions.insert(handle, subscription);
        Ok(frames)
    }

    fn remove(&mut self, handle: u32) {
        self.subscriptions.remove(handle);
        self.behind.retain(|behind| *behind != handle);
    }

    async fn publish(
        &mut self,
        socket: &mut Socket,
        n: u32,
        handle: u32,
        message: Publication,
        expired: bool,
    ) -> Result<(), Ending> {
        let Some(subscription) = self.subscriptions.get(handle) else {
            return socket.write([self.error(op::SCOPE_PUBLISH, n, &Fault::UnknownHandle)]).await;
        };
        let draft = MessageDraft {
            chat_id: subscription.chat.id.clone(),
            client_id: message.client_id,
            identity: Identity::ClientId,
            user_id: self.user_id.clone(),
            by_member: false,
            subject: message.subject,
            text: message.text,
            expired,
        };
        let pending: Pending = match self.node.chats.submit(&self.caller, draft).await {
            Ok(pending) => pending,
            // In line with the others, so that answers keep the order of publishes.
            Err(refusal) => Box::pin(std::future::ready(Err(refusal))),
        };
        self.pending.push_back(Box::pin(async move { (n, pending.await) }));
        Ok(())
    }

    /// An error that does not end the connection.
    fn error(&self, scope: u32, number: u32, fault: &Fault) -> Utf8Bytes {
        self.node.metrics.error(&fault.body().id);
        frame::error(scope, number, fault)
    }

    /// The answer to a publish. One that could not be committed ends the connection: the client comes back and
    /// publishes all that is unanswered again, in its order.
    fn answer(&self, (n, stored): Published) -> Result<Utf8Bytes, Ending> {
        match stored {
            Ok(message) => Ok(frame::ack(n, &message)),
            Err(Refusal::Store(error)) => Err(refused(Endpoint::ChatSend, Refusal::Store(error))),
            Err(refusal) => Ok(self.error(op::SCOPE_PUBLISH, n, &Fault::Refused(Endpoint::ChatSend, refusal))),
        }
    }

    /// What the hub brought, as frames.
    fn deliver(&mut self, mut items: Vec<Item>) -> Vec<Utf8Bytes> {
        // Chats may be mixed; each chat's messages stay in order.
        items.sort_by_key(|(recipient, _)| recipient.handle);
        let mut frames = Vec::new();
        for run in items.chunk_by(|(one, _), (other, _)| one == other) {
            let Some((recipient, _)) = run.first() else { continue };
            // What comes for a subscription that is over is nobody's.
            let Some(subscription) = self.subscriptions.recipient(*recipient) else { continue };
            let handle = recipient.handle;
            let chat = subscription.chat.key;
            let end = run.iter().position(|(_, parcel)| parcel.ends(chat, &self.user_id));
            subscription.deliver(handle, &run[..end.unwrap_or(run.len())], &mut frames);
            if end.is_some() {
                let fault = Fault::Refused(self.endpoint, Refusal::Removed);
                frames.push(self.error(op::SCOPE_SUBSCRIPTION, handle, &fault));
                self.remove(handle);
            } else if subscription.has_to_read() && !self.behind.contains(&handle) {
                self.behind.push_back(handle);
            }
        }
        frames
    }

    /// Begins to read for the next subscription that wants it.
    fn read_on(&mut self, socket: &Socket) {
        while self.reading.is_none() {
            let Some(handle) = self.behind.pop_front() else { return };
            let Some(subscription) = self.subscriptions.get_mut(handle) else { continue };
            let (caller, user_id) = (self.caller.clone(), self.user_id.clone());
            let (chats, outlet) = (self.node.chats.clone(), socket.outlet.clone());
            let reading = subscription.read(handle, chats, caller, user_id, outlet);
            self.reading = reading.map(|reading| -> Reading { Box::pin(reading.instrument(socket.span())) });
        }
    }

    /// What was read, as frames.
    fn take(&mut self, read: Read) -> Result<Vec<Utf8Bytes>, Ending> {
        let handle = read.handle;
        // It may have ended meanwhile, and its handle may name another subscription by now.
        let Some(subscription) = self.subscriptions.get_mut(handle) else { return Ok(Vec::new()) };
        let frames = match subscription.take(read) {
            Ok(frames) => frames,
            Err(Refusal::Store(error)) => return Err(refused(self.endpoint, Refusal::Store(error))),
            Err(refusal) => {
                // They are no member any more.
                self.remove(handle);
                let fault = Fault::Refused(self.endpoint, refusal);
                return Ok(vec![self.error(op::SCOPE_SUBSCRIPTION, handle, &fault)]);
            }
        };
        if subscription.has_to_read() && !self.behind.contains(&handle) {
            self.behind.push_back(handle);
        }
        Ok(frames)
    }
}
