//! Messages and news on their way to subscribers.

use std::sync::{Arc, OnceLock};

use axum::extract::ws::Utf8Bytes;
use micro_chat_wire::chat;

use crate::store::{ChatKey, MemberChange, Message, Nanos};

/// A stored message as every stream carries it: its bytes are made once, whoever receives them.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its place.
    pub seq: u64,
    /// All of it.
    pub json: Utf8Bytes,
}

impl From<&Message> for Stored {
    fn from(message: &Message) -> Self {
        let json = serde_json::to_string(&chat::Message::from(message));
        // Strings and numbers always serialise.
        Self { seq: message.seq, json: json.unwrap_or_default().into() }
    }
}

/// What comes to a subscriber, in the order of commits.
#[derive(Clone, Debug)]
pub enum Parcel {
    /// A message.
    Message(Arc<Delivery>),
    /// The subscriber may be a member no more.
    Removal(Arc<MemberChange>),
    /// Somebody came, or went.
    Member(Arc<MemberChange>),
    /// So many did that it is to read anew who is there.
    Members,
}

impl Parcel {
    /// The message, where it is one.
    pub fn message(&self) -> Option<&Arc<Delivery>> {
        match self {
            Self::Message(delivery) => Some(delivery),
            Self::Removal(_) | Self::Member(_) | Self::Members => None,
        }
    }

    /// Whether it ends that user's subscription to that chat.
    pub fn ends(&self, chat: ChatKey, user_id: &str) -> bool {
        matches!(self, Self::Removal(change) if change.chat == chat && change.membership.ends_for(user_id))
    }

    /// Whether it tells of others, and may be replaced by reading who is there.
    pub(super) fn is_event(&self) -> bool {
        matches!(self, Self::Member(_) | Self::Members)
    }

    /// What of it counts as waiting.
    pub(super) fn bytes(&self) -> usize {
        self.message().map_or(0, |delivery| delivery.message.json.len())
    }
}

/// A new message on its way to subscribers.
#[derive(Debug)]
pub struct Delivery {
    /// Its chat.
    pub chat: ChatKey,
    /// Who sent it; the gateway dialect does not send it back to them.
    pub user_id: String,
    /// The message.
    pub message: Stored,
    /// When it was stored: as JSON it says the second only.
    pub sent_at: Nanos,
    /// The session dialect's frame that ends with it, for the handle and from the `seq` of the first who needed one.
    frame: OnceLock<(u32, u64, Utf8Bytes)>,
    /// As the stream of a group carries it, once somebody wanted that.
    in_group: OnceLock<Utf8Bytes>,
}

impl Delivery {
    /// Nobody has it yet.
    pub fn new(chat: ChatKey, user_id: String, message: Stored, sent_at: Nanos) -> Self {
        Self { chat, user_id, message, sent_at, frame: OnceLock::new(), in_group: OnceLock::new() }
    }

    /// As the stream of a group carries it: made once for all who hear it so.
    pub fn in_group(&self, make: impl FnOnce(&str, Nanos) -> Utf8Bytes) -> Utf8Bytes {
        self.in_group.get_or_init(|| make(&self.message.json, self.sent_at)).clone()
    }

    /// The frame that ends with this message. Most readers stand alike: what is made for the first serves them all.
    pub fn frame(&self, handle: u32, from: u64, make: impl FnOnce() -> Utf8Bytes) -> Utf8Bytes {
        match self.frame.get() {
            Some((its_handle, its_from, frame)) if (*its_handle, *its_from) == (handle, from) => frame.clone(),
            Some(_) => make(),
            None => {
                let frame = make();
                // Another may have been faster; both are right.
                let _ = self.frame.set((handle, from, frame.clone()));
                frame
            }
        }
    }
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
