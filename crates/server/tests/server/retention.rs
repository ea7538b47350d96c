//! Old messages go, and whoever wants them is told so. Their times are set in the database: nobody waits for days.

use std::path::Path;
use std::time::{Duration, Instant};

use micro_chat_server::api::Origins;
use micro_chat_server::auth::Policy;
use micro_chat_server::chat::retention::{Retention, Rule};
use micro_chat_server::server::{Config, Reach};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::running::{PATIENCE, Running, Stream, timing};

/// A server in a folder that keeps messages as these rules say, and looks often.
async fn keeping(data: &Path, rules: &[&str]) -> Running {
    let rules: Vec<Rule> = rules.iter().map(|rule| rule.parse().expect("a rule")).collect();
    Running::of(Config {
        data: data.to_owned(),
        policy: Policy::Open,
        accounts: None,
        rates: None,
        origins: Origins::All,
        reach: Reach::Developer,
        tls: None,
        timing: timing(),
        retention: Retention::of(&rules).looking_every(Duration::from_millis(100)),
    })
    .await
}

fn open(data: &Path) -> rusqlite::Connection {
    let database = rusqlite::Connection::open(data.join("chat.db")).expect("a database");
    database.busy_timeout(PATIENCE).expect("a database");
    database
}

fn asked(data: &Path, sql: &str) -> i64 {
    open(data).query_row(sql, [], |row| row.get(0)).expect("a number")
}

/// What is noted of how old chats are is of before the change.
const UNKNOWN: &str = "UPDATE chats SET oldest_at = 0;";

/// Makes messages so many days older.
fn age(data: &Path, days: i64, which: &str) {
    let nanos = days * 24 * 3_600 * 1_000_000_000;
    open(data)
        .execute_batch(&format!("UPDATE messages SET sent_at = sent_at - {nanos} WHERE {which}; {UNKNOWN}"))
        .expect("a change");
}

