//! What waits for one connection. Bounded: a reader that falls behind is cut off, and hurts nobody else. Changes of
//! members never cut anybody off: where too many wait, one word that there were many stands for all of them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use micro_chat_wire::limit;

use super::Parcel;
use crate::metrics::Waiting as Depth;

/// Which of a connection's subscriptions something is for. A handle alone does not say: it may be used again while what
/// came for an earlier subscription still waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Recipient {
    /// How the client calls it.
    pub handle: u32,
    /// Which of the connection's subscriptions it is, in the order in which they began.
    pub number: u32,
}

/// Something for one subscription.
pub type Item = (Recipient, Parcel);

/// Why a connection has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Something did not fit: the connection has a hole now.
    FellBehind,
    /// What let its user in has been ended.
    Revoked,
    /// The server stops.
    Stopping,
}

/// Where the hub puts messages, and the connection takes them. All that a connection waits for, but its socket, is
/// here: one lock and one waker, so that ten thousand that wait cost little.
#[derive(Debug, Default)]
pub struct Outlet(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    items: Vec<Item>,
    /// How many of the items count: all but changes of members.
    count: usize,
    /// Of the items' JSON.
    bytes: usize,
    /// How many changes of members wait for each subscription; one more than may is the word that stands for them.
    events: BTreeMap<Recipient, usize>,
    end: Option<End>,
    waker: Option<Waker>,
}

impl Waiting {
    fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    fn push_event(&mut self, recipient: Recipient, parcel: Parcel) {
        let waiting = self.events.entry(recipient).or_default();
        if *waiting > limit::QUEUE_EVENTS {
            return;
        }
        *waiting += 1;
        if *waiting > limit::QUEUE_EVENTS {
            self.items.retain(|(other, parcel)| *other != recipient || !parcel.is_event());
            self.items.push((recipient, Parcel::Members));
        } else {
            self.items.push((recipient, parcel));
        }
    }

    fn forget_events(&mut self, recipient: Recipient) {
        if self.events.remove(&recipient).is_some() {
            self.items.retain(|(other, parcel)| *other != recipient || !parcel.is_event());
        }
    }

    fn wait(&mut self, context: &Context<'_>) {
        // The connection is one task, so that it is nearly always the same.
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            self.waker = Some(context.waker().clone());
        }
    }
}

impl Outlet {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds something, or cuts the connection off.
    pub fn push(&self, recipient: Recipient, parcel: Parcel) {
        let mut waiting = self.waiting();
        if waiting.end.is_some() {
            return;
        }
        // Where something waits already, it has been woken.
        let is_first = waiting.items.is_empty();
        let size = parcel.bytes();
        if parcel.is_event() {
            waiting.push_event(recipient, parcel);
        } else if waiting.count == 0
            || (waiting.count < limit::QUEUE_FRAMES && waiting.bytes + size <= limit::QUEUE_BYTES)
        {
            // An empty queue takes a message of any size.
            waiting.items.push((recipient, parcel));
            waiting.count += 1;
            waiting.bytes += size;
        } else {
            waiting.end = Some(End::FellBehind);
            waiting.wake();
        }
        if is_first {
            waiting.wake();
        }
    }

    /// That subscription is to hear of no changes of members that wait.
    pub fn forget_events(&self, recipient: Recipient) {
        self.waiting().forget_events(recipient);
    }

    /// How much waits.
    pub fn depth(&self) -> Depth {
        let waiting = self.waiting();
        Depth { messages: waiting.count, bytes: waiting.bytes }
    }

    /// The connection has to end, if it has not been told so before.
    pub fn end(&self, end: End) {
        let mut waiting = self.waiting();
        waiting.end.get_or_insert(end);
        waiting.wake();
    }

    /// All messages there are, or why the connection has to end.
    pub fn poll_take(&self, context: &Context<'_>) -> Poll<Result<Vec<Item>, End>> {
        let mut waiting = self.waiting();
        if let Some(end) = waiting.end {
            return Poll::Ready(Err(end));
        }
        if waiting.items.is_empty() {
            waiting.wait(context);
            return Poll::Pending;
        }
        (waiting.count, waiting.bytes) = (0, 0);
        waiting.events.clear();
        Poll::Ready(Ok(std::mem::take(&mut waiting.items)))
    }

