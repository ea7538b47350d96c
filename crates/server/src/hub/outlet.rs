//! What waits for one connection. Bounded: a reader that falls behind is cut off, and hurts nobody else.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use micro_chat_wire::limit;

use super::Parcel;

/// Something for the subscription with that handle.
pub type Item = (u32, Parcel);

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

/// Where the hub puts messages, and the connection takes them. All that a connection waits for, but its socket, is here:
/// one lock and one waker, so that ten thousand that wait cost little.
#[derive(Debug, Default)]
pub struct Outlet(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    items: Vec<Item>,
    /// Of the items' JSON.
    bytes: usize,
    end: Option<End>,
    waker: Option<Waker>,
}

impl Waiting {
    fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
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
    pub fn push(&self, handle: u32, parcel: Parcel) {
        let mut waiting = self.waiting();
        if waiting.end.is_some() {
            return;
        }
        let size = parcel.bytes();
        // An empty queue takes a message of any size.
        let is_first = waiting.items.is_empty();
        if is_first || (waiting.items.len() < limit::QUEUE_FRAMES && waiting.bytes + size <= limit::QUEUE_BYTES) {
            waiting.items.push((handle, parcel));
            waiting.bytes += size;
            // Where something waits already, it has been woken.
            if is_first {
                waiting.wake();
            }
        } else {
            waiting.end = Some(End::FellBehind);
            waiting.wake();
        }
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
        waiting.bytes = 0;
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
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn delivery(size: usize) -> Parcel {
        let stored = Stored { seq: 1, json: "x".repeat(size).into() };
        Parcel::Message(Arc::new(Delivery::new(1, String::new(), stored)))
    }

    fn take(outlet: &Outlet) -> Poll<Result<usize, End>> {
        outlet.poll_take(&Context::from_waker(Waker::noop())).map_ok(|items| items.len())
    }

    const CUT: Poll<Result<usize, End>> = Poll::Ready(Err(End::FellBehind));

    #[test]
    fn a_reader_is_cut_off_at_the_257th_waiting_message() {
        let outlet = Outlet::default();
        for _ in 0..limit::QUEUE_FRAMES {
            outlet.push(1, delivery(10));
        }
        assert_eq!(take(&outlet), Poll::Ready(Ok(limit::QUEUE_FRAMES)));
        for _ in 0..=limit::QUEUE_FRAMES {
            outlet.push(1, delivery(10));
        }
        assert_eq!(take(&outlet), CUT);
    }

    #[test]
    fn a_reader_is_cut_off_over_256_kib_but_one_large_message_always_fits() {
        let outlet = Outlet::default();
        outlet.push(1, delivery(limit::QUEUE_BYTES + 1));
        assert_eq!(take(&outlet), Poll::Ready(Ok(1)));
        outlet.push(1, delivery(limit::QUEUE_BYTES - 1));
        outlet.push(1, delivery(1));
        assert_eq!(take(&outlet), Poll::Ready(Ok(2)));
        outlet.push(1, delivery(limit::QUEUE_BYTES));
        outlet.push(1, delivery(1));
        assert_eq!(take(&outlet), CUT);
    }

    #[test]
    fn a_reader_that_keeps_up_is_never_cut_off() {
        let outlet = Outlet::default();
        for _ in 0..10 * limit::QUEUE_FRAMES {
            outlet.push(1, delivery(2_000));
            assert_eq!(take(&outlet), Poll::Ready(Ok(1)));
        }
        assert_eq!(take(&outlet), Poll::Pending);
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
            outlet.push(1, delivery(1));
            outlet.push(1, delivery(1));
            assert_eq!(wakes.0.load(Ordering::Relaxed), round);
            assert!(outlet.poll_take(&context).is_ready());
        }
        assert!(outlet.poll_end(&context).is_pending());
        outlet.end(End::Stopping);
        assert_eq!(wakes.0.load(Ordering::Relaxed), 4);
        assert_eq!(outlet.poll_end(&context), Poll::Ready(End::Stopping));
    }
}
