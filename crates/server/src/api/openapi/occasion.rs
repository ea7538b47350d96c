//! When each error occurs: every kind there is, with an example of it. A kind without one does not compile.

use std::time::Duration;

use micro_chat_wire::endpoint::Endpoint;
use micro_chat_wire::limit;

use crate::api::fault::{Fault, FaultKind};
use crate::auth::accounts::{Refusal as AccountRefusal, RefusalKind as AccountRefusalKind};
use crate::auth::{Denied, DeniedKind, Scope};
use crate::chat::{Refusal, RefusalKind};
use crate::ready::Unready;
use crate::store::StoreError;

/// Where an error is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The answer of any method.
    Anywhere,
    /// The answer of a method that is called, not streamed.
    Call,
    /// The same, of one that is about accounts.
    AccountCall,
    /// The same, of one that is not called by an address alone.
    SecretCall,
    /// The answer to a handshake.
    Handshake,
    /// A frame of a stream.
    Frame,
    /// No method was asked for, or not as methods are.
    Elsewhere,
}

/// When a kind of error occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occasion {
    /// Where it is met.
    pub place: Place,
    /// A sentence without its dot.
    pub when: &'static str,
}

const fn at(place: Place, when: &'static str) -> Occasion {
    Occasion { place, when }
}

/// A fault of that kind about that endpoint; none of those kinds that [`denied`], [`refused`] and [`account`] list.
pub fn fault(kind: FaultKind, endpoint: Endpoint) -> Option<(Fault, Occasion)> {
    use Place::{AccountCall, Anywhere, Call, Elsewhere, Frame, Handshake, SecretCall};
    let wait = Duration::from_millis(249);
    Some(match kind {
        FaultKind::NotFound => {
            (Fault::NotFound("/chat/Nwe".into()), at(Elsewhere, "Nothing has the path that was asked for"))
        }
        FaultKind::MethodNotAllowed => (Fault::MethodNotAllowed, at(Elsewhere, "A method was asked for with PUT, say")),
        FaultKind::ReadOnly => (Fault::ReadOnly, at(Elsewhere, "A page or a file was asked for with POST, say")),
        FaultKind::BodyOnly => (
            Fault::BodyOnly,
            at(SecretCall, "What belongs into a body was in the address, where it is written into logs"),
        ),
        FaultKind::BodyTooSlow => (Fault::BodyTooSlow, at(Call, "The request's body took longer than 30 seconds")),
        FaultKind::BodyTooLarge => (Fault::BodyTooLarge, at(Call, "The request's body is too large")),
        FaultKind::InvalidUtf8 => (Fault::InvalidUtf8, at(Anywhere, "The body, the query or a header is not UTF-8")),
        FaultKind::InvalidJson => {
            let words = "EOF while parsing an object at line 1 column 1".into();
            (Fault::InvalidJson(words), at(Call, "The body, or a frame, is not JSON"))
        }
        FaultKind::InvalidField => {
            let (field, detail) = ("user_ids[1]".into(), "it has to be a string".into());
            (Fault::InvalidField { field, detail }, at(Call, "A field has a value of another type than it should have"))
        }
        FaultKind::NamespaceTooLarge => (Fault::NamespaceTooLarge, at(Call, "The namespace is too long")),
        FaultKind::UpgradeRequired => {
            (Fault::UpgradeRequired(endpoint), at(Handshake, "A stream was called like a method"))
        }
        FaultKind::InvalidUpgrade => {
            (Fault::InvalidUpgrade(endpoint), at(Handshake, "The handshake of a WebSocket is not one"))
        }
        FaultKind::NotAStream => (Fault::NotAStream(endpoint), at(Call, "A WebSocket was opened to a method")),
        FaultKind::ForbiddenOrigin => {
            (Fault::ForbiddenOrigin, at(Handshake, "A page opened a WebSocket whose site the server does not list"))
        }
        FaultKind::OnlyHeard => (Fault::OnlyHeard, at(Frame, "Something was sent on the stream of a group")),
        FaultKind::ForbiddenAccount => (
            Fault::ForbiddenAccount,
            at(AccountCall, "A page asked about an account, or for a cookie, whose site the server does not list"),
        ),
        FaultKind::BinaryFrame => (Fault::BinaryFrame, at(Frame, "A frame is binary")),
        FaultKind::FrameTooLarge => (Fault::FrameTooLarge, at(Frame, "A frame is too large")),
        FaultKind::NoFirstFrame => (Fault::NoFirstFrame, at(Frame, "Nothing was sent on a new stream for 10 seconds")),
        FaultKind::HelloExpected => {
            (Fault::HelloExpected, at(Frame, "The first frame of a session is not HELLO, or a later one is"))
        }
        FaultKind::InvalidHandle => {
            (Fault::InvalidHandle, at(Frame, "SUBSCRIBE with a handle that is none, or is in use"))
        }
        FaultKind::UnknownHandle => (Fault::UnknownHandle, at(Frame, "PUBLISH with a handle that is not in use")),
        FaultKind::TooManySubscriptions => {
            (Fault::TooManySubscriptions, at(Frame, "One SUBSCRIBE more than a connection may have"))
        }
        FaultKind::Restarting => (Fault::Restarting(250), at(Frame, "The server stops, and another may start")),
        FaultKind::TooMuch => {
            (Fault::TooMuch(wait), at(Anywhere, "An address, or a user, asks for more than the limits let through"))
        }
        FaultKind::TooManyStreams => {
            (Fault::TooManyStreams, at(Handshake, "An address, or a user, has as many streams as they may"))
        }
        FaultKind::Internal => (Fault::Internal, at(Anywhere, "The server has a bug; its log says more")),
        FaultKind::Denied | FaultKind::Refused | FaultKind::Account => return None,
    })
}