    /// Why the connection has to end, once it has to.
    pub fn poll_end(&self, context: &Context<'_>) -> Poll<End> {
        let mut waiting = self.waiting();
        match waiting.end {
            Some(end) => Poll::Ready(end),
            None => {
                waiting.wait(context);
                Poll::Pending
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::{Delivery, Stored};
    use crate::store::{MemberChange, Membership};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// The only subscription that has that handle.
    fn of(handle: u32) -> Recipient {
        Recipient { handle, number: 0 }
    }

    fn delivery(size: usize) -> Parcel {
        let stored = Stored { seq: 1, json: "x".repeat(size).into() };
        Parcel::Message(Arc::new(Delivery::new(1, String::new(), stored, 0)))
    }

    fn take(outlet: &Outlet) -> Poll<Result<usize, End>> {
        outlet.poll_take(&Context::from_waker(Waker::noop())).map_ok(|items| items.len())
    }

    const CUT: Poll<Result<usize, End>> = Poll::Ready(Err(End::FellBehind));

    #[test]
    fn a_reader_is_cut_off_at_the_257th_waiting_message() {
        let outlet = Outlet::default();
        for _ in 0..limit::QUEUE_FRAMES {
            outlet.push(of(1), delivery(10));
        }
        assert_eq!(take(&outlet), Poll::Ready(Ok(limit::QUEUE_FRAMES)));
        for _ in 0..=limit::QUEUE_FRAMES {
            outlet.push(of(1), delivery(10));
        }
        assert_eq!(take(&outlet), CUT);
    }

    #[test]
    fn a_reader_is_cut_off_over_256_kib_but_one_large_message_always_fits() {
        let outlet = Outlet::default();
        outlet.push(of(1), delivery(limit::QUEUE_BYTES + 1));
        assert_eq!(take(&outlet), Poll::Ready(Ok(1)));
        outlet.push(of(1), delivery(limit::QUEUE_BYTES - 1));
        outlet.push(of(1), delivery(1));
        assert_eq!(take(&outlet), Poll::Ready(Ok(2)));
        outlet.push(of(1), delivery(limit::QUEUE_BYTES));
        outlet.push(of(1), delivery(1));
        assert_eq!(take(&outlet), CUT);
    }

    #[test]
    fn a_reader_that_keeps_up_is_never_cut_off() {
        let outlet = Outlet::default();
        for _ in 0..10 * limit::QUEUE_FRAMES {
            outlet.push(of(1), delivery(2_000));
            assert_eq!(take(&outlet), Poll::Ready(Ok(1)));
        }
        assert_eq!(take(&outlet), Poll::Pending);
    }

    fn joined(number: usize) -> Parcel {
        let membership = Membership::Joined(number.to_string());
        Parcel::Member(Arc::new(MemberChange { chat: 1, membership }))
    }

    /// What waits, in short.
    fn taken(outlet: &Outlet) -> Vec<(u32, &'static str)> {
        let Poll::Ready(Ok(items)) = outlet.poll_take(&Context::from_waker(Waker::noop())) else { return Vec::new() };
        let short = |parcel: &Parcel| match parcel {
            Parcel::Message(_) => "message",
            Parcel::Removal(_) => "removal",
            Parcel::Member(_) => "member",
            Parcel::Members => "members",
        };
        items.iter().map(|(recipient, parcel)| (recipient.handle, short(parcel))).collect()
    }

    #[test]
    fn changes_of_members_keep_their_place_among_messages_while_they_are_few() {
        let outlet = Outlet::default();
        for number in 0..limit::QUEUE_EVENTS {
            outlet.push(of(1), delivery(1));
            outlet.push(of(1), joined(number));
        }
        assert_eq!(taken(&outlet), [(1, "message"), (1, "member")].repeat(limit::QUEUE_EVENTS));
    }

    #[test]
    fn many_changes_of_members_become_one_word_and_take_no_place_of_messages() {
        let outlet = Outlet::default();
        outlet.push(of(2), joined(0));
        outlet.push(of(1), delivery(limit::QUEUE_BYTES));
        for number in 0..5_000 {
            outlet.push(of(1), joined(number));
        }
        assert!(outlet.waiting().items.capacity() <= 64, "what waits does not grow with what happens");
        assert_eq!(taken(&outlet), [(2, "member"), (1, "message"), (1, "members")]);
        // What comes then is told again, one by one, beside as many messages as ever.
        for number in 0..limit::QUEUE_FRAMES {
            outlet.push(of(1), joined(number % 2));
            outlet.push(of(1), delivery(1));
        }
        assert_eq!(taken(&outlet).len(), limit::QUEUE_FRAMES + 1);
        outlet.push(of(1), joined(0));
        assert_eq!(taken(&outlet), [(1, "member")]);
    }

    #[test]
    fn who_left_its_seat_hears_of_no_change_that_waited_for_it() {
        let outlet = Outlet::default();
        for handle in [1, 2] {
            outlet.push(of(handle), joined(0));
            outlet.push(of(handle), delivery(1));
        }
        outlet.forget_events(of(1));
        assert_eq!(taken(&outlet), [(1, "message"), (2, "member"), (2, "message")]);
    }

    #[derive(Default)]
    struct Wakes(AtomicU64);

    impl std::task::Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn who_waits_is_woken_once_by_the_first_message_and_by_an_end() {
        let (outlet, wakes) = (Outlet::default(), Arc::new(Wakes::default()));
        let waker = Waker::from(wakes.clone());
        let context = Context::from_waker(&waker);
        for round in 1..=3 {
            assert!(outlet.poll_take(&context).is_pending());
            outlet.push(of(1), delivery(1));
            outlet.push(of(1), delivery(1));
            assert_eq!(wakes.0.load(Ordering::Relaxed), round);
            assert!(outlet.poll_take(&context).is_ready());
        }
        assert!(outlet.poll_end(&context).is_pending());
        outlet.end(End::Stopping);
        assert_eq!(wakes.0.load(Ordering::Relaxed), 4);
        assert_eq!(outlet.poll_end(&context), Poll::Ready(End::Stopping));
    }
}
