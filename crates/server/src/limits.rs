//! How much each may do: an address, a user, a tenant. What is over that waits, or is told when to come again.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::auth::Caller;

/// Those who have been quiet for long are forgotten each time that so many have asked.
const SWEEP: u32 = 10_000;

const MEBIBYTE: u32 = 1 << 20;

/// So many at once, and one more each time that a period has passed; or as many as they like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate(Option<Quota>);

/// What a rate is written with: units of time, and of bytes.
const PERIODS: [(&str, u64); 3] = [("s", 1), ("min", 60), ("h", 3_600)];
const UNITS: [(&str, u64); 2] = [("KiB", 1 << 10), ("MiB", 1 << 20)];

/// What people are told who write one wrongly.
const FORM: &str = "it looks like 20/s:200 (so many a second, and so many at once), 100/min:20 or 1MiB/s:8MiB; or off";

impl Rate {
    /// As many as they like.
    pub const UNLIMITED: Self = Self(None);

    /// So many a second, and so many at once; 0 is taken for 1.
    pub fn new(steady: u32, burst: u32) -> Self {
        Self::within(Duration::from_secs(1), steady, burst)
    }

    /// So many in that time, and so many at once.
    pub fn within(time: Duration, count: u32, burst: u32) -> Self {
        let some = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        // A period of nothing is no limit.
        Self(Quota::with_period(time / some(count).get()).map(|quota| quota.allow_burst(some(burst))))
    }
}

impl FromStr for Rate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if matches!(text, "off" | "0") {
            return Ok(Self::UNLIMITED);
        }
        let (steady, burst) = text.split_once(':').map_or((text, None), |(steady, burst)| (steady, Some(burst)));
        let (count, unit) = steady.split_once('/').ok_or(FORM)?;
        let (_, seconds) = PERIODS.iter().find(|(name, _)| *name == unit).ok_or(FORM)?;
        let steady = amount(count)?;
        let burst = burst.map_or(Ok(steady), amount)?;
        Ok(Self::within(Duration::from_secs(*seconds), steady, burst))
    }
}

/// A number that is not 0, with a unit of bytes or without.
fn amount(text: &str) -> Result<u32, &'static str> {
    let unit = UNITS.iter().find_map(|(name, bytes)| Some((text.strip_suffix(name)?, *bytes)));
    let (digits, bytes) = unit.unwrap_or((text, 1));
    let number = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(bytes));
    // A billion a second is one each nanosecond: nothing smaller is counted.
    number
        .and_then(|number| u32::try_from(number).ok())
        .filter(|number| (1..=1_000_000_000).contains(number))
        .ok_or(FORM)
}

/// How many there may be at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Most(pub usize);

impl FromStr for Most {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if matches!(text, "off" | "0") {
            return Ok(Self(usize::MAX));
        }
        amount(text).map(|most| Self(most as usize)).map_err(|_| "it is a number, such as 50 or 64MiB, or off")
    }
}

