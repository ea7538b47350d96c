//! How large and how many things may be. Sizes are bytes.

/// A message's `text`.
pub const TEXT: usize = 64 * 1024;

/// A message's `subject`.
pub const SUBJECT: usize = 1024;

/// Any id: of a chat, a user, a client, a namespace.
pub const ID: usize = 256;

/// Users named in one request.
pub const USER_IDS: usize = 1_000;

/// Members of a group.
pub const MEMBERS: u64 = 10_000;

/// A message as JSON, escapes counted. With its envelope it fits into one [`FRAME`].
pub const MESSAGE: usize = 192 * 1024;

/// A request's body.
pub const BODY: usize = 1024 * 1024;

/// A WebSocket frame, in both directions.
pub const FRAME: usize = 256 * 1024;

/// Messages in one answer of History or ListMessages.
pub const PAGE: u64 = 1_000;

/// Chats in one answer of ListChats.
pub const CHATS: u64 = 100;

/// Messages that are looked at for one chat's `unread`: what it costs does not grow with what was missed.
pub const UNREAD: u64 = 1_000;

/// Members that ListChats names of each chat.
pub const NAMED: u64 = 100;

/// Frames that may wait for one connection before it is cut off.
pub const QUEUE_FRAMES: usize = 256;

/// Bytes that may wait for one connection before it is cut off.
pub const QUEUE_BYTES: usize = 256 * 1024;

/// Changes of members that may wait for one subscription; where there are more, its members are sent anew.
pub const QUEUE_EVENTS: usize = 32;

/// Subscriptions of one connection.
pub const SUBSCRIPTIONS: usize = 1_000;
