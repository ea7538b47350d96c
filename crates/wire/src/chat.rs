//! Requests and answers of the service `chat`.
//!
//! A field that is missing is its empty value, as in the original: the rules, not the parser, say what is needed.

use serde::{Deserialize, Serialize};

/// A message, as History answers it and every stream carries it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Message {
    /// Made by the server; a UUID.
    pub id: String,
    /// Made by the sender: a second message with it is the same message.
    pub client_id: String,
    /// The chat it is in.
    pub chat_id: String,
    /// Who sent it.
    pub user_id: String,
    /// What it is about; may be empty.
    pub subject: String,
    /// What it says.
    pub text: String,
    /// When the server stored it, in Unix seconds.
    pub sent_at: i64,
    /// Its place in its chat: 1, 2, 3, …
    pub seq: u64,
}

/// Request of `chat.New`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NewRequest {
    /// Who the chat is for; order and repetition don't matter.
    pub user_ids: Vec<String>,
}

/// Answer of `chat.New`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewResponse {
    /// The chat of these users.
    pub chat_id: String,
}

/// Request of `chat.Send`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SendRequest {
    /// The chat to send to.
    pub chat_id: String,
    /// The group to send to, instead of a chat.
    pub group_id: String,
    /// Makes a retry safe; the server makes one where it is empty.
    pub client_id: String,
    /// The same, as groups call it.
    pub client: String,
    /// Who sends.
    pub user_id: String,
    /// What it is about; may be empty.
    pub subject: String,
    /// What it says.
    pub text: String,
}

/// Answer of `chat.Send`: it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SendResponse {}

/// Request of `chat.History`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HistoryRequest {
    /// The chat to read.
    pub chat_id: String,
    /// The group to read, instead of a chat.
    pub group_id: String,
    /// At most this many messages: 1 to 1,000; 0 stands for 1,000.
    pub limit: u64,
    /// Only messages with a smaller `seq`; 0 stands for no bound.
    pub before: u64,
    /// Only messages with a larger `seq`, the oldest of them; without it the newest are answered.
    pub after: Option<u64>,
}

/// Answer of `chat.History`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HistoryResponse {
    /// Oldest first.
    pub messages: Vec<Message>,
    /// Whether the asked range holds more: older ones, or with `after` newer ones.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_more: bool,
}

/// What a stream begins with: the metadata of `chat.Connect`, where headers and query did not give it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectRequest {
    /// The tenant.
    pub namespace: String,
    /// The chat to join, or the group.
    #[serde(alias = "group_id")]
    pub chat_id: String,
    /// Who joins.
    pub user_id: String,
    /// What proves who the user is; a page can't put it anywhere else.
    pub token: String,
}
