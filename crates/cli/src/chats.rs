//! The service `chats`.

use micro_chat_wire::chats::{CreateChatRequest, ListMessagesRequest, SendMessageRequest};

use crate::chat;
use crate::failure::Failure;
use crate::options::Chats;
use crate::place::Place;

/// What a table says of a chat,
const CHAT: &[&str] = &["id", "user_ids", "created_at"];

/// and of messages.
const MESSAGES: &[&str] = &["sent_at", "author_id", "text"];

/// Does what was said.
pub fn run(place: &Place, command: Chats) -> Result<(), Failure> {
    match command {
        Chats::CreateChat { id, user_ids } => {
            chat::ask(place, "chats/CreateChat", &CreateChatRequest { id, user_ids }, CHAT)
        }
        Chats::SendMessage { id, chat_id, author_id, text } => {
            let request = SendMessageRequest { id, chat_id, author_id, text: chat::said(text)? };
            chat::ask(place, "chats/SendMessage", &request, MESSAGES)
        }
        Chats::ListMessages { chat_id, limit, offset, order } => {
            let request = ListMessagesRequest { chat_id, limit, offset, order };
            chat::ask(place, "chats/ListMessages", &request, MESSAGES)
        }
    }
}
