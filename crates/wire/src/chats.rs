//! Requests and answers of the service `chats`. Times are RFC 3339 with nanoseconds.

use serde::{Deserialize, Serialize};

/// A chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = chats::Chat))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = chats::Message))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = chats::CreateChatRequest))]
pub struct CreateChatRequest {
    /// The chat's id; the server makes one where it is empty.
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    pub id: String,
    /// Two or more users.
    #[cfg_attr(feature = "openapi", schema(required, min_items = 2, max_items = 1000))]
    pub user_ids: Vec<String>,
}

/// Answer of `chats.CreateChat`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = chats::CreateChatResponse))]
pub struct CreateChatResponse {
    /// The new chat, or the one that was there.
    pub chat: Chat,
}

/// Request of `chats.SendMessage`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = chats::SendMessageRequest))]
pub struct SendMessageRequest {
    /// The message's id, which makes a retry safe; the server makes one where it is empty.
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    pub id: String,
    /// The chat to send to.
    #[cfg_attr(feature = "openapi", schema(required, min_length = 1, max_length = 256))]
    pub chat_id: String,
    /// Who sends.
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    pub author_id: String,
    /// What it says.
    #[cfg_attr(feature = "openapi", schema(required, min_length = 1, max_length = 65536))]
    pub text: String,
}

/// Answer of `chats.SendMessage`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = chats::SendMessageResponse))]
pub struct SendMessageResponse {
    /// The message as stored.
    pub message: Message,
}

/// Request of `chats.ListMessages`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = chats::ListMessagesRequest))]
pub struct ListMessagesRequest {
    /// The chat to read.
    #[cfg_attr(feature = "openapi", schema(required, min_length = 1, max_length = 256))]
    pub chat_id: String,
    /// At most this many messages: 1 to 1,000; 0 stands for 25.
    #[cfg_attr(feature = "openapi", schema(maximum = 1000))]
    pub limit: u64,
    /// Messages to pass over first, counted from the end that `order` names.
    pub offset: u64,
    /// `asc`: oldest first; anything else: newest first.
    pub order: String,
}

/// Answer of `chats.ListMessages`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = chats::ListMessagesResponse))]
pub struct ListMessagesResponse {
    /// In the order asked for.
    pub messages: Vec<Message>,
    /// Whether the answer was full before it had as many messages as asked for: go on behind the last of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "openapi", schema(default = false))]
    pub has_more: bool,
}
