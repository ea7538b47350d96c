//! The frames a server sends. Messages' bytes are copied in as they are.

use std::fmt::Write;
use std::time::Duration;

use axum::extract::ws::Utf8Bytes;
use micro_chat_wire::op;
use serde_json::json;

use crate::api::fault::Fault;
use crate::store::Message;

/// A batch is closed when it has this many bytes, so that a connection's buffers stay small.
const BATCH: usize = 32 * 1024;

/// `[HEARTBEAT]`.
pub const HEARTBEAT: Utf8Bytes = Utf8Bytes::from_static("[26]");

/// `[WELCOME, {…}]`.
pub fn welcome(heartbeat: Duration, grace: Duration) -> Utf8Bytes {
    let timing = json!({ "heartbeat": heartbeat.as_millis() as u64, "grace": grace.as_millis() as u64 });
    json!([op::WELCOME, timing]).to_string().into()
}

/// `[SUBSCRIBED, handle, epoch, after]`.
pub fn subscribed(handle: u32, epoch: u64, after: u64) -> Utf8Bytes {
    json!([op::SUBSCRIBED, handle, epoch, after]).to_string().into()
}

/// `[LIVE, handle, seq]`.
pub fn live(handle: u32, seq: u64) -> Utf8Bytes {
    json!([op::LIVE, handle, seq]).to_string().into()
}

/// `[ACK, n, {…}]`.
pub fn ack(n: u32, message: &Message) -> Utf8Bytes {
    let place = json!({
        "id": message.id,
        "client_id": message.client_id,
        "seq": message.seq,
        "sent_at": message.sent_at.div_euclid(1_000_000_000),
    });
    json!([op::ACK, n, place]).to_string().into()
}

/// `[ERROR, scope, number, {…}]`.
pub fn error(scope: u32, number: u32, fault: &Fault) -> Utf8Bytes {
    json!([op::ERROR, scope, number, fault.body()]).to_string().into()
}

/// `[MESSAGES, handle, from, to, […]]`, as many as the messages need.
pub struct Batches {
    handle: u32,
    /// The reader's cursor: what is written begins behind it.
    cursor: u64,
    /// Where the last message of the open frame stands.
    to: u64,
    /// Messages of the open frame, with commas between.
    open: String,
    /// Frames that are full.
    done: Vec<Utf8Bytes>,
}

impl Batches {
    /// No message yet.
    pub fn new(handle: u32, cursor: u64) -> Self {
        Self { handle, cursor, to: cursor, open: String::new(), done: Vec::new() }
    }

    /// Adds the next message.
    pub fn push(&mut self, seq: u64, json: &str) {
        if !self.open.is_empty() {
            if self.open.len() + json.len() > BATCH {
                self.close();
            } else {
                self.open.push(',');
            }
        }
        self.open.push_str(json);
        self.to = seq;
    }

    fn close(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let mut frame = String::with_capacity(self.open.len() + 64);
        // Writing into a String can't fail.
        let _ = write!(frame, "[{},{},{},{},[", op::MESSAGES, self.handle, self.cursor + 1, self.to);
        frame.push_str(&self.open);
        frame.push_str("]]");
        self.open.clear();
        self.cursor = self.to;
        self.done.push(frame.into());
    }

    /// The frames, and where the reader stands after them.
    pub fn finish(mut self) -> (Vec<Utf8Bytes>, u64) {
        self.close();
        (self.done, self.cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use micro_chat_wire::limit;

    #[test]
    fn frames_cover_every_seq_once_and_none_is_too_large() {
        let large = format!("\"{}\"", "x".repeat(limit::MESSAGE - 2));
        let mut batches = Batches::new(3, 10);
        for seq in 11..=500 {
            batches.push(seq, if seq == 40 { &large } else { "{\"text\":\"some words\"}" });
        }
        let (frames, cursor) = batches.finish();
        assert_eq!(cursor, 500);
        let mut next = 11;
        for frame in frames {
            assert!(frame.len() <= limit::FRAME);
            let frame: serde_json::Value = serde_json::from_str(&frame).unwrap_or_default();
            assert_eq!((frame[0].as_u64(), frame[1].as_u64()), (Some(22), Some(3)));
            assert_eq!(frame[2].as_u64(), Some(next));
            next = frame[3].as_u64().unwrap_or(0) + 1;
            assert_eq!(frame[4].as_array().map(Vec::len), Some((next - frame[2].as_u64().unwrap_or(0)) as usize));
        }
        assert_eq!(next, 501);
    }

    #[test]
    fn no_message_is_no_frame() {
        assert_eq!(Batches::new(1, 7).finish(), (Vec::new(), 7));
    }
}
