//! What one reader of one chat saw: every `seq` once, in order, without a gap.
//!
//! Frames are not parsed. Their first numbers are read, and the `seq` of each message is found by its field's name,
//! which nothing else in a frame of these measurements contains.

use anyhow::{Context, Result, bail, ensure};
use memchr::memmem;
use micro_chat_wire::op;

use crate::dialect::Dialect;

/// A reader's place in its chat.
#[derive(Debug)]
pub struct Reader {
    dialect: Dialect,
    epoch: u64,
    /// The last `seq` it saw; none before it has joined.
    cursor: Option<u64>,
}

/// What a frame was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The messages with these `seq`, both included.
    Messages(u64, u64),
    /// From here on it hears what is sent.
    Joined,
    /// An answer to a publish.
    Ack,
    /// Nothing that counts.
    Other,
}

impl Reader {
    /// Before the first frame.
    pub fn new(dialect: Dialect) -> Self {
        Self { dialect, epoch: 0, cursor: None }
    }

    /// `(epoch, seq)`, to join again from.
    pub fn cursor(&self) -> Option<(u64, u64)> {
        self.cursor.map(|seq| (self.epoch, seq))
    }

    /// Checks a frame against all that came before.
    pub fn see(&mut self, frame: &str) -> Result<Seen> {
        match self.dialect {
            Dialect::Session => self.see_session(frame),
            Dialect::Gateway => self.see_gateway(frame),
        }
    }

    fn see_session(&mut self, frame: &str) -> Result<Seen> {
        let [op, handle, first, second] = numbers(frame);
        match u32::try_from(op)? {
            op::MESSAGES => {
                let cursor = self.cursor.context("messages before SUBSCRIBED")?;
                ensure!(first == cursor + 1, "a frame from {first} behind {cursor}");
                let last = self.pass(cursor, frame)?;
                ensure!(last == second, "a frame up to {second} ends with {last}");
                Ok(Seen::Messages(first, last))
            }
            op::SUBSCRIBED => {
                ensure!(self.cursor.is_none_or(|cursor| cursor == second), "a gap: {:?} to {second}", self.cursor);
                (self.epoch, self.cursor) = (first, Some(second));
                Ok(Seen::Other)
            }
            op::LIVE => {
                ensure!(self.cursor == Some(first), "live at {first} behind {:?}", self.cursor);
                Ok(Seen::Joined)
            }
            op::ACK => Ok(Seen::Ack),
            op::ERROR => bail!("refused: {handle} {frame}"),
            _ => Ok(Seen::Other),
        }
    }

    fn see_gateway(&mut self, frame: &str) -> Result<Seen> {
        let Some(cursor) = self.cursor else {
            // This dialect does not say when it has joined: the first message does.
            let [first, ..] = frame.find(SEQ).map(|at| numbers(&frame[at + SEQ.len()..])).context(frame.to_owned())?;
            self.cursor = Some(first);
            return Ok(Seen::Joined);
        };
        let last = self.pass(cursor, frame)?;
        ensure!(last == cursor + 1, "refused: {frame}");
        Ok(Seen::Messages(last, last))
    }

    /// Walks over the messages of a frame, each of which has to be the next; returns the last one's `seq`.
    fn pass(&mut self, cursor: u64, frame: &str) -> Result<u64> {
        let mut last = cursor;
        for at in memmem::find_iter(frame.as_bytes(), SEQ) {
            let [seq, ..] = numbers(&frame[at + SEQ.len()..]);
            ensure!(seq == last + 1, "seq {seq} behind {last}");
            last = seq;
        }
        self.cursor = Some(last);
        Ok(last)
    }
}

/// What is before a message's place, and nowhere else.
const SEQ: &str = "\"seq\":";

/// The numbers that a frame begins with, up to four; 0 where there is none.
fn numbers(frame: &str) -> [u64; 4] {
    let mut numbers = [0; 4];
    let mut index = 0;
    for byte in frame.bytes().skip_while(|byte| *byte == b'[') {
        match byte {
            b'0'..=b'9' => numbers[index] = numbers[index] * 10 + u64::from(byte - b'0'),
            b',' if index < 3 => index += 1,
            _ => break,
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live() -> Reader {
        let mut reader = Reader::new(Dialect::Session);
        for frame in [r#"[20,{"heartbeat":1}]"#, "[21,1,3,10]", "[23,1,10]"] {
            reader.see(frame).expect("a frame");
        }
        reader
    }

    #[test]
    fn every_seq_once_in_order_is_accepted() {
        let mut reader = live();
        let seen = reader.see(r#"[22,1,11,12,[{"id":"a","seq":11},{"id":"b","seq":12}]]"#);
        assert_eq!(seen.ok(), Some(Seen::Messages(11, 12)));
        assert_eq!(reader.cursor(), Some((3, 12)));
    }

    #[test]
    fn a_hole_a_repetition_and_a_missing_message_are_not() {
        for frame in [
            r#"[22,1,12,12,[{"seq":12}]]"#,
            r#"[22,1,10,11,[{"seq":10},{"seq":11}]]"#,
            r#"[22,1,11,12,[{"seq":11}]]"#,
            r#"[22,1,11,12,[{"seq":11},{"seq":11}]]"#,
            "[21,1,3,11]",
            "[23,1,11]",
            r#"[25,1,1,{"Id":"x"}]"#,
        ] {
            assert!(live().see(frame).is_err(), "{frame}");
        }
    }

    #[test]
    fn a_gateway_reader_begins_with_the_first_message() {
        let mut reader = Reader::new(Dialect::Gateway);
        assert_eq!(reader.see(r#"{"id":"a","seq":4}"#).ok(), Some(Seen::Joined));
        assert_eq!(reader.see(r#"{"id":"b","seq":5}"#).ok(), Some(Seen::Messages(5, 5)));
        assert!(reader.see(r#"{"id":"d","seq":7}"#).is_err());
        assert!(reader.see(r#"{"Id":"chat.Connect.Broken"}"#).is_err());
    }
}
