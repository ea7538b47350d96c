//! Every error that leaves the server, with its id, its code and its words.

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
            Self::Refused(endpoint, refusal) => refused(*endpoint, refusal),
            Self::Account(endpoint, refusal) => account(*endpoint, refusal),
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

/// The ids of the two services: `chat.Send.MissingText`, and `MISSING_TEXT`.
fn refused(endpoint: Endpoint, refusal: &Refusal) -> (String, u16, String) {
    if let Some(words) = refused_group(endpoint, refusal) {
        return words;
    }
    let in_chats = endpoint.name().starts_with("chats.");
    // Who sends is called so there; who does anything else is a user everywhere.
    let has_author = endpoint == Endpoint::ChatsSendMessage;
    let id = |camel: &str, screaming: &str| {
        if in_chats { screaming.to_owned() } else { format!("{}.{camel}", endpoint.name()) }
    };
    match refusal {
        Refusal::Denied(denied) => self::denied(*denied),
        Refusal::MissingUserIds => {
            let needed = if in_chats { "two different users" } else { "one user" };
            (id("MissingUserIDs", "MISSING_USER_IDs"), 400, format!("Name at least {needed} in user_ids."))
        }
        Refusal::EmptyUserId => {
            (id("EmptyUserID", "EMPTY_USER_ID"), 400, "Each of user_ids needs at least one character.".into())
        }
        Refusal::TooManyUserIds => (
            id("TooManyUserIDs", "TOO_MANY_USER_IDs"),
            413,
            format!("Name at most {} users in user_ids.", limit::USER_IDS),
        ),
        Refusal::NotAmongUsers => (
            id("NotAmongUsers", "NOT_AMONG_USERS"),
            403,
            "Name yourself in user_ids: only your own chats are yours to open.".into(),
        ),
        Refusal::ChosenId => {
            (id("ChosenID", "CHOSEN_ID"), 403, "A chat's id can't be chosen here; leave id out.".into())
        }
        Refusal::MissingUserId if has_author => ("MISSING_AUTHOR_ID".into(), 400, "Say in author_id who sends.".into()),
        Refusal::MissingUserId => (id("MissingUserID", "MISSING_USER_ID"), 400, "Say in user_id who this is.".into()),
        Refusal::MissingChatId => (id("MissingChatID", "MISSING_CHAT_ID"), 400, "Name the chat in chat_id.".into()),
        Refusal::UnknownChat if in_chats => ("NOT_FOUND".into(), 404, "There is no chat with this chat_id.".into()),
        Refusal::UnknownChat => (id("InvalidChatID", ""), 400, "There is no chat with this chat_id.".into()),
        Refusal::MissingText => (id("MissingText", "MISSING_TEXT"), 400, "A message needs a text.".into()),
        Refusal::TooLarge { field, limit } => {
            let named = if has_author && *field == "user_id" { "author_id" } else { field };
            let camel = match *field {
                "user_id" | "user_ids" => "UserIDTooLarge",
                "client_id" => "ClientIDTooLarge",
                "subject" => "SubjectTooLarge",
                "text" => "TextTooLarge",
                "message" => "MessageTooLarge",
                _ => "IDTooLarge",
            };
            let screaming = match *field {
                "user_id" if has_author => "AUTHOR_ID_TOO_LARGE",
                "user_id" | "user_ids" => "USER_ID_TOO_LARGE",
                "text" => "TEXT_TOO_LARGE",
                "message" => "MESSAGE_TOO_LARGE",
                _ => "ID_TOO_LARGE",
            };
            let what = match *field {
                "message" => "A message as JSON".to_owned(),
                "user_ids" => "Each of user_ids".to_owned(),
                _ => named.to_owned(),
            };
            (id(camel, screaming), 413, format!("{what} may have {limit} bytes at most."))
        }
        Refusal::LimitTooLarge(most) => (
            id("LimitTooLarge", "LIMIT_TOO_LARGE"),
            400,
            format!("limit is at most {most}; ask for the rest with the next request."),
        ),
        Refusal::InvalidCursor => (
            id("InvalidCursor", "INVALID_CURSOR"),
            400,
            "Take cursor from the answer before, or leave it out to begin at the front.".into(),
        ),
        Refusal::Conflict => (
            id("ClientIDConflict", "ID_CONFLICT"),
            409,
            "This client_id belongs to another message of this user; give each message its own.".into(),
        ),
        Refusal::MissingName => (id("MissingName", "MISSING_NAME"), 400, "A group needs a name.".into()),
        Refusal::MissingGroupId => {
            (id("MissingGroupID", "MISSING_GROUP_ID"), 400, "Name the group in group_id.".into())
        }
        Refusal::UnknownGroup => {
            (id("InvalidGroupID", "NOT_FOUND"), 404, "There is no group with this group_id.".into())
        }
        Refusal::NotInGroup => (id("NotInGroup", "NOT_IN_GROUP"), 403, "This user is not in the group.".into()),
        Refusal::NotCreator => (id("NotCreator", "NOT_CREATOR"), 403, "Only who created the group may do this.".into()),
        Refusal::TooManyMembers => (
            id("TooManyMembers", "TOO_MANY_MEMBERS"),
            413,
            format!("A group may have {} members at most.", limit::MEMBERS),
        ),
        Refusal::TakenId => (id("TakenID", "TAKEN_ID"), 409, "This id is taken by a group; choose another.".into()),
        Refusal::Removed => (id("Removed", "REMOVED"), 403, "You are not a member of this chat any more.".into()),
        Refusal::TooMuch(_) => {
            (id("TooMany", "TOO_MANY"), 429, "That is more than one user may; wait for a moment.".into())
        }
        Refusal::TooManyExports => (
            id("TooManyExports", "TOO_MANY_EXPORTS"),
            429,
            "As many exports as one user or API key may have are running; let one end.".into(),
        ),
        Refusal::Expired => (
            id("Expired", "EXPIRED"),
            410,
            "This message came too late and is not stored; to send it all the same, give it a new client_id.".into(),
        ),
        Refusal::Store(_) => {
            (id("Unavailable", "UNAVAILABLE"), 503, "The message store does not answer; try again.".into())
        }
    }
}

