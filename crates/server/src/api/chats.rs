//! The service `chats`: the same chats and messages, in its own words.

use micro_chat_wire::chats::{
    Chat, CreateChatRequest, CreateChatResponse, ListMessagesRequest, ListMessagesResponse, Message,
    SendMessageRequest, SendMessageResponse,
};
use micro_chat_wire::inbox::{ListChatsRequest, ListChatsResponse, ListedChat, MarkReadRequest, MarkReadResponse};

use crate::auth::Caller;
use crate::chat::{AtLeast, Chats, Listing, Refusal};
use crate::store::{self, Edge, Identity, MessageDraft, rfc3339};

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
    let draft = MessageDraft { chat_id, client_id: id, identity, user_id, by_member, subject, text, expired };
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
    let from = if order == "asc" { Edge::Oldest } else { Edge::Newest };
    let page = chats.list(caller, &chat_id, Listing { limit, offset, from }).await?;
    // An answer that is full before the limit is reached says so; one that reaches it never did.
    let has_more = page.has_more && (page.messages.len() as u64) < limit;
    Ok(ListMessagesResponse { messages: page.messages.iter().map(Message::from).collect(), has_more })
}

/// `chats.ListChats`.
pub async fn list_chats(
    chats: &Chats,
    caller: &Caller,
    request: ListChatsRequest,
) -> Result<ListChatsResponse, Refusal> {
    let ListChatsRequest { user_id, limit, cursor } = request;
    let (listed, has_more) = chats.inbox(caller, user_id, limit, &cursor).await?;
    let last = listed.last().filter(|_| has_more);
    let cursor = last.map(|listed| listed.place.cursor()).unwrap_or_default();
    Ok(ListChatsResponse { chats: listed.into_iter().map(ListedChat::from).collect(), has_more, cursor })
}

/// `chats.MarkRead`.
pub async fn mark_read(chats: &Chats, caller: &Caller, request: MarkReadRequest) -> Result<MarkReadResponse, Refusal> {
    let MarkReadRequest { chat_id, user_id, seq } = request;
    Ok(MarkReadResponse { read_seq: chats.mark_read(caller, chat_id, user_id, seq).await? })
}

impl From<store::Listed> for ListedChat {
    fn from(listed: store::Listed) -> Self {
        Self {
            id: listed.chat.id,
            user_ids: listed.user_ids,
            more_users: listed.more_users,
            name: listed.name.unwrap_or_default(),
            created_at: rfc3339(listed.chat.created_at),
            last_message: listed.last_message.as_ref().map(Message::from),
            last_seq: listed.chat.last_seq,
            read_seq: listed.read_seq,
            unread: listed.unread.count,
            more_unread: listed.unread.has_more,
        }
    }
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
