//! Messages from a file.

use std::time::{Duration, Instant};

use micro_chat_server::auth::Claims;
use micro_chat_server::limits::{Rate, Rates};
use micro_chat_server::server::Reach;
use serde_json::{Value, json};

use crate::desk::{Desk, key};
use crate::guarded::{Guarded, SECRET, key_file, token};
use crate::relay::Relay;
use crate::running::{PATIENCE, Running};

/// Writes a file of so many messages, some of them alike.
fn file(desk: &Desk, name: &str, count: usize) -> String {
    let line = |number: usize| json!({ "user_id": "ann", "text": format!("line {}", number / 2) }).to_string() + "\n";
    let path = desk.home.path().join(name);
    std::fs::write(&path, (0..count).map(line).collect::<String>()).expect("a file");
    path.display().to_string()
}

fn lines(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("line {}", number / 2)).collect()
}

pub async fn texts(server: &Running, chat_id: &str) -> Vec<String> {
    let answer = server.ask("/chat/History", json!({ "chat_id": chat_id })).await;
    answer["messages"].as_array().expect("messages").iter().map(text).collect()
}

fn text(message: &Value) -> String {
    message["text"].as_str().expect("a text").to_owned()
}

#[tokio::test]
async fn an_import_that_was_killed_is_finished_by_the_next_one() {
    let server = Running::start().await;
    let (desk, id) = (Desk::at(&server.host), server.chat().await);
    let file = file(&desk, "chat.jsonl", 900);
    let import = ["chat", "import", &file, "--chat_id", &id];
    let mut first = desk.command(&import).spawn().expect("it starts");
    let begun = Instant::now();
    while texts(&server, &id).await.len() < 20 {
        assert!(begun.elapsed() < PATIENCE);
    }
    first.kill().await.expect("it ends");
    let count = texts(&server, &id).await.len();
    assert!(count < 900, "it was killed in the middle");
    for _ in 0..2 {
        assert_eq!(desk.run(&import).await.json(), json!({ "stored": 900 }));
        assert_eq!(texts(&server, &id).await, lines(900));
    }
    // A file of another name has other messages.
    assert_eq!(desk.run(&[&import[..], &["--name=again"]].concat()).await.code, 0);
    let answer = server.ask("/chat/History", json!({ "chat_id": id, "after": 900 })).await;
    assert_eq!(answer["messages"].as_array().map(Vec::len), Some(900));
}

#[tokio::test]
async fn what_history_printed_comes_back_as_it_was() {
    let server = Running::start().await;
    let (desk, id) = (Desk::at(&server.host), server.chat().await);
    let input =
        json!({ "chat_id": id, "client_id": "c1", "user_id": "ben", "subject": "food", "text": "soup?", "seq": 9 });
    for _ in 0..2 {
        assert_eq!(desk.fed(format!("\n{input}\n\n").as_bytes(), &["chat", "import", "-"]).await.json()["stored"], 1);
    }
    let stored = server.ask("/chat/History", json!({ "chat_id": id })).await["messages"].clone();
    assert_eq!(stored.as_array().map(Vec::len), Some(1));
    for name in ["client_id", "user_id", "subject", "text"] {
        assert_eq!(stored[0][name], input[name]);
    }
}

#[tokio::test]
async fn a_line_that_is_wrong_is_named_and_nothing_behind_it_is_sent() {
    let server = Running::start().await;
    let (desk, id) = (Desk::at(&server.host), server.chat().await);
    let import = ["chat", "import", "-", "--name=lines", "--chat_id", &id];
    let good = r#"{"user_id": "ann", "text": "good"}"#;
    let ran = desk.fed(format!("{good}\n{{\"user_id\": \"ann\"}}\n{good}\n").as_bytes(), &import).await;
    assert_eq!((ran.code, ran.err.contains("line 2 is no message: it has no text")), (2, true), "{}", ran.err);
    let ran = desk.fed(format!("{good}\nnonsense\n{good}\n").as_bytes(), &import).await;
    assert_eq!((ran.code, ran.err.contains("line 2")), (2, true), "{}", ran.err);
    assert_eq!(texts(&server, &id).await, ["good"]);
}

#[tokio::test]
async fn a_server_that_wants_it_slower_gets_it_slower() {
    let data = tempfile::tempdir().expect("a folder");
    let keys = [key_file(data.path(), "secret", SECRET)];
    let rates = Rates { sends: Rate::new(40, 5), ..Rates::default() };
    let guarded = Guarded::limited(data, &keys, Claims::default(), Some(rates), Reach::NoTls).await;
    let mut desk = Desk::at(&guarded.server.host);
    desk.token = Some(token("ann"));
    let (id, file) = (guarded.chat().await, file(&desk, "chat.jsonl", 45));
    let begun = Instant::now();
    let ran = desk.run(&["chat", "import", &file, "--chat_id", &id]).await;
    assert_eq!(ran.json()["stored"], 45);
    assert!(begun.elapsed() > Duration::from_millis(900), "it was not slowed down");
    let answer = guarded.ask(&token("ann"), "/chat/History", json!({ "chat_id": id })).await;
    assert_eq!(answer["messages"].as_array().expect("messages").iter().map(text).collect::<Vec<_>>(), lines(45));
}

#[tokio::test]
async fn a_network_that_breaks_is_waited_for() {
    let server = Running::start().await;
    let relay = Relay::to(&server.host).await;
    let (desk, id) = (Desk::at(&relay.host), server.chat().await);
    let file = file(&desk, "chat.jsonl", 200);
    let child = desk.command(&["chat", "import", &file, "--chat_id", &id]).spawn().expect("it starts");
    let begun = Instant::now();
    while texts(&server, &id).await.len() < 20 {
        assert!(begun.elapsed() < PATIENCE);
    }
    relay.cut();
    assert!(texts(&server, &id).await.len() < 200, "it was cut in the middle");
    tokio::time::sleep(Duration::from_millis(300)).await;
    relay.mend();
    let ran = tokio::time::timeout(3 * PATIENCE, child.wait_with_output()).await.expect("an end").expect("its output");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(texts(&server, &id).await, lines(200));
}

