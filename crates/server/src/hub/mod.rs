//! Who listens to which chat, on this node.
//!
//! - [`Hub`]: chats and their subscribers,
//! - [`Parcel`]: what comes to a subscriber, a [`Delivery`] most of the time,
//! - [`Outlet`]: what waits for one connection, bounded,
//! - `Ring`: a chat's most recent messages, for those who come back.

mod delivery;
mod outlet;
mod ring;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use slab::Slab;
use tokio::sync::{mpsc, watch};

use crate::broken::{self, Broken};
use crate::store::{ChatKey, Committed, Gone, MemberChange, Membership, Message, Removal};
pub use delivery::{Delivery, Parcel, Stored};
pub use outlet::{End, Item, Outlet, Recipient};
use ring::Ring;
pub use ring::{Backlog, RING, RingSize};

/// Chats are spread over this many locks.
const SHARDS: usize = 16;

/// One subscription: a connection's outlet, and how the connection tells it from its others.
#[derive(Debug)]
pub struct Subscriber {
    /// Where deliveries come.
    pub outlet: Arc<Outlet>,
    /// For which of its subscriptions.
    pub recipient: Recipient,
    /// Whose it is.
    pub user: UserHash,
    /// Whether it hears of those who come and go.
    pub members: bool,
}

/// A user's name, as much of it as tells most users apart.
pub type UserHash = u64;

/// The hash of that name.
pub fn user_hash(user_id: &str) -> UserHash {
    let mut hasher = DefaultHasher::new();
    user_id.hash(&mut hasher);
    hasher.finish()
}

/// A chat as the hub knows it, while it has subscribers or a ring.
#[derive(Debug, Default)]
struct Room {
    subscribers: Slab<Subscriber>,
    /// How many of them hear of those who come and go.
    watchers: usize,
    /// Boxed: most rooms have none.
    ring: Option<Box<Ring>>,
}

type Shard = HashMap<ChatKey, Room>;

/// Chats and their subscribers. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Hub(Arc<State>);

#[derive(Debug, Default)]
struct State {
    shards: [Mutex<Shard>; SHARDS],
    /// How much has been published.
    published: watch::Sender<u64>,
    /// Seats that are taken.
    seats: AtomicU64,
    /// Messages put into outlets, once for each. Counted a message at a time, not a delivery.
    deliveries: AtomicU64,
}

/// A place among a chat's subscribers; left when it is dropped.
#[derive(Debug)]
pub struct Seat {
    hub: Hub,
    chat: ChatKey,
    key: usize,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.hub.change(self.chat, |room| {
            let Some(left) = room.subscribers.try_remove(self.key) else { return };
            if left.members {
                room.watchers -= 1;
                // Nobody hears of them any more.
                left.outlet.forget_events(left.recipient);
            }
        });
        self.hub.0.seats.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A seat, and what the reader has to be given before what comes to it.
#[derive(Debug)]
pub struct Seated {
    /// Gets all behind the backlog.
    pub seat: Seat,
    /// All from the reader's cursor up to where it was seated.
    pub backlog: Backlog,
}

/// Keeps a chat's ring; it goes with the last who keeps it.
#[derive(Debug)]
pub struct Keeper {
    hub: Hub,
    chat: ChatKey,
}

/// Makes a ring keep more than usually, until it is dropped.
#[derive(Debug)]
pub struct Hold<'a>(&'a Keeper);

impl Keeper {
    /// What the database held when it was read, which was after the ring had begun to collect, and after
    /// [`removals`](Self::removals) was asked. Whether that still holds: otherwise it has to be read again.
    pub fn fill(&self, tail: Backlog, removals: u64) -> bool {
        let mut is_current = true;
        self.change(|ring| {
            is_current = ring.removals == removals;
            if is_current {
                ring.fill(tail);
            }
        });
        is_current
    }

    /// How often messages were taken out of the ring.
    pub fn removals(&self) -> u64 {
        let shard = self.hub.shard(self.chat);
        shard.get(&self.chat).and_then(|room| room.ring.as_ref()).map_or(0, |ring| ring.removals)
    }

    /// Whether another keeper has filled it.
    pub fn is_filled(&self) -> bool {
        let shard = self.hub.shard(self.chat);
        shard.get(&self.chat).and_then(|room| room.ring.as_ref()).is_some_and(|ring| ring.is_filled)
    }

    /// From now on the ring keeps what is published, as far as that may wait for a connection.
    pub fn hold(&self) -> Hold<'_> {
        self.change(|ring| ring.holds += 1);
        Hold(self)
    }

    /// A seat for a reader that has all up to `after`, and what it has not; in one step, so that nothing is between the
    /// two. None: the ring begins later than that. A cursor beyond the end is taken for the end.
    pub fn seat(&self, after: u64, subscriber: Subscriber) -> Option<Seated> {
        let mut shard = self.hub.shard(self.chat);
        let room = shard.get_mut(&self.chat)?;
        let backlog = room.ring.as_ref()?.behind(after)?;
        room.watchers += usize::from(subscriber.members);
        let key = room.subscribers.insert(subscriber);
        self.hub.0.seats.fetch_add(1, Ordering::Relaxed);
        Some(Seated { seat: Seat { hub: self.hub.clone(), chat: self.chat, key }, backlog })
    }

    fn change(&self, change: impl FnOnce(&mut Ring)) {
        self.hub.change(self.chat, |room| {
            if let Some(ring) = &mut room.ring {
                change(ring);
                if ring.keepers == 0 {
                    room.ring = None;
                }
            }
        });
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.change(|ring| ring.keepers -= 1);
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.0.change(|ring| {
            ring.holds -= 1;
            ring.trim();
        });
    }
}

