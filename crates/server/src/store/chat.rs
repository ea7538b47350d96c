//! Chats, as they are stored and asked for.

use super::Nanos;

/// A chat's row number: how tables and subscribers name it inside the server.
pub type ChatKey = i64;

/// A chat, as it stood when it was read.
#[derive(Clone, Debug)]
pub struct Chat {
    /// Its row.
    pub key: ChatKey,
    /// Its name in the API.
    pub id: String,
    /// Changes where a `seq` could be used again.
    pub epoch: u64,
    /// The smallest `seq` that is still there; one beyond `last_seq` in an empty chat.
    pub first_seq: u64,
    /// The newest `seq`; 0 in a chat without messages.
    pub last_seq: u64,
    /// When it was created.
    pub created_at: Nanos,
}

/// A chat with whom it was created for.
#[derive(Clone, Debug)]
pub struct ChatWithUsers {
    /// The chat.
    pub chat: Chat,
    /// In the order of their names.
    pub user_ids: Vec<String>,
}

/// A chat to find or to create.
#[derive(Debug)]
pub struct ChatDraft {
    /// The namespace.
    pub namespace: String,
    /// What the client wants it to be called.
    pub id: Option<String>,
    /// Sorted, each once.
    pub user_ids: Vec<String>,
}

/// A chat that somebody asks for.
#[derive(Clone, Debug)]
pub struct ChatName {
    /// The namespace.
    pub namespace: String,
    /// What it is called.
    pub id: String,
    /// Who has to be one of its members; none: nobody has.
    pub member: Option<String>,
}
