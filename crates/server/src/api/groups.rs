//! The service `chat` for groups: the same chats and messages, in the words of its last public version.

use micro_chat_wire::chat::{HistoryRequest, SendRequest};
use micro_chat_wire::groups::{
    CreateRequest, Group, GroupResponse, HistoryResponse, ListRequest, ListResponse, MemberRequest, Message,
    MessageResponse,
};
use micro_chat_wire::limit;
use uuid::Uuid;

use crate::auth::Caller;
use crate::chat::{Act, Chats, History, Refusal};
use crate::store::{self, Identity, MessageDraft, Nanos, rfc3339};

/// `chat.Create`.
pub async fn create(chats: &Chats, caller: &Caller, request: CreateRequest) -> Result<GroupResponse, Refusal> {
    let CreateRequest { name, description, user_ids, private } = request;
    let group = chats.create_group(caller, name, description, user_ids, private).await?;
    Ok(GroupResponse { group: group.into() })
}

/// `chat.List`.
pub async fn list(chats: &Chats, caller: &Caller, request: ListRequest) -> Result<ListResponse, Refusal> {
    let (groups, has_more) = chats.groups(caller, request.user_id, request.limit, request.offset).await?;
    Ok(ListResponse { groups: groups.into_iter().map(Group::from).collect(), has_more })
}

/// `chat.Delete`, `chat.Invite`, `chat.Kick`, `chat.Leave`, and `chat.Join` by a call.
pub async fn act(chats: &Chats, caller: &Caller, act: Act, request: MemberRequest) -> Result<GroupResponse, Refusal> {
    let group = chats.act_on_group(caller, act, request.group_id, request.user_id).await?;
    Ok(GroupResponse { group: group.into() })
}

/// `chat.Send` with a `group_id`.
pub async fn send(chats: &Chats, caller: &Caller, request: SendRequest) -> Result<MessageResponse, Refusal> {
    let SendRequest { group_id, client, client_id, user_id, subject, text, .. } = request;
    let client_id = if client_id.is_empty() { client_id_of(client)? } else { client_id };
    let draft = MessageDraft {
        chat_id: group_id,
        client_id,
        identity: Identity::ClientId,
        user_id,
        by_member: true,
        subject,
        text,
        expired: false,
    };
    let message = chats.send_to_group(caller, draft).await?;
    Ok(MessageResponse { message: Message::from(&*message) })
}

/// `chat.History` with a `group_id`.
pub async fn history(chats: &Chats, caller: &Caller, request: HistoryRequest) -> Result<HistoryResponse, Refusal> {
    let HistoryRequest { group_id, limit, before, after, .. } = request;
    let (messages, has_more) = chats.history_of_group(caller, &group_id, History { limit, before, after }).await?;
    Ok(HistoryResponse { messages: messages.iter().map(Message::from).collect(), has_more })
}

impl From<store::Group> for Group {
    fn from(group: store::Group) -> Self {
        Self {
            id: group.id,
            name: group.name,
            description: group.description,
            created_at: rfc3339(group.created_at),
            user_ids: group.user_ids,
            private: group.private,
        }
    }
}

impl From<&store::Message> for Message {
    fn from(message: &store::Message) -> Self {
        Self {
            id: message.id.clone(),
            client: client_of(&message.client_id).to_owned(),
            group_id: message.chat_id.clone(),
            user_id: message.user_id.clone(),
            sent_at: rfc3339(message.sent_at),
            subject: message.subject.clone(),
            text: message.text.clone(),
        }
    }
}

/// A message as the stream `chat.Join` carries it. Its own time is in seconds.
pub fn frame(message: micro_chat_wire::chat::Message, sent_at: Nanos) -> MessageResponse {
    let message = Message {
        client: client_of(&message.client_id).to_owned(),
        id: message.id,
        group_id: message.chat_id,
        user_id: message.user_id,
        sent_at: rfc3339(sent_at),
        subject: message.subject,
        text: message.text,
    };
    MessageResponse { message }
}

/// What stands between `client` and what makes a `client_id` of it.
const SEPARATOR: char = '|';
/// The longest `client` of which a `client_id` can be made.
const CLIENT: usize = limit::ID - SEPARATOR.len_utf8() - uuid::fmt::Hyphenated::LENGTH;

/// The `client_id` for a `client`. Some programs name each message there, by a UUID: then the same one again is the
/// same message. Others name themselves ("web"): each of their messages is one of its own.
fn client_id_of(client: String) -> Result<String, Refusal> {
    if client.is_empty() || Uuid::try_parse(&client).is_ok() {
        return Ok(client);
    }
    if client.len() > CLIENT {
        return Err(Refusal::TooLarge { field: "client", limit: CLIENT });
    }
    Ok(format!("{client}{SEPARATOR}{}", Uuid::new_v4()))
}

/// The `client` of which a `client_id` was made.
fn client_of(client_id: &str) -> &str {
    match client_id.rsplit_once(SEPARATOR) {
        Some((client, made)) if !client.is_empty() && Uuid::try_parse(made).is_ok() => client,
        _ => client_id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_comes_back_as_it_was_given() {
        let longest = "x".repeat(CLIENT);
        for client in ["web", "a|b", "|", "web|", "ä", longest.as_str(), "1e7ea4fc-1a0d-4b5c-9d5a-1f6a3b2c4d5e"] {
            let client_id = client_id_of(client.to_owned()).expect("it is short enough");
            assert_eq!(client_of(&client_id), client);
            assert!(client_id.len() <= limit::ID);
        }
        assert!(matches!(client_id_of(longest + "x"), Err(Refusal::TooLarge { field: "client", limit: CLIENT })));
    }
}
