//! Who listens to which chat, on this node.
//!
//! - [`Hub`]: chats and their subscribers,
//! - [`Outlet`]: what waits for one connection, bounded.

mod outlet;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::ws::Utf8Bytes;
use micro_chat_wire::chat;
use slab::Slab;
use tokio::sync::mpsc;

use crate::store::{ChatKey, Message};
pub use outlet::{Inlet, Item, Outlet};

/// Chats are spread over this many locks.
const SHARDS: usize = 16;

/// A stored message on its way to subscribers: its bytes are made once, whoever receives them.
#[derive(Debug)]
pub struct Delivery {
    /// Its chat.
    pub chat: ChatKey,
    /// Its place.
    pub seq: u64,
    /// Who sent it; the gateway dialect does not send it back to them.
    pub user_id: String,
    /// The message as JSON.
    pub json: Utf8Bytes,
}

impl Delivery {
    /// Serialises the message.
    pub fn new(message: &Message) -> Self {
        Self { chat: message.chat, seq: message.seq, user_id: message.user_id.clone(), json: json(message) }
    }
}

/// The message as every stream carries it.
fn json(message: &Message) -> Utf8Bytes {
    let message = chat::Message::from(message);
    // Strings and numbers always serialise.
    serde_json::to_string(&message).unwrap_or_default().into()
}

impl From<&Message> for chat::Message {
    fn from(message: &Message) -> Self {
        Self {
            id: message.id.clone(),
            client_id: message.client_id.clone(),
            chat_id: message.chat_id.clone(),
            user_id: message.user_id.clone(),
            subject: message.subject.clone(),
            text: message.text.clone(),
            sent_at: message.sent_at.div_euclid(1_000_000_000),
            seq: message.seq,
        }
    }
}

/// One subscription: a connection's outlet, and the handle under which it knows the chat.
#[derive(Debug)]
struct Subscriber {
    outlet: Arc<Outlet>,
    handle: u32,
}

type Shard = HashMap<ChatKey, Slab<Subscriber>>;

/// Chats and their subscribers. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Hub {
    shards: Arc<[Mutex<Shard>; SHARDS]>,
}

/// A place among a chat's subscribers; left when it is dropped.
#[derive(Debug)]
pub struct Seat {
    hub: Hub,
    chat: ChatKey,
    key: usize,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut shard = self.hub.shard(self.chat);
        if let Some(subscribers) = shard.get_mut(&self.chat) {
            subscribers.try_remove(self.key);
            if subscribers.is_empty() {
                shard.remove(&self.chat);
            }
        }
    }
}

impl Hub {
    fn shard(&self, chat: ChatKey) -> MutexGuard<'_, Shard> {
        // Rows are numbered one by one, so the remainder spreads them. Nothing panics while a shard is held.
        let index = chat.rem_euclid(SHARDS as i64) as usize;
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on the outlet gets each of the chat's messages, under that handle.
    pub fn join(&self, chat: ChatKey, outlet: Arc<Outlet>, handle: u32) -> Seat {
        let key = self.shard(chat).entry(chat).or_default().insert(Subscriber { outlet, handle });
        Seat { hub: self.clone(), chat, key }
    }

    /// Hands on what was committed, until nothing can be committed any more.
    pub async fn run(self, mut committed: mpsc::Receiver<Vec<Arc<Message>>>) {
        while let Some(messages) = committed.recv().await {
            for message in messages {
                self.publish(&message);
            }
        }
    }

    /// Puts the message into the outlet of each of its chat's subscribers.
    fn publish(&self, message: &Message) {
        let shard = self.shard(message.chat);
        let Some(subscribers) = shard.get(&message.chat) else { return };
        let delivery = Arc::new(Delivery::new(message));
        for (_, subscriber) in subscribers {
            subscriber.outlet.push(subscriber.handle, &delivery);
        }
    }
}