#[tokio::test]
async fn a_line_that_is_wrong_is_found_before_anything_of_a_file_is_sent() {
    let server = Running::start().await;
    let (desk, id) = (Desk::at(&server.host), server.chat().await);
    let path = desk.home.path().join("chat.jsonl");
    let good = r#"{"user_id": "ann", "text": "good"}"#;
    let long = format!("\"{}\"", "a".repeat(2 << 20));
    let large = json!({ "user_id": "ann", "text": "a".repeat(65_537) }).to_string();
    for (wrong, why) in [
        ("nonsense", "line 3 is no JSON, from its character 2 on; it has to be an object like {\"user_id\": "),
        ("{\"user_id\": \"ann\",", "line 3 is no JSON: it ends in the middle of it; it has to be an object like"),
        ("\"text\"", "line 3 is no message: it has to be an object like {\"user_id\": \"ann\", \"text\": \"Hello\"}"),
        ("[1]", "line 3 is no message: it has to be an object like"),
        ("{\"message\": [1]}", "line 3 is no message: it has to be an object like"),
        ("{\"text\": 5}", "line 3 is no message: its text has to be a text in quotation marks"),
        ("{\"message\": {\"user_id\": null}}", "line 3 is no message: its user_id has to be a text in quotation marks"),
        ("{\"text\": \"whose?\"}", "line 3 is no message: it has no user_id"),
        ("{\"user_id\": \"ann\"}", "line 3 is no message: it has no text"),
        ("{\"chat\": 5, \"user_id\": \"ann\"}", "line 3 is no message: it has no text"),
        ("{}", "line 3 is no message: it has no user_id"),
        ("{\"end\": null}", "line 3 is no message: it has no user_id"),
        (&large, "line 3 is too large: its text has 65537 bytes, and may have 65536"),
        (&long, "line 3 has more than 1048576 bytes"),
    ] {
        std::fs::write(&path, format!("{good}\n\n{wrong}\n{good}\n")).expect("a file");
        let ran = desk.run(&["chat", "import", path.to_str().expect("a name"), "--chat_id", &id]).await;
        assert_eq!((ran.code, ran.err.contains(why), ran.err.contains("line 1")), (2, true, false), "{}", ran.err);
    }
    assert!(texts(&server, &id).await.is_empty());
    // What some editors put before the first line is no part of it.
    std::fs::write(&path, format!("\u{feff}{good}\r\n")).expect("a file");
    let ran = desk.run(&["chat", "import", path.to_str().expect("a name"), "--chat_id", &id]).await;
    assert_eq!(ran.json(), json!({ "stored": 1 }));
    assert_eq!(texts(&server, &id).await, ["good"]);
}

#[tokio::test]
async fn two_inputs_have_two_names() {
    let server = Running::start().await;
    let (desk, id) = (Desk::at(&server.host), server.chat().await);
    let line = br#"{"user_id": "ann", "text": "again"}"#;
    let import = ["chat", "import", "-", "--chat_id", &id];
    let ran = desk.fed(line, &import).await;
    assert_eq!((ran.code, ran.err.contains("--name")), (2, true), "{}", ran.err);
    for (name, count) in [("--name=monday", 1), ("--name=tuesday", 2), ("--name=monday", 2)] {
        assert_eq!(desk.fed(line, &[&import[..], &[name]].concat()).await.json(), json!({ "stored": 1 }));
        assert_eq!(texts(&server, &id).await.len(), count, "{name}");
    }
}

#[tokio::test]
async fn who_imports_is_not_taken_for_others() {
    let guarded = Guarded::start().await;
    let (mut desk, id) = (Desk::at(&guarded.server.host), guarded.chat().await);
    let line = |user_id: &str| json!({ "user_id": user_id, "text": format!("{user_id}'s") }).to_string() + "\n";
    let stored = async || {
        let answer = guarded.ask(&token("ann"), "/chat/History", json!({ "chat_id": id })).await;
        let messages = answer["messages"].as_array().expect("messages").clone();
        messages.iter().map(|message| (message["user_id"].clone(), message["text"].clone())).collect::<Vec<_>>()
    };
    let path = desk.home.path().join("chat.jsonl");
    let import = ["chat", "import", path.to_str().expect("a name"), "--chat_id", &id];
    desk.token = Some(token("ann"));
    std::fs::write(&path, line("ann") + &line("") + &line("ben")).expect("a file");
    let ran = desk.run(&import).await;
    assert_eq!((ran.code, ran.err.contains("line 3 is ben's")), (2, true), "{}", ran.err);
    assert_eq!(stored().await, [], "the others are sent when all of them can be");
    // What can't be read twice is sent up to there.
    let input = (line("ann") + &line("ben")).into_bytes();
    let ran = desk.fed(&input, &["chat", "import", "-", "--name=lines", "--chat_id", &id]).await;
    assert_eq!((ran.code, ran.err.contains("line 2 is ben's")), (2, true), "{}", ran.err);
    assert_eq!(stored().await, [(json!("ann"), json!("ann's"))]);
    // A site's own server sends for everybody.
    desk.token = Some(key(&guarded, "micro", "read,send"));
    std::fs::write(&path, line("ben")).expect("a file");
    assert_eq!(desk.run(&import).await.json(), json!({ "stored": 1 }));
    assert_eq!(stored().await[1..], [(json!("ben"), json!("ben's"))]);
}
