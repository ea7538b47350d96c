//! Every error that leaves the server, with its id, its code and its words.
//!
//! - `refused`: what the rules of chats and groups refuse,
//! - `account`: what is refused of accounts.

mod account;
mod refused;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use micro_chat_wire::endpoint::Endpoint;
use micro_chat_wire::error::ErrorBody;
use micro_chat_wire::limit;

use crate::auth::{Denied, Scope, accounts};
use crate::chat::Refusal;
use crate::limits::Wait;

/// What an answer tells of its error to those who count.
#[derive(Clone, Debug)]
pub struct ErrorId(pub String);

/// What is wrong with a request or a frame.
#[derive(Debug, strum::EnumDiscriminants)]
#[strum_discriminants(name(FaultKind), derive(strum::EnumIter), vis(pub(crate)), doc = "Its kinds.")]
pub enum Fault {
    /// Nothing has that path.
    NotFound(String),
    /// Neither GET nor POST.
    MethodNotAllowed,
    /// A page or an asset is only there to be read.
    ReadOnly,
    /// What is secret was in the address.
    BodyOnly,
    /// The body did not come in time.
    BodyTooSlow,
    /// Over [`limit::BODY`].
    BodyTooLarge,
    /// The body, a query or a header isn't UTF-8.
    InvalidUtf8,
    /// Not JSON; what the parser says.
    InvalidJson(String),
    /// JSON with something else in a field than belongs there.
    InvalidField {
        /// Where: `user_ids[1]`.
        field: String,
        /// What the parser says.
        detail: String,
    },
    /// A namespace over [`limit::ID`].
    NamespaceTooLarge,
    /// A plain request to a stream.
    UpgradeRequired(Endpoint),
    /// A WebSocket handshake that isn't one.
    InvalidUpgrade(Endpoint),
    /// A WebSocket to something that is no stream.
    NotAStream(Endpoint),
    /// A page of a site that may not.
    ForbiddenOrigin,
    /// A frame on a stream that only delivers.
    OnlyHeard,
    /// A page that may not log anybody in, or have a cookie.
    ForbiddenAccount,
    /// A binary frame.
    BinaryFrame,
    /// A frame over [`limit::FRAME`].
    FrameTooLarge,
    /// No first frame in time.
    NoFirstFrame,
    /// The session dialect's first frame isn't HELLO, or a later one is.
    HelloExpected,
    /// A handle that is 0, over 2³¹, or names a living subscription.
    InvalidHandle,
    /// A publish for a handle without a subscription.
    UnknownHandle,
    /// Over [`limit::SUBSCRIPTIONS`].
    TooManySubscriptions,
    /// The server stops, and wants this connection back after so many milliseconds.
    Restarting(u64),
    /// An address asks for too much; again in so much time.
    TooMuch(Wait),
    /// More open streams than an address or a user may have.
    TooManyStreams,
    /// Who calls isn't known, or isn't who they say they are.
    Denied(Denied),
    /// The rules say no.
    Refused(Endpoint, Refusal),
    /// Something about an account is refused.
    Account(Endpoint, accounts::Refusal),
    /// A fault of ours.
    Internal,
}

impl Fault {
    /// As answers and frames carry it.
    pub fn body(&self) -> ErrorBody {
        let (id, code, detail) = self.parts();
        let status = StatusCode::from_u16(code).ok().and_then(|status| status.canonical_reason()).unwrap_or("Error");
        let retry_after = match self {
            Self::Restarting(delay) => Some(*delay),
            Self::TooMuch(wait) | Self::Refused(_, Refusal::TooMuch(wait)) => Some(wait.as_millis() as u64 + 1),
            Self::Account(_, accounts::Refusal::TooManyAttempts(wait)) => Some(wait.as_millis() as u64 + 1),
            Self::TooManyStreams | Self::Refused(_, Refusal::TooManyExports) => Some(10_000),
            _ => (code == 503).then_some(1_000),
        };
        ErrorBody { id, code, detail, status: status.to_owned(), retry_after }
    }

