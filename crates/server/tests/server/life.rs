//! Starting, stopping, being killed.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::running::{PATIENCE, Running};

/// The real program.
fn program(listen: &str, data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_micro-chat-server"));
    command.args(["dev", "--listen", listen, "--data"]).arg(data);
    command.env_remove("PORT").stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Starts the real program; its first lines and its address.
async fn start(data: &Path) -> (Child, Vec<String>, String) {
    let mut child = program("127.0.0.1:0", data).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let mut first = Vec::new();
    loop {
        let line = timeout(PATIENCE, lines.next_line()).await.expect("in time").expect("text").expect("a line");
        first.push(line.clone());
        if let Some(address) = line.strip_prefix("listening on ") {
            return (child, first, address.to_owned());
        }
    }
}

/// What it says when it can't start.
async fn fails(mut command: Command) -> String {
    let output = timeout(PATIENCE, command.output()).await.expect("it ends by itself").expect("it starts");
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(!said.contains("panicked"), "{said}");
    said
}

#[tokio::test]
async fn its_first_lines_say_what_dev_is_and_where_it_listens() {
    let data = tempfile::tempdir().expect("a folder");
    let (_child, lines, address) = start(data.path()).await;
    assert!(lines[0].contains("dev: open to all"), "{lines:?}");
    assert!(address.starts_with("http://127.0.0.1:"), "{lines:?}");
    let health: Value =
        reqwest::get(format!("{address}/healthz")).await.expect("an answer").json().await.expect("JSON");
    assert_eq!(health["status"], "ok");
}

#[tokio::test]
async fn what_keeps_it_from_starting_is_one_line_and_a_failure() {
    let data = tempfile::tempdir().expect("a folder");
    let other = tempfile::tempdir().expect("a folder");
    let (_child, _, address) = start(data.path()).await;
    let taken = address.strip_prefix("http://").expect("an address");
    let a_file = other.path().join("file");
    std::fs::write(&a_file, "").expect("a file");
    let not_a_database = other.path().join("text");
    std::fs::create_dir(&not_a_database).expect("a folder");
    std::fs::write(not_a_database.join("chat.db"), "this is text, and long enough to be read as a header".repeat(40))
        .expect("a file");
    let table = [
        (program(taken, other.path()), "can't listen on"),
        (program("127.0.0.1:0", data.path()), "in use by another micro-chat-server"),
        (program("127.0.0.1:0", &a_file.join("below")), "can't use the data folder"),
        (program("127.0.0.1:0", Path::new("/proc/nothing")), "can't use the data folder"),
        (program("127.0.0.1:0", &not_a_database), "database"),
        (program("0.0.0.0:0", other.path()), "only listens on loopback"),
    ];
    for (command, words) in table {
        let said = fails(command).await;
        assert!(said.contains(words) && said.trim_end().lines().count() == 1, "{said}");
    }
    assert!(fails(program("nonsense", other.path())).await.contains("127.0.0.1:8080"));
}

/// Messages that are acknowledged before a server is ended.
const SENDS: u64 = 60;

/// Waits until so many are.
async fn acknowledged(count: &AtomicU64) {
    let enough = async {
        while count.load(Ordering::Relaxed) < SENDS {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, enough).await.expect("they are acknowledged");
}

/// Sends on eight connections until the server is gone; how many were acknowledged by user. Counts them meanwhile.
async fn send_until_gone(address: &str, chat_id: &str, count: &Arc<AtomicU64>) -> BTreeMap<String, u64> {
    let http = reqwest::Client::new();
    let senders: Vec<_> = (0..8)
        .map(|sender| {
            let (http, url, chat_id) = (http.clone(), format!("{address}/chat/Send"), chat_id.to_owned());
            let count = count.clone();
            tokio::spawn(async move {
                let user_id = format!("user {sender}");
                for number in 0.. {
                    let message = json!({
                        "chat_id": chat_id, "user_id": user_id, "client_id": number.to_string(), "text": "kept"
                    });
                    match http.post(&url).body(message.to_string()).send().await {
                        Ok(answer) if answer.status() == 200 => _ = count.fetch_add(1, Ordering::Relaxed),
                        _ => return (user_id, number),
                    }
                }
                unreachable!("numbers end later than servers")
            })
        })
        .collect();
    let mut acknowledged = BTreeMap::new();
    for sender in senders {
        let (user_id, number) = sender.await.expect("it ends");
        acknowledged.insert(user_id, number);
    }
    acknowledged
}

/// Checks that each acknowledged message is there once, in its sender's order, and that no `seq` is missing.
async fn check(server: &Running, chat_id: &str, acknowledged: &BTreeMap<String, u64>) {
    let (mut seq, mut stored) = (0, BTreeMap::<String, Vec<u64>>::new());
    loop {
        let page = server.ask("/chat/History", json!({ "chat_id": chat_id, "after": seq })).await;
        for message in page["messages"].as_array().expect("a list") {
            seq += 1;
            assert_eq!(message["seq"], seq);
            let number = message["client_id"].as_str().and_then(|id| id.parse().ok()).expect("a number");
            stored.entry(message["user_id"].as_str().expect("a user").to_owned()).or_default().push(number);
        }
        if page["has_more"] != true {
            break;
        }
    }
    for (user_id, count) in acknowledged {
        let numbers = &stored[user_id];
        assert!(numbers.len() as u64 >= *count, "{user_id}: {count} acknowledged, {} there", numbers.len());
        assert_eq!(*numbers, (0..numbers.len() as u64).collect::<Vec<_>>(), "{user_id}");
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_sigkill() {
    let data = tempfile::tempdir().expect("a folder");
    let mut sent = BTreeMap::new();
    let mut chat_id = String::new();
    for round in 0..3 {
        let (mut child, _, address) = start(data.path()).await;
        let new =
            reqwest::Client::new().post(format!("{address}/chat/New")).body(format!(r#"{{"user_ids":["{round}"]}}"#));
        let answer: Value = new.send().await.expect("an answer").json().await.expect("JSON");
        chat_id = answer["chat_id"].as_str().expect("an id").to_owned();
        let count = Arc::default();
        let killing = async {
            acknowledged(&count).await;
            child.start_kill().expect("a kill");
            child.wait().await
        };
        let ended;
        (sent, ended) = tokio::join!(send_until_gone(&address, &chat_id, &count), killing);
        assert!(!ended.expect("an end").success());
    }
    assert!(sent.values().sum::<u64>() >= SENDS, "{sent:?}");
    let server = Running::on(data.path()).await;
    check(&server, &chat_id, &sent).await;
}

#[tokio::test]
async fn sigterm_ends_cleanly_with_all_that_was_acknowledged() {
    let data = tempfile::tempdir().expect("a folder");
    let (mut child, _, address) = start(data.path()).await;
    let new = reqwest::Client::new().post(format!("{address}/chat/New")).body(r#"{"user_ids":["ann"]}"#);
    let answer: Value = new.send().await.expect("an answer").json().await.expect("JSON");
    let chat_id = answer["chat_id"].as_str().expect("an id").to_owned();
    let id = child.id().expect("a process");
    let count = Arc::default();
    let terminating = async {
        acknowledged(&count).await;
        let killed = Command::new("kill").arg(id.to_string()).status().await.expect("kill");
        assert!(killed.success());
        timeout(PATIENCE, child.wait()).await.expect("it ends in time").expect("an end")
    };
    let (sent, ended) = tokio::join!(send_until_gone(&address, &chat_id, &count), terminating);
    assert!(ended.success(), "{ended}");
    let server = Running::on(data.path()).await;
    check(&server, &chat_id, &sent).await;
}

#[tokio::test]
async fn a_stop_tells_every_stream_to_come_back() {
    let server = Running::start().await;
    let chat_id = server.chat().await;
    let mut streams = vec![
        server.gateway("/chat/Connect", &[("chat-id", &chat_id), ("user-id", "ann")]).await,
        server.session("ann").await,
        // One that has not said yet who it is.
        server.gateway("/chat/Connect", &[]).await,
    ];
    let closing = async {
        assert_eq!(streams[1].json().await[3]["Id"], "gateway.Restarting");
        for stream in &mut streams {
            assert_eq!(stream.closed().await, 1012);
        }
    };
    tokio::join!(server.stop(), closing);
}

#[tokio::test]
async fn a_stop_spreads_those_who_come_back() {
    let server = Running::start().await;
    let mut streams = Vec::new();
    for number in 0..300 {
        streams.push(server.session(&format!("user {number}")).await);
    }
    let delays = async {
        let mut delays = Vec::new();
        for stream in &mut streams {
            let error = stream.json().await;
            assert_eq!((&error[0], &error[1], &error[3]["Id"]), (&json!(25), &json!(0), &json!("gateway.Restarting")));
            delays.push(error[3]["retry_after"].as_u64().expect("a delay"));
            assert_eq!(stream.closed().await, 1012);
        }
        delays
    };
    let ((), mut delays) = tokio::join!(server.stop(), delays);
    delays.sort_unstable();
    // 300 connections, 1,500 a second.
    let (first, middle, last) = (delays[30], delays[150], delays[299]);
    assert!(first <= 60 && (60..=140).contains(&middle) && (140..=200).contains(&last), "{delays:?}");
}

#[tokio::test]
async fn who_goes_away_while_a_read_runs_harms_no_other_reader() {
    let server = Arc::new(Running::start().await);
    let chat_id = server.chat().await;
    for _ in 0..50 {
        server.send(&chat_id, "ann", &"x".repeat(20_000)).await;
    }
    let rude: Vec<_> = (0..6)
        .map(|_| {
            let (server, chat_id) = (server.clone(), chat_id.clone());
            tokio::spawn(async move {
                for _ in 0..100 {
                    let history = server.post("/chat/History", json!({ "chat_id": chat_id }));
                    let _ = timeout(Duration::from_millis(2), history).await;
                }
            })
        })
        .collect();
    while !rude.iter().all(tokio::task::JoinHandle::is_finished) {
        let polite = json!({ "chat_id": chat_id, "limit": 1 });
        assert_eq!(server.ask("/chat/History", polite).await["messages"].as_array().map(Vec::len), Some(1));
    }
}

#[tokio::test]
async fn requests_that_never_end_do_not_keep_a_server_from_stopping() {
    use tokio::io::AsyncWriteExt;
    let data = tempfile::tempdir().expect("a folder");
    let (mut child, _, address) = start(data.path()).await;
    let host = address.strip_prefix("http://").expect("an address");
    let mut unfinished = Vec::new();
    for half in ["GET /healthz HTTP/1.1\r\nhost:", "POST /chat/New HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{"]
    {
        let mut link = tokio::net::TcpStream::connect(host).await.expect("a link");
        link.write_all(half.as_bytes()).await.expect("sent");
        unfinished.push(link);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let id = child.id().expect("a process").to_string();
    assert!(Command::new("kill").arg(id).status().await.expect("kill").success());
    assert!(timeout(PATIENCE, child.wait()).await.expect("it ends in time").expect("an end").success());
}

#[tokio::test]
async fn nobody_has_to_read_what_it_prints() {
    let data = tempfile::tempdir().expect("a folder");
    let mut child = program("127.0.0.1:0", data.path()).spawn().expect("it starts");
    drop(child.stdout.take());
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(child.try_wait().expect("a state").is_none(), "it goes on");
    child.kill().await.expect("a kill");
}
