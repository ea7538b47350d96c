//! What was good until somebody ended it: logins, all tokens of a user, keys.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::Caller;
use crate::store::Cutoff;

/// What ended, for those whose streams end with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// One login of an account.
    Login(String),
    /// Everything of a user.
    User {
        /// Their namespace.
        namespace: String,
        /// Their name.
        user_id: String,
    },
    /// An API key.
    Key(String),
}

impl Ended {
    /// Whether it was what this caller came with.
    pub fn is_of(&self, caller: &Caller) -> bool {
        match self {
            Self::Login(login) => caller.user().is_some_and(|user| user.login.as_ref() == Some(login)),
            Self::User { namespace, user_id } => {
                caller.namespace == *namespace && caller.user().is_some_and(|user| user.id == *user_id)
            }
            Self::Key(key) => caller.as_service().is_some_and(|service| service.key == *key),
        }
    }
}

/// What was ended, and whom to tell.
#[derive(Debug)]
pub struct Revocations {
    ended: RwLock<State>,
    told: mpsc::UnboundedSender<Ended>,
}

#[derive(Debug, Default)]
struct State {
    /// Logins whose tokens may still not have expired, with when they all have.
    logins: HashMap<String, SystemTime>,
    /// By namespace and user, whose name is sealed: tokens that were issued up to then are good no more.
    users: HashMap<String, HashMap<String, u64>>,
}

impl State {
    /// Whatever the clock said since, what was over stays so.
    fn cut_off(&mut self, namespace: String, sealed: String, at: u64) {
        let cutoff = self.users.entry(namespace).or_default().entry(sealed).or_default();
        *cutoff = at.max(*cutoff);
    }
}

impl Revocations {
    /// Those of old; what ends from now on is told.
    pub fn new(cutoffs: Vec<Cutoff>) -> (Self, mpsc::UnboundedReceiver<Ended>) {
        let mut state = State::default();
        for Cutoff { namespace, user_id, at } in cutoffs {
            state.cut_off(namespace.clone(), sealed(&namespace, &user_id), at);
            // Somebody may also be called so.
            if user_id.starts_with(SEALED) {
                state.cut_off(namespace, user_id, at);
            }
        }
        let (told, telling) = mpsc::unbounded_channel();
        (Self { ended: RwLock::new(state), told }, telling)
    }

    fn ended(&self) -> RwLockReadGuard<'_, State> {
        // Nothing panics while it is held.
        self.ended.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn ending(&self) -> RwLockWriteGuard<'_, State> {
        self.ended.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// A login is over; its last token expires then.
    pub fn end_login(&self, login: String, until: SystemTime) {
        {
            let mut ended = self.ending();
            let now = SystemTime::now();
            ended.logins.retain(|_, until| *until > now);
            ended.logins.insert(login.clone(), until);
        }
        self.tell(Ended::Login(login));
    }

    /// All tokens of a user that were issued up to now are over.
    pub fn end_user(&self, cutoff: Cutoff) {
        let Cutoff { namespace, user_id, at } = cutoff;
        let sealed = sealed(&namespace, &user_id);
        self.ending().cut_off(namespace.clone(), sealed, at);
        self.tell(Ended::User { namespace, user_id });
    }

    /// A key is over.
    pub fn end_key(&self, key: String) {
        self.tell(Ended::Key(key));
    }

    fn tell(&self, ended: Ended) {
        // Without a server that streams nobody has to know.
        let _ = self.told.send(ended);
    }

    /// Whether this caller's token is over. A token that does not say when it was issued may have been before.
    pub fn hold(&self, caller: &Caller) -> bool {
        let Some(user) = caller.user() else { return false };
        {
            let ended = self.ended();
            if user.login.as_ref().is_some_and(|login| ended.logins.contains_key(login)) {
                return true;
            }
            if !ended.users.contains_key(&caller.namespace) {
                return false;
            }
        }
        // Not while others wait for it.
        let sealed = sealed(&caller.namespace, &user.id);
        let issued_at = user.issued_at.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).map(|since| since.as_secs());
        let ended = self.ended();
        let cutoff = ended.users.get(&caller.namespace).and_then(|users| users.get(&sealed));
        cutoff.is_some_and(|at| issued_at.is_none_or(|issued_at| issued_at <= *at))
    }
}

/// What a sealed name begins with.
const SEALED: &str = "sha256:";

/// What a cutoff has in the place of the name of a user who was deleted: it recognises them, and does not name them.
pub fn sealed(namespace: &str, user_id: &str) -> String {
    let mut hash = Sha256::new();
    for part in [namespace, user_id] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    let mut sealed = String::with_capacity(SEALED.len() + 64);
    sealed.push_str(SEALED);
    for byte in hash.finalize() {
        // A String takes whatever is written.
        let _ = write!(sealed, "{byte:02x}");
    }
    sealed
}