/// Examples of that kind, and when it occurs.
pub fn denied(kind: DeniedKind) -> (Vec<Denied>, &'static str) {
    let (denied, when) = match kind {
        DeniedKind::NoToken => (Denied::NoToken, "There is no token, and the server wants one"),
        DeniedKind::InvalidToken => {
            (Denied::InvalidToken, "The token was changed, is for another server, or was signed with another key")
        }
        DeniedKind::ExpiredToken => (Denied::ExpiredToken, "The token's time is over"),
        DeniedKind::KeysUnavailable => {
            (Denied::KeysUnavailable, "The identity provider has not answered since the server started")
        }
        DeniedKind::RevokedToken => {
            (Denied::RevokedToken, "The user logged out, or an administrator ended the token or the API key")
        }
        DeniedKind::WrongNamespace => {
            (Denied::WrongNamespace, "The header micro-namespace names another namespace than the token")
        }
        DeniedKind::WrongUser => (
            Denied::WrongUser,
            "A stream or an export names another user than the token, or a stream is renewed for one",
        ),
        DeniedKind::NoScope => {
            let scopes = [Scope::Read, Scope::Send, Scope::Admin].map(Denied::NoScope);
            return (scopes.to_vec(), "An API key is not for this, or a user did what takes an API key");
        }
    };
    (vec![denied], when)
}

/// When the server is not ready for that reason.
pub fn unready(unready: Unready) -> &'static str {
    match unready {
        Unready::Starting => "The database is being opened",
        Unready::Stopping => "The server was told to stop",
        Unready::NotWritable => "A commit failed, or takes too long",
        Unready::NoRoom => "The disk has less room than the database's log may need",
    }
}

/// Fields that can be too long.
pub const FIELDS: [(&str, usize); 8] = [
    ("id", limit::ID),
    ("user_id", limit::ID),
    ("user_ids", limit::ID),
    ("client_id", limit::ID),
    ("name", limit::SUBJECT),
    ("subject", limit::SUBJECT),
    ("description", limit::TEXT),
    ("text", limit::TEXT),
];