impl Hub {
    fn shard(&self, chat: ChatKey) -> MutexGuard<'_, Shard> {
        // Rows are numbered one by one, so the remainder spreads them. Nothing panics while a shard is held.
        let index = chat.rem_euclid(SHARDS as i64) as usize;
        self.0.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes a room, which goes when it is empty.
    fn change(&self, chat: ChatKey, change: impl FnOnce(&mut Room)) {
        let mut shard = self.shard(chat);
        if let Some(room) = shard.get_mut(&chat) {
            change(room);
            if room.subscribers.is_empty() && room.ring.is_none() {
                shard.remove(&chat);
            }
        }
    }

    /// From now on the chat's ring collects what is published.
    pub fn keep(&self, chat: ChatKey) -> Keeper {
        self.shard(chat).entry(chat).or_default().ring.get_or_insert_default().keepers += 1;
        Keeper { hub: self.clone(), chat }
    }

    /// Hands on what was committed, until nothing can be committed any more.
    pub async fn run(self, mut committed: mpsc::Receiver<Vec<Committed>>) {
        while let Some(batch) = committed.recv().await {
            for one in &batch {
                match one {
                    Committed::Message(message) => self.publish(message),
                    Committed::Member(change) => self.tell(change),
                    Committed::Removed(removal) => self.remove(removal),
                }
            }
            self.0.published.send_modify(|published| *published += batch.len() as u64);
        }
    }

    /// Ends when so much has been published since the start.
    pub async fn reached(&self, count: u64) {
        if *self.0.published.borrow() < count {
            // It can't fail: this is a sender as well.
            let _ = self.0.published.subscribe().wait_for(|published| *published >= count).await;
        }
    }

    /// How many seats are taken.
    pub fn seats(&self) -> u64 {
        self.0.seats.load(Ordering::Relaxed)
    }

    /// How many messages were put into outlets since the start.
    pub fn deliveries(&self) -> u64 {
        self.0.deliveries.load(Ordering::Relaxed)
    }

    /// Puts the message into its chat's ring and the outlet of each of its subscribers.
    fn publish(&self, message: &Message) {
        let mut shard = self.shard(message.chat);
        let Some(room) = shard.get_mut(&message.chat) else { return };
        let stored = Stored::from(message);
        if let Some(ring) = &mut room.ring {
            ring.push(stored.clone());
        }
        if room.subscribers.is_empty() {
            return;
        }
        let delivery = Arc::new(Delivery::new(message.chat, message.user_id.clone(), stored, message.sent_at));
        for (_, subscriber) in &room.subscribers {
            subscriber.outlet.push(subscriber.recipient, Parcel::Message(delivery.clone()));
        }
        self.0.deliveries.fetch_add(room.subscribers.len() as u64, Ordering::Relaxed);
    }

    /// Takes messages out of their chat's ring. Subscribers have them already, or never get them.
    fn remove(&self, removal: &Removal) {
        if broken::is(Broken::Rings) {
            return;
        }
        let mut shard = self.shard(removal.chat);
        let ring = shard.get_mut(&removal.chat).and_then(|room| room.ring.as_mut());
        match (ring, &removal.gone) {
            (None, _) => {}
            (Some(ring), Gone::Seqs(seqs)) => ring.remove(seqs),
            (Some(ring), Gone::Before(first_seq)) => ring.begin_at(*first_seq),
        }
    }

    /// Tells those of a chat's subscribers who are members no more, and of all changes those who want to hear of them.
    fn tell(&self, change: &Arc<MemberChange>) {
        let shard = self.shard(change.chat);
        let Some(room) = shard.get(&change.chat) else { return };
        let gone = change.membership.gone().map(user_hash);
        let ends = change.membership == Membership::Ended;
        if !ends && gone.is_none() && room.watchers == 0 {
            return;
        }
        for (_, subscriber) in &room.subscribers {
            // Nobody else's place in a queue is taken by comings and goings.
            if ends || gone == Some(subscriber.user) {
                subscriber.outlet.push(subscriber.recipient, Parcel::Removal(change.clone()));
            }
            if subscriber.members && !ends {
                subscriber.outlet.push(subscriber.recipient, Parcel::Member(change.clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::{Context, Poll, Waker};

    fn taken(outlet: &Outlet) -> usize {
        match outlet.poll_take(&Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(items)) => items.len(),
            _ => 0,
        }
    }

    #[test]
    fn changes_of_members_come_to_who_asked_and_to_no_later_seat_of_the_same_number() {
        let hub = Hub::default();
        let ring = hub.keep(1);
        ring.fill(Backlog::default(), 0);
        let outlets = [Arc::<Outlet>::default(), Arc::default()];
        let seat = |at: usize| {
            let subscriber =
                Subscriber { outlet: outlets[at].clone(), recipient: Recipient::default(), user: 0, members: at == 0 };
            ring.seat(0, subscriber).expect("a seat").seat
        };
        let seats = [seat(0), seat(1)];
        let change = |membership| hub.tell(&Arc::new(MemberChange { chat: 1, membership }));
        change(Membership::Joined("cat".to_owned()));
        assert_eq!((taken(&outlets[0]), taken(&outlets[1])), (1, 0));
        change(Membership::Left("cat".to_owned()));
        drop(seats);
        let _again = [seat(0), seat(1)];
        assert_eq!((taken(&outlets[0]), taken(&outlets[1])), (0, 0), "what waited was for the one before");
        change(Membership::Ended);
        assert_eq!((taken(&outlets[0]), taken(&outlets[1])), (1, 1));
    }
}
