//! Messages, as they are stored, read in pages, and removed.

use std::sync::Arc;

use super::{ChatKey, Nanos};

/// A message in its place.
#[derive(Clone, Debug)]
pub struct Message {
    /// The chat's row.
    pub chat: ChatKey,
    /// The chat's name in the API.
    pub chat_id: String,
    /// Its place.
    pub seq: u64,
    /// Its name.
    pub id: String,
    /// The sender's name for it.
    pub client_id: String,
    /// Who sent it.
    pub user_id: String,
    /// May be empty.
    pub subject: String,
    /// What it says.
    pub text: String,
    /// When it was stored.
    pub sent_at: Nanos,
}

/// Messages of a chat that are gone.
#[derive(Clone, Debug)]
pub struct Removal {
    /// The chat's row.
    pub chat: ChatKey,
    /// Which of them.
    pub gone: Gone,
}

/// Which messages are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gone {
    /// These: readers pass over them.
    Seqs(Vec<u64>),
    /// All before that one: readers are told of the gap.
    Before(u64),
}

/// Which message a draft is a repetition of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The one of the same user with the same `client_id`.
    ClientId,
    /// That, or the one whose `id` is this draft's `client_id`, whoever sent it. Such a message bears that `id`.
    Id,
}

/// A message to store.
#[derive(Debug)]
pub struct MessageDraft {
    /// The chat to send to.
    pub chat_id: String,
    /// The sender's name for it; empty: one is made before it comes here.
    pub client_id: String,
    /// What makes it a repetition of another.
    pub identity: Identity,
    /// Who sends.
    pub user_id: String,
    /// Only a member's is to be stored, though the server believes every name.
    pub by_member: bool,
    /// May be empty.
    pub subject: String,
    /// What it says.
    pub text: String,
    /// It is too late to store it: if it isn't there yet, it is refused, and so is whatever comes with its name later.
    pub expired: bool,
}

/// What became of a draft.
#[derive(Debug)]
pub enum Sent {
    /// It is this message now, or was before.
    Stored(Arc<Message>),
    /// There is no such chat, or the sender is no member of it.
    UnknownChat,
    /// Its `client_id` is another message's: the same user said something else with it.
    Conflict,
    /// It came too late, now or before, and never will be stored.
    Expired,
}

/// Which end of a range a page is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// The smallest `seq` first.
    Oldest,
    /// The largest `seq` first.
    Newest,
}

impl Edge {
    /// As SQL has it.
    pub(super) const fn direction(self) -> &'static str {
        match self {
            Self::Oldest => "ASC",
            Self::Newest => "DESC",
        }
    }
}

/// How much a page holds.
#[derive(Clone, Copy, Debug)]
pub struct PageSize {
    /// At most so many messages.
    pub messages: u64,
    /// No further message once their texts have so many bytes.
    pub bytes: usize,
}

/// A page of messages.
#[derive(Debug)]
pub struct Page {
    /// In the direction in which they were read.
    pub messages: Vec<Message>,
    /// Whether the range goes on.
    pub has_more: bool,
}

/// All messages that a chat has with `after < seq <= to`. Those that are missing were deleted.
#[derive(Debug)]
pub struct Span {
    /// What it begins behind.
    pub after: u64,
    /// In their order.
    pub messages: Vec<Message>,
    /// What it goes up to.
    pub to: u64,
}
