//! How much each may do: an address, a user, a namespace. What is over that waits, or is told when to come again.
//!
//! - [`Rates`]: how much is too much, in [`Rate`]s,
//! - `flow`: how often each does something,
//! - `crowd`: how many of each are there at a time,
//! - [`Limits`]: all that is counted.

mod crowd;
mod flow;
mod rate;
mod rates;

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use crate::auth::Caller;
use crate::metrics::Metrics;
use crowd::Crowd;
pub use crowd::Place;
pub(crate) use flow::Flow;
pub use rate::{Most, Rate};
pub use rates::Rates;

/// A user: their namespace, and their name there.
type User = (String, String);

/// Who exports.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Exporter {
    /// A user.
    User(User),
    /// An API key.
    Key(String),
    /// Somebody of a namespace, where everybody is believed.
    Anybody(String),
}

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
    exports: Crowd<Exporter>,
    streams_of_address: Crowd<IpAddr>,
    streams_of_user: Crowd<User>,
    metrics: Metrics,
}

/// For how long to stay away.
pub type Wait = Duration;

impl Limits {
    /// Nobody has done anything yet.
    pub fn new(rates: &Rates, metrics: Metrics) -> Self {
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
            exports: Crowd::new(rates.exports),
            streams_of_address: Crowd::new(rates.streams_of_address),
            streams_of_user: Crowd::new(rates.streams_of_user),
            metrics,
        }
    }

    /// Counts what is over a limit, by the option's name.
    fn within<T>(&self, limit: &'static str, passed: Result<T, Wait>) -> Result<T, Wait> {
        passed.inspect_err(|_| self.metrics.limited(limit))
    }

    /// The same of a crowd.
    fn among<T>(&self, limit: &'static str, place: Option<T>) -> Option<T> {
        if place.is_none() {
            self.metrics.limited(limit);
        }
        place
    }

    /// An address calls.
    pub fn request(&self, address: IpAddr) -> Result<(), Wait> {
        self.within("requests", self.requests.take(network(address)))
    }

    /// So many bytes come from an address, where it is known, and from a user, where there is one.
    pub fn bytes(&self, address: Option<IpAddr>, caller: Option<&Caller>, count: usize) -> Result<(), Wait> {
        caller.map_or(Ok(()), |caller| self.bytes_of_user(caller, count))?;
        address.map_or(Ok(()), |address| self.bytes_of_address(address, count))
    }

    /// So many bytes come from a user.
    pub fn bytes_of_user(&self, caller: &Caller, count: usize) -> Result<(), Wait> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.within("bytes-of-user", user(caller).map_or(Ok(()), |user| self.bytes_of_user.take_many(user, count)))
    }

    /// So many bytes come from an address.
    pub fn bytes_of_address(&self, address: IpAddr, count: usize) -> Result<(), Wait> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.within("bytes", self.bytes_of_address.take_many(network(address), count))
    }

    /// Somebody sends a message.
    pub fn send(&self, caller: &Caller) -> Result<(), Wait> {
        if !caller.is_known() {
            return Ok(());
        }
        // The user's first: whoever is over their own limit uses up nothing of their namespace's.
        self.within("sends", user(caller).map_or(Ok(()), |user| self.sends.take(user)))?;
        self.within("sends-of-namespace", self.sends_of_namespace.take(caller.namespace.clone()))
    }

    /// Somebody asks for a chat.
    pub fn chat(&self, caller: &Caller) -> Result<(), Wait> {
        self.within("chats", user(caller).map_or(Ok(()), |user| self.chats.take(user)))
    }

    /// Somebody subscribes to a chat.
    pub fn subscribe(&self, caller: &Caller) -> Result<(), Wait> {
        self.within("subscribes", user(caller).map_or(Ok(()), |user| self.subscribes.take(user)))
    }

    /// A connection comes from there; it counts until the place is dropped. None: there are too many, or too often.
    pub fn connection(&self, address: IpAddr) -> Option<Place<IpAddr>> {
        let address = network(address);
        self.within("connects", self.connects.take(address)).ok()?;
        self.among("connections", self.connections.enter(address))
    }

    /// An answer of so many bytes goes to an address, where it is known, and waits there until it is taken. None: too
    /// much waits already.
    pub fn answer(&self, address: Option<IpAddr>, bytes: usize) -> Option<Unread> {
        let all = self.among("unread-of-all", self.unread.enter_with((), bytes))?;
        let address = match address {
            Some(address) => Some(self.among("unread", self.unread_of_address.enter_with(network(address), bytes))?),
            None => None,
        };
        Some(Unread { _all: all, _of_address: address })
    }

    /// Somebody begins an export; it counts until the place is dropped. None: as many of theirs run as may.
    pub fn export(&self, caller: &Caller) -> Option<Place<Exporter>> {
        let exporter = match (user(caller), caller.as_service()) {
            (Some(user), _) => Exporter::User(user),
            (None, Some(service)) => Exporter::Key(service.key.clone()),
            (None, None) => Exporter::Anybody(caller.namespace.clone()),
        };
        self.among("exports", self.exports.enter(exporter))
    }

    /// A stream is opened from there; likewise.
    pub fn stream_of_address(&self, address: IpAddr) -> Option<Place<IpAddr>> {
        self.among("streams", self.streams_of_address.enter(network(address)))
    }

    /// The same for a user, who has to be known.
    pub fn stream_of_user(&self, caller: &Caller) -> Option<Place<User>> {
        self.among("streams-of-user", self.streams_of_user.enter(user(caller).unwrap_or_default()))
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

/// An answer that waits to be taken.
#[derive(Debug)]
pub struct Unread {
    _all: Place<()>,
    _of_address: Option<Place<IpAddr>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_address_counts_with_its_neighbours() {
        let address = |text: &str| network(text.parse().unwrap_or(IpAddr::V4([0; 4].into())));
        assert_eq!(address("2001:db8::1"), address("2001:db8::ffff:1"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
        assert_ne!(address("192.0.2.1"), address("192.0.2.2"));
    }
}
