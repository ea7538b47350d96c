//! Chats and groups.

use std::io::{self, IsTerminal, Read};

use micro_chat_wire::chat::{HistoryRequest, NewRequest, SendRequest};
use micro_chat_wire::groups::{CreateRequest, ListRequest, MemberRequest};
use micro_chat_wire::limit;
use serde::Serialize;
use serde_json::Value;

use crate::account;
use crate::answer;
use crate::caller::Caller;
use crate::connect;
use crate::failure::Failure;
use crate::import;
use crate::options::{Chat, History, Member, Send};
use crate::place::Place;

/// The columns of a table of a chat's messages.
const MESSAGES: &[&str] = &["seq", "sent_at", "user_id", "subject", "text"];

/// The columns of a table of a group's messages, which have no `seq`.
const GROUP_MESSAGES: &[&str] = &["sent_at", "user_id", "subject", "text"];

/// What a table says of a group.
const GROUPS: &[&str] = &["id", "name", "description", "user_ids", "private", "created_at"];

/// Runs one of the commands behind `micro chat`.
pub fn run(place: &Place, command: Chat) -> Result<(), Failure> {
    match command {
        Chat::New { user_ids } => ask(place, "chat/New", &NewRequest { user_ids }, &["chat_id"]),
        Chat::Send(options) => send(place, options),
        Chat::History(options) => history(place, options),
        Chat::Connect(options) => connect::run(place, options),
        Chat::Import(options) => import::run(place, options),
        Chat::Create { name, description, user_ids, private } => {
            ask(place, "chat/Create", &CreateRequest { name, description, user_ids, private }, GROUPS)
        }
        Chat::List { user_id, limit, offset } => {
            let next = |answer: &Value| next_offset(offset, &answer["groups"]);
            ask_part(place, "", "chat/List", &ListRequest { user_id, limit, offset }, GROUPS, next)
        }
        Chat::Join(member) => about(place, &member.user_id, "chat/Join", &member),
        Chat::Invite(member) => about(place, "", "chat/Invite", &member),
        Chat::Kick(member) => about(place, "", "chat/Kick", &member),
        Chat::Leave(member) => about(place, &member.user_id, "chat/Leave", &member),
        Chat::Delete { member, yes } => {
            if !yes {
                let (id, api) = (&member.group_id, &place.api.value);
                account::confirm(&format!("the group {id} at {api}, with all of its messages"))?;
            }
            about(place, "", "chat/Delete", &member)
        }
    }
}

/// Calls a method, and prints its answer.
pub fn ask(place: &Place, method: &str, request: &impl Serialize, columns: &[&str]) -> Result<(), Failure> {
    ask_as(place, "", method, request, columns)
}

/// The same as somebody who is named: a user's token counts before that.
pub fn ask_as(
    place: &Place,
    user_id: &str,
    method: &str,
    request: &impl Serialize,
    columns: &[&str],
) -> Result<(), Failure> {
    ask_part(place, user_id, method, request, columns, |_| None)
}

/// The same where the answer may be a part of what there is. `next` is what asks for the next one.
pub fn ask_part(
    place: &Place,
    user_id: &str,
    method: &str,
    request: &impl Serialize,
    columns: &[&str],
    next: impl FnOnce(&Value) -> Option<String>,
) -> Result<(), Failure> {
    let caller = Caller::of(place)?;
    let answer = caller.call(method, request)?;
    answer::print_part(place.output.value, &answer, columns, next)?;
    caller.tell_whose(user_id);
    Ok(())
}

/// What asks for what is behind a list that was asked for with an offset.
pub fn next_offset(offset: u64, list: &Value) -> Option<String> {
    let count = u64::try_from(list.as_array()?.len()).ok()?;
    Some(format!("--offset={}", offset.saturating_add(count)))
}

/// What changes a group. Where it is about who calls, that is `user_id`.
fn about(place: &Place, user_id: &str, method: &str, member: &Member) -> Result<(), Failure> {
    let request = MemberRequest { group_id: member.group_id.clone(), user_id: member.user_id.clone() };
    ask_as(place, user_id, method, &request, GROUPS)
}

fn send(place: &Place, options: Send) -> Result<(), Failure> {
    let Send { chat, user_id, client_id, subject, text } = options;
    let columns = if chat.group_id.is_empty() { MESSAGES } else { GROUP_MESSAGES };
    let request = SendRequest {
        chat_id: chat.chat_id,
        group_id: chat.group_id,
        client: client_id.clone(),
        client_id,
        user_id,
        subject,
        text: said(text)?,
    };
    ask_as(place, &request.user_id, "chat/Send", &request, columns)
}

fn history(place: &Place, options: History) -> Result<(), Failure> {
    let History { chat, limit, before, after } = options;
    let columns = if chat.group_id.is_empty() { MESSAGES } else { GROUP_MESSAGES };
    let next = |answer: &Value| {
        let messages = answer["messages"].as_array()?;
        let (last, flag) = match after {
            Some(_) => (messages.last()?, "--after"),
            None => (messages.first()?, "--before"),
        };
        match (&last["seq"], &last["group_id"]) {
            (Value::Number(seq), _) => Some(format!("{flag}={seq}")),
            // Groups are answered without: the same one as a chat has them.
            (_, Value::String(id)) => Some(format!("{flag}, and the seq that --chat_id={id} shows")),
            _ => None,
        }
    };
    let request = HistoryRequest { chat_id: chat.chat_id, group_id: chat.group_id, limit, before, after };
    ask_part(place, "", "chat/History", &request, columns, next)
}

/// What a message is to say: the flag's words, or the input's without the line's end that editors leave behind.
pub fn said(text: Option<String>) -> Result<String, Failure> {
    let input = io::stdin();
    match text {
        Some(text) if text != "-" => Ok(text),
        None if input.is_terminal() => Ok(String::new()),
        _ => {
            let mut bytes = Vec::new();
            // One byte more than may be: the server says that it is too much.
            let most = u64::try_from(limit::TEXT).unwrap_or(u64::MAX).saturating_add(3);
            let wrong = |why: &str| Failure::Usage(format!("the input can't be sent: {why}"));
            input.lock().take(most).read_to_end(&mut bytes).map_err(|error| wrong(&error.to_string()))?;
            let whole = bytes.len() as u64 == most;
            let text = match String::from_utf8(bytes) {
                Ok(text) => text,
                // The end may be in the middle of a character.
                Err(error) if whole => String::from_utf8_lossy(error.as_bytes()).into_owned(),
                Err(_) => return Err(wrong("it is no UTF-8")),
            };
            let text = text.strip_suffix('\n').unwrap_or(&text);
            Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
        }
    }
}
