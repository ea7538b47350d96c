//! One chat of a session: catching up first, live then.

use std::pin::Pin;
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;

use super::frame::{self, Batches};
use crate::chat::{Chats, Joined, Refusal, Step};
use crate::hub::{Item, Outlet, Seat, Seated};
use crate::store::Chat;

/// A page being read.
pub type Reading = Pin<Box<dyn Future<Output = Caught> + Send>>;

/// A page that was read.
pub struct Caught {
    /// Whose it is.
    pub handle: u32,
    step: Result<Step, Refusal>,
}

/// A chat that is delivered under a handle.
pub struct Subscription {
    /// The chat: what comes for another is of a subscription that had this handle before.
    pub chat: Arc<Chat>,
    /// The last `seq` that was sent, or was passed because it was deleted.
    cursor: u64,
    state: State,
}

enum State {
    /// Its messages have to be read.
    Behind { is_reading: bool },
    /// Messages go out as they come. The seat is left when it is dropped.
    Live(#[expect(dead_code, reason = "held")] Seat),
}

impl Subscription {
    /// Begins behind where the reader joined: what is to be said of that at once.
    pub fn begin(handle: u32, joined: Joined) -> (Self, Vec<Utf8Bytes>) {
        let Joined { chat, after, seated } = joined;
        let mut frames = vec![frame::subscribed(handle, chat.epoch, after)];
        let mut subscription = Self { chat, cursor: after, state: State::Behind { is_reading: false } };
        if let Some(seated) = seated {
            subscription.arrive(handle, Batches::new(handle, after), seated, &mut frames);
        }
        (subscription, frames)
    }

    /// Whether it has caught up.
    pub fn is_live(&self) -> bool {
        matches!(self.state, State::Live(_))
    }

    /// Begins to read the next page.
    pub fn read(&mut self, handle: u32, chats: Chats, outlet: Arc<Outlet>) -> Option<Reading> {
        let State::Behind { is_reading } = &mut self.state else { return None };
        *is_reading = true;
        let (chat, cursor) = (self.chat.clone(), self.cursor);
        Some(Box::pin(async move {
            let step = chats.catch_up(&chat, cursor, &outlet, handle).await;
            Caught { handle, step }
        }))
    }

    /// A page was read: its frames, and at the end LIVE.
    pub fn caught(&mut self, caught: Caught) -> Result<Vec<Utf8Bytes>, Refusal> {
        // Else it was read for an earlier subscription of this handle.
        let State::Behind { is_reading: is_reading @ true } = &mut self.state else { return Ok(Vec::new()) };
        *is_reading = false;
        let Step { page, seated } = caught.step?;
        let mut batches = Batches::new(caught.handle, self.cursor);
        for delivery in &page.deliveries {
            batches.push(delivery.seq, &delivery.json);
        }
        let mut frames = Vec::new();
        match seated {
            Some(seated) => {
                self.cursor = page.to;
                self.arrive(caught.handle, batches, seated, &mut frames);
            }
            None => (frames, self.cursor) = batches.finish(),
        }
        Ok(frames)
    }

    /// It has caught up: what lies behind what is in `batches`, and LIVE.
    fn arrive(&mut self, handle: u32, mut batches: Batches, seated: Seated, frames: &mut Vec<Utf8Bytes>) {
        let Seated { seat, backlog } = seated;
        for delivery in &backlog.deliveries {
            batches.push(delivery.seq, &delivery.json);
        }
        // The chat's end as far as it is known: a page may have seen more than has been published yet.
        self.cursor = self.cursor.max(backlog.to);
        frames.extend(batches.finish().0);
        // Messages that were deleted at the end are passed with this.
        frames.push(frame::live(handle, self.cursor));
        self.state = State::Live(seat);
    }

    /// Messages from the hub. One that does not follow on what was sent makes it read again: nothing is skipped.
    pub fn deliver(&mut self, handle: u32, items: &[Item]) -> Vec<Utf8Bytes> {
        let mut batches = Batches::new(handle, self.cursor);
        let mut next = self.cursor + 1;
        for (_, delivery) in items.iter().filter(|(_, delivery)| delivery.chat == self.chat.key) {
            if !self.is_live() || delivery.seq < next {
                continue;
            }
            if delivery.seq > next {
                self.state = State::Behind { is_reading: false };
                break;
            }
            batches.push(delivery.seq, &delivery.json);
            next += 1;
        }
        let (frames, cursor) = batches.finish();
        self.cursor = cursor;
        frames
    }
}
