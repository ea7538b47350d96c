//! The service `chats`.

use micro_chat_wire::chats::{CreateChatRequest, ListMessagesRequest, SendMessageRequest};
use micro_chat_wire::deletion::{DeleteUserRequest, DeleteUserResponse};
use micro_chat_wire::inbox::{ListChatsRequest, MarkReadRequest};

use crate::account;
use crate::answer;
use crate::api;
use crate::caller::Caller;
use crate::chat;
use crate::export;
use crate::failure::Failure;
use crate::logins::Logins;
use crate::options::Chats;
use crate::place::Place;

/// What a table says of a chat.
const CHAT: &[&str] = &["id", "user_ids", "created_at"];

/// The columns of a table of a user's chats.
const LISTED: &[&str] = &["id", "name", "user_ids", "unread", "read_seq", "last_seq", "last_message", "created_at"];

/// What a table says of a user who was deleted: how much of theirs went.
const GONE: &[&str] = &["messages", "chats", "ended"];

/// The columns of a table of messages, as the service `chats` calls them.
const MESSAGES: &[&str] = &["sent_at", "author_id", "text"];

/// Runs one of the commands behind `micro chats`.
pub fn run(place: &Place, command: Chats) -> Result<(), Failure> {
    match command {
        Chats::CreateChat { id, user_ids } => {
            chat::ask(place, "chats/CreateChat", &CreateChatRequest { id, user_ids }, CHAT)
        }
        Chats::SendMessage { id, chat_id, author_id, text } => {
            let request = SendMessageRequest { id, chat_id, author_id, text: chat::said(text)? };
            chat::ask_as(place, &request.author_id, "chats/SendMessage", &request, MESSAGES)
        }
        Chats::ListMessages { chat_id, limit, offset, order } => {
            let request = ListMessagesRequest { chat_id, limit, offset, order };
            chat::ask_part(place, "", "chats/ListMessages", &request, MESSAGES, |answer| {
                chat::next_offset(offset, &answer["messages"])
            })
        }
        Chats::List { user_id, limit, cursor } => {
            let request = ListChatsRequest { user_id, limit, cursor };
            chat::ask_part(place, &request.user_id, "chats/ListChats", &request, LISTED, |answer| {
                Some(format!("--cursor={}", answer["cursor"].as_str().filter(|cursor| !cursor.is_empty())?))
            })
        }
        Chats::MarkRead { chat_id, user_id, seq } => {
            let request = MarkReadRequest { chat_id, user_id, seq };
            chat::ask_as(place, &request.user_id, "chats/MarkRead", &request, &["read_seq"])
        }
        Chats::Export(options) => export::run(place, options),
        Chats::DeleteUser { user_id, password_stdin, yes } => delete_user(place, user_id, password_stdin, yes),
    }
}

fn delete_user(place: &Place, user_id: String, password_stdin: bool, yes: bool) -> Result<(), Failure> {
    let mut caller = Caller::of(place)?;
    if password_stdin {
        place.check_secrets()?;
    }
    let namespace = caller.settle(place)?;
    if !yes {
        account::confirm(&format!(
            "the user {user_id} at {} in the namespace {namespace}, with all that they wrote, and with their account \
             and logins",
            place.api.value
        ))?;
    }
    // The server asks for the password where a login calls.
    let secret = match password_stdin {
        true => account::line()?,
        false if caller.renews() => account::password()?,
        false => String::new(),
    };
    let request = DeleteUserRequest { user_id, secret };
    let answer = caller.call("chats/DeleteUser", &request)?;
    if caller.renews() {
        Logins::of(place).forget()?;
    }
    answer::print(place.output.value, &answer, GONE)?;
    let DeleteUserResponse { messages, chats, ended: _ } = api::read(&answer)?;
    // An account goes without a word: only of a login it is known that there was one.
    if messages == 0 && chats == 0 && !caller.renews() {
        answer::note(&format!(
            "{} was in no chat of the namespace {namespace}; a name that nobody has is answered the same",
            request.user_id
        ));
    }
    Ok(())
}
