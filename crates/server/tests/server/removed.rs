//! What a reader is told where messages are not there any more: removed by retention, deleted, or lost to a restore.

use std::path::Path;
use std::process::{Command, Output};

use micro_chat_client::{Client, Cursor, Draft, Event, Gap, Reading, Start};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::running::{PATIENCE, Running};

/// A server on a folder that outlives it.
async fn on(data: &Path) -> Running {
    Running::on(data).await
}

/// A chat of ten messages in a folder, its server stopped.
async fn ten() -> (TempDir, String) {
    let data = tempfile::tempdir().expect("a folder");
    let server = on(data.path()).await;
    let chat_id = server.chat().await;
    for number in 1..=10 {
        server.send(&chat_id, "ann", &format!("text {number}")).await;
    }
    server.stop().await;
    (data, chat_id)
}

/// Changes a database that no server uses.
fn change(data: &Path, sql: &str) {
    rusqlite::Connection::open(data.join("chat.db")).expect("a database").execute_batch(sql).expect("a change");
}

fn read(server: &Running, chat_id: &str, start: Start) -> (Client, Reading) {
    let client = Client::new(&server.url("/chat/Connect").replace("http", "ws"), "micro", "ben");
    let reading = client.subscribe(chat_id, start);
    (client, reading)
}

/// What a reader is told until it has caught up, its messages by `seq` and text.
async fn told(reading: &mut Reading) -> (Option<Cursor>, Vec<Gap>, Vec<(u64, String)>) {
    let (mut cursor, mut gaps, mut messages) = (None, Vec::new(), Vec::new());
    loop {
        match timeout(PATIENCE, reading.next()).await.expect("in time") {
            Some(Event::Subscribed(at)) => cursor = Some(at),
            Some(Event::Gap(gap)) => gaps.push(gap),
            Some(Event::Message(message)) => messages.push((message.seq, message.text)),
            Some(Event::CaughtUp) => return (cursor, gaps, messages),
            other => panic!("{other:?}"),
        }
    }
}

fn texts(seqs: impl IntoIterator<Item = u64>) -> Vec<(u64, String)> {
    seqs.into_iter().map(|seq| (seq, format!("text {seq}"))).collect()
}

#[tokio::test]
async fn a_reader_is_told_what_retention_took_from_it_and_nobody_else_is() {
    let (data, chat_id) = ten().await;
    change(data.path(), "DELETE FROM messages WHERE seq <= 4; UPDATE chats SET first_seq = 5;");
    let server = on(data.path()).await;
    let taken = |from| vec![Gap { from, to: 4, restored: false }];
    for (after, gaps, seqs) in [(0, taken(1), 5..=10), (2, taken(3), 5..=10), (4, vec![], 5..=10), (7, vec![], 8..=10)]
    {
        let start = if after == 0 { Start::First } else { Start::After(Cursor { epoch: 0, seq: after }) };
        let (_client, mut reading) = read(&server, &chat_id, start);
        let (_, told_gaps, messages) = told(&mut reading).await;
        assert_eq!((told_gaps, messages), (gaps, texts(seqs)), "after {after}");
    }
}

#[tokio::test]
async fn a_chat_that_retention_emptied_goes_on_where_it_was() {
    let (data, chat_id) = ten().await;
    change(data.path(), "DELETE FROM messages; UPDATE chats SET first_seq = 11;");
    let server = on(data.path()).await;
    let (_client, mut reading) = read(&server, &chat_id, Start::After(Cursor { epoch: 0, seq: 8 }));
    let (cursor, gaps, messages) = told(&mut reading).await;
    assert_eq!((gaps, messages), (vec![Gap { from: 9, to: 10, restored: false }], vec![]));
    assert_eq!(cursor.map(|cursor| cursor.seq), Some(10));
    assert_eq!(reading.publisher().publish(Draft::text("more")).await.map(|stored| stored.seq), Ok(11));
}

#[tokio::test]
async fn what_was_deleted_is_passed_over_in_silence() {
    let (data, chat_id) = ten().await;
    change(data.path(), "DELETE FROM messages WHERE seq IN (1, 5, 6, 9, 10);");
    let server = on(data.path()).await;
    for after in [0, 1, 5, 8, 9] {
        let (_client, mut reading) = read(&server, &chat_id, Start::After(Cursor { epoch: 0, seq: after }));
        let (_, gaps, messages) = told(&mut reading).await;
        let there = [2, 3, 4, 7, 8].into_iter().filter(|seq| *seq > after);
        assert_eq!((gaps, messages), (vec![], texts(there)), "after {after}");
    }
    // What comes next follows on what was deleted, for those who listen and for those who come back.
    let (_client, mut live) = read(&server, &chat_id, Start::After(Cursor { epoch: 0, seq: 3 }));
    told(&mut live).await;
    server.send(&chat_id, "ann", "text 11").await;
    let next = timeout(PATIENCE, live.next()).await.expect("in time");
    assert!(matches!(next, Some(Event::Message(message)) if message.seq == 11));
    let (_client, mut back) = read(&server, &chat_id, Start::After(Cursor { epoch: 0, seq: 9 }));
    assert_eq!(told(&mut back).await.2, texts([11]));
}

