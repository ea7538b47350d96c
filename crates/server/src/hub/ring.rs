//! A chat's most recent messages, so that who comes back soon needs no read.

use std::collections::VecDeque;

use micro_chat_wire::limit;

use super::Stored;
use crate::store::Span;

/// How much a ring keeps.
#[derive(Clone, Copy, Debug)]
pub struct RingSize {
    /// At most so many messages.
    pub messages: usize,
    /// At most so many bytes of JSON: a message that is larger alone is not kept.
    pub bytes: usize,
}

/// What is kept for those who come back.
pub const RING: RingSize = RingSize { messages: 64, bytes: 32 * 1024 };

/// What is kept while somebody reads a page, to go on from there: what may wait for one connection.
const HELD: RingSize = RingSize { messages: limit::QUEUE_FRAMES, bytes: limit::QUEUE_BYTES };

/// All messages that a chat has with `after < seq <= to`. Those that are missing were deleted.
#[derive(Clone, Debug, Default)]
pub struct Backlog {
    /// What it begins behind.
    pub after: u64,
    /// In their order.
    pub messages: Vec<Stored>,
    /// What it goes up to.
    pub to: u64,
}

impl From<Span> for Backlog {
    fn from(span: Span) -> Self {
        Self { after: span.after, messages: span.messages.iter().map(Stored::from).collect(), to: span.to }
    }
}

/// The newest messages of a chat, without a hole: those that were read, and behind them those that were published.
///
/// It begins to collect before the read: what is committed when the database is read is in the read, what is committed
/// later is published later, and what is in both is recognised by its `seq`.
#[derive(Debug, Default)]
pub struct Ring {
    /// Its messages are those with `after < seq <= to`; none before the first was published or read.
    bounds: Option<(u64, u64)>,
    recent: VecDeque<Stored>,
    bytes: usize,
    /// Whether what was stored before it began to collect has been read.
    pub is_filled: bool,
    /// How often messages were taken out: what was read before may hold them still.
    pub removals: u64,
    /// Who wants it to be there.
    pub keepers: usize,
    /// Who reads a page and wants to go on in the ring.
    pub holds: usize,
}

impl Ring {
    /// The next message was published.
    pub fn push(&mut self, message: Stored) {
        match &mut self.bounds {
            // It was committed before the read that filled the ring.
            Some((_, to)) if message.seq <= *to => return,
            Some((_, to)) if message.seq == *to + 1 => *to = message.seq,
            bounds => {
                *bounds = Some((message.seq - 1, message.seq));
                self.recent.clear();
                self.bytes = 0;
            }
        }
        self.bytes += message.json.len();
        self.recent.push_back(message);
        self.trim();
    }

    /// What the database held when it was read, up to its end, after the ring had begun to collect.
    pub fn fill(&mut self, tail: Backlog) {
        if self.is_filled {
            return;
        }
        self.is_filled = true;
        if self.bounds.is_some_and(|(after, _)| after > tail.to) {
            // So much was published meanwhile that the ring has let go of what joins the two.
            return;
        }
        let collected = std::mem::replace(&mut self.recent, tail.messages.into());
        self.recent.extend(collected.into_iter().filter(|message| message.seq > tail.to));
        self.bytes = self.recent.iter().map(|message| message.json.len()).sum();
        let to = self.bounds.map_or(tail.to, |(_, to)| to.max(tail.to));
        self.bounds = Some((tail.after, to));
        self.trim();
    }

    /// All behind `after`, or behind the end where that is before. None: the ring begins later, or is not filled yet.
    pub fn behind(&self, after: u64) -> Option<Backlog> {
        let (first, to) = self.bounds.filter(|_| self.is_filled)?;
        let after = after.min(to);
        if after < first {
            return None;
        }
        let begin = self.recent.partition_point(|message| message.seq <= after);
        Some(Backlog { after, messages: self.recent.range(begin..).cloned().collect(), to })
    }

    /// These messages were deleted: who reads passes over them.
    pub fn remove(&mut self, seqs: &[u64]) {
        self.removals += 1;
        self.keep_only(|seq| !seqs.contains(&seq));
    }

    /// All messages before that one are gone, and whoever wants them is to be told so: nobody begins before it here.
    pub fn begin_at(&mut self, first_seq: u64) {
        self.removals += 1;
        self.keep_only(|seq| seq >= first_seq);
        if let Some((after, to)) = &mut self.bounds {
            *after = (*after).max(first_seq.saturating_sub(1)).min(*to);
        }
    }

    fn keep_only(&mut self, is_there: impl Fn(u64) -> bool) {
        self.recent.retain(|message| is_there(message.seq));
        self.bytes = self.recent.iter().map(|message| message.json.len()).sum();
    }