/// An example of that kind about a method whose answers hold at most so many things, and when it occurs.
pub fn refused(kind: RefusalKind, most: u64) -> (Refusal, &'static str) {
    match kind {
        // Its ids are the same for all methods.
        RefusalKind::Denied => (Refusal::Denied(Denied::NoToken), "Who calls may not do this"),
        RefusalKind::MissingUserIds => (Refusal::MissingUserIds, "Too few users are named"),
        RefusalKind::EmptyUserId => (Refusal::EmptyUserId, "One of the users is named with nothing"),
        RefusalKind::TooManyUserIds => (Refusal::TooManyUserIds, "Too many users are named"),
        RefusalKind::MissingUserId => (Refusal::MissingUserId, "Nobody is named, and no token says who it is"),
        RefusalKind::NotAmongUsers => (Refusal::NotAmongUsers, "A user opens a chat of others"),
        RefusalKind::ChosenId => (Refusal::ChosenId, "A user chooses a chat's id, which only an API key may"),
        RefusalKind::MissingName => (Refusal::MissingName, "A group is to have no name"),
        RefusalKind::MissingGroupId => (Refusal::MissingGroupId, "No group is named"),
        RefusalKind::UnknownGroup => {
            (Refusal::UnknownGroup, "There is no such group, or it is private and the caller not in it")
        }
        RefusalKind::NotInGroup => (Refusal::NotInGroup, "The user is not in the group, or not any more"),
        RefusalKind::NotCreator => (Refusal::NotCreator, "Only the group's creator may, and it was somebody else"),
        RefusalKind::TooManyMembers => (Refusal::TooManyMembers, "The group is full"),
        RefusalKind::TakenId => (Refusal::TakenId, "A chat is to have the id of a group"),
        RefusalKind::Removed => (Refusal::Removed, "A subscriber left the chat's group, or was put out of it"),
        RefusalKind::MissingChatId => (Refusal::MissingChatId, "No chat is named"),
        RefusalKind::UnknownChat => {
            (Refusal::UnknownChat, "There is no such chat, or the caller is not a member of it")
        }
        RefusalKind::MissingText => (Refusal::MissingText, "A message says nothing"),
        RefusalKind::TooLarge => {
            (Refusal::TooLarge { field: "message", limit: limit::MESSAGE }, "A message is too large as JSON")
        }
        RefusalKind::LimitTooLarge => (Refusal::LimitTooLarge(most), "More is asked for than one answer holds"),
        RefusalKind::InvalidCursor => (Refusal::InvalidCursor, "A cursor is none that an answer gave"),
        RefusalKind::Conflict => (Refusal::Conflict, "The same id came before with another text or subject"),
        RefusalKind::TooMuch => {
            (Refusal::TooMuch(Duration::from_millis(249)), "A user does this more often than the limits let through")
        }
        RefusalKind::TooManyExports => {
            (Refusal::TooManyExports, "The user, or the API key, has as many exports running as one may")
        }
        RefusalKind::Expired => {
            (Refusal::Expired, "The sender gave the message up: it is not stored, and will not be under this client_id")
        }
        RefusalKind::Store => (Refusal::Store(StoreError::Closed), "The database fails, or the server is stopping"),
    }
}

/// The same for a field that is too long.
pub fn too_large(field: &str) -> Option<(Refusal, &'static str)> {
    let (field, limit) = FIELDS.into_iter().find(|(name, _)| *name == field)?;
    Some((Refusal::TooLarge { field, limit }, "The field is too long"))
}

/// An example of that kind, and when it occurs.
pub fn account(kind: AccountRefusalKind) -> (AccountRefusal, &'static str) {
    match kind {
        AccountRefusalKind::Closed => (AccountRefusal::Closed, "The server has no accounts for this namespace"),
        AccountRefusalKind::InvalidEmail => (AccountRefusal::InvalidEmail, "An address can't be one"),
        AccountRefusalKind::WeakSecret => {
            (AccountRefusal::WeakSecret, "A password is too short, too long, or the address itself")
        }
        AccountRefusalKind::InvalidId => (AccountRefusal::InvalidId, "A user id can't be one"),
        AccountRefusalKind::IdTaken => {
            (AccountRefusal::IdTaken, "Somebody has the user id, or it is an address that is not the caller's")
        }
        AccountRefusalKind::WrongCode => {
            (AccountRefusal::WrongCode, "The code is not the one that was mailed last, or is used up")
        }
        AccountRefusalKind::WrongCredentials => {
            (AccountRefusal::WrongCredentials, "The password is wrong, or nobody has that name: which, is not told")
        }
        AccountRefusalKind::NoLogin => {
            (AccountRefusal::NoLogin, "There is no refresh token, or it is used up, expired or logged out")
        }
        AccountRefusalKind::TooManyAttempts => (
            AccountRefusal::TooManyAttempts(Duration::from_millis(249)),
            "Too many passwords or codes were tried, or too many mails asked for",
        ),
        AccountRefusalKind::Busy => {
            (AccountRefusal::Busy, "More passwords are being checked, or mails sent, than the server does at once")
        }
        // Its ids are those of tokens.
        AccountRefusalKind::Denied => (AccountRefusal::Denied(Denied::InvalidToken), "The token is not a user's"),
        AccountRefusalKind::Store => {
            (AccountRefusal::Store(StoreError::Closed), "The database fails, or the server is stopping")
        }
    }
}
