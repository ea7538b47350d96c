//! A chat that is being read, and where.

use crate::{Cursor, Gap};
use micro_chat_wire::op::FROM_NOW;

/// A subscription outlives connections; its handle does not.
pub(crate) struct Subscription<B> {
    /// What names it to the shell.
    pub id: u32,
    /// What names it to the server, new with each SUBSCRIBE: what still arrives for an earlier one is nobody's. 0 while
    /// it is not subscribed on this socket.
    pub handle: u32,
    /// The chat.
    pub chat: B,
    /// Whether events of its members are wanted, on each socket anew.
    pub members: bool,
    /// Where it stands; none: it wants what comes from now on, and the server has not yet said where that is.
    pub cursor: Option<Cursor>,
    /// Whether the server confirmed this handle: before, nothing may be delivered on it.
    pub confirmed: bool,
    /// When to ask again, where the server wants that later.
    pub retry_at: Option<u64>,
}

/// What to do with a frame of messages.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing new is in it.
    Old,
    /// Something is missing before it.
    Hole,
    /// Deliver what lies behind `after`; the subscription then stands at `cursor`.
    New { after: u64, cursor: Cursor },
}

impl<B> Subscription<B> {
    /// Nothing on the old socket counts any more.
    pub(crate) fn detach(&mut self) {
        self.handle = 0;
        self.confirmed = false;
        self.retry_at = None;
    }

    /// The cursor, as SUBSCRIBE carries it.
    pub(crate) fn resume(&self) -> (u64, i64) {
        match self.cursor {
            Some(Cursor { epoch, seq }) => (epoch, i64::try_from(seq).unwrap_or(i64::MAX)),
            None => (0, FROM_NOW),
        }
    }

    /// The server says where the subscription begins: returns where it stands, and what is missing before that.
    pub(crate) fn confirm(&mut self, epoch: u64, after: u64) -> (Cursor, Option<Gap>) {
        let (seq, gap) = match self.cursor {
            // The same numbering: what has been received is not wanted again.
            Some(cursor) if cursor.epoch == epoch => (cursor.seq.max(after), gap_between(cursor.seq, after)),
            // Whichever numbering it is.
            Some(cursor) if cursor.epoch == 0 => (after, gap_between(cursor.seq, after)),
            Some(_) => (after, Some(Gap { from: 1, to: after, restored: true })),
            None => (after, None),
        };
        let cursor = Cursor { epoch, seq };
        self.confirmed = true;
        self.cursor = Some(cursor);
        (cursor, gap)
    }

    /// Moves the cursor over messages `from..=to`, if they follow on it.
    pub(crate) fn accept(&mut self, from: u64, to: u64) -> Verdict {
        let (true, Some(cursor)) = (self.confirmed, self.cursor.as_mut()) else {
            return Verdict::Old;
        };
        if to <= cursor.seq {
            return Verdict::Old;
        }
        if from > cursor.seq.saturating_add(1) {
            return Verdict::Hole;
        }
        let after = cursor.seq;
        cursor.seq = to;
        Verdict::New { after, cursor: *cursor }
    }
}

/// What lies between the seq that was asked for and the one that the server begins behind.
fn gap_between(asked: u64, after: u64) -> Option<Gap> {
    (after > asked).then(|| Gap { from: asked + 1, to: after, restored: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing_at(seq: u64) -> Subscription<()> {
        let cursor = Some(Cursor { epoch: 1, seq });
        Subscription { id: 1, handle: 2, chat: (), members: false, cursor, confirmed: true, retry_at: None }
    }

    fn new(after: u64, seq: u64) -> Verdict {
        Verdict::New { after, cursor: Cursor { epoch: 1, seq } }
    }

    #[test]
    fn what_was_seen_is_not_delivered_again() {
        let mut subscription = standing_at(5);
        assert_eq!(subscription.accept(1, 5), Verdict::Old);
        assert_eq!(subscription.accept(3, 8), new(5, 8));
        assert_eq!(subscription.accept(3, 8), Verdict::Old);
    }

    #[test]
    fn what_follows_is_delivered_and_what_does_not_is_a_hole() {
        let mut subscription = standing_at(5);
        assert_eq!(subscription.accept(6, 6), new(5, 6));
        assert_eq!(subscription.accept(8, 9), Verdict::Hole);
        assert_eq!(subscription.accept(7, 9), new(6, 9));
    }

    #[test]
    fn nothing_is_delivered_before_the_server_confirmed() {
        let mut subscription = standing_at(5);
        subscription.detach();
        assert_eq!(subscription.accept(6, 6), Verdict::Old);
        assert_eq!(subscription.confirm(1, 5), (Cursor { epoch: 1, seq: 5 }, None));
        assert_eq!(subscription.accept(6, 6), new(5, 6));
    }

    #[test]
    fn a_new_numbering_replaces_the_cursor_and_the_same_never_moves_it_back() {
        let mut subscription = standing_at(5);
        assert_eq!(subscription.confirm(1, 3), (Cursor { epoch: 1, seq: 5 }, None));
        let gap = Gap { from: 6, to: 7, restored: false };
        assert_eq!(subscription.confirm(1, 7), (Cursor { epoch: 1, seq: 7 }, Some(gap)));
        let gap = Gap { from: 1, to: 3, restored: true };
        assert_eq!(subscription.confirm(2, 3), (Cursor { epoch: 2, seq: 3 }, Some(gap)));
    }

    #[test]
    fn numbers_at_the_end_of_the_range_do_no_harm() {
        let mut subscription = standing_at(u64::MAX);
        assert_eq!(subscription.accept(u64::MAX, u64::MAX), Verdict::Old);
        assert_eq!(subscription.resume(), (1, i64::MAX));
        assert_eq!(subscription.confirm(1, u64::MAX).1, None);
    }
}
