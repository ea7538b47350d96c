//! Requests and answers of the service `chat` for groups: chats that have a name, and members that come and go.
//!
//! A field that is missing is its empty value: the rules, not the parser, say what is needed.

use serde::{Deserialize, Serialize};

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = groups::Group))]
pub struct Group {
    /// Made by the server; a UUID. It is the group's `chat_id`, too.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it is about; may be empty.
    pub description: String,
    /// RFC 3339.
    pub created_at: String,
    /// Its members, in the order of their names.
    pub user_ids: Vec<String>,
    /// Whether one comes in by invitation only.
    pub private: bool,
}

/// A message of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = groups::Message))]
pub struct Message {
    /// Made by the server; a UUID.
    pub id: String,
    /// As its sender gave it, or made by the server.
    pub client: String,
    /// The group it is in.
    pub group_id: String,
    /// Who sent it.
    pub user_id: String,
    /// When it was stored: RFC 3339, with nanoseconds.
    pub sent_at: String,
    /// What it is about; may be empty.
    pub subject: String,
    /// What it says.
    pub text: String,
}

/// Request of `chat.Create`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = groups::CreateRequest))]
pub struct CreateRequest {
    /// What it is called.
    #[cfg_attr(feature = "openapi", schema(required, min_length = 1, max_length = 1024))]
    pub name: String,
    /// What it is about.
    #[cfg_attr(feature = "openapi", schema(max_length = 65536))]
    pub description: String,
    /// Its first members; the caller becomes one anyway.
    #[cfg_attr(feature = "openapi", schema(max_items = 1000))]
    pub user_ids: Vec<String>,
    /// Whether one comes in by invitation only.
    pub private: bool,
}

/// Request of `chat.List`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = groups::ListRequest))]
pub struct ListRequest {
    /// Only groups with this member; empty: all that the caller may see.
    pub user_id: String,
    /// At most so many, 1 to 1,000; 0 stands for 1,000.
    #[cfg_attr(feature = "openapi", schema(maximum = 1000))]
    pub limit: u64,
    /// Groups to pass over.
    pub offset: u64,
}

/// Answer of `chat.List`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = groups::ListResponse))]
pub struct ListResponse {
    /// The newest first: as many as fit.
    pub groups: Vec<Group>,
    /// Whether there may be older ones.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "openapi", schema(default = false))]
    pub has_more: bool,
}

/// Request of `chat.Delete`, `chat.Invite`, `chat.Kick`, `chat.Leave` and `chat.Join`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = groups::MemberRequest))]
pub struct MemberRequest {
    /// The group.
    #[cfg_attr(feature = "openapi", schema(required, min_length = 1, max_length = 256))]
    pub group_id: String,
    /// Who comes in or goes.
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    pub user_id: String,
}

/// Answer of `chat.Create`, `chat.Delete`, `chat.Invite`, `chat.Kick`, `chat.Leave` and `chat.Join`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = groups::GroupResponse))]
pub struct GroupResponse {
    /// As it is now; a deleted one as it was.
    pub group: Group,
}

/// Answer of `chat.Send` to a group, and a frame of the stream `chat.Join`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = groups::MessageResponse))]
pub struct MessageResponse {
    /// As it is stored.
    pub message: Message,
}

/// Answer of `chat.History` of a group.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = groups::HistoryResponse))]
pub struct HistoryResponse {
    /// Oldest first.
    pub messages: Vec<Message>,
    /// Whether there are older ones.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "openapi", schema(default = false))]
    pub has_more: bool,
}
