//! One chat of a session: catching up first, live then.

use std::pin::Pin;
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use micro_chat_wire::limit;

use super::frame::{self, Batches};
use crate::chat::{Chats, Joined, Refusal};
use crate::hub::{Delivery, Item, Outlet};
use crate::store::ChatKey;

/// A page being read.
pub type Reading = Pin<Box<dyn Future<Output = Caught> + Send>>;

/// A page that was read.
pub struct Caught {
    /// Whose it is.
    pub handle: u32,
    joined: Joined,
    page: Result<Vec<Delivery>, Refusal>,
}

/// A chat that is delivered under a handle.
pub struct Subscription {
    /// The chat's name in the API.
    pub chat_id: String,
    /// The chat's row: what comes for another is of a subscription that had this handle before.
    chat: ChatKey,
    /// The last `seq` that was sent.
    cursor: u64,
    state: State,
}

enum State {
    /// Reading what is stored. The reader itself is lent to [`Reading`] meanwhile.
    Behind { joined: Option<Joined>, held: Vec<Arc<Delivery>> },
    /// Messages go out as they come. The seat is left when it is dropped.
    Live(Joined),
}

impl Subscription {
    /// Begins behind the reader's cursor.
    pub fn new(joined: Joined) -> Self {
        let (chat_id, chat, cursor) = (joined.chat.id.clone(), joined.chat.key, joined.cursor);
        Self { chat_id, chat, cursor, state: State::Behind { joined: Some(joined), held: Vec::new() } }
    }

    /// Whether it has caught up.
    pub fn is_live(&self) -> bool {
        matches!(self.state, State::Live(_))
    }

    /// Begins to read the next page.
    pub fn read(&mut self, handle: u32, chats: Chats, outlet: Arc<Outlet>) -> Option<Reading> {
        let State::Behind { joined, .. } = &mut self.state else { return None };
        let mut joined = joined.take()?;
        Some(Box::pin(async move {
            let page = chats.catch_up(&mut joined, &outlet, handle).await;
            Caught { handle, joined, page }
        }))
    }

    /// A page was read: its frames, and at the end what was held back, and LIVE.
    pub fn caught(&mut self, caught: Caught) -> Result<Vec<Utf8Bytes>, Refusal> {
        let State::Behind { joined, held } = &mut self.state else { return Ok(Vec::new()) };
        // A page read for an earlier subscription of this handle: this one's own reader is still here.
        if joined.is_some() {
            return Ok(Vec::new());
        }
        let page = caught.page?;
        let mut batches = Batches::new(caught.handle, self.cursor);
        for delivery in &page {
            batches.push(delivery.seq, &delivery.json);
        }
        if !page.is_empty() {
            let (frames, cursor) = batches.finish();
            self.cursor = cursor;
            *joined = Some(caught.joined);
            return Ok(frames);
        }
        let mut next = self.cursor + 1;
        let mut has_hole = false;
        for delivery in held.drain(..) {
            if delivery.seq == next && !has_hole {
                batches.push(delivery.seq, &delivery.json);
                next += 1;
            }
            has_hole |= delivery.seq > next;
        }
        let (mut frames, cursor) = batches.finish();
        self.cursor = cursor;
        if has_hole {
            // Nothing is skipped: what was held beyond the hole is read once more.
            let mut again = caught.joined;
            again.cursor = cursor;
            *joined = Some(again);
        } else {
            frames.push(frame::live(caught.handle, cursor));
            self.state = State::Live(caught.joined);
        }
        Ok(frames)
    }

    /// Messages from the hub: sent, or held back until the reader has caught up. False: more is held than may be.
    pub fn deliver(&mut self, handle: u32, items: &[Item]) -> (Vec<Utf8Bytes>, bool) {
        let mut batches = Batches::new(handle, self.cursor);
        let mut next = self.cursor + 1;
        for (index, (_, delivery)) in items.iter().enumerate() {
            if delivery.chat != self.chat {
                continue;
            }
            match &mut self.state {
                State::Behind { held, .. } => {
                    held.push(delivery.clone());
                    let bytes: usize = held.iter().map(|delivery| delivery.json.len()).sum();
                    if held.len() > limit::QUEUE_FRAMES || (held.len() > 1 && bytes > limit::QUEUE_BYTES) {
                        return (Vec::new(), false);
                    }
                }
                State::Live(_) if delivery.seq < next => {}
                State::Live(_) if delivery.seq == next => {
                    batches.push(delivery.seq, &delivery.json);
                    next += 1;
                }
                State::Live(_) => {
                    // A hole: nothing is skipped, the reader catches up once more.
                    let (frames, cursor) = batches.finish();
                    self.cursor = cursor;
                    self.fall_back();
                    let (_, fits) = self.deliver(handle, &items[index..]);
                    return (frames, fits);
                }
            }
        }
        let (frames, cursor) = batches.finish();
        self.cursor = cursor;
        (frames, true)
    }

    /// Reads again from the cursor.
    fn fall_back(&mut self) {
        let behind = State::Behind { joined: None, held: Vec::new() };
        if let State::Live(mut joined) = std::mem::replace(&mut self.state, behind) {
            joined.cursor = self.cursor;
            self.state = State::Behind { joined: Some(joined), held: Vec::new() };
        }
    }
}
