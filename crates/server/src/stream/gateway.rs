//! The gateway dialect: every frame is one message as JSON, both ways.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use micro_chat_wire::chat::{ConnectRequest, Message};
use micro_chat_wire::endpoint::Endpoint;

use super::Metadata;
use super::answers::Answers;
use super::slowed::{Kind, Load, Slowed};
use super::socket::{Ending, Event, Socket, refused};
use crate::api::fault::Fault;
use crate::api::request::{checked_namespace, object_from_json};
use crate::auth::Caller;
use crate::chat::{Draft, Joined, Refusal, Start};
use crate::hub::{Delivery, Item, Seat};
use crate::node::Node;
use crate::store::{self, Chat, Identity};

/// Messages of one connection that wait for their commit.
const PENDING: usize = 64;

/// Serves a connection to its end, in a task of its own.
pub fn serve(socket: Socket, node: Arc<Node>, endpoint: Endpoint, metadata: Metadata) {
    // Steps that are rare and large are boxed: they would widen every connection's task for good.
    let opening = Box::pin(open(socket, node, endpoint, metadata));
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

/// A user in a chat.
struct Connection {
    node: Arc<Node>,
    caller: Caller,
    user_id: String,
    chat: Arc<Chat>,
    /// Where this reader began: at the present.
    after: u64,
    _seat: Option<Seat>,
    /// A message that came before its turn.
    slowed: Slowed<Draft>,
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
            let request: ConnectRequest = object_from_json(&first).map_err(Ending::Refused)?;
            let fill = |field: &mut String, value: String| {
                if field.is_empty() {
                    *field = value;
                }
            };
            fill(&mut metadata.namespace, checked_namespace(request.namespace).map_err(Ending::Refused)?);
            fill(&mut metadata.chat_id, request.chat_id);
            fill(&mut metadata.user_id, request.user_id);
            fill(&mut metadata.token, request.token);
        }
        let Metadata { namespace, chat_id, user_id, token } = metadata;
        let caller = socket.admit(&token, &namespace).await?;
        let user_id = caller.connects_as(user_id)?;
        let joined = node.chats.join(&caller, &chat_id, &user_id, Start::Now, &socket.outlet, 0).await;
        let Joined { chat, after, seated } = joined.map_err(|refusal| refused(endpoint, refusal))?;
        Ok(Self {
            node: node.clone(),
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
                    Event::Frame(frame) => Box::pin(self.receive(from, &frame)).await?,
                    Event::Deliveries(items) => socket.write(self.deliver(&items)).await?,
                    Event::Heartbeat => socket.beat(None).await?
                },
                draft = slowed => Box::pin(self.submit(draft)).await?,
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

    /// Others' messages that this reader has not seen.
    fn deliver(&self, items: &[Item]) -> Vec<Utf8Bytes> {
        let is_for_it = |delivery: &Delivery| delivery.message.seq > self.after && delivery.user_id != self.user_id;
        let heard = items.iter().filter(|(_, delivery)| is_for_it(delivery));
        heard.map(|(_, delivery)| delivery.message.json.clone()).collect()
    }

    async fn receive(&mut self, from: Option<IpAddr>, frame: &str) -> Result<(), Ending> {
        let message: Message = object_from_json(frame).map_err(Ending::Refused)?;
        if !message.chat_id.is_empty() && message.chat_id != self.chat.id {
            // It would be stored where its sender does not mean it to be.
            return Err(refused(Endpoint::ChatConnect, Refusal::UnknownChat));
        }
        let draft = Draft {
            chat_id: self.chat.id.clone(),
            client_id: message.client_id,
            identity: Identity::ClientId,
            user_id: self.user_id.clone(),
            subject: message.subject,
            text: message.text,
            expired: false,
        };
        let mut load = Load::new(draft, Kind::Send, frame.len());
        match load.pass(self.node.limits.as_deref(), from, &self.caller) {
            Ok(()) => self.submit(load.into_inner()).await,
            Err(wait) => {
                self.slowed.hold(wait, load);
                Ok(())
            }
        }
    }

    async fn submit(&mut self, draft: Draft) -> Result<(), Ending> {
        let pending = self.node.chats.submit(&self.caller, draft).await;
        self.pending.push_back(pending.map_err(|refusal| refused(Endpoint::ChatSend, refusal))?);
        Ok(())
    }
}
