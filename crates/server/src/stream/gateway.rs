//! The gateway dialect: every frame is one message as JSON, both ways.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use micro_chat_wire::chat::{ConnectRequest, Message};
use micro_chat_wire::endpoint::Endpoint;
use tracing::Instrument;

use super::Metadata;
use super::answers::Answers;
use super::slowed::{Kind, Load, Slowed};
use super::socket::{Ending, Event, Socket, refused};
use crate::api::fault::Fault;
use crate::api::groups;
use crate::api::request::{checked_namespace, from_json};
use crate::auth::Caller;
use crate::chat::{Act, Joined, Reader, Refusal, Start};
use crate::hub::{Item, Parcel, Recipient, Seat};
use crate::node::Node;
use crate::store::{self, Chat, Identity, MessageDraft, Nanos};

/// Messages of one connection that wait for their commit.
const PENDING: usize = 64;

/// Serves a connection to its end, in a task of its own.
pub fn serve(socket: Socket, node: Arc<Node>, endpoint: Endpoint, metadata: Metadata) {
    // Steps that are rare and large are boxed: they would widen every connection's task for good.
    let span = socket.span();
    let opening = Box::pin(open(socket, node, endpoint, metadata).instrument(span));
    tokio::spawn(async move {
        let Some((mut connection, mut socket)) = opening.await else { return };
        let ended = connection.run(&mut socket).await;
        Box::pin(connection.leave(&mut socket, ended)).await;
    });
}

async fn open(
    mut socket: Socket,
    node: Arc<Node>,
    endpoint: Endpoint,
    metadata: Metadata,
) -> Option<(Connection, Socket)> {
    match Connection::open(&mut socket, &node, endpoint, metadata).await {
        Ok(connection) => Some((connection, socket)),
        Err(ending) => {
            end(&mut socket, ending).await;
            None
        }
    }
}

/// Says what was wrong with the handshake.
pub async fn refuse(mut socket: Socket, fault: Fault) {
    end(&mut socket, Ending::Refused(fault)).await;
}

async fn end(socket: &mut Socket, ending: Ending) {
    let words = |fault: &Fault| serde_json::to_string(&fault.body()).ok().map(Utf8Bytes::from);
    let words = match &ending {
        Ending::Refused(fault) | Ending::Failed(fault) => words(fault),
        Ending::Denied(denied) => words(&(*denied).into()),
        _ => None,
    };
    socket.end(&ending, words).await;
}

/// A message as a group's stream carries it.
fn in_group(json: &str, sent_at: Nanos) -> Utf8Bytes {
    // It is ours, and always reads.
    let message: Message = serde_json::from_str(json).unwrap_or_default();
    serde_json::to_string(&groups::frame(message, sent_at)).unwrap_or_default().into()
}

/// A user in a chat.
struct Connection {
    node: Arc<Node>,
    caller: Caller,
    user_id: String,
    chat: Arc<Chat>,
    /// Whether it hears the chat as a group, and only hears it.
    is_of_group: bool,
    /// Where this reader began: at the present.
    after: u64,
    _seat: Option<Seat>,
    /// A message that came before its turn, or a frame that is none.
    slowed: Slowed<Option<MessageDraft>>,
    /// Messages of this connection in line for a commit.
    pending: Answers<Result<Arc<store::Message>, Refusal>>,
}

impl Connection {
    async fn open(
        socket: &mut Socket,
        node: &Arc<Node>,
        endpoint: Endpoint,
        mut metadata: Metadata,
    ) -> Result<Self, Ending> {
        // Who has to prove who they are needn't say it.
        let proof = if node.access.is_open() { &metadata.user_id } else { &metadata.token };
        if metadata.chat_id.is_empty() || proof.is_empty() {
            let first = socket.first_frame().await?;
            let request: ConnectRequest = from_json(&first).map_err(Ending::Refused)?;
            let fill = |field: &mut String, value: String| {
                if field.is_empty() {
                    *field = value;
                }
            };
            fill(&mut metadata.namespace, checked_namespace(request.namespace).map_err(Ending::Refused)?);
            fill(&mut metadata.chat_id, request.group_id);
            fill(&mut metadata.chat_id, request.chat_id);
            fill(&mut metadata.user_id, request.user_id);
            fill(&mut metadata.token, request.token);
        }
        let Metadata { namespace, chat_id, user_id, token } = metadata;
        let caller = socket.admit(&token, &namespace).await?;
        let user_id = caller.connects_as(user_id)?;
        let is_of_group = endpoint == Endpoint::ChatJoin;
        if is_of_group {
            let joined = node.chats.act_on_group(&caller, Act::Join, chat_id.clone(), user_id.clone()).await;
            joined.map_err(|refusal| refused(endpoint, refusal))?;
        }
        // It has this one subscription.
        let (outlet, recipient) = (&socket.outlet, Recipient::default());
        let reader = Reader { caller: &caller, user_id: &user_id, outlet, recipient, members: false };
        let joined = node.chats.join(reader, &chat_id, Start::Now).await;
        let Joined { chat, after, seated } = joined.map_err(|refusal| refused(endpoint, refusal))?;
        Ok(Self {
            node: node.clone(),
            is_of_group,
            caller,
            user_id,
            chat,
            after,
            _seat: seated.map(|seated| seated.seat),
            slowed: Slowed::default(),
            pending: Answers::default(),
        })
    }

