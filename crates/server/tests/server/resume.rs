//! Coming back: many at once, from anywhere in a chat, while it is written to.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::running::{Running, Stream};
use crate::session::{batch, replay};

/// Stores messages up to the one with that `seq`, over one connection.
async fn publish(server: &Running, chat_id: &str, seqs: std::ops::RangeInclusive<u64>, text: &str) {
    let mut ann = server.session("ann").await;
    ann.send(json!([2, 1, chat_id, 0, -1])).await;
    let (mut sent, mut acked) = (0, 0);
    for seq in seqs {
        ann.send(json!([4, seq, 1, { "client_id": seq.to_string(), "text": text }])).await;
        sent += 1;
        while sent - acked > 16 || (sent - acked > 0 && fastrand::bool()) {
            acked += u64::from(ann.json().await[0] == 24);
        }
    }
    while acked < sent {
        acked += u64::from(ann.json().await[0] == 24);
    }
}

/// Everything from the cursor on, each `seq` once and in order, up to `last`.
async fn follow(mut stream: Stream, chat_id: &str, cursor: u64, last: u64) {
    stream.send(json!([2, 1, chat_id, 0, cursor])).await;
    let (mut seqs, mut heard) = replay(&mut stream, 1).await;
    while heard < last {
        let frame = stream.json().await;
        seqs.extend(batch(&frame, &mut heard));
    }
    assert_eq!(seqs, (cursor + 1..=last).collect::<Vec<_>>());
}

