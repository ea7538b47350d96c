//! One chat of a session: catching up first, live then; and who is in it, where that is asked for.

use std::pin::Pin;
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;

use micro_chat_wire::limit;

use super::frame;
use super::members::Members;
use crate::auth::Caller;
use crate::broken::{self, Broken};
use crate::chat::{Chats, Joined, Reader, Refusal, Step};
use crate::hub::{Item, Outlet, Parcel, Recipient, Seat, Seated};
use crate::store::{Chat, MemberPage};

/// Something being read for a subscription.
pub type Reading = Pin<Box<dyn Future<Output = Read> + Send>>;

/// Something that was read.
pub struct Read {
    /// Whose it is.
    pub handle: u32,
    what: What,
}

enum What {
    /// A page of messages.
    Page(Result<Step, Refusal>),
    /// A page of members.
    Members(Result<MemberPage, Refusal>),
}

/// A chat that is delivered under a handle.
pub struct Subscription {
    /// Which of the session's subscriptions it is: others may have had its handle before.
    pub number: u32,
    /// The chat.
    pub chat: Arc<Chat>,
    /// The last `seq` that was sent, or was passed because it was deleted.
    cursor: u64,
    state: State,
    /// For who wants to know. Boxed: most don't.
    members: Option<Box<Members>>,
}

enum State {
    /// Its messages have to be read.
    Behind,
    /// They are being read. It may have its seat before that is known here: what comes to it then waits.
    Reading(Early),
    /// Messages go out as they come. The seat is left when it is dropped.
    Live(#[expect(dead_code, reason = "held")] Seat),
}

/// Messages that came to a seat before its subscription knew of it; none: more than may wait.
type Early = Option<Vec<Item>>;

impl Subscription {
    /// Begins behind where the reader joined: what is to be said of that at once.
    pub fn begin(recipient: Recipient, joined: Joined, members: bool) -> (Self, Vec<Utf8Bytes>) {
        let Recipient { handle, number } = recipient;
        let Joined { chat, after, seated } = joined;
        let mut frames = vec![frame::subscribed(handle, chat.epoch, after)];
        let members = members.then(|| Box::new(Members::new()));
        let mut subscription = Self { number, chat, cursor: after, state: State::Behind, members };
        if let Some(seated) = seated {
            subscription.arrive(handle, seated, &mut frames);
        }
        (subscription, frames)
    }

    fn is_live(&self) -> bool {
        matches!(self.state, State::Live(_))
    }

    /// Whether something has to be read for it.
    pub fn has_to_read(&self) -> bool {
        match self.state {
            State::Behind => true,
            State::Reading(_) => false,
            State::Live(_) => self.members.as_ref().is_some_and(|members| members.are_due()),
        }
    }

    /// Begins to read the next page: of messages, and once there are no more of members.
    pub fn read(
        &mut self,
        handle: u32,
        chats: Chats,
        caller: Caller,
        user_id: String,
        outlet: Arc<Outlet>,
    ) -> Option<Reading> {
        if !self.has_to_read() {
            return None;
        }
        let recipient = Recipient { handle, number: self.number };
        let (chat, cursor, wants_members) = (self.chat.clone(), self.cursor, self.members.is_some());
        let after = match &mut self.members {
            Some(members) if matches!(self.state, State::Live(_)) => members.read(),
            _ => {
                self.state = State::Reading(Some(Vec::new()));
                None
            }
        };
        Some(Box::pin(async move {
            let (caller, user_id, outlet) = (&caller, &user_id, &outlet);
            let reader = Reader { caller, user_id, outlet, recipient, members: wants_members };
            let what = match after {
                Some(after) => What::Members(chats.members(reader, &chat, after).await),
                None => What::Page(chats.catch_up(reader, &chat, cursor).await),
            };
            Read { handle, what }
        }))
    }