/// How much is too much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Calls and handshakes of an address.
    pub requests: Rate,
    /// Bytes of calls' bodies and streams' frames of an address.
    pub bytes_of_address: Rate,
    /// The same of a user.
    pub bytes_of_user: Rate,
    /// Messages of a user.
    pub sends: Rate,
    /// Messages of all users of a tenant.
    pub sends_of_namespace: Rate,
    /// Chats that a user asks for.
    pub chats: Rate,
    /// Subscriptions that a user begins.
    pub subscribes: Rate,
    /// Connections that an address opens. Behind a proxy they are the proxy's, and aren't counted.
    pub connects: Rate,
    /// Connections of an address that are open at a time, whatever comes on them. Behind a proxy they are the proxy's,
    /// and aren't counted.
    pub connections: usize,
    /// Bytes of answers that an address has asked for and not taken yet. Likewise.
    pub unread_of_address: usize,
    /// Bytes of answers that all together have not taken yet.
    pub unread: usize,
    /// Streams of an address that are open at a time.
    pub streams_of_address: usize,
    /// Streams of a user that are open at a time.
    pub streams_of_user: usize,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            requests: Rate::new(100, 500),
            bytes_of_address: Rate::new(8 * MEBIBYTE, 128 * MEBIBYTE),
            bytes_of_user: Rate::new(MEBIBYTE, 32 * MEBIBYTE),
            sends: Rate::new(20, 200),
            sends_of_namespace: Rate::new(5_000, 20_000),
            chats: Rate::new(2, 60),
            // A page that comes back subscribes to all that it had: a thousand, where a connection has as many as it may.
            subscribes: Rate::new(100, 5_000),
            connects: Rate::new(50, 1_000),
            connections: 1_000,
            unread_of_address: 64 << 20,
            unread: 512 << 20,
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
    bytes_of_address: Flow<IpAddr>,
    bytes_of_user: Flow<User>,
    sends: Flow<User>,
    sends_of_namespace: Flow<String>,
    chats: Flow<User>,
    subscribes: Flow<User>,
    connects: Flow<IpAddr>,
    connections: Crowd<IpAddr>,
    unread_of_address: Crowd<IpAddr>,
    unread: Crowd<()>,
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
            bytes_of_address: Flow::new(rates.bytes_of_address),
            bytes_of_user: Flow::new(rates.bytes_of_user),
            sends: Flow::new(rates.sends),
            sends_of_namespace: Flow::new(rates.sends_of_namespace),
            chats: Flow::new(rates.chats),
            subscribes: Flow::new(rates.subscribes),
            connects: Flow::new(rates.connects),
            connections: Crowd::new(rates.connections),
            unread_of_address: Crowd::new(rates.unread_of_address),
            unread: Crowd::new(rates.unread),
            streams_of_address: Crowd::new(rates.streams_of_address),
            streams_of_user: Crowd::new(rates.streams_of_user),
        }
    }

    /// An address calls.
    pub fn request(&self, address: IpAddr) -> Result<(), Wait> {
        self.requests.take(network(address))
    }

    /// So many bytes come from an address, where it is known, and from a user, where there is one.
    pub fn bytes(&self, address: Option<IpAddr>, caller: Option<&Caller>, count: usize) -> Result<(), Wait> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let user = caller.and_then(user);
        user.map_or(Ok(()), |user| self.bytes_of_user.take_many(user, count))?;
        address.map_or(Ok(()), |address| self.bytes_of_address.take_many(network(address), count))
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

    /// Somebody subscribes to a chat.
    pub fn subscribe(&self, caller: &Caller) -> Result<(), Wait> {
        user(caller).map_or(Ok(()), |user| self.subscribes.take(user))
    }

    /// A connection comes from there; it counts until the place is dropped. None: there are too many, or too often.
    pub fn connection(&self, address: IpAddr) -> Option<Place<IpAddr>> {
        let address = network(address);
        self.connects.take(address).ok()?;
        self.connections.enter(address)
    }

    /// An answer of so many bytes goes to an address, where it is known, and waits there until it is taken. None: too
    /// much waits already.
    pub fn answer(&self, address: Option<IpAddr>, bytes: usize) -> Option<Unread> {
        let all = self.unread.enter_with((), bytes)?;
        let address = match address {
            Some(address) => Some(self.unread_of_address.enter_with(network(address), bytes)?),
            None => None,
        };
        Some(Unread { _all: all, _of_address: address })
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
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address => address,
    }
}

/// How often each may do something.
#[derive(Debug)]
pub(crate) struct Flow<K: Clone + Eq + Hash> {
    /// None: as often as they like.
    limiter: Option<DefaultKeyedRateLimiter<K>>,
    burst: u32,
    clock: DefaultClock,
    asked: AtomicU32,
}

impl<K: Clone + Eq + Hash> Flow<K> {
    pub(crate) fn new(rate: Rate) -> Self {
        Self {
            limiter: rate.0.map(RateLimiter::keyed),
            burst: rate.0.map_or(0, |quota| quota.burst_size().get()),
            clock: DefaultClock::default(),
            asked: AtomicU32::new(0),
        }
    }

    pub(crate) fn take(&self, key: K) -> Result<(), Wait> {
        self.take_many(key, 1)
    }

    /// So many at once, or none of them. More than may ever be at once count as that many.
    fn take_many(&self, key: K, count: u32) -> Result<(), Wait> {
        let (Some(limiter), Some(count)) = (&self.limiter, NonZeroU32::new(count.min(self.burst))) else {
            return Ok(());
        };
        if self.asked.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            limiter.retain_recent();
        }
        match limiter.check_key_n(&key, count) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => Err(until.wait_time_from(self.clock.now())),
            // Not with so few.
            Err(_) => Ok(()),
        }
    }
}

