//! The subscriptions of a session by their handles.

use super::subscription::Subscription;
use crate::hub::Recipient;

/// Most sessions have one or a few: a sorted list is smaller than a map, and faster.
#[derive(Default)]
pub struct Subscriptions(Vec<(u32, Subscription)>);

impl Subscriptions {
    fn position(&self, handle: u32) -> Result<usize, usize> {
        self.0.binary_search_by_key(&handle, |(handle, _)| *handle)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The one with that handle.
    pub fn get(&self, handle: u32) -> Option<&Subscription> {
        self.position(handle).ok().map(|at| &self.0[at].1)
    }

    /// The one with that handle.
    pub fn get_mut(&mut self, handle: u32) -> Option<&mut Subscription> {
        self.position(handle).ok().map(|at| &mut self.0[at].1)
    }

    /// The one that something is for, unless it is over: its handle may name another by now.
    pub fn recipient(&mut self, recipient: Recipient) -> Option<&mut Subscription> {
        self.get_mut(recipient.handle).filter(|subscription| subscription.number == recipient.number)
    }

    /// One more; another with that handle ends.
    pub fn insert(&mut self, handle: u32, subscription: Subscription) {
        match self.position(handle) {
            Ok(at) => self.0[at].1 = subscription,
            Err(at) => {
                // Most sessions have one: no room for others is kept.
                if self.0.is_empty() {
                    self.0.reserve_exact(1);
                }
                self.0.insert(at, (handle, subscription));
            }
        }
    }

    /// The one with that handle ends.
    pub fn remove(&mut self, handle: u32) {
        if let Ok(at) = self.position(handle) {
            self.0.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::{Context, Poll, Waker};

    use tokio::sync::mpsc;

    use super::*;
    use crate::chat::Joined;
    use crate::hub::{Backlog, Hub, Item, Keeper, Outlet, Subscriber, user_hash};
    use crate::store::{Chat, Committed, MemberChange, Membership};

    /// Ben subscribes.
    fn begin(ring: &Keeper, outlet: &Arc<Outlet>, recipient: Recipient) -> Subscription {
        let chat = Chat { key: 1, id: "chat".to_owned(), epoch: 1, first_seq: 1, last_seq: 0, created_at: 0 };
        let subscriber = Subscriber { outlet: outlet.clone(), recipient, user: user_hash("ben"), members: false };
        let joined = Joined { chat: Arc::new(chat), after: 0, seated: ring.seat(0, subscriber) };
        Subscription::begin(recipient, joined, false).0
    }

    /// Ben is put out: what comes of that to his connection.
    async fn put_out(hub: &Hub, outlet: &Outlet) -> Vec<Item> {
        let (committed, commits) = mpsc::channel(1);
        let membership = Membership::Kicked("ben".to_owned(), None);
        let kicked = Committed::Member(Arc::new(MemberChange { chat: 1, membership }));
        committed.send(vec![kicked]).await.expect("it is taken");
        drop(committed);
        hub.clone().run(commits).await;
        match outlet.poll_take(&Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(items)) => items,
            _ => Vec::new(),
        }
    }

    #[tokio::test]
    async fn a_removal_that_waited_is_not_of_a_later_subscription_with_its_handle_and_chat() {
        let (hub, outlet) = (Hub::default(), Arc::<Outlet>::default());
        let ring = hub.keep(1);
        ring.fill(Backlog::default(), 0);
        let mut subscriptions = Subscriptions::default();
        let mut is_ended_by = async |number: u32, between: fn(&mut Subscriptions)| {
            subscriptions.insert(7, begin(&ring, &outlet, Recipient { handle: 7, number }));
            let waited = put_out(&hub, &outlet).await;
            assert!(waited.iter().all(|(_, parcel)| parcel.ends(1, "ben")) && waited.len() == 1);
            between(&mut subscriptions);
            if subscriptions.len() == 0 {
                subscriptions.insert(7, begin(&ring, &outlet, Recipient { handle: 7, number: number + 1 }));
            }
            subscriptions.recipient(waited[0].0).is_some()
        };
        // He is back in, closes, and subscribes again, all while that waits.
        assert!(!is_ended_by(1, |subscriptions| subscriptions.remove(7)).await);
        // The control: whoever is still subscribed is put out.
        assert!(is_ended_by(3, |_| ()).await);
    }
}