/// Waits until a database answers that.
async fn becomes(data: &Path, sql: &str, expected: i64) {
    let deadline = Instant::now() + 3 * PATIENCE;
    while asked(data, sql) != expected {
        assert!(Instant::now() < deadline, "{sql} is {}", asked(data, sql));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A folder with a chat in each of two namespaces, of ten messages each.
async fn ten() -> (TempDir, [String; 2]) {
    let data = tempfile::tempdir().expect("a folder");
    let server = keeping(data.path(), &[]).await;
    let mut ids = Vec::new();
    for namespace in ["micro", "legal"] {
        let ask = async |path: &str, body: Value| -> Value {
            let (status, body) = server.post_in(namespace, path, body).await;
            assert_eq!(status, 200, "{body}");
            serde_json::from_str(&body).expect("JSON")
        };
        let chat = ask("/chat/New", json!({ "user_ids": ["ann", "ben"] })).await;
        for number in 1..=10 {
            let body = json!({ "chat_id": chat["chat_id"], "user_id": "ann", "text": number.to_string(), "client_id": number.to_string() });
            ask("/chat/Send", body).await;
        }
        ids.push(chat["chat_id"].as_str().expect("an id").to_owned());
    }
    server.stop().await;
    (data, ids.try_into().expect("two of them"))
}

/// Where a reader behind that cursor is told that it begins, and what it is given.
async fn read(stream: &mut Stream, handle: u64, chat_id: &str, after: i64) -> (u64, Vec<u64>) {
    stream.send(json!([2, handle, chat_id, 0, after])).await;
    let (mut begins, mut seqs) = (0, Vec::new());
    loop {
        let frame = stream.json().await;
        let seq = |message: &Value| message["seq"].as_u64().expect("a seq");
        match frame[0].as_u64() {
            Some(21) => begins = frame[3].as_u64().expect("a seq"),
            Some(22) => seqs.extend(frame[4].as_array().expect("messages").iter().map(seq)),
            Some(23) => return (begins, seqs),
            _ => {}
        }
    }
}

#[tokio::test]
async fn what_is_too_old_goes_where_a_rule_says_so_and_readers_are_told_of_the_gap() {
    let (data, [chat_id, _]) = ten().await;
    age(data.path(), 91, "seq <= 4");
    age(data.path(), 89, "seq > 4 AND seq < 8");
    let server = keeping(data.path(), &["90d", "legal=off"]).await;
    becomes(data.path(), "SELECT count(*) FROM messages", 16).await;
    becomes(data.path(), "SELECT sum(first_seq) FROM chats", 6).await;
    // What is noted of it is what is left; where nothing is to go, nobody looks.
    let noted = "SELECT count(*) FROM chats WHERE oldest_at =
        iif(namespace = 'legal', 0, (SELECT sent_at FROM messages WHERE messages.chat = chats.chat AND seq = 5))";
    becomes(data.path(), noted, 2).await;
    let mut stream = server.session("ben").await;
    for (handle, after, begins, first) in [(1, 0, 4, 5), (2, 3, 4, 5), (3, 4, 4, 5), (4, 6, 6, 7)] {
        assert_eq!(read(&mut stream, handle, &chat_id, after).await, (begins, (first..=10).collect()), "{after}");
    }
    let history = server.ask("/chat/History", json!({ "chat_id": chat_id, "after": 0 })).await;
    assert_eq!(
        (history["messages"][0]["seq"].as_u64(), history["messages"].as_array().map(Vec::len)),
        (Some(5), Some(6))
    );
    let listed = json!({ "chat_id": chat_id, "order": "asc", "limit": 1 });
    assert_eq!(server.ask("/chats/ListMessages", listed).await["messages"][0]["text"], "5");
    let unread = server.ask("/chats/ListChats", json!({ "user_id": "ben" })).await;
    assert_eq!((&unread["chats"][0]["unread"], &unread["chats"][0]["last_seq"]), (&json!(6), &json!(10)));
    // What is kept is known again.
    let again = json!({ "chat_id": chat_id, "user_id": "ann", "text": "10", "client_id": "10" });
    server.ask("/chat/Send", again).await;
    assert_eq!(asked(data.path(), "SELECT count(*) FROM messages"), 16);
}

#[tokio::test]
async fn what_was_noted_by_a_clock_that_was_ahead_is_looked_at_again() {
    let (data, _) = ten().await;
    age(data.path(), 91, "seq <= 4");
    let ahead = "UPDATE chats SET oldest_at = (strftime('%s') + 400 * 24 * 3600) * 1000000000";
    open(data.path()).execute_batch(ahead).expect("a change");
    let server = keeping(data.path(), &["90d"]).await;
    becomes(data.path(), "SELECT count(*) FROM messages", 12).await;
    server.stop().await;
}

#[tokio::test]
async fn what_goes_while_people_listen_is_handed_to_nobody_who_comes_back() {
    let (data, [chat_id, _]) = ten().await;
    let server = keeping(data.path(), &["micro=90d"]).await;
    let mut stream = server.session("ben").await;
    assert_eq!(read(&mut stream, 1, &chat_id, 0).await, (0, (1..=10).collect()), "it is kept for those who come back");
    age(data.path(), 91, "seq <= 7");
    becomes(data.path(), "SELECT count(*) FROM messages WHERE chat = 1", 3).await;
    let deadline = Instant::now() + PATIENCE;
    let mut handle = 2;
    while read(&mut stream, handle, &chat_id, 0).await != (7, vec![8, 9, 10]) {
        assert!(Instant::now() < deadline);
        handle += 1;
    }
    // All of it: the chat goes on where it was.
    age(data.path(), 91, "seq <= 10");
    becomes(data.path(), "SELECT first_seq FROM chats WHERE chat = 1", 11).await;
    while read(&mut stream, handle + 1, &chat_id, 0).await != (10, vec![]) {
        assert!(Instant::now() < deadline);
        handle += 1;
    }
    let mut last = server.session("cleo").await;
    read(&mut last, 1, &chat_id, -1).await;
    server.send(&chat_id, "ann", "more").await;
    assert_eq!(last.json().await[4][0]["seq"], 11);
    assert_eq!(asked(data.path(), "SELECT count(*) FROM messages WHERE chat = 2"), 10, "the other namespace's stay");
}

/// Adds so many messages of long ago, each of so many bytes, in front of those that are there.
fn fill(data: &Path, count: u64, size: usize) {
    let sql = format!(
        "WITH RECURSIVE series(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM series WHERE seq < {count})
         INSERT INTO messages SELECT 1, seq, 'id ' || seq, 'id ' || seq, 'ann', '', printf('%.{size}c', 'x'), 1 FROM series;
         UPDATE chats SET last_seq = {count} WHERE chat = 1; {UNKNOWN}"
    );
    open(data).execute_batch(&sql).expect("a change");
}

/// More than lies between a server and somebody who doesn't read.
const LONG: u64 = 2_000;

/// Messages go that somebody is about to be given, who reads slowly.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_still_catching_up_is_told_of_what_goes_meanwhile() {
    let data = tempfile::tempdir().expect("a folder");
    let server = keeping(data.path(), &[]).await;
    let chat_id = server.chat().await;
    server.stop().await;
    fill(data.path(), LONG, 20_000);
    open(data.path()).execute("UPDATE messages SET sent_at = unixepoch() * 1000000000", []).expect("a change");
    let server = keeping(data.path(), &["90d"]).await;
    let mut stream = server.session("ben").await;
    stream.send(json!([2, 1, chat_id, 0, 0])).await;
    let subscribed = stream.json().await;
    assert_eq!((&subscribed[0], &subscribed[3]), (&json!(21), &json!(0)));
    age(data.path(), 91, &format!("seq <= {LONG} - 10"));
    becomes(data.path(), "SELECT first_seq FROM chats WHERE chat = 1", LONG as i64 - 9).await;
    let (mut cursor, mut gaps, mut last) = (0, Vec::new(), Vec::new());
    loop {
        let frame = stream.json().await;
        match frame[0].as_u64() {
            Some(21) => {
                let after = frame[3].as_u64().expect("a seq");
                assert_eq!(frame[2], subscribed[2], "it is the same epoch");
                gaps.push((cursor, after));
                cursor = after;
            }
            Some(22) => {
                let before = cursor;
                last = crate::session::batch(&frame, &mut cursor);
                assert_eq!(last, (before + 1..=cursor).collect::<Vec<_>>(), "what nobody was told of is missing");
            }
            Some(23) => break,
            _ => {}
        }
    }
    assert!(matches!(gaps[..], [(from, to)] if 0 < from && from < to && to == LONG - 10), "{gaps:?}");
    assert_eq!((cursor, last.last()), (LONG, Some(&LONG)));
    // It is live, and goes on where it stands.
    server.send(&chat_id, "ann", "more").await;
    assert_eq!(stream.json().await[4][0]["seq"], LONG + 1);
}

/// The negative control: that test fails where a server says nothing of it.
#[test]
fn a_server_that_removes_without_a_word_what_is_being_read_is_caught() {
    let mut test = std::process::Command::new(std::env::current_exe().expect("this program"));
    test.args(["--exact", "retention::who_is_still_catching_up_is_told_of_what_goes_meanwhile"]);
    let ended = test.env("MICRO_CHAT_BREAK", "gaps").output().expect("it ran");
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(!ended.status.success() && said.contains("what nobody was told of is missing"), "{said}");
}

/// How long sends take, in order, while `is_on` says so; at least so many of them.
async fn sends(server: &Running, chat_id: &str, least: usize, is_on: impl Fn() -> bool) -> Vec<Duration> {
    let mut times = Vec::new();
    while times.len() < least || is_on() {
        let begun = Instant::now();
        server.send(chat_id, "ann", "x").await;
        times.push(begun.elapsed());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    times.sort();
    times
}

/// Prints how long sends take while a million old messages are removed, and while none are:
/// `cargo test -p micro-chat-server --test server retention::removing_a_million -- --ignored --nocapture`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it takes minutes, and prints what it measures"]
async fn removing_a_million_messages_holds_up_nobody() {
    const COUNT: u64 = 1_000_000;
    let data = tempfile::tempdir().expect("a folder");
    let server = keeping(data.path(), &[]).await;
    let old = server.chat().await;
    server.stop().await;
    fill(data.path(), COUNT, 200);
    let server = keeping(data.path(), &[]).await;
    let calm = sends(&server, &old, 1_000, || false).await;
    server.stop().await;
    let server = keeping(data.path(), &["30d"]).await;
    let begun = Instant::now();
    let left = || asked(data.path(), "SELECT first_seq FROM chats WHERE chat = 1") <= COUNT as i64;
    let busy = sends(&server, &old, 100, left).await;
    println!("a million messages were removed in {:?}", begun.elapsed());
    for (name, times) in [("none are removed", &calm), ("they are removed", &busy)] {
        let at = |percent: usize| times[(times.len() - 1) * percent / 100];
        println!("while {name}: {} sends, p50 {:?}, p99 {:?}, most {:?}", times.len(), at(50), at(99), at(100));
    }
    assert!(busy[busy.len() * 99 / 100] < Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_stored_while_many_are_removed() {
    let data = tempfile::tempdir().expect("a folder");
    let server = keeping(data.path(), &[]).await;
    let chat_id = server.chat().await;
    server.stop().await;
    fill(data.path(), 50_000, 200);
    // It takes seconds, so that some are sent meanwhile, also where whoever sends stands still for a while.
    let slow = "CREATE TRIGGER slow BEFORE DELETE ON messages WHEN old.seq % 500 = 0
        BEGIN SELECT count(*) FROM messages WHERE text LIKE '%nowhere%'; END";
    open(data.path()).execute_batch(slow).expect("a change");
    let server = keeping(data.path(), &["30d"]).await;
    let mut while_removing = 0;
    while asked(data.path(), "SELECT first_seq FROM chats WHERE chat = 1") <= 50_000 {
        server.send(&chat_id, "ann", "x").await;
        while_removing += 1;
    }
    assert!(while_removing >= 5, "only {while_removing} were stored meanwhile");
    let history = server.ask("/chat/History", json!({ "chat_id": chat_id, "after": 0 })).await;
    assert_eq!(history["messages"][0]["seq"], 50_001);
}

/// What is known of the first chat: its `first_seq`, and how many tombstones it has.
const TOMBSTONES: &str =
    "SELECT first_seq * 1000000 + (SELECT count(*) FROM tombstones WHERE chat = 1) FROM chats WHERE chat = 1";

#[tokio::test]
async fn what_says_that_messages_were_deleted_goes_when_the_last_of_them_would_be_too_old() {
    let (data, [chat_id, _]) = ten().await;
    // A chat in which all was deleted: nothing in it says how old that was, but its last message.
    let sql =
        "INSERT INTO tombstones SELECT chat, seq FROM messages WHERE chat = 1; DELETE FROM messages WHERE chat = 1;";
    open(data.path()).execute_batch(sql).expect("a change");
    let server = keeping(data.path(), &["90d"]).await;
    let mut stream = server.session("ben").await;
    // Long enough for several rounds.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(asked(data.path(), TOMBSTONES), 1_000_010, "they are not old");
    assert_eq!(read(&mut stream, 1, &chat_id, 3).await, (3, vec![]), "and are passed over");
    let active = "UPDATE chats SET active_at = active_at - 91 * 24 * 3600 * 1000000000 WHERE chat = 1;";
    open(data.path()).execute_batch(&format!("{active} {UNKNOWN}")).expect("a change");
    becomes(data.path(), TOMBSTONES, 11_000_000).await;
    assert_eq!(read(&mut stream, 2, &chat_id, 3).await, (10, vec![]));
    server.send(&chat_id, "ann", "more").await;
    assert_eq!(asked(data.path(), "SELECT max(seq) FROM messages WHERE chat = 1"), 11);
}

#[tokio::test]
async fn what_was_deleted_behind_what_is_too_old_stays_as_long_as_it_may_be_young() {
    let (data, _) = ten().await;
    age(data.path(), 91, "seq <= 4");
    let sql = "INSERT INTO tombstones SELECT chat, seq FROM messages WHERE chat = 1 AND seq > 4; DELETE FROM messages WHERE chat = 1 AND seq > 4;";
    open(data.path()).execute_batch(sql).expect("a change");
    let _server = keeping(data.path(), &["90d"]).await;
    becomes(data.path(), TOMBSTONES, 5_000_006).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(asked(data.path(), TOMBSTONES), 5_000_006);
}
