//! The session engine: how a client stays connected, resumes, orders what it receives and keeps what it sends.
//!
//! It does no input or output, has no clock and draws no randomness: a shell tells it what happened and what time it
//! is, and takes [`Action`]s from it until there are none. The same engine runs in the browser, in the native client
//! and in simulations. `B` is a message's body (and every other JSON value the engine only hands on); the browser's
//! shell puts a JavaScript object there, which stays one.
//!
//! ```
//! use micro_chat_session::{Action, Frame, Session};
//!
//! let mut session = Session::new(7);
//! session.subscribe("a chat", None, false, 0);
//! assert!(matches!(session.poll_action(), Some(Action::Open)));
//! // The shell opens a socket; once it is open:
//! session.opened(0);
//! assert!(matches!(session.poll_action(), Some(Action::Hello)));
//! assert!(matches!(session.poll_action(), Some(Action::Subscribe { chat: "a chat", after: -1, .. })));
//! // The server answers:
//! session.received(Frame::Welcome { heartbeat: 25_000, grace: 10_000 }, 40);
//! assert_eq!(session.deadline(), Some(35_040));
//! ```
//!
//! One module a noun:
//!
//! - [`session`](Session): the state machine, its inputs and its actions,
//! - [`frame`](Frame): what the server says, [`action`](Action): what the shell is to do,
//! - `link`: one connection's life and the silence it may keep,
//! - `backoff`: how long to wait before the next connection,
//! - `subscription`: a chat's cursor and what may be delivered, [`gap`](Gap): what never will be,
//! - `outbox`: what waits for its ack.

mod action;
mod backoff;
mod cursor;
mod frame;
mod gap;
mod link;
mod outbox;
#[cfg(test)]
mod promises;
mod session;
mod subscription;

pub use action::{Action, Fault, Reason};
pub use cursor::Cursor;
pub use frame::Frame;
pub use gap::Gap;
pub use session::Session;
