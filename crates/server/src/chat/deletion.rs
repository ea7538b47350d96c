//! A user goes, with all that they wrote: out of their chats first, then message by message, in small commits that
//! others' messages need not wait for.
//!
//! What goes is what was written under their name up to the beginning; what others write of that name behind it is of
//! somebody who is called so, too. What they write themselves is of them, however late it comes: so a deletion begins
//! behind all calls of theirs that have been let in, and lets in none that came with an old token.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use super::{Chats, Refusal, at_most};
use crate::auth::accounts::TERMS;
use crate::auth::{self, Caller, Denied, Scope};
use crate::broken::{self, Broken};
use crate::store::{ChatKey, Cutoff, Deletion, StoreError, Trace};
use micro_chat_wire::limit;
use tokio::time::{Instant, sleep};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// How long is waited behind the first failure; twice as long behind each further one.
const BACK_OFF: Duration = Duration::from_secs(1);

/// And at most so long.
const LONGEST: Duration = Duration::from_secs(60);

/// What went with a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeletedUser {
    /// Messages, but for those of chats that have ended.
    pub messages: u64,
    /// Chats that they were in.
    pub chats: u64,
    /// Chats that nobody was left in.
    pub ended: u64,
}

/// Calls of users on their way to the database, and users who are let in there no more.
#[derive(Debug, Default)]
pub struct Underway(RwLock<State>);

#[derive(Debug, Default)]
struct State {
    /// By namespace and name, who was deleted since the start, or is about to be.
    gone: HashMap<String, HashMap<String, Gone>>,
    /// Calls that were let in since the last deletion.
    calls: TaskTracker,
    /// Calls that were let in before, and may still be on their way.
    earlier: Vec<TaskTracker>,
}

/// Up to when tokens of a name are of whom that was deleted, in Unix seconds.
#[derive(Debug, Default)]
struct Gone {
    /// Of the deletions that have begun the last.
    begun: Option<u64>,
    /// Of each that may begin or fail yet.
    beginning: Vec<u64>,
}

impl Gone {
    fn cutoff(&self) -> Option<u64> {
        self.beginning.iter().copied().chain(self.begun).max()
    }
}

impl Underway {
    /// Lets a call go on to the database. While what this returns is kept, nobody's deletion begins; it is to be kept
    /// until what the call writes is in line.
    pub fn enter(&self, caller: &Caller) -> Result<TaskTrackerToken, Denied> {
        // Nothing panics while it is held.
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let is_gone = caller.user().is_some_and(|user| {
            let gone = state.gone.get(&caller.namespace).and_then(|gone| gone.get(&user.id));
            let cutoff = gone.and_then(Gone::cutoff);
            cutoff.is_some_and(|cutoff| user.issued_at.is_none_or(|at| auth::seconds(at) <= cutoff))
        });
        if is_gone && !broken::is(Broken::Deletion) {
            return Err(Denied::RevokedToken);
        }
        Ok(state.calls.token())
    }

    /// Lets in nobody any more with a token of that user from up to then. Ends when whoever was let in is in line;
    /// `settle` has to follow.
    async fn shut_out(&self, namespace: &str, user_id: &str, at: u64) {
        let before = {
            let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
            let gone = state.gone.entry(namespace.to_owned()).or_default();
            gone.entry(user_id.to_owned()).or_default().beginning.push(at);
            // Those who come from here on are not waited for; those are whom another deletion waits for already.
            let calls = std::mem::take(&mut state.calls);
            calls.close();
            state.earlier.retain(|calls| !calls.is_empty());
            state.earlier.push(calls);
            state.earlier.clone()
        };
        if !broken::is(Broken::Deletion) {
            for calls in before {
                calls.wait().await;
            }
        }
    }

    /// It has begun, or not: then those come in again who were shut out by nothing else.
    fn settle(&self, namespace: &str, user_id: &str, at: u64, has_begun: bool) {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Some(names) = state.gone.get_mut(namespace) else { return };
        let Some(gone) = names.get_mut(user_id) else { return };
        if let Some(place) = gone.beginning.iter().position(|beginning| *beginning == at) {
            gone.beginning.swap_remove(place);
        }
        if has_begun {
            gone.begun = gone.begun.max(Some(at));
        }
        if gone.cutoff().is_none() {
            names.remove(user_id);
        }
    }
}

impl Chats {
    /// Who is to be deleted or exported, if the caller may: users themselves, and whom a site's own server names.
    pub fn whole_user(&self, caller: &Caller, named: String) -> Result<String, Refusal> {
        if caller.user().is_none() {
            caller.may(Scope::Admin)?;
        }
        self.count_chat(caller)?;
        // Nobody who names another by mistake goes in their place.
        let user_id = caller.connects_as(named).map_err(|_| Denied::WrongUser)?;
        if user_id.is_empty() {
            return Err(Refusal::MissingUserId);
        }
        at_most(limit::ID, "user_id", &user_id)?;
        Ok(user_id)
    }

