//! What is logged, however much is asked for: nothing that somebody said or is let in with, and no line of theirs.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::guarded::token;
use crate::program::Program;
use crate::running::Stream;

#[tokio::test]
async fn logs_hold_no_token_key_or_message_and_no_line_that_somebody_made_up() {
    for format in ["human", "json"] {
        attack(format).await;
    }
}

async fn attack(format: &str) {
    let program = Program::start(&["--log-format", format], &[("RUST_LOG", "trace")]).await;
    let mut keys = std::process::Command::new(env!("CARGO_BIN_EXE_micro-chat-server"));
    let made = keys.args(["keys", "create", "--namespace", "micro", "--data"]).arg(program.data.path()).output();
    let key = String::from_utf8(made.expect("it runs").stdout).expect("text").trim().to_owned();
    let http = reqwest::Client::new();
    let call = async |token: &str, path: &str, body: String| {
        let request = http.post(format!("http://{}{path}", program.host)).bearer_auth(token).body(body);
        request.send().await.expect("an answer").text().await.expect("a body")
    };
    let ann = token("ann-in-the-logs");
    let users = json!({ "user_ids": ["ann-in-the-logs", "ben-in-the-logs"] }).to_string();
    let chat: serde_json::Value = serde_json::from_str(&call(&ann, "/chat/New", users).await).expect("JSON");
    let chat_id = chat["chat_id"].as_str().expect("an id");
    let said = json!({ "chat_id": chat_id, "user_id": "ann-in-the-logs", "text": "what-was-said" });
    assert_eq!(call(&ann, "/chat/Send", said.to_string()).await, "{}");
    assert_eq!(call(&key, "/chat/Send", said.to_string()).await, "{}");
    // What is wrong with a request could be logged as well.
    for body in ["{\"text\": \"what-was-said\"", "what-was-said", "{\"chat_id\": [\"what-was-said\"]}"] {
        call(&ann, "/chat/Send", body.to_owned()).await;
        call("what-was-said", "/chat/Send", body.to_owned()).await;
    }
    call(&ann, "/what-was-said%0AERROR%20made-up", String::new()).await;
    let request = format!("ws://{}/chat/Connect", program.host);
    let (socket, _) = tokio_tungstenite::connect_async(request).await.expect("an upgrade");
    let mut stream = Stream { socket };
    stream.send(json!({ "chat_id": chat_id, "token": ann })).await;
    stream.send(json!({ "text": "what-was-said" })).await;
    stream.send("{\"text\": \"what-was-said\"").await;
    while !matches!(stream.next().await, tokio_tungstenite::tungstenite::Message::Close(_)) {}
    // What it would be called in the log, and what was asked for.
    for id in
        ["what-was-said made-up", "{what-was-said}", "what-was-said\tb", &format!("what-was-said{}", "x".repeat(60))]
    {
        let request = http.post(format!("http://{}/chat/Send?made-up", program.host)).header("x-request-id", id);
        let answer = request.header("user-agent", "what-was-said").send().await.expect("an answer");
        assert!(!answer.headers()["x-request-id"].to_str().expect("text").contains("what-was-said"));
    }
    let method = reqwest::Method::from_bytes(b"MADE-UP").expect("a method");
    http.request(method, format!("http://{}/made-up", program.host)).send().await.expect("an answer");
    // And what no client would send.
    let mut raw = TcpStream::connect(&program.host).await.expect("a link");
    let head = "GET /healthz HTTP/1.1\r\nhost: x\r\nx-request-id: what-was-said\u{1b}[31m\r\nx-forwarded-for: 1.2.3.4\u{1b}[31m\nmade-up: line\r\nmicro-namespace: what-was-said\r\n\r\n";
    raw.write_all(head.as_bytes()).await.expect("it takes that");
    let _ = tokio::time::timeout(std::time::Duration::from_millis(300), raw.read(&mut [0; 512])).await;
    let logged = program.stop().await;
    assert!(logged.contains("stopping"), "what it says is read:\n{logged}");
    for secret in [&ann, &key, "what-was-said", "made-up", "in-the-logs", "\u{1b}[31m\n"] {
        assert!(!logged.contains(secret), "{secret} is in the log:\n{logged}");
    }
}

/// The lines of a log for programs: nothing else is among them.
fn lines(logged: &str) -> Vec<Value> {
    let object = |line: &str| serde_json::from_str::<Value>(line).ok().filter(Value::is_object);
    logged.lines().map(|line| object(line).unwrap_or_else(|| panic!("this is no object: {line}"))).collect()
}

