//! `chats.ExportChat` and `chats.ExportUser`: JSON Lines, made as they are taken.

use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures_util::stream::try_unfold;
use micro_chat_wire::chat::Message;
use micro_chat_wire::endpoint::Endpoint;
use micro_chat_wire::export::{Account, Chat, End, ExportChatRequest, ExportUserRequest, Line, User};

use super::chats::rfc3339;
use super::fault::Fault;
use super::request::Call;
use crate::auth::Caller;
use crate::chat::{Export, Part};
use crate::node::Node;

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
    let lines = try_unfold((node.clone(), export), async |(node, mut export)| {
        // Who may no more is told no more.
        node.access.still(export.caller()).map_err(|_| io::Error::other("the caller may no more"))?;
        let part = export.next().await.map_err(io::Error::other)?;
        let namespace = &export.caller().namespace;
        let bytes = part.map(|part| text(lines(part, namespace)));
        Ok::<_, io::Error>(bytes.map(|bytes| (bytes, (node, export))))
    });
    let mut response = Response::new(Body::from_stream(lines));
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn lines(part: Part, namespace: &str) -> Vec<Line> {
    match part {
        Part::User(user_id, account) => {
            let account = account.map(|account| Account {
                email: account.email,
                created_at: rfc3339(account.created_at),
                logins: account.logins,
            });
            vec![Line::User(User { user_id, namespace: namespace.to_owned(), account })]
        }
        Part::Chat(about) => {
            let (name, description) = about.group.unwrap_or_default();
            vec![Line::Chat(Chat {
                id: about.chat.id,
                name,
                description,
                user_ids: about.user_ids,
                created_at: rfc3339(about.chat.created_at),
                first_seq: about.chat.first_seq,
                last_seq: about.chat.last_seq,
                read_seq: about.read_seq,
            })]
        }
        Part::Messages(messages) => messages.iter().map(|message| Line::Message(Message::from(message))).collect(),
        Part::End(chats, messages) => vec![Line::End(End { chats, messages })],
    }
}

fn text(lines: Vec<Line>) -> Bytes {
    let mut text = Vec::new();
    for line in lines {
        // Strings, numbers and lists always serialise.
        text.extend(serde_json::to_vec(&line).unwrap_or_default());
        text.push(b'\n');
    }
    text.into()
}
