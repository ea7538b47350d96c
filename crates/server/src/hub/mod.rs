//! Who listens to which chat, on this node.
//!
//! - [`Hub`]: chats and their subscribers,
//! - [`Outlet`]: what waits for one connection, bounded,
//! - [`Ring`](ring::Ring): a chat's most recent messages, for those who come back.

mod outlet;
mod ring;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::ws::Utf8Bytes;
use micro_chat_wire::chat;
use slab::Slab;
use tokio::sync::{mpsc, watch};

use crate::store::{ChatKey, Message};
pub use outlet::{Inlet, Item, Outlet};
use ring::Ring;
pub use ring::{Backlog, RING, RingSize};

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

/// A chat as the hub knows it, while it has subscribers or a ring.
#[derive(Debug, Default)]
struct Room {
    subscribers: Slab<Subscriber>,
    /// Boxed: most rooms have none.
    ring: Option<Box<Ring>>,
}

type Shard = HashMap<ChatKey, Room>;

/// Chats and their subscribers. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Hub {
    shards: Arc<[Mutex<Shard>; SHARDS]>,
    /// How many messages have been published.
    published: Arc<watch::Sender<u64>>,
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
        self.hub.change(self.chat, |room| {
            room.subscribers.try_remove(self.key);
        });
    }
}

/// A seat, and what the reader has to be given before what comes to it.
#[derive(Debug)]
pub struct Seated {
    /// Gets all behind the backlog.
    pub seat: Seat,
    /// All from the reader's cursor up to where it was seated.
    pub backlog: Backlog,
}

/// Keeps a chat's ring; it goes with the last who keeps it.
#[derive(Debug)]
pub struct Keeper {
    hub: Hub,
    chat: ChatKey,
}

/// Makes a ring keep more than usually, until it is dropped.
#[derive(Debug)]
pub struct Hold<'a>(&'a Keeper);

impl Keeper {
    /// What the database held when it was read, which was after the ring had begun to collect.
    pub fn fill(&self, tail: Backlog) {
        self.change(|ring| ring.fill(tail));
    }

    /// Whether another keeper has filled it.
    pub fn is_filled(&self) -> bool {
        let shard = self.hub.shard(self.chat);
        shard.get(&self.chat).and_then(|room| room.ring.as_ref()).is_some_and(|ring| ring.is_filled)
    }

    /// From now on the ring keeps what is published, as far as that may wait for a connection.
    pub fn hold(&self) -> Hold<'_> {
        self.change(|ring| ring.holds += 1);
        Hold(self)
    }

    /// A seat for a reader that has all up to `after`, and what it has not; in one step, so that nothing is between the
    /// two. None: the ring begins later than that. A cursor beyond the end is taken for the end.
    pub fn seat(&self, after: u64, outlet: &Arc<Outlet>, handle: u32) -> Option<Seated> {
        let mut shard = self.hub.shard(self.chat);
        let room = shard.get_mut(&self.chat)?;
        let backlog = room.ring.as_ref()?.behind(after)?;
        let key = room.subscribers.insert(Subscriber { outlet: outlet.clone(), handle });
        Some(Seated { seat: Seat { hub: self.hub.clone(), chat: self.chat, key }, backlog })
    }

    fn change(&self, change: impl FnOnce(&mut Ring)) {
        self.hub.change(self.chat, |room| {
            if let Some(ring) = &mut room.ring {
                change(ring);
                if ring.keepers == 0 {
                    room.ring = None;
                }
            }
        });
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.change(|ring| ring.keepers -= 1);
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.0.change(|ring| {
            ring.holds -= 1;
            ring.trim();
        });
    }
}

impl Hub {
    fn shard(&self, chat: ChatKey) -> MutexGuard<'_, Shard> {
        // Rows are numbered one by one, so the remainder spreads them. Nothing panics while a shard is held.
        let index = chat.rem_euclid(SHARDS as i64) as usize;
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes a room, which goes when it is empty.
    fn change(&self, chat: ChatKey, change: impl FnOnce(&mut Room)) {
        let mut shard = self.shard(chat);
        if let Some(room) = shard.get_mut(&chat) {
            change(room);
            if room.subscribers.is_empty() && room.ring.is_none() {
                shard.remove(&chat);
            }
        }
    }

    /// From now on the chat's ring collects what is published.
    pub fn keep(&self, chat: ChatKey) -> Keeper {
        self.shard(chat).entry(chat).or_default().ring.get_or_insert_default().keepers += 1;
        Keeper { hub: self.clone(), chat }
    }

    /// Hands on what was committed, until nothing can be committed any more.
    pub async fn run(self, mut committed: mpsc::Receiver<Vec<Arc<Message>>>) {
        while let Some(messages) = committed.recv().await {
            for message in &messages {
                self.publish(message);
            }
            self.published.send_modify(|published| *published += messages.len() as u64);
        }
    }

    /// Ends when so many messages have been published since the start.
    pub async fn reached(&self, count: u64) {
        if *self.published.borrow() < count {
            // It can't fail: this is a sender as well.
            let _ = self.published.subscribe().wait_for(|published| *published >= count).await;
        }
    }

    /// Puts the message into its chat's ring and the outlet of each of its subscribers.
    fn publish(&self, message: &Message) {
        let mut shard = self.shard(message.chat);
        let Some(room) = shard.get_mut(&message.chat) else { return };
        let delivery = Arc::new(Delivery::new(message));
        for (_, subscriber) in &room.subscribers {
            subscriber.outlet.push(subscriber.handle, &delivery);
        }
        if let Some(ring) = &mut room.ring {
            ring.push(delivery);
        }
    }
}