    /// Begins to delete a user: from here on it is done, whatever happens. Their account is gone; names its logins, and
    /// up to which second tokens are theirs. Not to be given up on the way: what has begun would not be known here.
    pub async fn begin_deletion(&self, namespace: &str, user_id: &str) -> Result<(Vec<String>, u64), Refusal> {
        let at = auth::seconds(SystemTime::now());
        let cutoff = Cutoff { namespace: namespace.to_owned(), user_id: auth::sealed(namespace, user_id), at };
        self.underway.shut_out(namespace, user_id, at).await;
        let begun = self.store.begin_deletion(namespace.to_owned(), user_id.to_owned(), cutoff, TERMS).await;
        self.underway.settle(namespace, user_id, at, begun.is_ok());
        let logins = begun?;
        if broken::is(Broken::Deletion) {
            // Time for more calls with tokens that nobody has ended yet.
            sleep(Duration::from_millis(20)).await;
        }
        Ok((logins, at))
    }

    /// Deletes what is left of a user. Where that fails, this says so, and it goes on by itself.
    pub async fn finish_deletion(&self, namespace: &str, user_id: &str) -> Result<DeletedUser, Refusal> {
        let deleted = self.try_to_delete(namespace, user_id).await;
        if deleted.is_err() {
            let (chats, left) = (self.clone(), (namespace.to_owned(), user_id.to_owned()));
            tokio::spawn(async move {
                let mut pause = BACK_OFF;
                if chats.rest(&mut pause).await {
                    chats.delete_all(vec![left], pause).await;
                }
            });
        }
        Ok(deleted?)
    }

    async fn try_to_delete(&self, namespace: &str, user_id: &str) -> Result<DeletedUser, StoreError> {
        let mut total = DeletedUser::default();
        // Whoever is deleted a second time meanwhile goes with what has come since.
        while let Some(deletion) = self.store.deletion(namespace.to_owned(), user_id.to_owned()).await? {
            while self.walk(&deletion, &mut total).await? {}
            // Chats that nobody is left in hold their messages still.
            self.store.sweep().await?;
            if self.store.end_deletion(deletion).await? {
                break;
            }
        }
        // Who asks from here on finds nothing in a ring, either.
        self.hub.reached(self.store.committed()).await;
        Ok(total)
    }

    /// Walks once through all that knows something of a user; whether anything does.
    async fn walk(&self, deletion: &Deletion, total: &mut DeletedUser) -> Result<bool, StoreError> {
        let (mut behind, mut has_found) = (Some(ChatKey::MIN), false);
        while let Some(at) = behind {
            let (traces, next) = self.store.traces_of(deletion.clone(), at).await?;
            for trace in traces {
                has_found = true;
                self.delete_from(deletion, &trace, total).await?;
            }
            behind = next;
        }
        Ok(has_found)
    }

    async fn delete_from(&self, deletion: &Deletion, trace: &Trace, total: &mut DeletedUser) -> Result<(), StoreError> {
        let namespace = &deletion.namespace;
        let mut has_more = true;
        while has_more {
            let begun = Instant::now();
            let deleted = self.store.delete_from(deletion.clone(), trace.chat).await?;
            self.recent.forget_messages(namespace, &trace.id, trace.chat);
            if deleted.has_ended {
                self.forget(namespace, &trace.id, trace.chat);
            }
            total.messages += deleted.messages;
            total.chats += u64::from(deleted.was_member);
            total.ended += u64::from(deleted.has_ended);
            has_more = deleted.has_more;
            if has_more {
                // As long for others as for this.
                sleep(begun.elapsed()).await;
            }
        }
        Ok(())
    }

    /// Goes on with what was left to do when the server ended.
    pub async fn resume_deletions(&self) {
        let mut pause = BACK_OFF;
        loop {
            match self.store.deletions().await {
                Ok(left) => return self.delete_all(left, BACK_OFF).await,
                Err(StoreError::Closed) => return,
                Err(error) => tracing::error!(%error, again_in = ?pause, "it is not known who is being deleted"),
            }
            if !self.rest(&mut pause).await {
                return;
            }
        }
    }

    /// Deletes what is left of these users, one after the other, and those where that fails again and again, until it
    /// is done or the server ends: then the next start goes on. One that fails holds up no other.
    async fn delete_all(&self, mut left: Vec<(String, String)>, mut pause: Duration) {
        while !left.is_empty() {
            let mut failed = Vec::new();
            for (namespace, user_id) in left {
                match self.try_to_delete(&namespace, &user_id).await {
                    Ok(_) => pause = BACK_OFF,
                    Err(StoreError::Closed) => return,
                    Err(error) => {
                        tracing::error!(%error, again_in = ?pause, "a user who was deleted is not all gone");
                        failed.push((namespace, user_id));
                    }
                }
            }
            left = failed;
            if !left.is_empty() && !self.rest(&mut pause).await {
                return;
            }
        }
    }