/// So many readers come back at once to one chat, to these cursors in turn, while it is written to: how many reads
/// that took.
async fn reads_of(readers: usize, cursors: &[u64]) -> u64 {
    const STORED: u64 = 1_000;
    const LAST: u64 = 1_300;
    let server = Arc::new(Running::start().await);
    let chat_id = server.chat().await;
    publish(&server, &chat_id, 1..=STORED, "as it was").await;
    let mut streams = Vec::new();
    for _ in 0..readers {
        streams.push(server.session("ben").await);
    }
    let before = server.store.reads();
    let writing = tokio::spawn({
        let (server, chat_id) = (server.clone(), chat_id.clone());
        async move { publish(&server, &chat_id, STORED + 1..=LAST, "as it goes on").await }
    });
    let reading: Vec<_> = streams
        .into_iter()
        .zip(cursors.iter().cycle())
        .map(|(stream, cursor)| {
            let (chat_id, cursor) = (chat_id.clone(), *cursor);
            tokio::spawn(async move { follow(stream, &chat_id, cursor, LAST).await })
        })
        .collect();
    writing.await.expect("all is sent");
    for reader in reading {
        reader.await.expect("it heard each once");
    }
    server.store.reads() - before
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn five_hundred_who_come_back_at_once_cost_the_database_what_a_few_do() {
    // Who is near the end takes all from the ring: its row and its messages were read when the first reader came.
    assert_eq!(reads_of(500, &[990, 1_000]).await, 0);
    // From the beginning it is five pages, wherever the end is meanwhile; from two places at most ten.
    let (few, many) = (reads_of(4, &[0, 700]).await, reads_of(500, &[0, 700]).await);
    println!("reads: {few} for 4 readers, {many} for 500");
    assert!(many <= 30, "{many} reads for 500 readers, {few} for 4");
}

#[tokio::test]
async fn what_was_acknowledged_is_behind_nobody_who_comes_later() {
    let server = Running::start().await;
    let chat_id = server.chat().await;
    let mut ben = server.session("ben").await;
    for seq in 1..=300 {
        server.send(&chat_id, "ann", "stored").await;
        ben.send(json!([2, seq, chat_id, 0, -1])).await;
        let subscribed = ben.json().await;
        assert_eq!(subscribed[3], seq, "{subscribed}");
        assert_eq!(ben.json().await, json!([23, seq, seq]));
        ben.send(json!([3, seq])).await;
    }
}

/// Changes the database of a server that is stopped.
fn change(data: &Path, statements: &str) {
    let database = rusqlite::Connection::open(data.join("chat.db")).expect("the database");
    database.execute_batch(statements).expect("a change");
}

#[tokio::test]
async fn deleted_messages_are_passed_and_removed_ones_are_a_gap() {
    let data = tempfile::tempdir().expect("a folder");
    let server = Running::on(data.path()).await;
    let chat_id = server.chat().await;
    publish(&server, &chat_id, 1..=600, "to be deleted").await;
    server.stop().await;
    // As retention does it, and as deleting single messages does.
    let statements = "UPDATE chats SET first_seq = 101; DELETE FROM messages WHERE seq < 101;
                      DELETE FROM messages WHERE seq IN (102, 300, 598) OR seq >= 600";
    change(data.path(), statements);
    let server = Running::on(data.path()).await;
    let mut ben = server.session("ben").await;
    let there = |after: u64| (after + 1..600).filter(|seq| ![102, 300, 598].contains(seq)).collect::<Vec<_>>();
    for (handle, cursor, after) in [(1, 0, 100), (2, 100, 100), (3, 299, 299), (4, 597, 597), (5, 599, 599)] {
        ben.send(json!([2, handle, chat_id, 0, cursor])).await;
        let subscribed = ben.json().await;
        assert_eq!((&subscribed[0], &subscribed[3]), (&json!(21), &json!(after)), "from {cursor}");
        let (mut heard, mut seqs) = (after, Vec::new());
        let live = loop {
            let frame = ben.json().await;
            if frame[0] == 23 {
                break frame;
            }
            seqs.extend(batch(&frame, &mut heard));
        };
        assert_eq!((live, seqs), (json!([23, handle, 600]), there(after)), "from {cursor}");
    }
    // All of them stand at the chat's end, and go on from there without another read.
    let before = server.store.reads();
    server.send(&chat_id, "ann", "after it").await;
    for _ in 1..=5 {
        let frame = ben.json().await;
        assert_eq!((&frame[0], &frame[2], &frame[3]), (&json!(22), &json!(601), &json!(601)));
    }
    // The send's own.
    assert!(server.store.reads() - before <= 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn more_chats_than_are_kept_are_served_alike() {
    const CHATS: u64 = 1_200;
    let server = Running::start().await;
    let mut chats = Vec::new();
    for number in 0..CHATS {
        let answer = server.ask("/chat/New", json!({ "user_ids": ["ann", number.to_string()] })).await;
        chats.push(answer["chat_id"].as_str().expect("an id").to_owned());
    }
    let mut readers = Vec::new();
    for chats in chats.chunks(600) {
        let mut reader = server.session("ann").await;
        for (handle, chat_id) in (1..).zip(chats) {
            reader.send(json!([2, handle, chat_id, 0, 0])).await;
            assert_eq!(replay(&mut reader, handle).await, (vec![], 0));
        }
        readers.push(reader);
    }
    // The first chat's ring has made room for the last ones', its reader has not.
    for (reader, chats) in readers.iter_mut().zip(chats.chunks(600)) {
        for (handle, chat_id) in [(1, &chats[0]), (600, &chats[599])] {
            server.send(chat_id, "ben", "still there").await;
            let frame = reader.json().await;
            assert_eq!((&frame[0], &frame[1], &frame[2]), (&json!(22), &json!(handle), &json!(1)));
            let mut again = server.session("cat").await;
            again.send(json!([2, 1, chat_id, 0, 0])).await;
            assert_eq!(replay(&mut again, 1).await, (vec![1], 1));
        }
    }
}

#[tokio::test]
async fn a_chat_that_is_created_is_there_however_often_it_was_asked_for_before() {
    let server = Running::start().await;
    let mut ann = server.session("ann").await;
    for round in 1..=50 {
        let id = format!("chat {round}");
        ann.send(json!([2, round, id, 0, 0])).await;
        assert_eq!(ann.json().await[0], 25);
        let create = json!({ "id": id, "user_ids": ["ann", format!("{round}")] });
        let created: Value = server.ask("/chats/CreateChat", create).await;
        assert_eq!(created["chat"]["id"], id);
        ann.send(json!([2, round, id, 0, 0])).await;
        assert_eq!(replay(&mut ann, round).await, (vec![], 0));
    }
}
