//! One chat of a session: catching up first, live then.

use std::pin::Pin;
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;

use super::frame;
use crate::auth::Caller;
use crate::chat::{Chats, Joined, Reader, Refusal, Step};
use crate::hub::{Item, Outlet, Parcel, Seat, Seated};
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
            subscription.arrive(handle, seated, &mut frames);
        }
        (subscription, frames)
    }

    /// Whether it has caught up.
    pub fn is_live(&self) -> bool {
        matches!(self.state, State::Live(_))
    }

    /// Begins to read the next page.
    pub fn read(
        &mut self,
        handle: u32,
        chats: Chats,
        caller: Caller,
        user_id: String,
        outlet: Arc<Outlet>,
    ) -> Option<Reading> {
        let State::Behind { is_reading } = &mut self.state else { return None };
        *is_reading = true;
        let (chat, cursor) = (self.chat.clone(), self.cursor);
        Some(Box::pin(async move {
            let reader = Reader { caller: &caller, user_id: &user_id, outlet: &outlet, handle };
            let step = chats.catch_up(reader, &chat, cursor).await;
            Caught { handle, step }
        }))
    }

    /// A page was read: its frames, and at the end LIVE.
    pub fn caught(&mut self, caught: Caught) -> Result<Vec<Utf8Bytes>, Refusal> {
        // Else it was read for an earlier subscription of this handle.
        let State::Behind { is_reading: is_reading @ true } = &mut self.state else { return Ok(Vec::new()) };
        *is_reading = false;
        let Step { page, seated } = caught.step?;
        let mut frames = Vec::new();
        self.cursor = frame::batches(caught.handle, self.cursor, &page.messages, &mut frames);
        if let Some(seated) = seated {
            self.arrive(caught.handle, seated, &mut frames);
        }
        Ok(frames)
    }

    /// It has caught up: what lies behind its cursor, and LIVE.
    fn arrive(&mut self, handle: u32, seated: Seated, frames: &mut Vec<Utf8Bytes>) {
        let Seated { seat, backlog } = seated;
        // What was deleted at the chat's end is passed. A page may have seen more than has been published yet.
        self.cursor = frame::batches(handle, self.cursor, &backlog.messages, frames).max(backlog.to);
        frames.push(frame::live(handle, self.cursor));
        self.state = State::Live(seat);
    }

    /// Messages from the hub, and nothing else, as frames. One that does not follow on what was sent makes the subscription read again:
    /// nothing is skipped.
    pub fn deliver(&mut self, handle: u32, mut items: &[Item], frames: &mut Vec<Utf8Bytes>) {
        while self.is_live() {
            // Those that follow on the cursor, one by one.
            let next = items.iter().filter_map(|(_, parcel)| parcel.message()).zip(self.cursor + 1..);
            let next =
                next.take_while(|(delivery, seq)| delivery.chat == self.chat.key && delivery.message.seq == *seq);
            let count = frame::fitting(next.map(|(delivery, _)| &delivery.message));
            let (batch, rest) = items.split_at(count);
            if let [.., (_, Parcel::Message(last))] = batch {
                let from = self.cursor + 1;
                let stored = batch.iter().filter_map(|(_, parcel)| parcel.message()).map(|delivery| &delivery.message);
                frames.push(last.frame(handle, from, || frame::messages(handle, from, stored)));
                (self.cursor, items) = (last.message.seq, rest);
            } else if let [(_, Parcel::Message(other)), rest @ ..] = rest {
                // It is old, or of another chat; else there is a hole.
                if other.chat == self.chat.key && other.message.seq > self.cursor {
                    self.state = State::Behind { is_reading: false };
                }
                items = rest;
            } else {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::{Backlog, Delivery, Hub, Stored};

    /// A subscription that is live behind `seq`.
    fn live(seq: u64) -> Subscription {
        let chat = Chat { key: 1, id: "chat".to_owned(), epoch: 1, first_seq: 1, last_seq: seq, created_at: 0 };
        let ring = Hub::default().keep(chat.key);
        ring.fill(Backlog { after: seq, messages: Vec::new(), to: seq });
        let seated = ring.seat(seq, &Arc::default(), 7, 0);
        let (subscription, frames) = Subscription::begin(7, Joined { chat: Arc::new(chat), after: seq, seated });
        assert_eq!(frames, [format!("[21,7,1,{seq}]").into(), Utf8Bytes::from(format!("[23,7,{seq}]"))]);
        subscription
    }

    /// What the hub brings: each message is its own number.
    fn items(messages: impl IntoIterator<Item = (i64, u64)>) -> Vec<Item> {
        let stored = |seq: u64| Stored { seq, json: seq.to_string().into() };
        let delivery = |(chat, seq)| Arc::new(Delivery::new(chat, String::new(), stored(seq)));
        messages.into_iter().map(|message| (7, Parcel::Message(delivery(message)))).collect()
    }

    fn delivered(subscription: &mut Subscription, items: &[Item]) -> Vec<String> {
        let mut frames = Vec::new();
        subscription.deliver(7, items, &mut frames);
        frames.into_iter().map(|frame| frame.to_string()).collect()
    }

    #[test]
    fn what_follows_is_delivered_once_and_nothing_of_another_chat() {
        let mut subscription = live(5);
        let items = items([(1, 4), (1, 5), (1, 6), (2, 7), (1, 7), (1, 8), (1, 8)]);
        assert_eq!(delivered(&mut subscription, &items), ["[22,7,6,6,[6]]", "[22,7,7,8,[7,8]]"]);
        assert!(delivered(&mut subscription, &items).is_empty() && subscription.is_live());
    }

    #[test]
    fn a_hole_is_not_delivered_over_but_read() {
        let mut subscription = live(5);
        assert_eq!(delivered(&mut subscription, &items([(1, 6), (1, 8), (1, 9)])), ["[22,7,6,6,[6]]"]);
        assert!(!subscription.is_live());
        assert!(delivered(&mut subscription, &items([(1, 7)])).is_empty(), "what it reads holds that, too");
    }

    #[test]
    fn a_frame_is_made_once_for_all_who_stand_alike_and_again_for_the_others() {
        let items = items([(1, 6), (1, 7)]);
        let [mut one, mut same, mut other] = [live(5), live(5), live(6)];
        assert_eq!(delivered(&mut one, &items), ["[22,7,6,7,[6,7]]"]);
        assert_eq!(delivered(&mut other, &items), ["[22,7,7,7,[7]]"]);
        let mut frames = Vec::new();
        same.deliver(7, &items, &mut frames);
        let made = items[1].1.message().map(|last| last.frame(7, 6, || unreachable!("it is there")));
        assert_eq!(frames.first().map(|frame| frame.as_ptr()), made.map(|frame| frame.as_ptr()));
    }
}
