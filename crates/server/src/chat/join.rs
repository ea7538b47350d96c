//! Listening to a chat without a hole between what is stored and what comes.
//!
//! A reader takes its seat first and reads afterwards: what was committed before the read is in the read, what is
//! committed after it comes to the seat, and what is in both is recognised by its `seq`. Who is far behind reads
//! without a seat first, so that nothing piles up meanwhile.

use std::sync::Arc;

use micro_chat_wire::limit;

use super::{Chats, Refusal};
use crate::broken::{self, Broken};
use crate::hub::{Delivery, Outlet, Seat};
use crate::store::{Chat, From, PageSize};

/// What is read at once for a reader that catches up.
const PAGE: PageSize = PageSize { messages: 256, bytes: 128 * 1024 };

/// Where a reader wants to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With what comes.
    Now,
    /// Behind the message with that `seq`, in that epoch; 0 is any.
    After {
        /// The epoch that the `seq` belongs to.
        epoch: u64,
        /// The last message the reader has.
        seq: u64,
    },
}

/// A reader of a chat.
#[derive(Debug)]
pub struct Joined {
    /// The chat, as it was found.
    pub chat: Chat,
    /// The reader has all up to this `seq`.
    pub cursor: u64,
    /// Taken once the reader is near the end; dropped, it is left.
    seat: Option<Seat>,
}

impl Chats {
    /// Begins to listen. Deliveries come to `outlet` under `handle` as soon as the reader has a seat: they are to be
    /// held back until [`Chats::catch_up`] says that it has caught up.
    pub async fn join(
        &self,
        namespace: &str,
        chat_id: &str,
        user_id: &str,
        start: Start,
        outlet: &Arc<Outlet>,
        handle: u32,
    ) -> Result<Joined, Refusal> {
        if user_id.is_empty() {
            return Err(Refusal::MissingUserId);
        }
        super::at_most(limit::ID, "user_id", user_id)?;
        let chat = self.find(namespace, chat_id).await?;
        let start = if broken::is(Broken::Resume) { Start::Now } else { start };
        let (cursor, seat) = match start {
            Start::Now => {
                let seat = self.hub.join(chat.key, outlet.clone(), handle);
                (self.store.last_seq(chat.key).await?, Some(seat))
            }
            // A cursor of another epoch says nothing about this one's messages: all of them are new.
            Start::After { epoch, .. } if epoch != 0 && epoch != chat.epoch => (chat.first_seq - 1, None),
            // A cursor beyond the end comes from a chat that had more: go on from the end.
            Start::After { seq, .. } => (seq.min(chat.last_seq).max(chat.first_seq - 1), None),
        };
        Ok(Joined { chat, cursor, seat })
    }

    /// The next messages behind the reader's cursor, which moves on. None left: it has caught up and is seated, and
    /// what was held back with a larger `seq` is next.
    pub async fn catch_up(
        &self,
        joined: &mut Joined,
        outlet: &Arc<Outlet>,
        handle: u32,
    ) -> Result<Vec<Delivery>, Refusal> {
        loop {
            // Who has all that there was when the chat was looked up takes a seat before reading: most who come back do.
            if joined.cursor >= joined.chat.last_seq && joined.seat.is_none() {
                joined.seat = Some(self.hub.join(joined.chat.key, outlet.clone(), handle));
            }
            let page = self.store.page(&joined.chat, joined.cursor, u64::MAX, PAGE, From::Oldest).await?;
            if let Some(last) = page.messages.last() {
                joined.cursor = last.seq;
                return Ok(page.messages.iter().map(Delivery::new).collect());
            }
            if joined.seat.is_some() {
                return Ok(Vec::new());
            }
            joined.seat = Some(self.hub.join(joined.chat.key, outlet.clone(), handle));
        }
    }
}
