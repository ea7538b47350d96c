//! How often passwords and codes may be tried, and how much may be mailed.

use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use hashlink::LruCache;

use crate::limits::{Wait, network};

/// Those who have been quiet for long are forgotten each time that so many have asked.
const SWEEP: u32 = 10_000;

/// From how many places people are known to log in.
const FAMILIAR: usize = 50_000;

/// So many at once, and one more each time that so much has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// At once; 0 is taken for 1.
    pub burst: u32,
    /// For one more.
    pub every: Duration,
}

/// How often is too often.
#[derive(Clone, Debug)]
pub struct AttemptRates {
    /// Passwords for one account from one address.
    pub passwords: Allowance,
    /// Passwords from one address, whatever the accounts.
    pub passwords_of_address: Allowance,
    /// Passwords for one account, from wherever. Where somebody has logged in before, this does not keep them out.
    pub passwords_of_account: Allowance,
    /// Mails to one recipient that one address asks for.
    pub mails: Allowance,
    /// Mails that one address asks for.
    pub mails_of_address: Allowance,
    /// Mails to one recipient, whoever asks for them.
    pub mails_of_recipient: Allowance,
    /// Codes that one address tries.
    pub codes: Allowance,
}

impl Default for AttemptRates {
    fn default() -> Self {
        const fn allow(burst: u32, seconds: u64) -> Allowance {
            Allowance { burst, every: Duration::from_secs(seconds) }
        }
        Self {
            passwords: allow(20, 30),
            passwords_of_address: allow(200, 3),
            passwords_of_account: allow(100, 60),
            mails: allow(5, 10 * 60),
            mails_of_address: allow(30, 60),
            mails_of_recipient: allow(20, 5 * 60),
            codes: allow(30, 60),
        }
    }
}

/// An account, by what it is called: there need not be one.
type Name = (String, String);

/// Counts attempts.
#[derive(Debug)]
pub struct Attempts {
    passwords: Flow<(IpAddr, Name)>,
    passwords_of_address: Flow<IpAddr>,
    passwords_of_account: Flow<Name>,
    mails: Flow<(IpAddr, Name)>,
    mails_of_address: Flow<IpAddr>,
    mails_of_recipient: Flow<Name>,
    codes: Flow<IpAddr>,
    /// Who logged in from where.
    familiar: Mutex<LruCache<(IpAddr, Name), ()>>,
}

impl Attempts {
    /// Nobody has tried anything yet.
    pub fn new(rates: &AttemptRates) -> Self {
        Self {
            passwords: Flow::new(rates.passwords),
            passwords_of_address: Flow::new(rates.passwords_of_address),
            passwords_of_account: Flow::new(rates.passwords_of_account),
            mails: Flow::new(rates.mails),
            mails_of_address: Flow::new(rates.mails_of_address),
            mails_of_recipient: Flow::new(rates.mails_of_recipient),
            codes: Flow::new(rates.codes),
            familiar: Mutex::new(LruCache::new(FAMILIAR)),
        }
    }

    /// Somebody there tries a password for that account.
    pub fn password(&self, address: Option<IpAddr>, namespace: &str, id: &str) -> Result<(), Wait> {
        let (address, name) = (place(address), name(namespace, id));
        // The narrow one first: who is over it does not use up what others have left.
        self.passwords.take((address, name.clone()))?;
        self.passwords_of_address.take(address)?;
        let is_familiar = {
            let mut familiar = self.familiar.lock().unwrap_or_else(PoisonError::into_inner);
            familiar.get(&(address, name.clone())).is_some()
        };
        // Whoever is under attack can still log in from where they did before.
        if is_familiar { Ok(()) } else { self.passwords_of_account.take(name) }
    }

    /// It was right.
    pub fn logged_in(&self, address: Option<IpAddr>, namespace: &str, id: &str) {
        let mut familiar = self.familiar.lock().unwrap_or_else(PoisonError::into_inner);
        familiar.insert((place(address), name(namespace, id)), ());
    }

