//! Finding and creating chats.

use micro_chat_wire::limit;

use super::{Chats, Refusal, at_most};
use crate::auth::{Caller, Scope};
use crate::store::{ChatDraft, ChatWithUsers};

/// How many different users a chat needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtLeast {
    /// `chat.New`: a chat with oneself is a chat.
    One,
    /// `chats.CreateChat`.
    Two,
}

impl Chats {
    /// The chat with that id, else the chat of these users, else a new one. Order and repetition of users don't matter.
    /// A user has to be one of them, and can't choose an id: it might be that of others' chat.
    pub async fn create(
        &self,
        caller: &Caller,
        id: &str,
        user_ids: Vec<String>,
        at_least: AtLeast,
    ) -> Result<ChatWithUsers, Refusal> {
        caller.may(Scope::Send)?;
        self.count_chat(caller)?;
        at_most(limit::ID, "id", id)?;
        let user_ids = checked_users(user_ids)?;
        let needed = match at_least {
            AtLeast::One => 1,
            AtLeast::Two => 2,
        };
        if user_ids.len() < needed {
            return Err(Refusal::MissingUserIds);
        }
        if let Some(user) = caller.user() {
            // Otherwise a stranger would learn the chat of two others.
            if !user_ids.contains(&user.id) {
                return Err(Refusal::NotAmongUsers);
            }
            if !id.is_empty() {
                return Err(Refusal::ChosenId);
            }
        }
        let id = (!id.is_empty()).then(|| id.to_owned());
        let _underway = self.underway.enter(caller)?;
        let created = self.store.create(ChatDraft { namespace: caller.namespace.clone(), id, user_ids }).await?;
        created.ok_or(Refusal::TakenId)
    }
}

/// The users of a new chat: each once, in the order of their names.
pub fn checked_users(mut user_ids: Vec<String>) -> Result<Vec<String>, Refusal> {
    if user_ids.len() > limit::USER_IDS {
        return Err(Refusal::TooManyUserIds);
    }
    for user_id in &user_ids {
        at_most(limit::ID, "user_ids", user_id)?;
    }
    if user_ids.iter().any(String::is_empty) {
        return Err(Refusal::EmptyUserId);
    }
    user_ids.sort_unstable();
    user_ids.dedup();
    Ok(user_ids)
}