    /// Something was read: its frames, and at the end of the messages LIVE.
    pub fn take(&mut self, read: Read) -> Result<Vec<Utf8Bytes>, Refusal> {
        let Read { handle, what } = read;
        let mut frames = Vec::new();
        match what {
            What::Members(page) => {
                // Else it was read for an earlier subscription of this handle, and its refusal is that one's, too.
                if let Some(members) = self.members.as_mut().filter(|members| members.are_being_read()) {
                    members.list(handle, page?, &mut frames);
                }
            }
            What::Page(step) => {
                // Else it was read for an earlier subscription of this handle.
                let State::Reading(early) = &mut self.state else { return Ok(frames) };
                let early = early.take();
                self.state = State::Behind;
                let Step { page, seated } = step?;
                if page.after > self.cursor && !broken::is(Broken::Gaps) {
                    // What lay between went while this was catching up: it begins anew, behind that.
                    self.cursor = page.after;
                    frames.push(frame::subscribed(handle, self.chat.epoch, page.after));
                }
                self.cursor = frame::batches(handle, self.cursor, &page.messages, &mut frames);
                if let (Some(seated), Some(early)) = (seated, early) {
                    self.arrive(handle, seated, &mut frames);
                    self.deliver(handle, &early, &mut frames);
                }
            }
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
        if let Some(members) = &mut self.members {
            // Nobody told it of changes while it had no seat.
            members.renew();
        }
    }

    /// What the hub brought, but for its own removal, as frames. A message that does not follow on what was sent makes
    /// the subscription read again: nothing is skipped.
    pub fn deliver(&mut self, handle: u32, mut items: &[Item], frames: &mut Vec<Utf8Bytes>) {
        if let State::Reading(early) = &mut self.state {
            // What changed of the members is read once it is live.
            let messages = items.iter().filter(|(_, parcel)| parcel.message().is_some());
            *early = early.take().map(|early| early.into_iter().chain(messages.cloned()).collect::<Vec<_>>());
            early.take_if(|early| early.len() > limit::QUEUE_FRAMES);
        }
        while self.is_live() {
            // Those that follow on the cursor, one by one.
            let next = items.iter().map_while(|(_, parcel)| parcel.message()).zip(self.cursor + 1..);
            let next =
                next.take_while(|(delivery, seq)| delivery.chat == self.chat.key && delivery.message.seq == *seq);
            let count = frame::fitting(next.map(|(delivery, _)| &delivery.message));
            let (batch, rest) = items.split_at(count);
            if let [.., (_, Parcel::Message(last))] = batch {
                let from = self.cursor + 1;
                let stored = batch.iter().filter_map(|(_, parcel)| parcel.message()).map(|delivery| &delivery.message);
                frames.push(last.frame(handle, from, || frame::messages(handle, from, stored)));
                (self.cursor, items) = (last.message.seq, rest);
                continue;
            }
            let Some(((_, first), rest)) = rest.split_first() else { return };
            items = rest;
            match (first, &mut self.members) {
                // It is old, or of another chat; else there is a hole.
                (Parcel::Message(other), _) => {
                    if other.chat == self.chat.key && other.message.seq > self.cursor {
                        self.state = State::Behind;
                    }
                }
                (Parcel::Member(change), Some(members)) if change.chat == self.chat.key => {
                    members.change(handle, change, frames);
                }
                (Parcel::Members, Some(members)) => members.renew(),
                // Another's, who has the same hash.
                (Parcel::Removal(_) | Parcel::Member(_) | Parcel::Members, _) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::{Backlog, Delivery, Hub, Stored, Subscriber};

    const SEVENTH: Recipient = Recipient { handle: 7, number: 7 };

    /// A subscription that is live behind `seq`.
    fn live(seq: u64) -> Subscription {
        let chat = Chat { key: 1, id: "chat".to_owned(), epoch: 1, first_seq: 1, last_seq: seq, created_at: 0 };
        let ring = Hub::default().keep(chat.key);
        ring.fill(Backlog { after: seq, messages: Vec::new(), to: seq }, 0);
        let seated = ring.seat(seq, Subscriber { outlet: Arc::default(), recipient: SEVENTH, user: 0, members: false });
        let (subscription, frames) =
            Subscription::begin(SEVENTH, Joined { chat: Arc::new(chat), after: seq, seated }, false);
        assert_eq!(frames, [format!("[21,7,1,{seq}]").into(), Utf8Bytes::from(format!("[23,7,{seq}]"))]);
        subscription
    }

    /// What the hub brings: each message is its own number.
    fn items(messages: impl IntoIterator<Item = (i64, u64)>) -> Vec<Item> {
        let stored = |seq: u64| Stored { seq, json: seq.to_string().into() };
        let delivery = |(chat, seq)| Arc::new(Delivery::new(chat, String::new(), stored(seq), 0));
        messages.into_iter().map(|message| (SEVENTH, Parcel::Message(delivery(message)))).collect()
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
    fn a_refusal_of_what_was_read_for_an_earlier_subscription_ends_no_other() {
        let refused = || Read { handle: 7, what: What::Members(Err(Refusal::Removed)) };
        let mut subscription = live(5);
        subscription.members = Some(Box::new(Members::new()));
        assert!(matches!(subscription.take(refused()), Ok(frames) if frames.is_empty()));
        subscription.members.as_mut().and_then(|members| members.read());
        assert!(matches!(subscription.take(refused()), Err(Refusal::Removed)));
    }

    /// What was read for it: a page that ends at `seq`, and its seat there.
    fn read(subscription: &Subscription, seq: u64) -> Read {
        let ring = Hub::default().keep(subscription.chat.key);
        ring.fill(Backlog { after: seq, messages: Vec::new(), to: seq }, 0);
        let seated = ring.seat(seq, Subscriber { outlet: Arc::default(), recipient: SEVENTH, user: 0, members: false });
        let page = Arc::new(Backlog { after: seq, messages: Vec::new(), to: seq });
        Read { handle: 7, what: What::Page(Ok(Step { page, seated })) }
    }

    #[test]
    fn what_comes_to_a_seat_before_the_subscription_knows_of_it_is_kept() {
        let mut subscription = live(5);
        subscription.state = State::Reading(Some(Vec::new()));
        for seq in [6, 7] {
            assert!(delivered(&mut subscription, &items([(1, seq)])).is_empty());
        }
        let frames = subscription.take(read(&subscription, 5)).unwrap_or_default();
        assert_eq!(frames, ["[23,7,5]", "[22,7,6,7,[6,7]]"]);
        // More than may wait is read again, from where it stands.
        subscription.state = State::Reading(Some(Vec::new()));
        delivered(&mut subscription, &items((8..=8 + limit::QUEUE_FRAMES as u64).map(|seq| (1, seq))));
        delivered(&mut subscription, &items([(1, 300)]));
        let frames = subscription.take(read(&subscription, 7)).unwrap_or_default();
        assert_eq!((frames.len(), subscription.has_to_read()), (0, true));
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
