//! What is logged, however much is asked for: nothing that somebody said or is let in with, and no line of theirs.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::guarded::token;
use crate::program::Program;
use crate::running::Stream;

#[tokio::test]
async fn logs_hold_no_token_key_or_message_and_no_line_that_somebody_made_up() {
    let program = Program::start(&[], &[("RUST_LOG", "trace")]).await;
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
    // And what no client would send.
    let mut raw = TcpStream::connect(&program.host).await.expect("a link");
    let head = "GET /healthz HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 1.2.3.4\u{1b}[31m\nmade-up: line\r\nmicro-namespace: what-was-said\r\n\r\n";
    raw.write_all(head.as_bytes()).await.expect("it takes that");
    let _ = tokio::time::timeout(std::time::Duration::from_millis(300), raw.read(&mut [0; 512])).await;
    let logged = program.stop().await;
    assert!(logged.contains("stopping"), "what it says is read:\n{logged}");
    for secret in [&ann, &key, "what-was-said", "made-up", "in-the-logs", "\u{1b}[31m\n"] {
        assert!(!logged.contains(secret), "{secret} is in the log:\n{logged}");
    }
}