/// Seconds since the Unix epoch.
pub fn seconds(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).as_ref().map_or(0, Duration::as_secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::User;

    fn caller(user_id: &str, issued_at: Option<u64>, login: Option<&str>) -> Caller {
        let user = User {
            id: user_id.to_owned(),
            issued_at: issued_at.map(|at| UNIX_EPOCH + Duration::from_secs(at)),
            until: SystemTime::now() + Duration::from_secs(60),
            login: login.map(str::to_owned),
        };
        Caller::known("micro".to_owned(), user)
    }

    #[test]
    fn a_login_ends_with_its_tokens_and_no_other() {
        let (revocations, mut telling) = Revocations::new(Vec::new());
        revocations.end_login("one".to_owned(), SystemTime::now() + Duration::from_secs(60));
        assert!(revocations.hold(&caller("ann", None, Some("one"))));
        assert!(!revocations.hold(&caller("ann", None, Some("two"))) && !revocations.hold(&caller("ann", None, None)));
        assert_eq!(telling.try_recv().ok(), Some(Ended::Login("one".to_owned())));
    }

    #[test]
    fn a_deleted_users_tokens_end_though_nothing_names_them() {
        let cutoff = Cutoff { namespace: "micro".to_owned(), user_id: sealed("micro", "ann"), at: 50 };
        let (revocations, _telling) = Revocations::new(vec![cutoff]);
        for (user, issued_at, holds) in [("ann", Some(50), true), ("ann", Some(51), false), ("ben", Some(50), false)] {
            assert_eq!(revocations.hold(&caller(user, issued_at, None)), holds, "{user} {issued_at:?}");
        }
    }

    #[test]
    fn what_has_ended_stays_so_where_the_clock_was_set_back() {
        let cutoff = |at| Cutoff { namespace: "micro".to_owned(), user_id: "ann".to_owned(), at };
        let (revocations, _telling) = Revocations::new(vec![cutoff(100)]);
        revocations.end_user(cutoff(50));
        for (issued_at, holds) in [(50, true), (100, true), (101, false)] {
            assert_eq!(revocations.hold(&caller("ann", Some(issued_at), None)), holds, "{issued_at}");
        }
    }

    #[test]
    fn nobody_ends_what_is_of_another_namespace_by_a_name_that_looks_sealed() {
        let cutoff = |user_id: &str| Cutoff { namespace: "club".to_owned(), user_id: user_id.to_owned(), at: 50 };
        let (named, sealed) = (sealed("micro", "ann"), sealed("club", "ben"));
        let (revocations, _telling) = Revocations::new(vec![cutoff(&named), cutoff(&sealed)]);
        assert!(!revocations.hold(&caller("ann", Some(50), None)));
        // Whoever is called so is meant as well.
        for (user_id, holds) in [(&*named, true), (&*sealed, true), ("ben", true), ("ann", false)] {
            let mut in_club = caller(user_id, Some(50), None);
            "club".clone_into(&mut in_club.namespace);
            assert_eq!(revocations.hold(&in_club), holds, "{user_id}");
        }
    }

    #[test]
    fn callers_do_not_wait_for_each_other() {
        let cutoff = Cutoff { namespace: "micro".to_owned(), user_id: "ann".to_owned(), at: 50 };
        let revocations = std::sync::Arc::new(Revocations::new(vec![cutoff]).0);
        let (tell, told) = std::sync::mpsc::channel();
        let another = revocations.clone();
        let _held = revocations.ended();
        std::thread::spawn(move || tell.send(another.hold(&caller("ann", Some(50), None))));
        assert_eq!(told.recv_timeout(Duration::from_secs(10)), Ok(true));
    }

    #[test]
    fn a_users_tokens_end_that_were_issued_before_or_do_not_say_when() {
        let cutoff = |at| Cutoff { namespace: "micro".to_owned(), user_id: "ann".to_owned(), at };
        let (revocations, mut telling) = Revocations::new(vec![cutoff(50)]);
        assert!(!revocations.hold(&caller("ann", Some(51), None)));
        revocations.end_user(cutoff(100));
        for (user, issued_at, holds) in
            [("ann", Some(100), true), ("ann", None, true), ("ann", Some(101), false), ("ben", Some(1), false)]
        {
            assert_eq!(revocations.hold(&caller(user, issued_at, None)), holds, "{user} {issued_at:?}");
        }
        let ended = telling.try_recv().expect("it is told");
        assert!(ended.is_of(&caller("ann", None, Some("one"))) && !ended.is_of(&caller("ben", None, None)));
    }
}
