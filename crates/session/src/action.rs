//! What the shell is to do.

use crate::{Cursor, Gap};

/// One step for the shell, to be taken in the order in which they come.
///
/// The first group goes to the network. [`Action::Hello`] to [`Action::Renew`] each become one frame on the socket
/// that is open. The second group is for the application, which may call the session back while it handles one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action<B> {
    /// Open a socket, then say `opened` or `closed`. The application sees: connecting.
    Open,
    /// Close the socket and say nothing more about it.
    Close,
    /// Send HELLO.
    Hello,
    /// Send SUBSCRIBE.
    Subscribe {
        /// What names the subscription on this socket.
        handle: u32,
        /// The chat.
        chat: B,
        /// The cursor's numbering, or 0.
        epoch: u64,
        /// Deliver what lies behind; `wire::op::FROM_NOW` for what comes from now on.
        after: i64,
        /// Whether events of its members are wanted.
        members: bool,
    },
    /// Send UNSUBSCRIBE.
    Unsubscribe {
        /// What named the subscription on this socket.
        handle: u32,
    },
    /// Send PUBLISH.
    Publish {
        /// What the answer will carry.
        n: u32,
        /// The subscription whose chat it goes to.
        handle: u32,
        /// The message.
        message: B,
        /// It is too late to store it: the server is asked whether it has it, and is to refuse it for good otherwise.
        expired: bool,
    },
    /// Send PROBE.
    Probe,
    /// Send RENEW.
    Renew {
        /// Its body.
        renewal: B,
    },

    /// The link is down; the next try follows after `delay` milliseconds.
    Waiting {
        /// Milliseconds from now.
        delay: u64,
    },
    /// The link is down and there is no network: the next try follows once there is one.
    Offline,
    /// A subscription stands, anew after each connection.
    Subscribed {
        /// The subscription.
        id: u32,
        /// Where it stands.
        cursor: Cursor,
    },
    /// Some of what a subscription asked for will never come. Follows on its [`Action::Subscribed`].
    Gap {
        /// The subscription.
        id: u32,
        /// What is missing.
        gap: Gap,
    },
    /// A subscription has been delivered all that was stored when the server said so; what comes now, happens now.
    CaughtUp {
        /// The subscription.
        id: u32,
        /// Where it stands. What was deleted behind the last message delivered has been passed.
        cursor: Cursor,
    },
    /// Messages have come. The first of them may be known already.
    Deliver {
        /// The subscription.
        id: u32,
        /// The list of messages.
        messages: B,
        /// Only messages with a larger `seq` are new.
        after: u64,
        /// Where the subscription stands behind them.
        cursor: Cursor,
    },
    /// Something happened that is no message, such as somebody coming in.
    Event {
        /// The subscription.
        id: u32,
        /// What happened: an object whose `type` says what.
        event: B,
    },
    /// A message is stored: its send succeeded.
    Stored {
        /// What the shell calls it.
        send: u32,
        /// The server's id, client_id, seq and sent_at.
        stored: B,
    },
    /// A message will never be stored by this session: its send failed.
    Refused {
        /// What the shell calls it.
        send: u32,
        /// Why.
        reason: Reason<B>,
        /// It is not stored and will not be: the server said so, or it was never transmitted. Otherwise only the server
        /// knows, and [`Session::recover`](crate::Session::recover) asks it.
        certain: bool,
    },
    /// A subscription is over, and not because the application asked for it.
    Ended {
        /// The subscription.
        id: u32,
        /// Why.
        reason: Reason<B>,
    },
}

/// Why something failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason<B> {
    /// The server, or the shell, said so.
    Error(B),
    /// The engine did.
    Fault(Fault),
}

/// What the engine itself can find wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// As many messages as may are waiting for their ack.
    OutboxFull,
    /// The message waited for longer than it may, and was never transmitted.
    Expired,
    /// The subscription is over.
    Closed,
    /// The server closed the connection with a code that means "don't come back".
    Dismissed,
}
