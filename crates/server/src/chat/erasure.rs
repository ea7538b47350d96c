//! A user goes, with all that they wrote: out of their chats first, then message by message, in small commits that others'
//! messages need not wait for.

use std::time::{Duration, SystemTime};

use super::{Chats, Refusal, at_most};
use crate::auth::accounts::TERMS;
use crate::auth::{self, Caller, Denied, Scope};
use crate::store::{ChatKey, Cutoff, Erasure, StoreError, Trace};
use micro_chat_wire::limit;
use tokio::time::{Instant, sleep};

/// How long is waited behind the first failure; twice as long behind each further one.
const BACK_OFF: Duration = Duration::from_secs(1);

/// And at most so long.
const LONGEST: Duration = Duration::from_secs(60);

/// What went with a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Goodbye {
    /// Messages, but for those of chats that have ended.
    pub messages: u64,
    /// Chats that they were in.
    pub chats: u64,
    /// Chats that nobody was left in.
    pub ended: u64,
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

    /// Begins to delete a user: from here on it is done, whatever happens. Their account is gone; names its logins.
    pub async fn begin_erasure(&self, namespace: &str, user_id: &str) -> Result<Vec<String>, Refusal> {
        let at = auth::seconds(SystemTime::now());
        let cutoff = Cutoff { namespace: namespace.to_owned(), user_id: auth::sealed(namespace, user_id), at };
        Ok(self.store.begin_erasure(namespace.to_owned(), user_id.to_owned(), cutoff, TERMS).await?)
    }

    /// Deletes what is left of a user. Where that fails, this says so, and it goes on by itself.
    pub async fn erase(&self, namespace: &str, user_id: &str) -> Result<Goodbye, Refusal> {
        let erased = self.try_to_erase(namespace, user_id).await;
        if erased.is_err() {
            let (chats, left) = (self.clone(), (namespace.to_owned(), user_id.to_owned()));
            tokio::spawn(async move {
                let mut pause = BACK_OFF;
                if chats.rest(&mut pause).await {
                    chats.erase_all(vec![left], pause).await;
                }
            });
        }
        Ok(erased?)
    }

    async fn try_to_erase(&self, namespace: &str, user_id: &str) -> Result<Goodbye, StoreError> {
        let mut goodbye = Goodbye::default();
        // Whoever is deleted a second time meanwhile goes with what has come since.
        while let Some(erasure) = self.store.erasure(namespace.to_owned(), user_id.to_owned()).await? {
            while self.walk(&erasure, &mut goodbye).await? {}
            // Chats that nobody is left in hold their messages still.
            self.store.sweep().await?;
            if self.store.end_erasure(erasure).await? {
                break;
            }
        }
        // Who asks from here on finds nothing in a ring, either.
        self.hub.reached(self.store.committed()).await;
        Ok(goodbye)
    }

    /// Walks once through all that knows something of a user; whether anything does.
    async fn walk(&self, erasure: &Erasure, goodbye: &mut Goodbye) -> Result<bool, StoreError> {
        let (mut behind, mut has_found) = (Some(ChatKey::MIN), false);
        while let Some(at) = behind {
            let (traces, next) = self.store.traces_of(erasure.clone(), at).await?;
            for trace in traces {
                has_found = true;
                self.erase_in(erasure, &trace, goodbye).await?;
            }
            behind = next;
        }
        Ok(has_found)
    }

    async fn erase_in(&self, erasure: &Erasure, trace: &Trace, goodbye: &mut Goodbye) -> Result<(), StoreError> {
        let namespace = &erasure.namespace;
        let mut has_more = true;
        while has_more {
            let begun = Instant::now();
            let erased = self.store.erase(erasure.clone(), trace.chat).await?;
            self.recent.forget_messages(namespace, &trace.id, trace.chat);
            if erased.has_ended {
                self.forget(namespace, &trace.id, trace.chat);
            }
            goodbye.messages += erased.messages;
            goodbye.chats += u64::from(erased.was_member);
            goodbye.ended += u64::from(erased.has_ended);
            has_more = erased.has_more;
            if has_more {
                // As long for others as for this.
                sleep(begun.elapsed()).await;
            }
        }
        Ok(())
    }

    /// Goes on with what was left to do when the server ended.
    pub async fn resume_erasures(&self) {
        let mut pause = BACK_OFF;
        loop {
            match self.store.erasures().await {
                Ok(left) => return self.erase_all(left, BACK_OFF).await,
                Err(StoreError::Closed) => return,
                Err(error) => tracing::error!(%error, again_in = ?pause, "it is not known who is being deleted"),
            }
            if !self.rest(&mut pause).await {
                return;
            }
        }
    }

    /// Deletes what is left of these users, one after the other, and those where that fails again and again, until it is
    /// done or the server ends: then the next start goes on. One that fails holds up no other.
    async fn erase_all(&self, mut left: Vec<(String, String)>, mut pause: Duration) {
        while !left.is_empty() {
            let mut failed = Vec::new();
            for (namespace, user_id) in left {
                match self.try_to_erase(&namespace, &user_id).await {
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
