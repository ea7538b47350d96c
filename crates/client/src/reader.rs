//! Who reads a chat, and what waits for them.

use micro_chat_session::Cursor;
use tokio::sync::mpsc;

use crate::client::{Error, Event};

/// Events that may wait for a reader.
const WAITING: usize = 1_024;

/// Places behind them: for a gap, which follows on where the chat stands, and for the end.
const KEPT: usize = 2;

/// After so many events a reader says that there is room. Of all that waits for one who is behind, this many have been
/// taken by the second time, at the latest.
pub const ROOM: usize = WAITING / 2;

/// What waits for a reader, from both sides.
pub fn queue() -> (mpsc::Sender<Event>, mpsc::Receiver<Event>) {
    mpsc::channel(WAITING + KEPT)
}

/// Who reads a chat.
pub struct Reader {
    /// The program's name for it.
    pub number: u64,
    /// Who is in the chat is wanted, too.
    pub members: bool,
    /// How far the chat waits for the reader, or was taken. None before the server has said where it begins.
    pub cursor: Option<Cursor>,
    /// The members that came so far, where more are to follow.
    pub listed: Vec<String>,
    /// There was no room: what comes is not for the reader, before it goes on behind its cursor.
    is_behind: bool,
    events: mpsc::Sender<Event>,
}

impl Reader {
    pub fn new(number: u64, members: bool, cursor: Option<Cursor>, events: mpsc::Sender<Event>) -> Self {
        Self { number, members, cursor, listed: Vec::new(), is_behind: false, events }
    }

    /// Tells it something of the chat, which then stands at `cursor`. False if it falls behind by that.
    pub fn tell(&mut self, event: Event, cursor: Option<Cursor>) -> bool {
        if self.is_behind {
            return true;
        }
        self.is_behind = !matches!(event, Event::Gap(_)) && !self.has_room();
        if !self.is_behind {
            self.cursor = cursor.or(self.cursor);
            // One that is gone says so by itself.
            let _ = self.events.try_send(event);
        }
        !self.is_behind
    }

    /// Tells it where the chat stands, like `tell`. One who begins with what comes begins there, told or not.
    pub fn stands(&mut self, cursor: Cursor) -> bool {
        // What was begun on another socket is not ended here.
        self.listed.clear();
        self.cursor.get_or_insert(cursor);
        self.tell(Event::Subscribed(cursor), Some(cursor))
    }

    /// Tells it of the connection, if there is room: each try tells it anew.
    pub fn mention(&mut self, event: Event) {
        if self.has_room() {
            let _ = self.events.try_send(event);
        }
    }

    /// Tells it that nothing more comes.
    pub fn end(self, error: Error) {
        let _ = self.events.try_send(Event::Ended(error));
    }

    /// Whether it was behind, and goes on now.
    pub fn returns(&mut self) -> bool {
        let returns = self.is_behind && self.events.capacity() >= ROOM;
        self.is_behind &= !returns;
        returns
    }

    fn has_room(&self) -> bool {
        self.events.capacity() > KEPT
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use micro_chat_session::Gap;

    const GAP: Gap = Gap { from: 1, to: 2, restored: false };

    fn at(seq: u64) -> Cursor {
        Cursor { epoch: 1, seq }
    }

    /// A reader for whom so many events can still wait.
    fn with_room(room: usize, cursor: Option<Cursor>) -> (Reader, mpsc::Receiver<Event>) {
        let (sender, receiver) = queue();
        let mut reader = Reader::new(1, false, cursor, sender);
        for _ in room..WAITING {
            assert!(reader.tell(Event::CaughtUp, cursor));
        }
        (reader, receiver)
    }

    fn last(receiver: &mut mpsc::Receiver<Event>) -> Option<Event> {
        std::iter::from_fn(|| receiver.try_recv().ok()).last()
    }

    #[test]
    fn a_gap_and_the_end_come_where_nothing_else_has_room() {
        let (mut reader, mut events) = with_room(1, Some(at(1)));
        assert!(reader.stands(at(2)) && reader.tell(Event::Gap(GAP), None));
        reader.mention(Event::Waiting(std::time::Duration::ZERO));
        assert!(!reader.tell(Event::CaughtUp, Some(at(3))));
        assert_eq!(reader.cursor, Some(at(2)));
        reader.end(Error::Closed);
        assert_eq!(last(&mut events), Some(Event::Ended(Error::Closed)));
    }

    #[test]
    fn one_that_is_behind_gets_nothing_and_stays_where_it_is_until_it_returns() {
        let (mut reader, mut events) = with_room(0, Some(at(1)));
        assert!(!reader.stands(at(2)), "where a gap might follow, both wait");
        assert!(reader.tell(Event::Gap(GAP), None) && reader.tell(Event::CaughtUp, Some(at(3))));
        assert_eq!(reader.cursor, Some(at(1)));
        assert!(!reader.returns());
        assert_eq!(last(&mut events), Some(Event::CaughtUp));
        assert!(reader.returns() && !reader.returns());
        assert!(reader.tell(Event::Gap(GAP), None));
        assert_eq!(last(&mut events), Some(Event::Gap(GAP)));
    }

    #[test]
    fn one_that_begins_with_what_comes_begins_there_even_if_it_hears_of_it_later() {
        let (mut reader, _events) = with_room(0, None);
        assert!(!reader.stands(at(7)));
        assert!(reader.stands(at(9)));
        assert_eq!(reader.cursor, Some(at(7)));
    }
}
