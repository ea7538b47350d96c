//! What waits for its ack.

use crate::{Action, Reason};
use std::collections::VecDeque;

/// How many messages may wait.
const CAPACITY: usize = 1_000;

/// A message that is not yet known to be stored.
pub(crate) struct Entry<B> {
    /// What names it to the shell.
    pub send: u32,
    /// The id of the subscription whose chat it goes to.
    pub subscription: u32,
    /// The `n` of its PUBLISH; 0 while it has not been sent on this socket.
    pub n: u32,
    /// The server may have it: it was sent on some socket.
    pub transmitted: bool,
    /// The server may have it from an earlier socket, or from another session: an answer on this one does not tell.
    pub doubtful: bool,
    /// From when on the application wants it stored no more.
    pub expires_at: u64,
    /// The message.
    pub message: B,
}

impl<B> Entry<B> {
    /// It fails here, and not at the server.
    pub(crate) fn refused(&self, reason: Reason<B>) -> Action<B> {
        Action::Refused { send: self.send, reason, certain: !self.transmitted }
    }
}

/// Messages in the order in which they were published; on each new socket they go out again in that order.
pub(crate) struct Outbox<B> {
    /// Oldest first.
    pub entries: Vec<Entry<B>>,
    /// The server asked for patience: until then nothing goes out, so that nothing overtakes what was put off.
    pub held_until: Option<u64>,
}

impl<B: Clone> Outbox<B> {
    pub(crate) fn new() -> Self {
        Self { entries: Vec::new(), held_until: None }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.entries.len() >= CAPACITY
    }

    /// When the next message expires that nobody but this outbox knows of. What was transmitted only the server can let
    /// expire.
    pub(crate) fn expiry(&self) -> Option<u64> {
        self.entries.iter().filter(|entry| !entry.transmitted).map(|entry| entry.expires_at).min()
    }

    /// Others may send what waits here from now on: only the server can tell what becomes of it.
    pub(crate) fn share(&mut self) {
        for entry in &mut self.entries {
            entry.transmitted = true;
            entry.doubtful = true;
        }
    }

    /// Nothing sent on the old socket will be answered any more.
    pub(crate) fn detach(&mut self) {
        self.held_until = None;
        for entry in &mut self.entries {
            entry.doubtful |= entry.n != 0;
            entry.n = 0;
        }
    }

    /// Fails the messages that `is_lost` picks.
    pub(crate) fn fail(
        &mut self,
        actions: &mut VecDeque<Action<B>>,
        reason: &Reason<B>,
        is_lost: &dyn Fn(&Entry<B>) -> bool,
    ) {
        self.entries.retain(|entry| {
            let lost = is_lost(entry);
            if lost {
                actions.push_back(entry.refused(reason.clone()));
            }
            !lost
        });
    }

    /// Where the message is that was sent as `n`.
    pub(crate) fn position(&self, n: u32) -> Option<usize> {
        self.entries.iter().position(|entry| entry.n == n && n != 0)
    }

    /// Takes out the message that was sent as `n`.
    pub(crate) fn take(&mut self, n: u32) -> Option<Entry<B>> {
        self.position(n).map(|at| self.entries.remove(at))
    }
}
