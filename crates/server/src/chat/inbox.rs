//! A user's chats, and up to where they have read.

use micro_chat_wire::limit;

use super::{Chats, Refusal, at_most};
use crate::auth::{Caller, Scope};
use crate::store::{Listed, Place};

/// How many chats are answered without a limit.
const LISTED: u64 = 25;

impl Chats {
    /// The chats of a user, those first in which something was said last, and whether there are more. A cursor is where
    /// an earlier list ended.
    pub async fn inbox(
        &self,
        caller: &Caller,
        named: String,
        limit: u64,
        cursor: &str,
    ) -> Result<(Vec<Listed>, bool), Refusal> {
        caller.may(Scope::Read)?;
        let user_id = acting(caller, named)?;
        if limit > limit::CHATS {
            return Err(Refusal::LimitTooLarge(limit::CHATS));
        }
        let limit = if limit == 0 { LISTED } else { limit };
        let behind = match cursor {
            "" => None,
            cursor => Some(Place::parse(cursor).ok_or(Refusal::InvalidCursor)?),
        };
        Ok(self.store.inbox(caller.namespace.clone(), user_id, behind, limit).await?)
    }

    /// Says that a member has read up to that message; where their mark is now.
    pub async fn mark_read(&self, caller: &Caller, chat_id: String, named: String, seq: u64) -> Result<u64, Refusal> {
        caller.may(Scope::Send)?;
        // Each is a write.
        if let Some(limits) = &self.limits {
            limits.send(caller).map_err(Refusal::TooMuch)?;
        }
        if chat_id.is_empty() {
            return Err(Refusal::MissingChatId);
        }
        if chat_id.len() > limit::ID {
            return Err(Refusal::UnknownChat);
        }
        let user_id = acting(caller, named)?;
        let marked = self.store.mark_read(caller.namespace.clone(), chat_id, user_id, seq).await?;
        marked.ok_or(Refusal::UnknownChat)
    }
}

/// Whose chats it is about: the caller's own, or whom a service names.
fn acting(caller: &Caller, named: String) -> Result<String, Refusal> {
    let user_id = caller.acts_as(named);
    if user_id.is_empty() {
        return Err(Refusal::MissingUserId);
    }
    at_most(limit::ID, "user_id", &user_id)?;
    Ok(user_id)
}

impl Place {
    /// As a cursor.
    pub fn cursor(&self) -> String {
        format!("{}.{}", self.active_at, self.id)
    }

    /// What a cursor says, if it is one.
    fn parse(cursor: &str) -> Option<Self> {
        let (active_at, id) = cursor.split_once('.')?;
        let active_at = active_at.parse().ok()?;
        (!id.is_empty() && id.len() <= limit::ID).then(|| Self { active_at, id: id.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_says_where_a_list_ended_whatever_the_chat_is_called() {
        for id in ["5f0c3b1e-0000-4000-8000-000000000000", "a.b", "."] {
            let place = Place { active_at: 1_767_225_600_000_000_000, id: id.to_owned() };
            assert_eq!(Place::parse(&place.cursor()), Some(place));
        }
        for none in ["x", "1", "1.", ".a", "1e3.a", "99999999999999999999.a", &format!("1.{}", "a".repeat(257))] {
            assert_eq!(Place::parse(none), None, "{none}");
        }
    }
}
