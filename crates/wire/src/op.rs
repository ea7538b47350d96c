//! The numeric operations of the session dialect: the first element of every frame.
//!
//! Clients send ops below 20, servers ops from 20 on. `docs/protocol.md` gives each frame's elements.

/// `[HELLO, {"namespace", "user_id", "token"}]`: who speaks; the first frame of a socket.
pub const HELLO: u32 = 1;
/// `[SUBSCRIBE, handle, chat_id, epoch, after, members?]`: deliver this chat from the cursor on, and where `members` is
/// true who is in it, too.
pub const SUBSCRIBE: u32 = 2;
/// `[UNSUBSCRIBE, handle]`: deliver no more; the handle may be used again.
pub const UNSUBSCRIBE: u32 = 3;
/// `[PUBLISH, n, handle, message, expired?]`: store this message, unless it is too late; an [`ACK`] or an [`ERROR`]
/// with `n` answers.
pub const PUBLISH: u32 = 4;
/// `[PROBE]`: are you there? A [`HEARTBEAT`] answers at once.
pub const PROBE: u32 = 5;
/// `[RENEW, {"token"}]`: from here on this token is what proves who speaks; the same user of the same namespace.
pub const RENEW: u32 = 6;

/// `[WELCOME, {"heartbeat", "grace"}]`: the hello was accepted; how often a heartbeat comes, in milliseconds.
pub const WELCOME: u32 = 20;
/// `[SUBSCRIBED, handle, epoch, after]`: what follows are the messages behind `after`.
pub const SUBSCRIBED: u32 = 21;
/// `[MESSAGES, handle, from, to, [message…]]`: every message there is with `from <= seq <= to`, in order.
pub const MESSAGES: u32 = 22;
/// `[LIVE, handle, seq]`: all up to `seq` has been sent; what comes now comes as it happens.
pub const LIVE: u32 = 23;
/// `[ACK, n, {"id", "client_id", "seq", "sent_at"}]`: the message is durable and has its place.
pub const ACK: u32 = 24;
/// `[ERROR, scope, number, error]`: a refusal; `scope` says what `number` names.
pub const ERROR: u32 = 25;
/// `[HEARTBEAT]`: the link is alive.
pub const HEARTBEAT: u32 = 26;
/// `[EVENT, handle, event]`: something that is no message and has no `seq`; one object, whose `type` says what.
pub const EVENT: u32 = 27;

/// Scope of an [`ERROR`]: the connection itself; it is closed next. The number is 0.
pub const SCOPE_CONNECTION: u32 = 0;
/// Scope of an [`ERROR`]: the subscription whose handle is the number; it is over.
pub const SCOPE_SUBSCRIPTION: u32 = 1;
/// Scope of an [`ERROR`]: the publish whose `n` is the number; its message is not stored.
pub const SCOPE_PUBLISH: u32 = 2;

/// `after` in [`SUBSCRIBE`] for "from now on".
pub const FROM_NOW: i64 = -1;
