//! Requests and answers of the service `chat`.
//!
//! A field that is missing is its empty value, as in the original: the rules, not the parser, say what is needed.

use serde::{Deserialize, Serialize};

/// A message, as History answers it and every stream carries it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = chat::Message))]
pub struct Message {
    /// Made by the server; a UUID.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub id: String,
    /// Made by the sender: a second message with it is the same message.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub client_id: String,
    /// The chat it is in.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub chat_id: String,
    /// Who sent it.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub user_id: String,
    /// What it is about; may be empty.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub subject: String,
    /// What it says.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub text: String,
    /// When the server stored it, in Unix seconds.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub sent_at: i64,
    /// Its place in its chat: 1, 2, 3, …
    #[cfg_attr(feature = "openapi", schema(required))]
    pub seq: u64,
}

/// Request of `chat.New`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = chat::NewRequest))]
pub struct NewRequest {
    /// Who the chat is for; order and repetition don't matter.
    #[cfg_attr(feature = "openapi", schema(required, min_items = 1, max_items = 1000))]
    pub user_ids: Vec<String>,
}

/// Answer of `chat.New`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = chat::NewResponse))]
pub struct NewResponse {
    /// The chat of these users.
    pub chat_id: String,
}

/// Request of `chat.Send`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = chat::SendRequest))]
pub struct SendRequest {
    /// The chat to send to.
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    pub chat_id: String,
    /// The group to send to, instead of a chat.
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    pub group_id: String,
    /// Makes a retry safe; the server makes one where it is empty.
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    pub client_id: String,
    /// With a `group_id`: the same, where it is a UUID; anything else says what program sends, and comes back with each
    /// of its messages.
    #[cfg_attr(feature = "openapi", schema(max_length = 219))]
    pub client: String,
    /// Who sends.
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    pub user_id: String,
    /// What it is about; may be empty.
    #[cfg_attr(feature = "openapi", schema(max_length = 1024))]
    pub subject: String,
    /// What it says.
    #[cfg_attr(feature = "openapi", schema(required, min_length = 1, max_length = 65536))]
    pub text: String,
}

/// Answer of `chat.Send`: it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = chat::SendResponse))]
pub struct SendResponse {}

/// Request of `chat.History`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = chat::HistoryRequest))]
pub struct HistoryRequest {
    /// The chat to read.
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    pub chat_id: String,
    /// The group to read, instead of a chat.
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    pub group_id: String,
    /// At most this many messages: 1 to 1,000; 0 stands for 1,000.
    #[cfg_attr(feature = "openapi", schema(maximum = 1000))]
    pub limit: u64,
    /// Only messages with a smaller `seq`; 0 stands for no bound.
    pub before: u64,
    /// Only messages with a larger `seq`, the oldest of them; without it the newest are answered.
    pub after: Option<u64>,
}

/// Answer of `chat.History`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = chat::HistoryResponse))]
pub struct HistoryResponse {
    /// Oldest first.
    pub messages: Vec<Message>,
    /// Whether the asked range holds more: older ones, or with `after` newer ones.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "openapi", schema(default = false))]
    pub has_more: bool,
}

/// What a stream begins with: the metadata of `chat.Connect`, where headers and query did not give it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = chat::ConnectRequest))]
pub struct ConnectRequest {
    /// The namespace.
    pub namespace: String,
    /// The chat to join.
    pub chat_id: String,
    /// The group to join, instead of a chat.
    pub group_id: String,
    /// Who joins.
    pub user_id: String,
    /// What proves who the user is; a page can't put it anywhere else.
    pub token: String,
}