    fn parts(&self) -> (String, u16, String) {
        let gateway = |reason: &str, code, detail: String| (format!("gateway.{reason}"), code, detail);
        match self {
            Self::NotFound(path) => gateway(
                "NotFound",
                404,
                format!("Nothing is at {path}; methods are at /<service>/<Method>, such as /chat/New."),
            ),
            Self::MethodNotAllowed => gateway("MethodNotAllowed", 405, "Call this with POST or GET.".into()),
            Self::ReadOnly => gateway("MethodNotAllowed", 405, "This is only there to be read, with GET.".into()),
            Self::BodyOnly => gateway(
                "MethodNotAllowed",
                405,
                "Call this with POST, and with a body: addresses are written into logs.".into(),
            ),
            Self::BodyTooSlow => gateway("BodyTooSlow", 408, "The request's body did not come in time.".into()),
            Self::BodyTooLarge => {
                gateway("BodyTooLarge", 413, format!("A request's body may have {} bytes at most.", limit::BODY))
            }
            Self::InvalidUtf8 => gateway("InvalidUTF8", 400, "The request is not valid UTF-8.".into()),
            Self::InvalidJson(detail) => {
                gateway("InvalidJSON", 400, format!("The request is not valid JSON: {detail}."))
            }
            Self::InvalidField { field, detail } => gateway("InvalidField", 400, format!("{field}: {detail}.")),
            Self::NamespaceTooLarge => {
                gateway("NamespaceTooLarge", 413, format!("A namespace may have {} bytes at most.", limit::ID))
            }
            Self::ForbiddenOrigin => gateway(
                "ForbiddenOrigin",
                403,
                "Pages of this site may not connect; the server lists those that may.".into(),
            ),
            Self::OnlyHeard => gateway(
                "OnlyHeard",
                400,
                "This stream only delivers; send with /chat/Send, or on /chat/Connect.".into(),
            ),
            Self::ForbiddenAccount => (
                "auth.ForbiddenOrigin".into(),
                403,
                "Pages of this site may not log anybody in here; the server lists those that may.".into(),
            ),
            Self::BinaryFrame => gateway("BinaryFrame", 400, "Send text frames; binary ones are not read.".into()),
            Self::FrameTooLarge => {
                gateway("FrameTooLarge", 413, format!("A frame may have {} bytes at most.", limit::FRAME))
            }
            Self::NoFirstFrame => gateway("NoFirstFrame", 408, "The first frame did not come in time.".into()),
            Self::HelloExpected => {
                gateway("HelloExpected", 400, "The first frame, and only the first, is [1, {\"user_id\": …}].".into())
            }
            Self::InvalidHandle => {
                gateway("InvalidHandle", 400, "A handle is a number from 1 to 2147483647 that is not in use.".into())
            }
            Self::UnknownHandle => {
                gateway("UnknownHandle", 400, "Subscribe to a chat before publishing to its handle.".into())
            }
            Self::TooManySubscriptions => gateway(
                "TooManySubscriptions",
                429,
                format!("One connection may have {} subscriptions at most.", limit::SUBSCRIPTIONS),
            ),
            Self::Restarting(_) => gateway("Restarting", 503, "The server restarts: come back, and resume.".into()),
            Self::Internal => gateway("Internal", 500, "The server met a fault of its own; it is in its log.".into()),
            Self::UpgradeRequired(endpoint) => (
                format!("{}.UpgradeRequired", endpoint.name()),
                426,
                "This is a stream: open a WebSocket here, or use Micro.connect.".into(),
            ),
            Self::InvalidUpgrade(endpoint) => (
                format!("{}.InvalidUpgrade", endpoint.name()),
                400,
                "This is not a WebSocket handshake of version 13.".into(),
            ),
            Self::NotAStream(endpoint) => {
                (format!("{}.NotAStream", endpoint.name()), 400, "This is no stream: call it with POST.".into())
            }
            Self::TooMuch(_) => {
                gateway("TooManyRequests", 429, "That is more than one address or user may; wait.".into())
            }
            Self::TooManyStreams => gateway("TooManyStreams", 429, "Too many streams are open; close some.".into()),
            Self::Denied(denied) => self::denied(*denied),
            Self::Refused(endpoint, refusal) => refused::words(*endpoint, refusal),
            Self::Account(endpoint, refusal) => account::words(*endpoint, refusal),
        }
    }
}

fn denied(denied: Denied) -> (String, u16, String) {
    let (id, code, detail) = match denied {
        Denied::NoToken => ("NoToken", 401, "Log in first: this server wants a token with every call."),
        Denied::InvalidToken => ("InvalidToken", 401, "This token is none that this server takes; get another."),
        Denied::ExpiredToken => ("ExpiredToken", 401, "This token has expired; get another."),
        Denied::KeysUnavailable => {
            ("KeysUnavailable", 503, "The keys that tokens are checked with have not come yet; try again in a moment.")
        }
        Denied::RevokedToken => ("RevokedToken", 401, "This token was ended, by logging out or for you; log in again."),
        Denied::NoScope(Scope::Read) => ("NoScope", 403, "This API key is not for reading: it lacks the scope read."),
        Denied::NoScope(Scope::Send) => ("NoScope", 403, "This API key is not for sending: it lacks the scope send."),
        Denied::NoScope(Scope::Admin) => ("NoScope", 403, "This takes an API key with the scope admin."),
        Denied::WrongNamespace => ("WrongNamespace", 403, "This token belongs to another namespace than the call."),
        Denied::WrongUser => {
            ("WrongUser", 403, "This token belongs to another user than the one that the call or the stream is for.")
        }
    };
    (format!("auth.{id}"), code, detail.to_owned())
}

impl From<Denied> for Fault {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let body = self.body();
        let status = StatusCode::from_u16(body.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = super::answer::json(status, &body);
        response.extensions_mut().insert(ErrorId(body.id));
        let headers = response.headers_mut();
        match self {
            Self::MethodNotAllowed => {
                headers.insert(header::ALLOW, HeaderValue::from_static("GET, POST"));
            }
            Self::BodyOnly => {
                headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
            }
            Self::ReadOnly => {
                headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            }
            _ if status == StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::UpgradeRequired(_) => {
                headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            }
            _ => {}
        }
        if let Some(milliseconds) = body.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(milliseconds.div_ceil(1_000)));
        }
        response
    }
}
