//! Who sends too much on a stream waits for its turn, and only with what it sends.

use std::time::{Duration, Instant};

use futures_util::SinkExt;
use micro_chat_server::auth::Claims;
use micro_chat_server::limits::{Rate, Rates};
use micro_chat_server::server::Reach;
use micro_chat_server::stream::Timing;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::guarded::{Guarded, SECRET, key_file, seconds, sign, token};
use crate::metrics::until;
use crate::running::{Stream, timing};

/// Messages that wait for their turn: for seconds, also where the machine stands still for some of them.
const SENDS: u32 = 8;

/// A user may send one message a second.
async fn slow(timing: Timing) -> Guarded {
    limited(Rates { sends: Rate::new(1, 1), ..Rates::default() }, timing).await
}

async fn limited(rates: Rates, timing: Timing) -> Guarded {
    let data = tempfile::tempdir().expect("a folder");
    let keys = [key_file(data.path(), "secret", SECRET)];
    Guarded::timed(data, &keys, Claims::default(), Some(rates), Reach::NoTls, timing).await
}

#[tokio::test]
async fn a_stream_that_waits_for_its_turn_hears_the_others_and_that_the_server_lives() {
    let timing = Timing { heartbeat: Duration::from_millis(200), ..timing() };
    let guarded = slow(timing).await;
    let chat_id = guarded.chat().await;
    let mut ann = guarded.session(json!({ "token": token("ann") })).await;
    ann.send(json!([2, 1, chat_id, 0, -1])).await;
    let mut gateway = guarded.server.stream("/chat/Connect", &[]).await;
    gateway.send(json!({ "chat_id": chat_id, "token": token("ann") })).await;
    for n in 1..=SENDS {
        ann.send(json!([4, n, 1, { "client_id": format!("c{n}"), "text": "x" }])).await;
        gateway.send(json!({ "text": "x" })).await;
    }
    until(&guarded.server, "micro_chat_subscriptions", 2.0).await;
    let said = json!({ "chat_id": chat_id, "text": "hello" });
    guarded.ask(&token("ben"), "/chat/Send", said).await;
    assert_eq!(gateway.json().await["user_id"], "ben");
    // Ann's own messages are still on their way, and will be for seconds.
    let (mut heard, mut beats, mut acks) = (false, 0, 0);
    while !heard || beats < 2 {
        let frame = ann.json().await;
        acks += u32::from(frame[0] == 24);
        beats += u32::from(frame[0] == 26);
        heard |= frame[0] == 22 && frame[4].as_array().is_some_and(|all| all.iter().any(|one| one["user_id"] == "ben"));
    }
    assert!(acks < SENDS, "it had nothing to wait for");
    // It is not taken for dead either, though nothing is read of it.
    while acks < SENDS {
        acks += u32::from(ann.json().await[0] == 24);
    }
}

#[tokio::test]
async fn a_stream_that_waits_for_its_turn_ends_with_its_token() {
    let guarded = slow(timing()).await;
    let chat_id = guarded.chat().await;
    let expires = seconds() + 6;
    let mut ann = guarded.session(json!({ "token": sign(&json!({ "sub": "ann", "exp": expires })) })).await;
    ann.send(json!([2, 1, chat_id, 0, -1])).await;
    for n in 1..=30 {
        ann.send(json!([4, n, 1, { "client_id": format!("c{n}"), "text": "x" }])).await;
    }
    let mut acks = 0;
    let error: Value = loop {
        let frame = ann.json().await;
        if frame[0] == 25 {
            break frame;
        }
        acks += u32::from(frame[0] == 24);
    };
    assert_eq!(error[3]["Id"], "auth.ExpiredToken");
    assert!(seconds() >= expires && acks < 30, "{acks} were sent before");
}

