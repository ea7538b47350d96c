//! The service `chats`: the same chats and messages, in its own words.

use micro_chat_wire::chats::{
    Chat, CreateChatRequest, CreateChatResponse, ListMessagesRequest, ListMessagesResponse, Message,
    SendMessageRequest, SendMessageResponse,
};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::auth::Caller;
use crate::chat::{AtLeast, Chats, Draft, Listing, Order, Refusal};
use crate::store::{self, Identity, Nanos};

/// `chats.CreateChat`.
pub async fn create(chats: &Chats, caller: &Caller, request: CreateChatRequest) -> Result<CreateChatResponse, Refusal> {
    let found = chats.create(caller, &request.id, request.user_ids, AtLeast::Two).await?;
    let chat = Chat { id: found.chat.id, user_ids: found.user_ids, created_at: rfc3339(found.chat.created_at) };
    Ok(CreateChatResponse { chat })
}

/// `chats.SendMessage`.
pub async fn send(chats: &Chats, caller: &Caller, request: SendMessageRequest) -> Result<SendMessageResponse, Refusal> {
    let SendMessageRequest { id, chat_id, author_id, text } = request;
    // Without an id of its own a message is nobody's repetition.
    let identity = if id.is_empty() { Identity::ClientId } else { Identity::Id };
    let (subject, expired) = (String::new(), false);
    let (user_id, by_member) = (author_id, false);
    let draft = Draft { chat_id, client_id: id, identity, user_id, by_member, subject, text, expired };
    let message = chats.send(caller, draft).await?;
    Ok(SendMessageResponse { message: Message::from(&*message) })
}

/// `chats.ListMessages`.
pub async fn list(
    chats: &Chats,
    caller: &Caller,
    request: ListMessagesRequest,
) -> Result<ListMessagesResponse, Refusal> {
    let ListMessagesRequest { chat_id, limit, offset, order } = request;
    let order = if order == "asc" { Order::Ascending } else { Order::Descending };
    let page = chats.list(caller, &chat_id, Listing { limit, offset, order }).await?;
    // An answer that is full before the limit is reached says so; one that reaches it never did.
    let has_more = page.has_more && (page.messages.len() as u64) < limit;
    Ok(ListMessagesResponse { messages: page.messages.iter().map(Message::from).collect(), has_more })
}

impl From<&store::Message> for Message {
    fn from(message: &store::Message) -> Self {
        Self {
            id: message.id.clone(),
            author_id: message.user_id.clone(),
            chat_id: message.chat_id.clone(),
            text: message.text.clone(),
            sent_at: rfc3339(message.sent_at),
        }
    }
}

/// A time as this API writes it.
pub fn rfc3339(at: Nanos) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(at.into())
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_default()
}