/// What a program says on standard error that ends by itself, and what with.
fn failed(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_micro-chat-server"));
    let output = command.args(arguments).envs(environment.iter().copied()).output().expect("it runs");
    (output.status.code(), String::from_utf8(output.stderr).expect("text"))
}

#[tokio::test]
async fn a_log_for_programs_has_objects_from_the_start_to_the_end() {
    let program = Program::start(&["--log-format", "json", "--metrics-listen", "127.0.0.1:0"], &[]).await;
    let (address, data) = (format!("http://{}", program.host), program.data.path().display().to_string());
    let figures = format!("http://{}/metrics", program.figures.as_deref().expect("an address"));
    let logged = program.stop().await;
    let lines = lines(&logged);
    let said: Vec<&Value> = lines.iter().map(|line| &line["fields"]["message"]).collect();
    assert_eq!(said, ["started", "stopping", "stopped"], "{logged}");
    let started = &lines[0]["fields"];
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        *started,
        json!({ "message": "started", "version": version, "address": address, "data": data, "figures": figures })
    );
}

#[tokio::test]
async fn why_a_server_does_not_start_is_an_object_for_programs_and_text_for_people() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its number").to_string();
    let data = tempfile::tempdir().expect("a folder");
    let data_of = data.path().to_str().expect("a name");
    let file = data.path().join("chat.toml");
    std::fs::write(&file, "log-format = \"json\"\nheartbeat = 0\n").expect("a file");
    let listen = ["dev", "--listen", &address, "--data", data_of];
    let json = [("MICRO_CHAT_LOG_FORMAT", "json"), ("RUST_LOG", "off")];
    for (arguments, environment, code, words) in [
        (&listen[..], &json[..], 1, "can't listen on"),
        (&["serve", "--data", data_of, "--log-format", "json"], &[], 1, "nobody could log in"),
        (&["serve", "--listen", "nowhere", "--log-format", "json"], &[], 2, "it looks like 127.0.0.1:8080"),
        (&["dev", "--log-format", "json", "--no-such-option"], &[], 2, "--no-such-option"),
        (&["dev", "--config", file.to_str().expect("a name")], &[], 1, "it lies between"),
    ] {
        let (ended, said) = failed(arguments, environment);
        let lines = lines(&said);
        assert_eq!(ended, Some(code), "{said}");
        assert!(lines.len() == 1 && lines[0]["level"] == "ERROR", "{said}");
        assert!(lines[0]["fields"]["message"].as_str().is_some_and(|line| line.contains(words)), "{said}");
    }
    let (ended, said) = failed(&listen, &[]);
    assert!(ended == Some(1) && said.starts_with("micro-chat-server: can't listen on"), "{said}");
}

/// Those that belong to a request, by what they say.
fn of<'a>(lines: &'a [Value], request_id: &str) -> Vec<&'a str> {
    let is_of = |line: &&Value| line["span"]["request_id"] == request_id;
    lines.iter().filter(is_of).filter_map(|line| line["fields"]["message"].as_str()).collect()
}

#[tokio::test]
async fn each_request_and_each_stream_has_an_id_in_its_answer_and_in_its_lines() {
    let program = Program::start(&["--log-format", "json"], &[("RUST_LOG", "micro_chat_server=debug")]).await;
    let http = reqwest::Client::new();
    let url = |path: &str| format!("http://{}{path}", program.host);
    let id_of = |answer: &reqwest::Response| answer.headers()["x-request-id"].to_str().expect("text").to_owned();
    let ours = http.get(url("/healthz")).header("x-request-id", "from-the.proxy_1:2").send().await.expect("an answer");
    assert_eq!(id_of(&ours), "from-the.proxy_1:2");
    let [one, other] = [http.get(url("/healthz")).send().await, http.post(url("/chat/New")).send().await]
        .map(|answer| id_of(&answer.expect("an answer")));
    assert!(one != other && one.len() == 36 && other.len() == 36, "{one} {other}");
    let mut request = url("/chat/Connect").replace("http", "ws").into_client_request().expect("a request");
    request.headers_mut().insert("x-request-id", "of-the-stream".parse().expect("a header"));
    let (socket, answer) = tokio_tungstenite::connect_async(request).await.expect("an upgrade");
    assert_eq!(answer.headers()["x-request-id"], "of-the-stream");
    let mut stream = Stream { socket };
    stream.send("nonsense").await;
    while !matches!(stream.next().await, tokio_tungstenite::tungstenite::Message::Close(_)) {}
    let logged = program.stop().await;
    let lines = lines(&logged);
    for id in ["from-the.proxy_1:2", &one, &other] {
        assert_eq!(of(&lines, id), ["a request was answered"], "{id}: {logged}");
    }
    assert_eq!(of(&lines, "of-the-stream"), ["a request was answered", "a stream has ended"], "{logged}");
    let refused = lines.iter().find(|line| line["span"]["request_id"] == *other).expect("its line");
    assert_eq!((&refused["fields"]["status"], &refused["fields"]["error"]), (&json!(401), &json!("auth.NoToken")));
    assert_eq!(refused["span"]["endpoint"], "chat.New");
}

