//! The rules of chats: who is asked for what, what is too large, what is the same. No HTTP, no SQL.
//!
//! - `create`: finding and creating chats,
//! - `groups`: chats whose members come and go,
//! - `inbox`: a user's chats, and what is unread in them,
//! - `send`: storing messages,
//! - `deletion`: a user goes, with all that they wrote,
//! - `export`: all of a chat, or of a user,
//! - `retention`: old messages go,
//! - `read`: reading them back,
//! - `join`: listening to them,
//! - `shared`: reads that many want at once,
//! - [`Refusal`]: what can be wrong with a request.

mod create;
mod deletion;
mod export;
mod groups;
mod inbox;
mod join;
mod read;
mod refusal;
pub mod retention;
mod send;
mod shared;

pub use create::AtLeast;
pub use deletion::DeletedUser;
pub use export::{Export, Part};
pub use groups::Act;
pub use join::{Joined, Reader, Start, Step};
pub use read::{History, Listing};
pub use refusal::Refusal;
pub(crate) use refusal::RefusalKind;
pub use send::Pending;

use std::sync::Arc;

use micro_chat_wire::limit;

use crate::auth::{Caller, Scope};
use crate::hub::Hub;
use crate::limits::Limits;
use crate::metrics::Standing;
use crate::store::{Chat, ChatKey, ChatName, Store, StoreError};

/// All chats of this server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Chats {
    store: Store,
    hub: Hub,
    /// How much each may do; none: as much as they like.
    limits: Option<Arc<Limits>>,
    recent: Arc<join::Recent>,
    underway: Arc<deletion::Underway>,
}

impl Chats {
    /// The chats in `store`, heard through `hub`.
    pub fn new(store: Store, hub: Hub, limits: Option<Arc<Limits>>) -> Self {
        Self { store, hub, limits, recent: Arc::default(), underway: Arc::default() }
    }

    /// The chat of that name, for this caller, who may name the user it is for. A name that can't be one, a name of
    /// nothing and that of others' chat answer alike.
    pub(crate) async fn find(&self, caller: &Caller, chat_id: &str, named: &str) -> Result<Chat, Refusal> {
        self.store.chat(readable(caller, chat_id, named)?).await?.ok_or(Refusal::UnknownChat)
    }

    /// Counts a chat that somebody asks for.
    fn count_chat(&self, caller: &Caller) -> Result<(), Refusal> {
        self.limits.as_ref().map_or(Ok(()), |limits| limits.chat(caller)).map_err(Refusal::TooMuch)
    }

    /// Drops what was read for many of a chat that is gone.
    fn forget(&self, namespace: &str, chat_id: &str, chat: ChatKey) {
        self.recent.forget(namespace, chat_id, chat);
    }

    /// Removes what is left of deleted chats.
    pub async fn sweep(&self) {
        if let Err(error) = self.store.sweep().await {
            tracing::error!(%error, "what is left of deleted chats stays");
        }
    }

    /// What of the figures is theirs.
    pub fn standing(&self, standing: Standing) -> Standing {
        Standing {
            subscriptions: self.hub.seats(),
            deliveries: self.hub.deliveries(),
            waiting_writes: self.store.waiting_writes(),
            ..standing
        }
    }

    /// Whether the database answers.
    pub async fn probe(&self) -> Result<(), StoreError> {
        self.store.probe().await
    }
}

/// The chat that a caller wants to read, as it is to be looked for.
fn readable(caller: &Caller, chat_id: &str, named: &str) -> Result<ChatName, Refusal> {
    caller.may(Scope::Read)?;
    if chat_id.is_empty() {
        return Err(Refusal::MissingChatId);
    }
    if chat_id.len() > limit::ID {
        return Err(Refusal::UnknownChat);
    }
    let member = caller.must_be_member(named).map(str::to_owned);
    Ok(ChatName { namespace: caller.namespace.clone(), id: chat_id.to_owned(), member })
}

/// Refuses `value` where it is longer than `limit` bytes.
fn at_most(limit: usize, field: &'static str, value: &str) -> Result<(), Refusal> {
    if value.len() > limit { Err(Refusal::TooLarge { field, limit }) } else { Ok(()) }
}
