//! The service `chat`.

use micro_chat_wire::chat::{
    HistoryRequest, HistoryResponse, Message, NewRequest, NewResponse, SendRequest, SendResponse,
};

use crate::auth::Caller;
use crate::chat::{AtLeast, Chats, History, Refusal};
use crate::store::{Identity, MessageDraft};

/// `chat.New`.
pub async fn new(chats: &Chats, caller: &Caller, request: NewRequest) -> Result<NewResponse, Refusal> {
    let found = chats.create(caller, "", request.user_ids, AtLeast::One).await?;
    Ok(NewResponse { chat_id: found.chat.id })
}

/// `chat.Send`.
pub async fn send(chats: &Chats, caller: &Caller, request: SendRequest) -> Result<SendResponse, Refusal> {
    let SendRequest { chat_id, client_id, user_id, subject, text, .. } = request;
    let (identity, by_member, expired) = (Identity::ClientId, false, false);
    let draft = MessageDraft { chat_id, client_id, identity, user_id, by_member, subject, text, expired };
    chats.send(caller, draft).await?;
    Ok(SendResponse {})
}

/// `chat.History`.
pub async fn history(chats: &Chats, caller: &Caller, request: HistoryRequest) -> Result<HistoryResponse, Refusal> {
    let HistoryRequest { chat_id, limit, before, after, .. } = request;
    let (messages, has_more) = chats.history(caller, &chat_id, History { limit, before, after }).await?;
    Ok(HistoryResponse { messages: messages.iter().map(Message::from).collect(), has_more })
}