    /// Somebody there asks for a mail to that recipient.
    pub fn mail(&self, address: Option<IpAddr>, namespace: &str, email: &str) -> Result<(), Wait> {
        let (address, name) = (place(address), name(namespace, email));
        self.mails.take((address, name.clone()))?;
        self.mails_of_address.take(address)?;
        self.mails_of_recipient.take(name)
    }

    /// Somebody there tries a code.
    pub fn code(&self, address: Option<IpAddr>) -> Result<(), Wait> {
        self.codes.take(place(address))
    }
}

fn place(address: Option<IpAddr>) -> IpAddr {
    address.map_or(Ipv4Addr::UNSPECIFIED.into(), network)
}

fn name(namespace: &str, id: &str) -> Name {
    // What nobody can be called need not be remembered at length.
    let short: String = id.chars().take(micro_chat_wire::limit::ID).collect();
    (namespace.to_owned(), short.to_ascii_lowercase())
}

/// How often each may do something.
#[derive(Debug)]
struct Flow<K: Clone + Eq + Hash> {
    limiter: DefaultKeyedRateLimiter<K>,
    clock: DefaultClock,
    asked: AtomicU32,
}

impl<K: Clone + Eq + Hash> Flow<K> {
    fn new(allowance: Allowance) -> Self {
        let burst = NonZeroU32::new(allowance.burst).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(allowance.every).unwrap_or(Quota::per_second(burst)).allow_burst(burst);
        Self { limiter: RateLimiter::keyed(quota), clock: DefaultClock::default(), asked: AtomicU32::new(0) }
    }

    fn take(&self, key: K) -> Result<(), Wait> {
        if self.asked.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(&key).map_err(|until| until.wait_time_from(self.clock.now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(last: u8) -> Option<IpAddr> {
        Some(Ipv4Addr::new(192, 0, 2, last).into())
    }

    #[test]
    fn who_guesses_is_stopped_and_the_account_is_not_locked() {
        let attempts = Attempts::new(&AttemptRates::default());
        let ann = |address| attempts.password(address, "micro", "Ann@example.com");
        assert!((0..20).all(|_| ann(from(1)).is_ok()));
        let wait = ann(from(1)).expect_err("too often");
        assert!(wait > Duration::from_secs(20) && wait <= Duration::from_secs(30), "{wait:?}");
        // Written otherwise it is the same account.
        assert!(attempts.password(from(1), "micro", "ANN@EXAMPLE.COM").is_err());
        assert!(ann(from(2)).is_ok() && attempts.password(from(1), "micro", "ben@example.com").is_ok());
    }

    #[test]
    fn guesses_from_many_places_stop_too_but_nobody_is_kept_out_of_where_they_were() {
        let attempts = Attempts::new(&AttemptRates::default());
        attempts.logged_in(from(200), "micro", "ann");
        let guesses = (0..150).filter(|last| attempts.password(from(*last), "micro", "ann").is_ok()).count();
        assert_eq!(guesses, 100);
        assert!(attempts.password(from(200), "micro", "ann").is_ok());
        assert!(attempts.password(from(201), "micro", "ann").is_err());
    }

    #[test]
    fn an_address_guesses_so_much_whatever_the_account() {
        let attempts = Attempts::new(&AttemptRates::default());
        let guesses = (0..300).filter(|number| attempts.password(from(1), "micro", &number.to_string()).is_ok());
        assert_eq!(guesses.count(), 200);
    }

    #[test]
    fn a_recipient_gets_so_many_mails_whoever_asks_for_them() {
        let attempts = Attempts::new(&AttemptRates::default());
        let mails = |last| (0..10).filter(|_| attempts.mail(from(last), "micro", "ann@example.com").is_ok()).count();
        assert_eq!([mails(1), mails(2), mails(3), mails(4), mails(5)], [5, 5, 5, 5, 0]);
        let others = (0..40).filter(|n| attempts.mail(from(9), "micro", &format!("{n}@example.com")).is_ok()).count();
        assert_eq!(others, 30);
    }
}
