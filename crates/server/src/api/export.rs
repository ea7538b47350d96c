//! `chats.ExportChat` and `chats.ExportUser`: JSON Lines, made as they are taken.

use std::io;
use std::sync::Arc;
use std::vec;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures_util::stream::try_unfold;
use micro_chat_wire::endpoint::Endpoint;
use micro_chat_wire::export::{Account, Chat, End, ExportChatRequest, ExportUserRequest, Line, User};
use serde::Serialize;

use super::fault::Fault;
use super::request::Call;
use crate::auth::Caller;
use crate::chat::{Export, Part, Refusal};
use crate::node::Node;
use crate::progress::PORTION;
use crate::store::{About, AccountData, MemberPage, Message, rfc3339};

/// What a chat's line ends with, behind the last of its members.
const END: &[u8] = b"]}}\n";

/// `chats.ExportChat`.
pub async fn chat(node: &Arc<Node>, caller: &Caller, call: Call) -> Result<Response, Fault> {
    let ExportChatRequest { chat_id, user_id } = call.read()?;
    let export = node.chats.export_chat(caller, &chat_id, user_id).await;
    Ok(answer(node, export.map_err(|refusal| Fault::Refused(Endpoint::ChatsExportChat, refusal))?))
}

/// `chats.ExportUser`.
pub fn user(node: &Arc<Node>, caller: &Caller, call: Call) -> Result<Response, Fault> {
    let ExportUserRequest { user_id } = call.read()?;
    let export = node.chats.export_user(caller, user_id);
    Ok(answer(node, export.map_err(|refusal| Fault::Refused(Endpoint::ChatsExportUser, refusal))?))
}

/// The lines of an export. One that fails breaks off, without the line that an export ends with.
fn answer(node: &Arc<Node>, export: Export) -> Response {
    let lines = Lines { node: node.clone(), export, messages: Vec::new().into_iter() };
    let pieces = try_unfold(lines, async |mut lines| {
        let piece = lines.next().await.map_err(io::Error::other)?;
        Ok::<_, io::Error>(piece.map(|piece| (Bytes::from(piece), lines)))
    });
    let mut response = Response::new(Body::from_stream(pieces));
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// An export as text, a piece at a time.
struct Lines {
    node: Arc<Node>,
    export: Export,
    /// Those that were read, and not handed out yet.
    messages: vec::IntoIter<Message>,
}

impl Lines {
    /// The next piece, as soon as it is large enough; none: that was all. It may be the middle of a line.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Refusal> {
        // Who may no more is told no more.
        self.node.access.still(self.export.caller())?;
        if let Some(message) = self.messages.as_slice().first() {
            self.export.still(&message.chat_id).await?;
            return Ok(Some(messages(&mut self.messages)));
        }
        let Some(part) = self.export.next().await? else { return Ok(None) };
        let piece = match part {
            Part::User(user_id, account) => user_line(&self.export.caller().namespace, user_id, account),
            Part::Chat(about) => chat_line(*about),
            Part::Members(page) => members(&page),
            Part::Messages(read) => {
                self.messages = read.into_iter();
                messages(&mut self.messages)
            }
            Part::End(chats, messages) => line(&Line::End(End { chats, messages })),
        };
        Ok(Some(piece))
    }
}

/// Lines of messages, as many as make a portion: escapes may make much of a page.
fn messages(rest: &mut vec::IntoIter<Message>) -> Vec<u8> {
    let mut text = Vec::new();
    while text.len() < PORTION
        && let Some(message) = rest.next()
    {
        text.append(&mut line(&Line::Message((&message).into())));
    }
    // It may lie there for long.
    text.shrink_to_fit();
    text
}

fn user_line(namespace: &str, user_id: String, account: Option<AccountData>) -> Vec<u8> {
    let account = account.map(|account| Account {
        email: account.email,
        created_at: rfc3339(account.created_at),
        logins: account.logins,
    });
    line(&Line::User(User { user_id, namespace: namespace.to_owned(), account }))
}

/// A chat's line, or the beginning of it where there are more members than it has here.
fn chat_line(about: About) -> Vec<u8> {
    let (name, description) = about.group.unwrap_or_default();
    let is_told = about.members.is_some();
    let MemberPage { user_ids, has_more } = about.members.unwrap_or_default();
    let mut text = line(&Line::Chat(Chat {
        id: about.chat.id,
        name,
        description,
        created_at: rfc3339(about.chat.created_at),
        first_seq: is_told.then_some(about.chat.first_seq),
        last_seq: is_told.then_some(about.chat.last_seq),
        read_seq: about.read_seq,
        user_ids,
    }));
    if has_more {
        text.truncate(text.len() - END.len());
    }
    text.shrink_to_fit();
    text
}

/// More members of the chat whose line was begun.
fn members(page: &MemberPage) -> Vec<u8> {
    let mut text = Vec::new();
    for user_id in &page.user_ids {
        text.push(b',');
        text.append(&mut json(user_id));
    }
    if !page.has_more {
        text.extend_from_slice(END);
    }
    text.shrink_to_fit();
    text
}

fn line(line: &Line) -> Vec<u8> {
    let mut text = json(line);
    text.push(b'\n');
    text
}

/// Strings, numbers and lists always serialise.
fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