    /// Lets go of the oldest messages until the others are few enough.
    pub fn trim(&mut self) {
        let size = if self.holds > 0 { HELD } else { RING };
        while self.recent.len() > size.messages || self.bytes > size.bytes {
            let Some(oldest) = self.recent.pop_front() else { return };
            self.bytes -= oldest.json.len();
            if let Some((after, _)) = &mut self.bounds {
                *after = oldest.seq;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(seq: u64, size: usize) -> Stored {
        Stored { seq, json: "x".repeat(size).into() }
    }

    /// What was read: all with `after < seq <= to`, but for those deleted.
    fn tail(after: u64, to: u64, deleted: &[u64]) -> Backlog {
        let there = (after + 1..=to).filter(|seq| !deleted.contains(seq));
        Backlog { after, messages: there.map(|seq| message(seq, 10)).collect(), to }
    }

    fn seqs(backlog: &Backlog) -> Vec<u64> {
        backlog.messages.iter().map(|message| message.seq).collect()
    }

    fn published(ring: &mut Ring, seqs: std::ops::RangeInclusive<u64>) {
        for seq in seqs {
            ring.push(message(seq, 10));
        }
    }

    #[test]
    fn what_was_read_and_what_was_published_are_joined_without_a_hole_or_a_double() {
        // Published before the read ended, as far as these; the read saw the messages up to 20.
        for last in [None, Some(18), Some(20), Some(25)] {
            let mut ring = Ring::default();
            if let Some(last) = last {
                published(&mut ring, 15..=last);
            }
            assert!(ring.behind(u64::MAX).is_none(), "nobody begins before it is filled");
            ring.fill(tail(10, 20, &[12]));
            published(&mut ring, last.map_or(15, |last| last + 1)..=30);
            let backlog = ring.behind(10).expect("a ring from 10 on");
            assert_eq!(seqs(&backlog), (11..=30).filter(|seq| *seq != 12).collect::<Vec<_>>());
            assert_eq!((backlog.after, backlog.to), (10, 30));
            assert!(ring.behind(9).is_none());
        }
    }

    #[test]
    fn a_reader_gets_what_lies_behind_its_cursor_and_one_beyond_the_end_nothing() {
        let mut ring = Ring::default();
        ring.fill(tail(0, 5, &[4, 5]));
        for (after, begins, messages) in [(0, 0, vec![1, 2, 3]), (2, 2, vec![3]), (4, 4, vec![]), (9, 5, vec![])] {
            let backlog = ring.behind(after).expect("it is in the ring");
            assert_eq!((backlog.after, seqs(&backlog), backlog.to), (begins, messages, 5), "after {after}");
        }
    }

    #[test]
    fn it_lets_go_of_the_oldest_and_a_large_message_is_not_kept() {
        let mut ring = Ring::default();
        ring.fill(Backlog::default());
        published(&mut ring, 1..=100);
        assert_eq!(ring.behind(u64::MAX).map(|backlog| backlog.to), Some(100));
        assert!(ring.behind(35).is_none());
        assert_eq!(ring.behind(36).map(|backlog| backlog.messages.len()), Some(RING.messages));
        ring.push(message(101, RING.bytes + 1));
        assert!(ring.behind(100).is_none());
        assert_eq!(ring.behind(101).map(|backlog| backlog.messages.len()), Some(0));
        published(&mut ring, 102..=102);
        assert_eq!(ring.behind(101).map(|backlog| seqs(&backlog)), Some(vec![102]));
    }

    #[test]
    fn what_is_removed_is_handed_to_nobody_and_what_is_before_its_beginning_is_not_asked_for_here() {
        let mut ring = Ring::default();
        ring.fill(Backlog::default());
        published(&mut ring, 1..=10);
        ring.remove(&[2, 9, 10, 11]);
        let backlog = ring.behind(0).expect("a ring from 0 on");
        assert_eq!((seqs(&backlog), backlog.to), (vec![1, 3, 4, 5, 6, 7, 8], 10));
        ring.begin_at(5);
        assert!(ring.behind(3).is_none());
        assert_eq!(ring.behind(4).map(|backlog| seqs(&backlog)), Some(vec![5, 6, 7, 8]));
        published(&mut ring, 11..=11);
        ring.begin_at(12);
        assert!(ring.behind(10).is_none());
        assert_eq!(ring.behind(11).map(|backlog| seqs(&backlog)), Some(vec![]));
        assert_eq!(ring.bytes, 0);
        published(&mut ring, 12..=12);
        assert_eq!(ring.behind(11).map(|backlog| seqs(&backlog)), Some(vec![12]));
    }

    #[test]
    fn while_somebody_reads_a_page_it_keeps_more() {
        let mut ring = Ring::default();
        ring.fill(Backlog::default());
        ring.holds = 1;
        published(&mut ring, 1..=200);
        assert_eq!(ring.behind(0).map(|backlog| backlog.messages.len()), Some(200));
        ring.holds = 0;
        ring.trim();
        assert!(ring.behind(135).is_none() && ring.behind(136).is_some());
    }

    #[test]
    fn where_so_much_came_meanwhile_that_the_read_does_not_join_only_the_published_count() {
        let mut ring = Ring::default();
        published(&mut ring, 21..=120);
        ring.fill(tail(10, 20, &[]));
        assert!(ring.behind(20).is_none());
        assert_eq!(ring.behind(110).map(|backlog| seqs(&backlog)), Some((111..=120).collect()));
    }
}
