//! A user goes, with all that they wrote: out of their chats first, then message by message, in small commits that others'
//! messages need not wait for.

use std::time::SystemTime;

use super::{Chats, Refusal, at_most};
use crate::auth::accounts::TERMS;
use crate::auth::{self, Caller, Denied, Scope};
use crate::store::{Cutoff, Trace};
use micro_chat_wire::limit;
use tokio::time::{Instant, sleep};

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

    /// Deletes what is left of a user.
    pub async fn erase(&self, namespace: &str, user_id: &str) -> Result<Goodbye, Refusal> {
        let mut goodbye = Goodbye::default();
        let mut behind = Some(String::new());
        while let Some(at) = behind {
            let (traces, next) = self.store.traces(namespace.to_owned(), user_id.to_owned(), at).await?;
            for trace in traces {
                self.erase_in(namespace, &trace, user_id, &mut goodbye).await?;
            }
            behind = next;
        }
        // Chats that nobody is left in hold their messages still.
        self.store.sweep().await?;
        self.store.end_erasure(namespace.to_owned(), user_id.to_owned()).await?;
        // Who asks from here on finds nothing in a ring, either.
        self.hub.reached(self.store.committed()).await;
        Ok(goodbye)
    }

    async fn erase_in(
        &self,
        namespace: &str,
        trace: &Trace,
        user_id: &str,
        goodbye: &mut Goodbye,
    ) -> Result<(), Refusal> {
        let mut has_more = true;
        while has_more {
            let begun = Instant::now();
            let erased = self.store.erase(trace.chat, user_id.to_owned()).await?;
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
    pub async fn resume_erasures(&self) -> Result<(), Refusal> {
        while let Some((namespace, user_id)) = self.store.erasure().await? {
            self.erase(&namespace, &user_id).await?;
        }
        Ok(())
    }
}