#[tokio::test]
async fn bytes_and_subscriptions_are_slowed_down_and_not_lost() {
    let rates = Rates { bytes_of_user: Rate::new(10_000, 10_000), subscribes: Rate::new(4, 2), ..Rates::default() };
    let guarded = limited(rates, timing()).await;
    let chat_id = guarded.chat().await;
    let mut ann = guarded.session(json!({ "token": token("ann") })).await;
    let mut ben = guarded.session(json!({ "token": token("ben") })).await;
    assert_eq!((ann.json().await[0].clone(), ben.json().await[0].clone()), (json!(20), json!(20)));
    let begun = Instant::now();
    for handle in 1..=6 {
        ann.send(json!([2, handle, chat_id, 0, -1])).await;
    }
    for handle in 1..=6 {
        assert_eq!((ann.json().await[1].clone(), ann.json().await[1].clone()), (json!(handle), json!(handle)));
    }
    assert!(begun.elapsed() >= Duration::from_millis(900), "{:?}", begun.elapsed());
    // 30 KB at 10 KB a second, of which 10 KB may come at once.
    ben.send(json!([2, 1, chat_id, 0, -1])).await;
    let begun = Instant::now();
    for n in 1..=6 {
        ben.send(json!([4, n, 1, { "client_id": format!("c{n}"), "text": "x".repeat(5_000) }])).await;
    }
    let mut acked = Vec::new();
    while acked.len() < 6 {
        let frame = ben.json().await;
        if frame[0] == 24 {
            acked.push(frame[1].as_u64().expect("a number"));
        }
    }
    assert_eq!(acked, [1, 2, 3, 4, 5, 6]);
    assert!(begun.elapsed() >= Duration::from_millis(1_800), "{:?}", begun.elapsed());
}

/// Room for twenty frames at once, and for twenty more a second, as the protocol counts the smallest.
fn twenty_frames() -> Rate {
    Rate::new(20 * 256, 20 * 256)
}

/// Sends it sixty times.
async fn flood(stream: &mut Stream, frame: &Message) {
    for _ in 0..60 {
        stream.socket.send(frame.clone()).await.expect("a link");
    }
}

#[tokio::test]
async fn the_smallest_frames_count_and_pings_too() {
    let guarded = limited(Rates { bytes_of_user: twenty_frames(), ..Rates::default() }, Timing::default()).await;
    let chat_id = guarded.chat().await;
    let frames = ["[5]", "[3,9]", "[19]"].map(Message::text).into_iter().chain([Message::Ping("".into())]);
    for (number, frame) in frames.enumerate() {
        let mut stream = guarded.session(json!({ "token": token(&format!("user{number}")) })).await;
        assert_eq!(stream.json().await[0], 20);
        let begun = Instant::now();
        flood(&mut stream, &frame).await;
        // An error answers this one.
        stream.send(json!([2, 0, chat_id, 0, -1])).await;
        while stream.json().await[0] != 25 {}
        assert!(begun.elapsed() >= Duration::from_millis(1_900), "{frame:?}: {:?}", begun.elapsed());
    }
    let mut gateway = guarded.server.stream("/chat/Connect", &[]).await;
    gateway.send(json!({ "chat_id": chat_id, "token": token("ben") })).await;
    let begun = Instant::now();
    flood(&mut gateway, &Message::Ping("".into())).await;
    gateway.send("no JSON").await;
    assert_eq!(gateway.json().await["Id"], "gateway.InvalidJSON");
    assert!(begun.elapsed() >= Duration::from_millis(1_900), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn before_anybody_is_let_in_pings_count_as_their_addresss() {
    let guarded = limited(Rates { bytes_of_address: twenty_frames(), ..Rates::default() }, Timing::default()).await;
    let mut ann = guarded.server.stream("/chat/Connect", &[("sec-websocket-protocol", "micro.chat.v1")]).await;
    let begun = Instant::now();
    flood(&mut ann, &Message::Ping("".into())).await;
    ann.send(json!([1, { "token": token("ann") }])).await;
    assert_eq!(ann.json().await[0], 20);
    assert!(begun.elapsed() >= Duration::from_millis(1_900), "{:?}", begun.elapsed());
}
