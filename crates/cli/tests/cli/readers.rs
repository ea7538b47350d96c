//! Readers that are slow: nothing is lost to them, and nobody else waits for them.

use std::time::Duration;

use futures_util::future::join_all;
use micro_chat_client::{Client, Draft, Error, Event, Publisher, Reading, Start};
use micro_chat_server::stream::Timing;
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::running::{PATIENCE, Running};

/// Several times what may wait for a reader.
const MANY: u64 = 5_000;

/// Long enough for all that has room to be there.
const SETTLE: Duration = Duration::from_secs(1);

fn client(server: &Running, user_id: &str) -> Client {
    Client::new(&format!("ws://{}/chat/Connect", server.host), "micro", user_id)
}

/// Sends as many, in this order, as fast as they are taken.
async fn fill(publisher: &Publisher, texts: std::ops::RangeInclusive<u64>) {
    let texts: Vec<u64> = texts.collect();
    for some in texts.chunks(500) {
        let all = join_all(some.iter().map(|text| publisher.publish(Draft::text(text.to_string()))));
        let stored = timeout(PATIENCE, all).await.expect("in time");
        assert!(stored.iter().all(Result::is_ok), "{:?}", stored.iter().find(|one| one.is_err()));
    }
}

/// A chat in which the texts from 1 to [`MANY`] are, each at its place.
async fn full(server: &Running) -> String {
    let chat_id = server.chat().await;
    let reading = client(server, "ben").subscribe(&chat_id, Start::Now);
    fill(&reading.publisher(), 1..=MANY).await;
    chat_id
}

async fn next(reading: &mut Reading) -> Event {
    timeout(PATIENCE, reading.next()).await.expect("in time").expect("more")
}

/// Reads up to that message; each has to come once, in its place. How often the chat was connected for that.
async fn read(reading: &mut Reading, texts: std::ops::RangeInclusive<u64>) -> u64 {
    let (mut connects, mut expected) = (0, *texts.start());
    while expected <= *texts.end() {
        match next(reading).await {
            Event::Message(message) => {
                assert_eq!((message.seq, message.text), (expected, expected.to_string()));
                expected += 1;
            }
            Event::Subscribed(cursor) => {
                assert_eq!(cursor.seq, expected - 1);
                connects += 1;
            }
            Event::CaughtUp | Event::Member(_) => {}
            other => panic!("{other:?}"),
        }
    }
    connects
}

#[tokio::test]
async fn who_sends_before_they_read_has_sent_whatever_waits_for_them() {
    let server = Running::start().await;
    let chat_id = full(&server).await;
    let mut reading = client(&server, "ann").subscribe_with_members(&chat_id, Start::First);
    let publisher = reading.publisher();
    sleep(SETTLE).await;
    let stored = timeout(PATIENCE, publisher.publish(Draft::text((MANY + 1).to_string()))).await;
    assert_eq!(stored.expect("an answer").expect("stored").seq, MANY + 1);
    let late = Draft { timeout: Some(Duration::ZERO), ..Draft::text("late") };
    assert_eq!(timeout(PATIENCE, publisher.publish(late)).await.expect("an answer"), Err(Error::Expired));
    // It fell behind, and is told where it goes on.
    assert!(read(&mut reading, 1..=MANY + 1).await > 1);
    loop {
        match next(&mut reading).await {
            Event::CaughtUp => return,
            event => assert!(matches!(event, Event::Member(_)), "{event:?}"),
        }
    }
}

#[tokio::test]
async fn one_who_does_not_read_keeps_nobody_waiting_and_the_link_alive() {
    // Whoever is silent for longer is given up.
    let timing =
        Timing { heartbeat: Duration::from_millis(300), grace: Duration::from_millis(700), ..Timing::default() };
    let server = Running::with(timing).await;
    let (chat_id, other_id) = (full(&server).await, server.ask("/chat/New", json!({ "user_ids": ["ann"] })).await);
    let other_id = other_id["chat_id"].as_str().expect("an id");
    let ann = client(&server, "ann");
    let mut slow = ann.subscribe(&chat_id, Start::First);
    let mut quick = ann.subscribe(other_id, Start::First);
    // For several times as long as a silent link lives.
    for text in 1..=40 {
        sleep(Duration::from_millis(100)).await;
        server.send(other_id, "ann", &text.to_string()).await;
        let connects = read(&mut quick, text..=text).await;
        assert_eq!(connects, u64::from(text == 1), "the link stands");
    }
    // What comes meanwhile has its place behind what waits, whoever sent it.
    fill(&slow.publisher(), MANY + 1..=MANY + 2_000).await;
    assert!(read(&mut slow, 1..=MANY + 2_000).await > 1);
    server.send(&chat_id, "ben", &(MANY + 2_001).to_string()).await;
    assert_eq!(read(&mut slow, MANY + 2_001..=MANY + 2_001).await, 0, "it has caught up");
}

#[tokio::test]
async fn one_who_reads_all_the_time_does_not_fall_behind() {
    let server = Running::start().await;
    let chat_id = full(&server).await;
    let mut quick = client(&server, "ann").subscribe(&chat_id, Start::First);
    assert_eq!(read(&mut quick, 1..=MANY).await, 1);
}

#[tokio::test]
async fn one_who_is_behind_hears_that_the_chat_has_ended() {
    let server = Running::start().await;
    let group = server.ask("/chat/Create", json!({ "name": "lunch", "user_ids": ["ann", "ben"] })).await;
    let group_id = group["group"]["id"].as_str().expect("an id");
    let mut slow = client(&server, "ann").subscribe(group_id, Start::First);
    fill(&slow.publisher(), 1..=MANY).await;
    assert_eq!(server.post("/chat/Delete", json!({ "group_id": group_id })).await.0, 200);
    sleep(SETTLE).await;
    let (mut seq, mut ended) = (0, None);
    while let Some(event) = timeout(PATIENCE, slow.next()).await.expect("in time") {
        assert_eq!(ended, None, "nothing follows");
        match event {
            Event::Message(message) => {
                assert_eq!(message.seq, seq + 1);
                seq = message.seq;
            }
            Event::Ended(error) => ended = Some(error),
            _ => {}
        }
    }
    assert!(matches!(ended, Some(Error::Refused(_))), "{ended:?}");
    assert!(seq < MANY, "what may wait is bounded");
}
