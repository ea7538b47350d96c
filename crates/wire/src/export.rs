//! Requests of `chats.ExportChat` and `chats.ExportUser`, and the lines that answer them: JSON Lines, each an object
//! with one key that says what it is. One whose last line is no `end` was interrupted.

use serde::{Deserialize, Serialize};

use crate::chat::Message;

/// Request of `chats.ExportChat`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = chats::ExportChatRequest))]
pub struct ExportChatRequest {
    /// The chat.
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    pub chat_id: String,
    /// The member for whom it is, where an API key asks; without one it is for the namespace.
    pub user_id: String,
}

/// Request of `chats.ExportUser`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = chats::ExportUserRequest))]
pub struct ExportUserRequest {
    /// Whose data; where a token says who calls, it may be left out.
    pub user_id: String,
}

/// A line of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = export::Line))]
pub enum Line {
    /// Whose data it is: the first line of a user's.
    User(User),
    /// A chat; its messages follow.
    Chat(Chat),
    /// A message of the chat before.
    Message(Message),
    /// The last line: all of it was there.
    End(End),
}

/// Whose data it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = export::User))]
pub struct User {
    /// Their name.
    pub user_id: String,
    /// Their namespace.
    pub namespace: String,
    /// What is known of their account, where they have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
}

/// An account, without what would let somebody use it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = export::Account))]
pub struct Account {
    /// Where their codes go to.
    pub email: String,
    /// RFC 3339.
    pub created_at: String,
    /// Where they are logged in: how many there are.
    pub logins: u64,
}

/// A chat, as it was when it was reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = export::Chat))]
pub struct Chat {
    /// Its name in every call.
    pub id: String,
    /// What it is called, where it is a group.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What it is about, where it is a group.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// RFC 3339.
    pub created_at: String,
    /// The first `seq` that is not too old to be kept; left out where the user whose data it is is no member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seq: Option<u64>,
    /// The newest `seq`: what comes later is not in the export. Likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seq: Option<u64>,
    /// Up to where the user whose data it is has read. Likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_seq: Option<u64>,
    // The last field: a server writes it a page at a time.
    /// Its members, in the order of their names; none, where the user whose data it is has left.
    pub user_ids: Vec<String>,
}

/// What there was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = export::End))]
pub struct End {
    /// Chats.
    pub chats: u64,
    /// Messages.
    pub messages: u64,
}