#[tokio::test]
async fn of_ordinary_requests_nothing_is_logged_unless_that_is_asked_for_and_of_failures_always() {
    let mut program = Program::start(&["--log-format", "json", "--stop-delay", "6"], &[]).await;
    let http = reqwest::Client::new();
    let ask = async |path: &str, id: &str| {
        // What it logs meanwhile has to fit into a pipe that nobody reads yet.
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        let request = http.get(format!("http://{}{path}", program.host)).header("x-request-id", id);
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!((ask("/healthz", "ordinary").await, ask("/nothing", "ordinary").await), (200, 404));
    let held = rusqlite::Connection::open(program.data.path().join("chat.db")).expect("the database");
    held.execute_batch("BEGIN IMMEDIATE").expect("nobody writes");
    while ask("/readyz", "fails").await == 200 {}
    held.execute_batch("ROLLBACK").expect("it ends");
    while ask("/readyz", "recovers").await == 503 {}
    program.tell_to_stop().await;
    while ask("/readyz", "stops").await == 200 {}
    let logged = program.ended().await;
    let lines = lines(&logged);
    // That it stops is no failure: who asks is meant to hear of it.
    assert!(of(&lines, "ordinary").is_empty() && of(&lines, "stops").is_empty(), "{logged}");
    assert_eq!(of(&lines, "fails"), ["a request failed"], "{logged}");
}

#[tokio::test]
async fn why_a_commit_failed_is_logged_once_and_of_each_request_that_it_failed_one_line() {
    const SENDS: usize = 5;
    let program = Program::start(&["--log-format", "json"], &[]).await;
    let http = reqwest::Client::new();
    let url = |path: &str| format!("http://{}{path}", program.host);
    let body = json!({ "user_ids": ["ann", "ben"] }).to_string();
    let chat = http.post(url("/chat/New")).bearer_auth(token("ann")).body(body).send().await.expect("an answer");
    let chat: Value = serde_json::from_str(&chat.text().await.expect("a body")).expect("JSON");
    // Somebody holds the database for longer than the server waits.
    let database = rusqlite::Connection::open(program.data.path().join("chat.db")).expect("a database");
    database.execute_batch("BEGIN IMMEDIATE").expect("it is held");
    let send = |number: usize| {
        let body = json!({ "chat_id": chat["chat_id"], "text": "hello" }).to_string();
        http.post(url("/chat/Send")).bearer_auth(token("ann")).header("x-request-id", number.to_string()).body(body)
    };
    let answers = futures_util::future::join_all((0..SENDS).map(|number| send(number).send())).await;
    assert!(answers.into_iter().all(|answer| answer.expect("an answer").status() == 503));
    database.execute_batch("ROLLBACK").expect("it is let go");
    let logged = program.stop().await;
    let lines = lines(&logged);
    for number in 0..SENDS {
        assert_eq!(of(&lines, &number.to_string()), ["a request failed"], "{logged}");
    }
    // The first may have been on its own; those behind it share a commit.
    let failed = |line: &&Value| line["level"] == "ERROR";
    let reasons: Vec<_> = lines.iter().filter(failed).map(|line| &line["fields"]).collect();
    assert!((1..=2).contains(&reasons.len()), "{logged}");
    assert!(reasons.iter().all(|reason| reason["error"] == "database is locked"), "{logged}");
    assert_eq!(reasons.iter().filter_map(|reason| reason["writes"].as_u64()).sum::<u64>(), SENDS as u64, "{logged}");
}

#[tokio::test]
async fn a_log_for_people_that_goes_into_a_file_has_no_colours() {
    let program = Program::start(&[], &[("RUST_LOG", "micro_chat_server=debug")]).await;
    reqwest::get(format!("http://{}/healthz", program.host)).await.expect("an answer");
    let logged = program.stop().await;
    assert!(logged.contains("a request was answered") && !logged.contains('\u{1b}'), "{logged}");
}
