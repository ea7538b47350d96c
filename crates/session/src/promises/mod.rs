//! What the engine promises, each promise a test.

mod connecting;
mod members;
mod reading;
mod sending;

use crate::{Action, Frame, Session};

/// Bodies in these tests are words.
pub(super) type Word = &'static str;

/// When these messages expire.
pub(super) const NEVER: u64 = u64::MAX;

/// A session that is connected and has `chat` subscribed from the start, as id 1 with handle 2, standing at 0.
pub(super) fn live() -> Session<Word> {
    let mut session = Session::new(1);
    session.subscribe("chat", Some(crate::Cursor { epoch: 0, seq: 0 }), false, 0);
    welcome(&mut session, 0);
    take(&mut session);
    session
}

/// Opens the socket, and lets the server welcome it and confirm every subscription where it was asked to.
pub(super) fn welcome(session: &mut Session<Word>, now: u64) -> Vec<Action<Word>> {
    session.opened(now);
    let sent = take(session);
    session.received(Frame::Welcome { heartbeat: 25_000, grace: 10_000 }, now);
    for action in &sent {
        if let Action::Subscribe { handle, after, .. } = action {
            let after = u64::try_from(*after).unwrap_or(0);
            session.received(Frame::Subscribed { handle: *handle, epoch: 1, after }, now);
        }
    }
    sent
}

/// All that the shell is to do now.
pub(super) fn take(session: &mut Session<Word>) -> Vec<Action<Word>> {
    std::iter::from_fn(|| session.poll_action()).collect()
}

/// A frame of messages, its body naming the range.
pub(super) fn messages(handle: u32, from: u64, to: u64) -> Frame<Word> {
    Frame::Messages { handle, from, to, messages: "messages" }
}

/// Lets time pass until the session connects again; returns when it did.
pub(super) fn until_open(session: &mut Session<Word>, mut now: u64) -> u64 {
    loop {
        if take(session).contains(&Action::Open) {
            return now;
        }
        now = session.deadline().expect("a session that waits has a deadline");
        session.timeout(now);
    }
}
