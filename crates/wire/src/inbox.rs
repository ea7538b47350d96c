//! Requests and answers of the service `chats` about a user's own chats: which there are, and what is unread in them.

use serde::{Deserialize, Serialize};

use crate::chats::Message;

/// Request of `chats.ListChats`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = chats::ListChatsRequest))]
pub struct ListChatsRequest {
    /// Whose chats; where a token says that, it may be left out.
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    pub user_id: String,
    /// At most so many, 1 to 100; 0 stands for 25.
    #[cfg_attr(feature = "openapi", schema(maximum = 100))]
    pub limit: u64,
    /// The `cursor` of the answer before; empty: from the front.
    pub cursor: String,
}

/// A chat in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = chats::ListedChat))]
pub struct ListedChat {
    /// Its name in every call.
    pub id: String,
    /// Its members, in the order of their names: the first 100.
    pub user_ids: Vec<String>,
    /// Whether there are more members than those.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more_users: bool,
    /// What it is called, where it is a group.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// When it was created.
    pub created_at: String,
    /// The newest message that is still there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub last_message: Option<Message>,
    /// The newest `seq`, whether or not its message is still there; 0 in a chat without messages.
    pub last_seq: u64,
    /// Up to where the user has read.
    pub read_seq: u64,
    /// Messages of others behind that: of the newest 1,000 messages there at most.
    pub unread: u64,
    /// Whether there are older messages behind that which were not looked at.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more_unread: bool,
}

/// Answer of `chats.ListChats`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = chats::ListChatsResponse))]
pub struct ListChatsResponse {
    /// Those in which something was said last come first.
    pub chats: Vec<ListedChat>,
    /// Whether there are more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_more: bool,
    /// Where the list goes on, if it does: the next request's `cursor`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cursor: String,
}

/// Request of `chats.MarkRead`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = chats::MarkReadRequest))]
pub struct MarkReadRequest {
    /// The chat.
    #[cfg_attr(feature = "openapi", schema(required, min_length = 1, max_length = 256))]
    pub chat_id: String,
    /// Who has read; where a token says that, it may be left out.
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    pub user_id: String,
    /// Up to which message. One beyond the end is the end; one before the mark changes nothing.
    pub seq: u64,
}

/// Answer of `chats.MarkRead`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = chats::MarkReadResponse))]
pub struct MarkReadResponse {
    /// Up to where they have read now.
    pub read_seq: u64,
}
