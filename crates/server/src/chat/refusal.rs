//! What can be wrong with a request.

use crate::auth::Denied;
use crate::limits::Wait;
use crate::store::StoreError;

/// Why a request is refused. The API gives each its id and its words.
#[derive(Debug, thiserror::Error, strum::EnumDiscriminants)]
#[strum_discriminants(name(RefusalKind), derive(strum::EnumIter), vis(pub(crate)), doc = "Its kinds.")]
pub enum Refusal {
    /// Who calls may not do this at all.
    #[error("denied")]
    Denied(Denied),
    /// No user is named.
    #[error("no user ids")]
    MissingUserIds,
    /// One of the users has an empty name.
    #[error("an empty user id")]
    EmptyUserId,
    /// More users than [`micro_chat_wire::limit::USER_IDS`].
    #[error("too many user ids")]
    TooManyUserIds,
    /// It isn't said who acts.
    #[error("no user id")]
    MissingUserId,
    /// A chat of others.
    #[error("the caller is not among the users")]
    NotAmongUsers,
    /// An id that a user wants to choose.
    #[error("the caller may not choose an id")]
    ChosenId,
    /// A group has no name.
    #[error("no name")]
    MissingName,
    /// No group is named.
    #[error("no group id")]
    MissingGroupId,
    /// There is no such group, or none that the caller may know of.
    #[error("no such group")]
    UnknownGroup,
    /// Who it is about is no member of the group.
    #[error("not in the group")]
    NotInGroup,
    /// Only who created the group may do this.
    #[error("not the creator")]
    NotCreator,
    /// More members than [`micro_chat_wire::limit::MEMBERS`].
    #[error("too many members")]
    TooManyMembers,
    /// The id that was chosen for a chat is a group's.
    #[error("the id is taken")]
    TakenId,
    /// They were a member of the chat, and are none any more.
    #[error("no member any more")]
    Removed,
    /// No chat is named.
    #[error("no chat id")]
    MissingChatId,
    /// There is no such chat.
    #[error("no such chat")]
    UnknownChat,
    /// The message says nothing.
    #[error("no text")]
    MissingText,
    /// A field is too long.
    #[error("{field} is over {limit} bytes")]
    TooLarge {
        /// As the request names it.
        field: &'static str,
        /// In bytes.
        limit: usize,
    },
    /// More asked for than so many.
    #[error("limit is too large")]
    LimitTooLarge(u64),
    /// What should say where a list goes on does not.
    #[error("no cursor")]
    InvalidCursor,
    /// The same `client_id` came with another subject or text.
    #[error("the client id belongs to another message")]
    Conflict,
    /// Too much of it; less in so much time.
    #[error("too much")]
    TooMuch(Wait),
    /// As many exports of the caller run as may.
    #[error("too many exports")]
    TooManyExports,
    /// The message came too late, or one of its name did before.
    #[error("the message has expired")]
    Expired,
    /// The database did not do it.
    #[error(transparent)]
    Store(StoreError),
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        error.log();
        Self::Store(error)
    }
}
