//! Which answers to refreshes have arrived.
//!
//! Whoever refreshes and gets no answer comes with the used refresh token again, as a thief would. What tells them
//! apart is whether anything of the answer was ever used: if it was, it has arrived. An answer that was taken for lost
//! is a trap from then on. Only who has it can use anything of it, and that was not who lost it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use hashlink::LruCache;

use super::logins::ACCESS;

/// Logins that are known to have an answer under way. Nothing of one that is forgotten is taken for lost.
const LOGINS: usize = 50_000;

/// Answers, by login.
#[derive(Debug)]
pub struct Answers(Mutex<LruCache<String, Answer>>);

#[derive(Debug)]
struct Answer {
    /// What the access tokens in the newest one bear.
    newest: String,
    /// Whether anything of it was used.
    has_arrived: bool,
    /// Those before it that were taken for lost, and when their access tokens are over.
    lost: Vec<(String, SystemTime)>,
}

impl Answers {
    /// None is under way.
    pub fn new() -> Self {
        Self(Mutex::new(LruCache::new(LOGINS)))
    }

    /// One goes out, with access tokens that bear this. What was used to get it had arrived.
    pub fn give(&self, login: String, mark: String) {
        self.put(login, mark, false);
    }

    /// One goes out in the place of the newest, which is lost.
    pub fn replace(&self, login: String, mark: String) {
        self.put(login, mark, true);
    }

    /// The newest goes out once more: that of a rotation which another one asked for.
    pub fn repeat(&self, login: String, mark: String) {
        let is_another = |answer: &Answer| answer.newest != mark;
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_another = answers.get(&login).is_some_and(is_another);
        drop(answers);
        if is_another {
            self.give(login, mark);
        }
    }

    fn put(&self, login: String, newest: String, is_lost: bool) {
        let now = SystemTime::now();
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut lost, last) = answers.remove(&login).map_or_else(Default::default, |old| (old.lost, Some(old.newest)));
        lost.retain(|(_, until)| *until > now);
        lost.extend(last.filter(|_| is_lost).map(|mark| (mark, now + Duration::from_secs(ACCESS))));
        answers.insert(login, Answer { newest, has_arrived: false, lost });
    }

    /// Whether the newest answer of a login is known not to have been used.
    pub fn may_be_lost(&self, login: &str) -> bool {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(login).is_some_and(|answer| !answer.has_arrived)
    }

    /// An access token is used that bears this. False: it is of an answer that was lost.
    pub fn arrive(&self, login: &str, mark: &str) -> bool {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(answer) = answers.get_mut(login) else { return true };
        answer.has_arrived |= answer.newest == mark;
        let is_lost = answer.lost.iter().any(|(lost, _)| lost == mark);
        // Nothing more is to be found of a login that is over for it.
        if is_lost || answer.has_arrived && answer.lost.is_empty() {
            answers.remove(login);
        }
        !is_lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> String {
        text.to_owned()
    }

    #[test]
    fn an_answer_may_be_lost_until_something_of_it_is_used() {
        let answers = Answers::new();
        assert!(!answers.may_be_lost("ann"), "there is none");
        answers.give(text("ann"), text("1"));
        assert!(answers.arrive("ann", "0"), "what was there before says nothing");
        assert!(answers.may_be_lost("ann") && !answers.may_be_lost("ben"));
        assert!(answers.arrive("ann", "1"));
        assert!(!answers.may_be_lost("ann"));
        answers.give(text("ann"), text("2"));
        assert!(answers.arrive("ann", "1") && answers.may_be_lost("ann"), "it is the one before");
    }

    #[test]
    fn nothing_of_a_lost_answer_is_used_unnoticed() {
        let answers = Answers::new();
        answers.give(text("ann"), text("1"));
        answers.replace(text("ann"), text("2"));
        answers.replace(text("ann"), text("3"));
        assert!(answers.arrive("ann", "0") && answers.arrive("ann", "3"));
        assert!(!answers.may_be_lost("ann"));
        answers.give(text("ann"), text("4"));
        assert!(answers.arrive("ann", "3") && answers.arrive("ann", "4"), "that had arrived");
        assert!(!answers.arrive("ann", "1"), "and this still had not");
        assert!(answers.arrive("ann", "1"), "its login is over: it is found once");
    }

    #[test]
    fn an_answer_that_is_repeated_may_arrive_whoever_asked_for_it_first() {
        let answers = Answers::new();
        answers.repeat(text("ann"), text("1"));
        assert!(!answers.may_be_lost("ann"), "of it nothing is known");
        answers.give(text("ann"), text("1"));
        answers.repeat(text("ann"), text("2"));
        assert!(answers.arrive("ann", "2") && !answers.may_be_lost("ann"));
    }
}