/// Errors about groups: one id a method, and what is wrong in the details, as their clients know them.
fn refused_group(endpoint: Endpoint, refusal: &Refusal) -> Option<(String, u16, String)> {
    if !endpoint.is_of_groups() {
        return None;
    }
    let (code, detail) = match refusal {
        Refusal::MissingName => (400, "missing name".to_owned()),
        Refusal::MissingGroupId | Refusal::MissingChatId => (400, "missing group id".to_owned()),
        Refusal::MissingUserId => (400, "missing user id".to_owned()),
        Refusal::MissingText => (400, "missing text".to_owned()),
        Refusal::UnknownGroup | Refusal::UnknownChat => (400, "group not found".to_owned()),
        Refusal::NotInGroup => (400, "user is not in the group".to_owned()),
        Refusal::NotCreator => (403, "only who created the group may do this".to_owned()),
        // Who is denied is told as everywhere.
        Refusal::Denied(_) => return None,
        other => {
            let (_, code, detail) = refused(Endpoint::ChatSend, other);
            (code, detail)
        }
    };
    Some((endpoint.name().to_owned(), code, detail))
}

/// The ids of the two services of accounts: `auth.WrongCode`, and `signup.WrongCode`.
fn account(endpoint: Endpoint, refusal: &accounts::Refusal) -> (String, u16, String) {
    use accounts::Refusal;
    let service = endpoint.name().split('.').next().unwrap_or_default();
    let (id, code, detail) = match refusal {
        Refusal::Denied(denied) => return self::denied(*denied),
        Refusal::Closed if service == "signup" => ("Closed", 403, "Nobody can sign up in this namespace."),
        Refusal::Closed => ("Closed", 403, "Nobody logs in with a password in this namespace."),
        Refusal::InvalidEmail => ("InvalidEmail", 400, "This is no e-mail address, such as ann@example.com."),
        Refusal::WeakSecret => {
            ("WeakSecret", 400, "A password has 8 to 256 characters, and is not the e-mail address.")
        }
        Refusal::InvalidId => ("InvalidID", 400, "A user id is one line of 256 bytes at most."),
        Refusal::IdTaken => ("IDTaken", 409, "This user id is not to be had; choose another."),
        Refusal::WrongCode => {
            ("WrongCode", 400, "This code is wrong, or too old, or was tried too often; ask for another.")
        }
        Refusal::WrongCredentials => {
            return (
                "auth.WrongCredentials".into(),
                401,
                "There is no such account, or its password is another.".into(),
            );
        }
        Refusal::NoLogin => return ("auth.NoLogin".into(), 401, "Nobody is logged in here any more; log in.".into()),
        Refusal::TooManyAttempts(_) => {
            return ("auth.TooManyAttempts".into(), 429, "That was tried too often; wait for a moment.".into());
        }
        Refusal::Busy => ("Busy", 503, "Too many want this at once; try again in a moment."),
        Refusal::Store(_) => ("Unavailable", 503, "The account store does not answer; try again."),
    };
    (format!("{service}.{id}"), code, detail.to_owned())
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
