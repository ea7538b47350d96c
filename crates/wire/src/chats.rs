//! Requests and answers of the service `chats`. Times are RFC 3339 with nanoseconds.

use serde::{Deserialize, Serialize};

/// A chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chat {
    /// Chosen by the client, or made by the server.
    pub id: String,
    /// Whom it was created for, in the order of their names.
    pub user_ids: Vec<String>,
    /// When it was created.
    pub created_at: String,
}

/// A message, in this service's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Chosen by the client, or made by the server.
    pub id: String,
    /// Who sent it.
    pub author_id: String,
    /// The chat it is in.
    pub chat_id: String,
    /// What it says.
    pub text: String,
    /// When the server stored it.
    pub sent_at: String,
}

/// Request of `chats.CreateChat`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CreateChatRequest {
    /// The chat's id; the server makes one where it is empty.
    pub id: String,
    /// Two or more users.
    pub user_ids: Vec<String>,
}

/// Answer of `chats.CreateChat`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CreateChatResponse {
    /// The new chat, or the one that was there.
    pub chat: Chat,
}

/// Request of `chats.SendMessage`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SendMessageRequest {
    /// The message's id, which makes a retry safe; the server makes one where it is empty.
    pub id: String,
    /// The chat to send to.
    pub chat_id: String,
    /// Who sends.
    pub author_id: String,
    /// What it says.
    pub text: String,
}

/// Answer of `chats.SendMessage`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SendMessageResponse {
    /// The message as stored.
    pub message: Message,
}

/// Request of `chats.ListMessages`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ListMessagesRequest {
    /// The chat to read.
    pub chat_id: String,
    /// At most this many messages: 1 to 1,000; 0 stands for 25.
    pub limit: u64,
    /// Messages to pass over first, counted from the end that `order` names.
    pub offset: u64,
    /// `asc`: oldest first; anything else: newest first.
    pub order: String,
}

/// Answer of `chats.ListMessages`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ListMessagesResponse {
    /// In the order asked for.
    pub messages: Vec<Message>,
    /// Whether the answer was full before it had as many messages as asked for: go on behind the last of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_more: bool,
}
