//! Links that nobody is at the other end of, or somebody who takes nothing: each is given up in its time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use micro_chat_server::stream::Timing;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::metrics::{SESSIONS, until};
use crate::running::{PATIENCE, Running, Stream, timing};

/// The last `seq` of what a reader that took nothing finds when it looks again, up to the end of its link: that is
/// closed with the resume code, or dropped where nothing more could be written into it.
async fn last_of_all(mut stalled: Stream) -> u64 {
    let mut cursor = 0;
    loop {
        match timeout(PATIENCE, stalled.socket.next()).await.expect("in time") {
            Some(Ok(Message::Text(frame))) => {
                let frame: Value = serde_json::from_str(&frame).expect("JSON");
                cursor = frame[3].as_u64().unwrap_or(cursor);
            }
            Some(Ok(Message::Close(frame))) => {
                assert_eq!(frame.map(|frame| u16::from(frame.code)), Some(4001));
                return cursor;
            }
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return cursor,
        }
    }
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_cut_off_and_the_others_are_not() {
    let timing = Timing { stalled: Duration::from_millis(500), ..timing() };
    let server = Running::with(timing).await;
    let chat_id = server.chat().await;
    let mut stalled = server.session("ben").await;
    stalled.send(json!([2, 1, chat_id, 0, -1])).await;
    assert_eq!(stalled.json().await[0], 21);
    assert_eq!(stalled.json().await[0], 23);
    let mut reader = server.session("cat").await;
    reader.send(json!([2, 1, chat_id, 0, -1])).await;
    let heard = Arc::new(AtomicU64::new(0));
    let count = heard.clone();
    let reading = tokio::spawn(async move {
        loop {
            let frame = reader.json().await;
            if frame[0] == 22 {
                count.store(frame[3].as_u64().expect("a seq"), Ordering::Relaxed);
            }
        }
    });
    // Far more than the kernel's buffers and the queue together hold.
    let text = "x".repeat(60_000);
    for _ in 0..300 {
        server.send(&chat_id, "ann", &text).await;
    }
    timeout(PATIENCE, async {
        while heard.load(Ordering::Relaxed) < 300 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("the reader that keeps up has all");
    reading.abort();
    tokio::time::sleep(Duration::from_secs(1)).await;
    // What it reads now ends before the last message: it was not let wait for ever.
    let mut cursor = last_of_all(stalled).await;
    assert!(cursor < 300);
    // It comes back with its cursor and misses nothing.
    let mut again = server.session("ben").await;
    again.send(json!([2, 1, chat_id, 0, cursor])).await;
    while cursor < 300 {
        let frame = again.json().await;
        if frame[0] == 22 {
            assert_eq!(frame[2], cursor + 1);
            cursor = frame[3].as_u64().expect("a seq");
        }
    }
}

#[tokio::test]
async fn a_reader_that_stops_taking_is_given_up_though_nothing_new_comes() {
    let timing = Timing {
        heartbeat: Duration::from_millis(200),
        grace: Duration::from_millis(100),
        stalled: Duration::from_millis(200),
        ..timing()
    };
    let server = Running::with(timing).await;
    let chat_id = server.chat().await;
    for _ in 0..200 {
        server.send(&chat_id, "ann", &"x".repeat(60_000)).await;
    }
    let mut stalled = server.session("ben").await;
    stalled.send(json!([2, 1, chat_id, 0, 0])).await;
    until(&server, SESSIONS, 0.0).await;
    // What it finds when it looks again: an end, and not all of the history.
    let cursor = last_of_all(stalled).await;
    assert!(cursor < 200, "it was kept for ever");
}

#[tokio::test]
async fn a_server_says_that_it_lives_and_drops_who_does_not() {
    let server = Running::with(Timing { heartbeat: Duration::from_millis(200), ..timing() }).await;
    let mut ann = server.session("ann").await;
    for _ in 0..5 {
        assert_eq!(ann.json().await, json!([26]));
    }
    drop(ann);
    // One whose machine is gone: it answers no ping, before the server has given it up.
    let mut silent = server.session("ben").await;
    until(&server, "micro_chat_streams_closed_total{code=\"4002\",reason=\"silent\"}", 1.0).await;
    loop {
        match silent.next().await {
            Message::Text(_) => {}
            Message::Close(frame) => {
                assert_eq!(frame.map(|frame| u16::from(frame.code)), Some(4002));
                break;
            }
            frame => panic!("{frame:?}"),
        }
    }
    // One that never says who it is.
    let server = Running::with(Timing { first_frame: Duration::from_millis(300), ..timing() }).await;
    let mut stranger = server.gateway("/chat/Connect", &[]).await;
    assert_eq!(stranger.json().await["Id"], "gateway.NoFirstFrame");
    assert_eq!(stranger.closed().await, 4002);
}