/// The command, with its words.
fn run(args: &[&str], data: &Path) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_micro-chat-server"));
    let Output { status, stdout, stderr } = command.args(args).arg("--data").arg(data).output().expect("it runs");
    let said = String::from_utf8(if status.success() { stdout } else { stderr }).expect("text");
    assert!(!said.contains("panicked"), "{said}");
    (status.success(), said)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_begins_a_new_epoch_and_readers_start_over() {
    let (data, chat_id) = ten().await;
    let server = on(data.path()).await;
    let backup = data.path().join("backup.db");
    let backup_name = backup.to_str().expect("a name");
    // While the server runs, and with what is only in its log.
    assert!(run(&["backup", backup_name], data.path()).0);
    for number in 11..=13 {
        server.send(&chat_id, "ann", &format!("text {number}")).await;
    }
    let (client, mut reading) = read(&server, &chat_id, Start::First);
    let (before, gaps, messages) = told(&mut reading).await;
    assert_eq!((gaps, messages), (vec![], texts(1..=13)));
    let before = before.expect("a cursor");

    let (done, said) = run(&["restore", backup_name], data.path());
    assert!(!done && said.contains("in use"), "{said}");
    drop((client, reading));
    server.stop().await;
    let (done, said) = run(&["restore", backup_name], data.path());
    assert!(done, "{said}");

    // Another message gets a seq that the reader has seen.
    let server = on(data.path()).await;
    server.send(&chat_id, "ann", "text 11, of another life").await;
    let (_client, mut reading) = read(&server, &chat_id, Start::After(Cursor { seq: 13, ..before }));
    let (after, gaps, messages) = told(&mut reading).await;
    let mut all = texts(1..=10);
    all.push((11, "text 11, of another life".to_owned()));
    assert_eq!((gaps, messages), (vec![Gap { from: 1, to: 0, restored: true }], all));
    assert!(after.is_some_and(|after| after.epoch > before.epoch), "{after:?}, {before:?}");
    server.stop().await;

    // What was replaced is whole, and can be put back.
    let replaced = said.lines().find_map(|line| line.strip_prefix("what was there before is in ")).expect("where");
    let (done, said) = run(&["restore", replaced], data.path());
    assert!(done, "{said}");
    let server = on(data.path()).await;
    let (_client, mut reading) = read(&server, &chat_id, Start::First);
    assert_eq!(told(&mut reading).await.2, texts(1..=13));
}

#[tokio::test]
async fn a_restart_is_no_restore_cursors_stay_good() {
    let (data, chat_id) = ten().await;
    let mut cursors = Vec::new();
    for _ in 0..2 {
        let server = on(data.path()).await;
        let (_client, mut reading) = read(&server, &chat_id, Start::Now);
        cursors.push(told(&mut reading).await.0);
        server.stop().await;
    }
    assert_eq!(cursors[0], cursors[1]);
}

#[tokio::test]
async fn a_restore_that_fails_leaves_everything_as_it_was() {
    let (data, chat_id) = ten().await;
    let elsewhere = tempfile::tempdir().expect("a folder");
    let file = |name: &str, bytes: &[u8]| {
        let path = elsewhere.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        path.to_str().expect("a name").to_owned()
    };
    let mut damaged = std::fs::read(data.path().join("chat.db")).expect("the database");
    damaged[4_096..12_288].fill(7);
    let other = elsewhere.path().join("other.db");
    rusqlite::Connection::open(&other).expect("a database").execute_batch("CREATE TABLE t (x);").expect("a table");
    for (name, reason) in [
        (file("words.db", b"no database at all"), "is not a database of micro-chat-server"),
        (file("damaged.db", &damaged), "is damaged"),
        (file("empty.db", b""), "it holds no chats"),
        (other.to_str().expect("a name").to_owned(), "it holds no chats"),
        ("/nowhere/backup.db".to_owned(), "unable to open"),
    ] {
        let (done, said) = run(&["restore", &name], data.path());
        assert!(!done && said.contains(reason), "{name}: {said}");
    }
    let existing = file("existing.db", b"mine");
    let (done, said) = run(&["backup", &existing], data.path());
    assert!(!done && said.contains("exists already"), "{said}");
    assert_eq!(std::fs::read(&existing).expect("it is there"), b"mine");
    let copy = elsewhere.path().join("copy.db");
    let (done, said) = run(&["backup", copy.to_str().expect("a name")], elsewhere.path());
    assert!(!done && said.contains("there is no database") && !copy.exists(), "{said}");
    let server = on(data.path()).await;
    let history: Value = server.ask("/chat/History", json!({ "chat_id": chat_id })).await;
    assert_eq!(history["messages"].as_array().map(Vec::len), Some(10));
}
