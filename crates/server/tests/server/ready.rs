//! Whether it is ready for traffic: not before it has started, not once it stops, and not while it can't store.

use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::guarded::{SECRET, key_file, token};
use crate::metrics::scrape;
use crate::program::Program;
use crate::running::{PATIENCE, Running, own_address};

/// Status and error id of what a server says of itself.
async fn says(host: &str, path: &str) -> (u16, String) {
    let answer = reqwest::get(format!("http://{host}{path}")).await.expect("an answer");
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.expect("JSON");
    let id = body["Id"].as_str().unwrap_or_default();
    assert!(id.is_empty() || body["Detail"].as_str().is_some_and(|detail| detail.len() > 10), "{body}");
    (status, id.to_owned())
}

/// Waits until it says that.
async fn until(host: &str, status: u16, id: &str) {
    let begun = Instant::now();
    loop {
        let said = says(host, "/readyz").await;
        if said == (status, id.to_owned()) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{said:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn who_is_told_to_stop_is_not_ready_any_more_and_goes_on_until_others_have_noticed() {
    let arguments = ["--metrics-listen", "127.0.0.1:0", "--stop-delay", "6", "--heartbeat", "1"];
    let mut program = Program::start(&arguments, &[]).await;
    let figures = program.figures.clone().expect("an address");
    for host in [&program.host, &figures] {
        assert_eq!(says(host, "/readyz").await, (200, String::new()));
    }
    let begun = Instant::now();
    program.tell_to_stop().await;
    until(&program.host, 503, "ready.Stopping").await;
    assert_eq!(says(&figures, "/readyz").await, (503, "ready.Stopping".to_owned()));
    // It still lives, and serves those who have not noticed.
    assert_eq!(says(&program.host, "/healthz").await.0, 200);
    let request = reqwest::Client::new().post(format!("http://{}/chat/New", program.host)).bearer_auth(token("ann"));
    let made = request.body(r#"{"user_ids": ["ann", "ben"]}"#).send().await.expect("an answer");
    assert_eq!(made.status(), 200);
    program.ended().await;
    assert!(begun.elapsed() >= Duration::from_secs(6), "it did not wait");
    assert!(reqwest::get(format!("http://{figures}/readyz")).await.is_err(), "it has ended");
}

#[tokio::test]
async fn it_is_not_ready_while_its_database_is_being_opened() {
    let data = tempfile::tempdir().expect("a folder");
    Running::on(data.path()).await.stop().await;
    let held = Connection::open(data.path().join("chat.db")).expect("the database");
    held.pragma_update(None, "locking_mode", "EXCLUSIVE").expect("it is told");
    held.execute_batch("BEGIN EXCLUSIVE").expect("nobody else has it");
    let free = std::net::TcpListener::bind((own_address(1), 0)).expect("a port").local_addr().expect("its number");
    let key = key_file(data.path(), "secret", SECRET);
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_micro-chat-server"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--metrics-listen", &free.to_string(), "--token-key"]).arg(key);
    let _process = command.arg("--data").arg(data.path()).kill_on_drop(true).spawn().expect("it starts");
    let host = free.to_string();
    while TcpStream::connect(&host).await.is_err() {
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(says(&host, "/readyz").await, (503, "ready.Starting".to_owned()));
    drop(held);
    until(&host, 200, "").await;
}

#[tokio::test]
async fn it_is_not_ready_while_nothing_can_be_written_though_it_lives() {
    let data = tempfile::tempdir().expect("a folder");
    let server = Running::on(data.path()).await;
    assert_eq!(says(&server.host, "/readyz").await.0, 200);
    let held = Connection::open(data.path().join("chat.db")).expect("the database");
    held.execute_batch("BEGIN IMMEDIATE").expect("nobody writes");
    until(&server.host, 503, "ready.NotWritable").await;
    assert_eq!(says(&server.host, "/healthz").await.0, 200);
    held.execute_batch("ROLLBACK").expect("it ends");
    until(&server.host, 200, "").await;
    server.stop().await;
}

#[tokio::test]
async fn whoever_asks_and_hangs_up_has_it_look_no_more_often_than_once_a_second() {
    // Where the machine stands still for longer than a look may take, that is answered, and shows nothing.
    for _ in 0..10 {
        if let Some((looks, seconds)) = looks().await {
            assert!((1.0..=seconds).contains(&looks), "{looks} commits in {seconds} seconds for {CALLERS} callers");
            return;
        }
    }
    panic!("callers were answered each time, though nothing could be written");
}

/// Who ask and hang up.
const CALLERS: usize = 20;

/// How often a server looks while they do, and in how many seconds; none where one of them was answered.
async fn looks() -> Option<(f64, f64)> {
    let data = tempfile::tempdir().expect("a folder");
    let server = Running::on(data.path()).await;
    let writes = async || scrape(&server.host).await.1["micro_chat_commit_writes_sum"];
    until(&server.host, 200, "").await;
    // That is forgotten, and nothing else is written any more.
    sleep(Duration::from_millis(1_200)).await;
    let before = writes().await;
    // None of them stays until it has looked.
    let held = Connection::open(data.path().join("chat.db")).expect("the database");
    held.execute_batch("BEGIN IMMEDIATE").expect("nobody writes");
    let begun = Instant::now();
    for _ in 0..CALLERS {
        let mut caller = TcpStream::connect(&server.host).await.expect("a connection");
        caller.write_all(b"GET /readyz HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("a link");
        sleep(Duration::from_millis(20)).await;
        if caller.try_read(&mut [0; 1]).is_ok() {
            return None;
        }
    }
    held.execute_batch("ROLLBACK").expect("it ends");
    until(&server.host, 200, "").await;
    let seconds = begun.elapsed().as_secs_f64().ceil();
    let looks = writes().await - before;
    server.stop().await;
    Some((looks, seconds))
}
