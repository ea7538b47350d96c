//! How much each may do: an address, a user, a tenant. What is over that waits, or is told when to come again.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::auth::Caller;

/// Those who have been quiet for long are forgotten each time that so many have asked.
const SWEEP: u32 = 10_000;

/// So many at once, and so many a second from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// A second.
    pub steady: NonZeroU32,
    /// At once.
    pub burst: NonZeroU32,
}

impl Rate {
    /// A rate; 0 is taken for 1.
    pub const fn new(steady: u32, burst: u32) -> Self {
        const fn some(number: u32) -> NonZeroU32 {
            match NonZeroU32::new(number) {
                Some(number) => number,
                None => NonZeroU32::MIN,
            }
        }
        Self { steady: some(steady), burst: some(burst) }
    }
}

/// How much is too much.
#[derive(Clone, Debug)]
pub struct Rates {
    /// Calls and handshakes of an address.
    pub requests: Rate,
    /// Messages of a user.
    pub sends: Rate,
    /// Messages of all users of a tenant.
    pub sends_of_namespace: Rate,
    /// Chats that a user asks for.
    pub chats: Rate,
    /// Connections of an address that are open at a time, whatever comes on them. Behind a proxy they are the proxy's,
    /// and aren't counted.
    pub connections: usize,
    /// Streams of an address that are open at a time.
    pub streams_of_address: usize,
    /// Streams of a user that are open at a time.
    pub streams_of_user: usize,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            requests: Rate::new(100, 500),
            sends: Rate::new(20, 200),
            sends_of_namespace: Rate::new(5_000, 20_000),
            chats: Rate::new(2, 60),
            connections: 1_000,
            streams_of_address: 1_000,
            streams_of_user: 50,
        }
    }
}

/// A user: their tenant, and their name there.
type User = (String, String);

/// Counts what everybody does.
#[derive(Debug)]
pub struct Limits {
    requests: Flow<IpAddr>,
    sends: Flow<User>,
    sends_of_namespace: Flow<String>,
    chats: Flow<User>,
    connections: Crowd<IpAddr>,
    streams_of_address: Crowd<IpAddr>,
    streams_of_user: Crowd<User>,
}

/// For how long to stay away.
pub type Wait = Duration;

impl Limits {
    /// Nobody has done anything yet.
    pub fn new(rates: &Rates) -> Self {
        Self {
            requests: Flow::new(rates.requests),
            sends: Flow::new(rates.sends),
            sends_of_namespace: Flow::new(rates.sends_of_namespace),
            chats: Flow::new(rates.chats),
            connections: Crowd::new(rates.connections),
            streams_of_address: Crowd::new(rates.streams_of_address),
            streams_of_user: Crowd::new(rates.streams_of_user),
        }
    }

    /// An address calls.
    pub fn request(&self, address: IpAddr) -> Result<(), Wait> {
        self.requests.take(network(address))
    }

    /// Somebody sends a message.
    pub fn send(&self, caller: &Caller) -> Result<(), Wait> {
        if !caller.is_known() {
            return Ok(());
        }
        // The tenant's first: while it is over its limit, nobody's own is used up by waiting.
        self.sends_of_namespace.take(caller.namespace.clone())?;
        user(caller).map_or(Ok(()), |user| self.sends.take(user))
    }

    /// Somebody asks for a chat.
    pub fn chat(&self, caller: &Caller) -> Result<(), Wait> {
        user(caller).map_or(Ok(()), |user| self.chats.take(user))
    }

    /// A connection comes from there; it counts until the place is dropped. None: there are too many.
    pub fn connection(&self, address: IpAddr) -> Option<Place<IpAddr>> {
        self.connections.enter(network(address))
    }

    /// A stream is opened from there; likewise.
    pub fn stream_of_address(&self, address: IpAddr) -> Option<Place<IpAddr>> {
        self.streams_of_address.enter(network(address))
    }

    /// The same for a user, who has to be known.
    pub fn stream_of_user(&self, caller: &Caller) -> Option<Place<User>> {
        self.streams_of_user.enter(user(caller).unwrap_or_default())
    }
}

fn user(caller: &Caller) -> Option<User> {
    caller.user().map(|user| (caller.namespace.clone(), user.id.clone()))
}

/// Whoever has an IPv6 address has 2⁶⁴ of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address => address,
    }
}

/// How often each may do something.
#[derive(Debug)]
struct Flow<K: Clone + Eq + Hash> {
    limiter: DefaultKeyedRateLimiter<K>,
    clock: DefaultClock,
    asked: AtomicU32,
}

impl<K: Clone + Eq + Hash> Flow<K> {
    fn new(rate: Rate) -> Self {
        let quota = Quota::per_second(rate.steady).allow_burst(rate.burst);
        Self { limiter: RateLimiter::keyed(quota), clock: DefaultClock::default(), asked: AtomicU32::new(0) }
    }

    fn take(&self, key: K) -> Result<(), Wait> {
        if self.asked.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(&key).map_err(|until| until.wait_time_from(self.clock.now()))
    }
}

/// How many of each may be there at a time.
#[derive(Debug)]
struct Crowd<K> {
    most: usize,
    there: Arc<Mutex<HashMap<K, usize>>>,
}

/// One of them; left when it is dropped.
#[derive(Debug)]
pub struct Place<K: Eq + Hash> {
    key: K,
    there: Arc<Mutex<HashMap<K, usize>>>,
}

impl<K: Clone + Eq + Hash> Crowd<K> {
    fn new(most: usize) -> Self {
        Self { most, there: Arc::default() }
    }

    fn enter(&self, key: K) -> Option<Place<K>> {
        let mut there = self.there.lock().unwrap_or_else(PoisonError::into_inner);
        let count = there.entry(key.clone()).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Place { key, there: self.there.clone() })
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut there = self.there.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = there.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                there.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_lets_a_burst_pass_and_then_says_how_long_to_wait() {
        let flow = Flow::new(Rate::new(10, 5));
        assert!((0..5).all(|_| flow.take("ann").is_ok()));
        let wait = flow.take("ann").expect_err("too much");
        assert!(wait <= Duration::from_millis(100) && wait > Duration::from_millis(50), "{wait:?}");
        assert!(flow.take("ben").is_ok(), "that is Ann's limit");
        std::thread::sleep(wait);
        assert!(flow.take("ann").is_ok());
    }

    #[test]
    fn those_who_are_quiet_are_forgotten() {
        let flow = Flow::new(Rate::new(1_000_000, 1));
        for number in 0..SWEEP {
            let _ = flow.take(number);
        }
        assert!(flow.limiter.len() < SWEEP as usize / 2, "{}", flow.limiter.len());
    }

    #[test]
    fn a_crowd_takes_so_many_and_forgets_who_left() {
        let crowd = Crowd::new(2);
        let places = [crowd.enter("ann"), crowd.enter("ann")];
        assert!(crowd.enter("ann").is_none() && crowd.enter("ben").is_some());
        drop(places);
        assert!(crowd.there.lock().is_ok_and(|there| there.is_empty()));
        assert!(crowd.enter("ann").is_some());
    }

    #[test]
    fn an_ipv6_address_counts_with_its_neighbours() {
        let address = |text: &str| network(text.parse().unwrap_or(IpAddr::V4([0; 4].into())));
        assert_eq!(address("2001:db8::1"), address("2001:db8::ffff:1"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
        assert_ne!(address("192.0.2.1"), address("192.0.2.2"));
    }
}