/// An answer that waits to be taken.
#[derive(Debug)]
pub struct Unread {
    _all: Place<()>,
    _of_address: Option<Place<IpAddr>>,
}

/// How many of each may be there at a time.
#[derive(Debug)]
struct Crowd<K> {
    most: usize,
    there: Arc<Mutex<HashMap<K, usize>>>,
}

/// One of them, or several; left when it is dropped.
#[derive(Debug)]
pub struct Place<K: Eq + Hash> {
    key: K,
    count: usize,
    there: Arc<Mutex<HashMap<K, usize>>>,
}

impl<K: Clone + Eq + Hash> Crowd<K> {
    fn new(most: usize) -> Self {
        Self { most, there: Arc::default() }
    }

    fn enter(&self, key: K) -> Option<Place<K>> {
        self.enter_with(key, 1)
    }

    /// So many at once, or none of them. Who is alone always has room.
    fn enter_with(&self, key: K, count: usize) -> Option<Place<K>> {
        let mut all = self.there.lock().unwrap_or_else(PoisonError::into_inner);
        let there = all.entry(key.clone()).or_default();
        let sum = there.saturating_add(count);
        if sum > self.most && (*there > 0 || count == 1) {
            return None;
        }
        *there = sum;
        Some(Place { key, count, there: self.there.clone() })
    }
}

impl<K: Eq + Hash> Place<K> {
    /// Whose it is.
    pub fn key(&self) -> &K {
        &self.key
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut there = self.there.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = there.get_mut(&self.key) {
            *count = count.saturating_sub(self.count);
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
    fn many_at_once_are_taken_together_or_not_at_all() {
        let flow = Flow::new(Rate::new(1_000, 100));
        assert!(flow.take_many("ann", 60).is_ok() && flow.take_many("ann", 60).is_err());
        assert!(flow.take_many("ann", 40).is_ok(), "what was refused took nothing");
        assert!(flow.take_many("ben", 1_000_000).is_ok(), "or nobody could ever do that");
        let wait = flow.take_many("ben", 100).expect_err("too much");
        assert!(wait > Duration::from_millis(90) && wait <= Duration::from_millis(100), "{wait:?}");
    }

    #[test]
    fn a_rate_reads_as_people_write_it() {
        let read = |text: &str| text.parse::<Rate>();
        assert_eq!(read("20/s:200"), Ok(Rate::new(20, 200)));
        assert_eq!(read("20/s"), Ok(Rate::new(20, 20)));
        assert_eq!(read("1MiB/s:8MiB"), Ok(Rate::new(1 << 20, 8 << 20)));
        assert_eq!(read("30/min:5"), Ok(Rate::within(Duration::from_secs(60), 30, 5)));
        assert_eq!((read("off"), read("0")), (Ok(Rate::UNLIMITED), Ok(Rate::UNLIMITED)));
        for text in
            ["", "20", "/s", "0/s", "20/s:0", "20/day", "-1/s", "1e3/s", "5GiB/s", "99999999999999999999/s", "20/s:"]
        {
            assert_eq!(read(text), Err(FORM), "{text}");
        }
        let flow = Flow::new(Rate::UNLIMITED);
        assert!((0..10_000).all(|_| flow.take("ann").is_ok()));
    }

    #[test]
    fn those_who_are_quiet_are_forgotten() {
        let flow = Flow::new(Rate::new(1_000_000, 1));
        for number in 0..SWEEP {
            let _ = flow.take(number);
        }
        let kept = flow.limiter.as_ref().map_or(0, |limiter| limiter.len());
        assert!(kept < SWEEP as usize / 2, "{kept}");
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
    fn a_crowd_counts_what_each_brings_and_one_alone_always_has_room() {
        let crowd = Crowd::new(100);
        let large = crowd.enter_with("ann", 1_000);
        assert!(large.is_some() && crowd.enter_with("ann", 2).is_none() && crowd.enter_with("ben", 60).is_some());
        drop(large);
        let places = [crowd.enter_with("ann", 60), crowd.enter_with("ann", 40)];
        assert!(crowd.enter_with("ann", 2).is_none());
        drop(places);
        assert!(crowd.there.lock().is_ok_and(|there| there.is_empty()));
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
