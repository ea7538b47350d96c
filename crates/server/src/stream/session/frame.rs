//! The frames a server sends. Messages' bytes are copied in as they are.

use std::fmt::Write;
use std::time::Duration;

use axum::extract::ws::Utf8Bytes;
use micro_chat_wire::member::MemberEvent;
use micro_chat_wire::op;
use serde_json::json;

use crate::api::fault::Fault;
use crate::hub::Stored;
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

/// `[EVENT, handle, {…}]`.
pub fn event(handle: u32, event: &MemberEvent) -> Utf8Bytes {
    json!([op::EVENT, handle, event]).to_string().into()
}

/// `[ERROR, scope, number, {…}]`.
pub fn error(scope: u32, number: u32, fault: &Fault) -> Utf8Bytes {
    json!([op::ERROR, scope, number, fault.body()]).to_string().into()
}

/// `[MESSAGES, handle, from, to, […]]`: `messages` are all there are from `from` on up to the last of them.
pub fn messages<'a>(handle: u32, from: u64, messages: impl Iterator<Item = &'a Stored> + Clone) -> Utf8Bytes {
    let bytes = messages.clone().map(|message| message.json.len() + 1).sum::<usize>();
    let to = messages.clone().last().map_or(from, |message| message.seq);
    let mut frame = String::with_capacity(bytes + 64);
    // Writing into a String can't fail.
    let _ = write!(frame, "[{},{handle},{from},{to},[", op::MESSAGES);
    for message in messages {
        frame.push_str(&message.json);
        frame.push(',');
    }
    frame.pop();
    frame.push_str("]]");
    frame.into()
}

/// How many of the first messages go into one frame: as many as fit, and at least one.
pub fn fitting<'a>(messages: impl Iterator<Item = &'a Stored>) -> usize {
    let mut bytes = 0;
    let fits = |message: &&Stored| {
        bytes += message.json.len();
        bytes == message.json.len() || bytes <= BATCH
    };
    messages.take_while(fits).count()
}

/// Messages as frames, and where a reader stands after them that stood at `cursor`.
pub fn batches(handle: u32, mut cursor: u64, mut all: &[Stored], frames: &mut Vec<Utf8Bytes>) -> u64 {
    while let (batch @ [.., last], rest) = all.split_at(fitting(all.iter())) {
        frames.push(messages(handle, cursor + 1, batch.iter()));
        (cursor, all) = (last.seq, rest);
    }
    cursor
}

#[cfg(test)]
mod tests {
    use super::*;
    use micro_chat_wire::limit;

    #[test]
    fn frames_cover_every_seq_once_and_none_is_too_large() {
        let large = format!("\"{}\"", "x".repeat(limit::MESSAGE - 2));
        let json = |seq| if seq == 40 { large.clone() } else { "{\"text\":\"some words\"}".to_owned() };
        let all: Vec<_> = (11..=2_000).map(|seq| Stored { seq, json: json(seq).into() }).collect();
        let mut frames = Vec::new();
        assert_eq!(batches(3, 10, &all, &mut frames), 2_000);
        assert!(frames.len() > 3);
        let mut next = 11;
        for frame in frames {
            assert!(frame.len() <= limit::FRAME);
            let frame: serde_json::Value = serde_json::from_str(&frame).unwrap_or_default();
            assert_eq!((frame[0].as_u64(), frame[1].as_u64()), (Some(22), Some(3)));
            assert_eq!(frame[2].as_u64(), Some(next));
            next = frame[3].as_u64().unwrap_or(0) + 1;
            assert_eq!(frame[4].as_array().map(Vec::len), Some((next - frame[2].as_u64().unwrap_or(0)) as usize));
        }
        assert_eq!(next, 2_001);
    }

    #[test]
    fn no_message_is_no_frame() {
        let mut frames = Vec::new();
        assert_eq!((batches(1, 7, &[], &mut frames), frames), (7, Vec::new()));
    }
}
