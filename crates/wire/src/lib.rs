//! What the SDK, the server and the command line agree on.
//!
//! One module a noun:
//!
//! - [`endpoint`]: the services' methods and the paths that name them,
//! - [`op`]: the numeric operations of the session dialect,
//! - [`close`]: the codes a WebSocket is closed with,
//! - [`limit`]: how large and how many things may be,
//! - [`error`]: what every refusal looks like,
//! - `auth`, `chat`, `chats`, `deletion`, `export`, `groups`, `inbox` and `signup` (feature `json`): requests and
//!   answers of the services,
//! - `frame` (feature `json`): the session dialect's frames from a client,
//! - `member` (feature `json`): what it tells of a chat's members.
//!
//! `docs/protocol.md` says the same in words.

#[cfg(feature = "json")]
pub mod auth;
#[cfg(feature = "json")]
pub mod chat;
#[cfg(feature = "json")]
pub mod chats;
pub mod close;
#[cfg(feature = "json")]
pub mod deletion;
pub mod endpoint;
#[cfg(feature = "json")]
pub mod error;
#[cfg(feature = "json")]
pub mod export;
#[cfg(feature = "json")]
pub mod frame;
#[cfg(feature = "json")]
pub mod groups;
#[cfg(feature = "json")]
pub mod inbox;
pub mod limit;
#[cfg(feature = "json")]
pub mod member;
pub mod op;
#[cfg(feature = "json")]
pub mod signup;

/// The WebSocket subprotocol that selects the session dialect; a socket without it speaks the gateway dialect.
pub const SUBPROTOCOL: &str = "micro.chat.v1";

/// The namespace of a request that names none.
pub const DEFAULT_NAMESPACE: &str = "micro";
