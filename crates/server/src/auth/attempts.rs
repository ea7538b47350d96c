//! How often passwords and codes may be tried, and how much may be mailed.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hashlink::LruCache;

use crate::limits::{Flow, Rate, Wait, network};

/// From how many places people are known to log in.
const FAMILIAR: usize = 50_000;

/// How often is too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRates {
    /// Passwords for one account from one address.
    pub passwords: Rate,
    /// Passwords from one address, whatever the accounts.
    pub passwords_of_address: Rate,
    /// Passwords for one account, from wherever. Where somebody has logged in before, this does not keep them out.
    pub passwords_of_account: Rate,
    /// Mails to one recipient that one address asks for.
    pub mails: Rate,
    /// Mails that one address asks for.
    pub mails_of_address: Rate,
    /// Mails to one recipient, whoever asks for them.
    pub mails_of_recipient: Rate,
    /// Codes that one address tries.
    pub codes: Rate,
}

impl Default for AttemptRates {
    fn default() -> Self {
        let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(60 * 60));
        Self {
            passwords: Rate::within(minute, 2, 20),
            passwords_of_address: Rate::within(minute, 20, 200),
            passwords_of_account: Rate::within(minute, 1, 100),
            mails: Rate::within(hour, 6, 5),
            mails_of_address: Rate::within(minute, 1, 30),
            mails_of_recipient: Rate::within(hour, 12, 20),
            codes: Rate::within(minute, 1, 30),
        }
    }
}

/// Whose password is tried, or whose mail is asked for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Name {
    /// Whoever is called that there, by an address or a user id. There need not be anybody.
    Written(String, String),
    /// The user of an account, by whatever they were called.
    Account(String, String),
}

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

    /// Somebody there tries a password for whoever is called that.
    pub fn password(&self, address: Option<IpAddr>, namespace: &str, id: &str) -> Result<(), Wait> {
        let (address, name) = (place(address), written(namespace, id));
        // The narrow one first: who is over it does not use up what others have left.
        self.passwords.take((address, name.clone()))?;
        self.passwords_of_address.take(address)?;
        self.passwords_from_wherever(address, name)
    }

    /// The same for an account that was found by that name, which has two: its address and its user id. Who is refused
    /// here must not learn it from the answer. It would tell that two names are one person's.
    pub fn password_of(&self, address: Option<IpAddr>, namespace: &str, user_id: &str) -> Result<(), Wait> {
        let (address, name) = (place(address), account(namespace, user_id));
        self.passwords.take((address, name.clone()))?;
        self.passwords_from_wherever(address, name)
    }

    /// Whoever is under attack can still log in from where they did before.
    fn passwords_from_wherever(&self, address: IpAddr, name: Name) -> Result<(), Wait> {
        let is_familiar = {
            let mut familiar = self.familiar.lock().unwrap_or_else(PoisonError::into_inner);
            familiar.get(&(address, name.clone())).is_some()
        };
        if is_familiar { Ok(()) } else { self.passwords_of_account.take(name) }
    }

    /// Who was called that there has proved to be the owner of that account.
    pub fn logged_in(&self, address: Option<IpAddr>, namespace: &str, id: &str, user_id: &str) {
        let mut familiar = self.familiar.lock().unwrap_or_else(PoisonError::into_inner);
        for name in [written(namespace, id), account(namespace, user_id)] {
            familiar.insert((place(address), name), ());
        }
    }

    /// Somebody there asks for a mail to that recipient.
    pub fn mail(&self, address: Option<IpAddr>, namespace: &str, email: &str) -> Result<(), Wait> {
        let (address, name) = (place(address), written(namespace, email));
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

fn written(namespace: &str, id: &str) -> Name {
    // What nobody can be called need not be remembered at length.
    let short: String = id.chars().take(micro_chat_wire::limit::ID).collect();
    Name::Written(namespace.to_owned(), short.to_ascii_lowercase())
}

fn account(namespace: &str, user_id: &str) -> Name {
    Name::Account(namespace.to_owned(), user_id.to_owned())
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
        attempts.logged_in(from(200), "micro", "ann", "ann");
        let guesses = (0..150).filter(|last| attempts.password(from(*last), "micro", "ann").is_ok()).count();
        assert_eq!(guesses, 100);
        assert!(attempts.password(from(200), "micro", "ann").is_ok());
        assert!(attempts.password(from(201), "micro", "ann").is_err());
    }

    #[test]
    fn an_account_that_has_two_names_is_one_account() {
        let attempts = Attempts::new(&AttemptRates::default());
        let try_as = |address, id| {
            attempts.password(address, "micro", id).is_ok() && attempts.password_of(address, "micro", "Ann").is_ok()
        };
        let guesses = |address| {
            (0..60).filter(|round| try_as(address, if round % 2 == 0 { "ann@example.com" } else { "Ann" })).count()
        };
        assert_eq!(guesses(from(1)), 20, "from one place");
        attempts.logged_in(from(200), "micro", "ann@example.com", "Ann");
        let others: usize = (2..=20).map(|last| guesses(from(last))).sum();
        assert_eq!(others, 80, "from all places");
        // Where Ann has been by one of her names, she is by the account.
        assert!(try_as(from(200), "ann@example.com") && !try_as(from(201), "ann@example.com"));
        // Names that differ in a letter's case may be two people's.
        assert!(attempts.password_of(from(1), "micro", "ann").is_ok());
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