    async fn run(&mut self, socket: &mut Socket) -> Result<(), Ending> {
        loop {
            let listens = self.slowed.is_empty() && self.pending.len() < PENDING;
            let (limits, from) = (self.node.limits.as_deref(), socket.address());
            let slowed = self.slowed.next(|load| load.pass(limits, from, &self.caller));
            tokio::select! {
                event = socket.next(listens) => match event? {
                    Event::Frame(frame) => {
                        let span = socket.span();
                        Box::pin(self.receive(from, &frame).instrument(span)).await?;
                    }
                    Event::Control => {
                        self.slowed.pass(Load::new(None, Kind::Other, 0), limits, from, &self.caller);
                    }
                    Event::Deliveries(items) => {
                        let (frames, ended) = self.deliver(&items);
                        socket.write(frames).await?;
                        ended?;
                    }
                    Event::Heartbeat => socket.beat(None).await?
                },
                draft = slowed => {
                    let Some(draft) = draft else { continue };
                    let span = socket.span();
                    Box::pin(self.submit(draft).instrument(span)).await?;
                }
                Some(stored) = self.pending.next(), if !self.pending.is_empty() => {
                    stored.map_err(|refusal| refused(Endpoint::ChatSend, refusal))?;
                }
            }
        }
    }

    /// Says why it ends.
    async fn leave(&mut self, socket: &mut Socket, ended: Result<(), Ending>) {
        // What came before the end is stored before the client hears of the end.
        while self.pending.next().await.is_some() {}
        if let Err(ending) = ended {
            end(socket, ending).await;
        }
    }

    /// Others' messages that this reader has not seen, up to where it is a member no more.
    fn deliver(&self, items: &[Item]) -> (Vec<Utf8Bytes>, Result<(), Ending>) {
        let mut frames = Vec::new();
        for (_, parcel) in items {
            match parcel {
                Parcel::Message(delivery) if delivery.message.seq <= self.after => {}
                Parcel::Message(delivery) if delivery.user_id == self.user_id => {}
                Parcel::Message(delivery) if self.is_of_group => frames.push(delivery.in_group(in_group)),
                Parcel::Message(delivery) => frames.push(delivery.message.json.clone()),
                parcel if parcel.ends(self.chat.key, &self.user_id) => {
                    let endpoint = if self.is_of_group { Endpoint::ChatJoin } else { Endpoint::ChatConnect };
                    let refusal = if self.is_of_group { Refusal::NotInGroup } else { Refusal::Removed };
                    return (frames, Err(refused(endpoint, refusal)));
                }
                Parcel::Removal(_) | Parcel::Member(_) | Parcel::Members => {}
            }
        }
        (frames, Ok(()))
    }

    async fn receive(&mut self, from: Option<IpAddr>, frame: &str) -> Result<(), Ending> {
        if self.is_of_group {
            return Err(Ending::Refused(Fault::OnlyHeard));
        }
        let message: Message = from_json(frame).map_err(Ending::Refused)?;
        if !message.chat_id.is_empty() && message.chat_id != self.chat.id {
            // It would be stored where its sender does not mean it to be.
            return Err(refused(Endpoint::ChatConnect, Refusal::UnknownChat));
        }
        let draft = MessageDraft {
            chat_id: self.chat.id.clone(),
            client_id: message.client_id,
            identity: Identity::ClientId,
            user_id: self.user_id.clone(),
            by_member: false,
            subject: message.subject,
            text: message.text,
            expired: false,
        };
        let load = Load::new(Some(draft), Kind::Send, frame.len());
        match self.slowed.pass(load, self.node.limits.as_deref(), from, &self.caller).flatten() {
            Some(draft) => self.submit(draft).await,
            None => Ok(()),
        }
    }

    async fn submit(&mut self, draft: MessageDraft) -> Result<(), Ending> {
        let pending = self.node.chats.submit(&self.caller, draft).await;
        self.pending.push_back(pending.map_err(|refusal| refused(Endpoint::ChatSend, refusal))?);
        Ok(())
    }
}
