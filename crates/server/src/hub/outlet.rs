//! What waits for one connection. Bounded: a reader that falls behind is cut off, and hurts nobody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use micro_chat_wire::limit;
use tokio::sync::{Notify, mpsc};

use super::Delivery;

/// A message for the subscription with that handle.
pub type Item = (u32, Arc<Delivery>);

/// Where the hub puts messages.
#[derive(Debug)]
pub struct Outlet {
    queue: mpsc::Sender<Item>,
    /// Bytes that wait.
    bytes: AtomicUsize,
    /// Whether something did not fit: this connection has a hole now and must end.
    cut: AtomicBool,
    /// Wakes the connection when it is cut off.
    woken: Notify,
}

/// Where the connection takes them.
#[derive(Debug)]
pub struct Inlet {
    queue: mpsc::Receiver<Item>,
    outlet: Arc<Outlet>,
}

impl Outlet {
    /// Both ends of an empty queue.
    pub fn new() -> (Arc<Self>, Inlet) {
        let (sender, receiver) = mpsc::channel(limit::QUEUE_FRAMES);
        let outlet = Arc::new(Self {
            queue: sender,
            bytes: AtomicUsize::new(0),
            cut: AtomicBool::new(false),
            woken: Notify::new(),
        });
        (outlet.clone(), Inlet { queue: receiver, outlet })
    }

    /// Adds a message, or cuts the connection off.
    pub fn push(&self, handle: u32, delivery: &Arc<Delivery>) {
        if self.cut.load(Ordering::Relaxed) {
            return;
        }
        let size = delivery.json.len();
        let waiting = self.bytes.fetch_add(size, Ordering::Relaxed);
        // An empty queue takes a message of any size.
        let fits = waiting == 0 || waiting + size <= limit::QUEUE_BYTES;
        if !fits || self.queue.try_send((handle, delivery.clone())).is_err() {
            self.cut.store(true, Ordering::Relaxed);
            self.woken.notify_one();
        }
    }

    /// Ends once the connection has been cut off.
    pub async fn cut(&self) {
        while !self.cut.load(Ordering::Relaxed) {
            self.woken.notified().await;
        }
    }
}

impl Inlet {
    /// Waits for messages and takes all there are, at most `limit`. Cancel-safe.
    pub async fn take(&mut self, items: &mut Vec<Item>, limit: usize) {
        self.queue.recv_many(items, limit).await;
        let taken = items.iter().map(|(_, delivery)| delivery.json.len()).sum();
        self.outlet.bytes.fetch_sub(taken, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(size: usize) -> Arc<Delivery> {
        Arc::new(Delivery { chat: 1, seq: 1, user_id: String::new(), json: "x".repeat(size).into() })
    }

    async fn is_cut(outlet: &Outlet) -> bool {
        tokio::time::timeout(std::time::Duration::from_millis(20), outlet.cut()).await.is_ok()
    }

    #[tokio::test]
    async fn a_reader_is_cut_off_at_the_257th_waiting_message() {
        let (outlet, _inlet) = Outlet::new();
        for _ in 0..limit::QUEUE_FRAMES {
            outlet.push(1, &delivery(10));
        }
        assert!(!is_cut(&outlet).await);
        outlet.push(1, &delivery(10));
        assert!(is_cut(&outlet).await);
    }

    #[tokio::test]
    async fn a_reader_is_cut_off_over_256_kib_but_one_large_message_always_fits() {
        let (outlet, mut inlet) = Outlet::new();
        outlet.push(1, &delivery(limit::QUEUE_BYTES + 1));
        let mut items = Vec::new();
        inlet.take(&mut items, 10).await;
        assert_eq!(items.len(), 1);
        outlet.push(1, &delivery(limit::QUEUE_BYTES));
        assert!(!is_cut(&outlet).await);
        outlet.push(1, &delivery(1));
        assert!(is_cut(&outlet).await);
    }

    #[tokio::test]
    async fn a_reader_that_keeps_up_is_never_cut_off() {
        let (outlet, mut inlet) = Outlet::new();
        let mut items = Vec::new();
        for _ in 0..10 * limit::QUEUE_FRAMES {
            outlet.push(1, &delivery(2_000));
            items.clear();
            inlet.take(&mut items, 16).await;
        }
        assert!(!is_cut(&outlet).await);
    }
}