    /// Waits as long as it is said, and makes it longer for the next time; whether the server is still there then.
    async fn rest(&self, pause: &mut Duration) -> bool {
        let rest = std::mem::replace(pause, LONGEST.min(*pause * 2));
        tokio::select! {
            () = sleep(rest) => true,
            () = self.store.closed() => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::User;
    use std::time::UNIX_EPOCH;
    use tokio::time::timeout;

    fn caller(user_id: &str, issued_at: Option<u64>) -> Caller {
        let issued_at = issued_at.map(|at| UNIX_EPOCH + Duration::from_secs(at));
        let until = SystemTime::now() + Duration::from_secs(60);
        Caller::known("micro".to_owned(), User { id: user_id.to_owned(), issued_at, until, login: None })
    }

    #[tokio::test]
    async fn a_deletion_begins_behind_calls_that_were_let_in_and_holds_up_none() {
        let underway = Underway::default();
        let call = underway.enter(&caller("ann", None)).expect("she is let in");
        let mut leaving = Box::pin(underway.shut_out("micro", "ann", 50));
        assert!(timeout(Duration::from_millis(20), &mut leaving).await.is_err(), "her call is not in line yet");
        // Who comes meanwhile neither waits nor is waited for.
        let of_ben = underway.enter(&caller("ben", None)).expect("he is let in");
        drop(call);
        timeout(Duration::from_secs(10), leaving).await.expect("it begins");
        drop(of_ben);
    }

    #[tokio::test]
    async fn two_deletions_at_once_both_begin_behind_what_was_let_in_before() {
        let underway = Underway::default();
        let of_ben = underway.enter(&caller("ben", None)).expect("he is let in");
        let mut first = Box::pin(underway.shut_out("micro", "ann", 50));
        assert!(timeout(Duration::from_millis(20), &mut first).await.is_err());
        let mut second = Box::pin(underway.shut_out("micro", "ben", 50));
        assert!(timeout(Duration::from_millis(20), &mut second).await.is_err(), "his call is not in line yet");
        drop(of_ben);
        timeout(Duration::from_secs(10), second).await.expect("it begins");
        timeout(Duration::from_secs(10), first).await.expect("it begins");
    }

    #[tokio::test]
    async fn behind_it_only_newer_tokens_of_that_name_are_let_in_and_all_others() {
        let underway = Underway::default();
        underway.shut_out("micro", "ann", 50).await;
        let is_let_in = |caller: &Caller| underway.enter(caller).is_ok();
        for (user_id, issued_at, expected) in
            [("ann", None, false), ("ann", Some(50), false), ("ann", Some(51), true), ("ben", None, true)]
        {
            assert_eq!(is_let_in(&caller(user_id, issued_at)), expected, "{user_id} {issued_at:?}");
        }
        let mut elsewhere = caller("ann", None);
        "other".clone_into(&mut elsewhere.namespace);
        assert!(is_let_in(&elsewhere) && is_let_in(&Caller::open("micro")));
        underway.settle("micro", "ann", 50, false);
        assert!(is_let_in(&caller("ann", None)), "it did not begin");
    }

    #[tokio::test]
    async fn what_does_not_begin_takes_back_nothing_that_has_begun_nor_leaves_anything_behind() {
        let underway = Underway::default();
        let is_let_in = |issued_at| underway.enter(&caller("ann", Some(issued_at))).is_ok();
        // Two at once of which neither begins, whichever of them ends first.
        for ends in [[60, 61], [61, 60]] {
            for at in [60, 61] {
                underway.shut_out("micro", "ann", at).await;
            }
            assert!(!is_let_in(61) && is_let_in(62));
            for at in ends {
                underway.settle("micro", "ann", at, false);
            }
            assert!(is_let_in(1), "{ends:?}");
            assert!(underway.0.read().expect("no panic").gone["micro"].is_empty());
        }
        underway.shut_out("micro", "ann", 50).await;
        underway.settle("micro", "ann", 50, true);
        // The clock was set back, goes on, or stands still.
        for at in [40, 60, 50] {
            underway.shut_out("micro", "ann", at).await;
            assert!(!is_let_in(50) && is_let_in(61), "{at}");
            underway.settle("micro", "ann", at, false);
            assert!(!is_let_in(50) && is_let_in(51), "{at}");
        }
        // Two in one second, of which one begins.
        for has_begun in [true, false] {
            underway.shut_out("micro", "ann", 70).await;
            underway.shut_out("micro", "ann", 70).await;
            underway.settle("micro", "ann", 70, has_begun);
            assert!(!is_let_in(70) && is_let_in(71));
            underway.settle("micro", "ann", 70, !has_begun);
            assert!(!is_let_in(70) && is_let_in(71));
        }
    }
}
