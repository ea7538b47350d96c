//! An open chat whose input is a pipe, with whatever comes out of one.

use std::io::{Read, Write};
use std::process::Stdio;

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::connect::{Talk, texts};
use crate::desk::Desk;
use crate::relay::Relay;
use crate::running::{PATIENCE, Running};

/// More than the engine holds at once.
const MANY: usize = 3_000;

fn lines(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("line {number}")).collect()
}

#[tokio::test]
async fn more_lines_than_may_wait_are_all_sent() {
    let server = Running::start().await;
    let (desk, id) = (Desk::at(&server.host), server.chat().await);
    let connect = ["chat", "connect", "--chat_id", &id, "--user_id=ann", "--history=0"];
    let ran = desk.fed(lines(MANY).join("\n").as_bytes(), &connect).await;
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
    assert!(texts(&server, &id).await == lines(MANY), "{}", texts(&server, &id).await.len());
}

#[tokio::test]
async fn more_lines_than_may_wait_are_kept_while_there_is_no_network() {
    let server = Running::start().await;
    let relay = Relay::to(&server.host).await;
    let (desk, id) = (Desk::at(&relay.host), server.chat().await);
    let mut ann = Talk::open(&desk, &["--chat_id", &id, "--user_id=ann", "--history=0", "--own"]);
    ann.say("hello").await;
    assert_eq!(ann.hear().await["text"], "hello");
    relay.cut();
    assert!(ann.warning().await.contains("offline"));
    let mut input = ann.input.take().expect("an input");
    // The pipe holds some of it, and the rest waits.
    let writing = tokio::spawn(async move { input.write_all((lines(MANY).join("\n") + "\n").as_bytes()).await });
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    relay.mend();
    let mut heard = Vec::new();
    while heard.len() < MANY {
        heard.push(ann.hear().await["text"].as_str().expect("a text").to_owned());
    }
    writing.await.expect("it writes").expect("a pipe");
    assert!(heard == lines(MANY));
    assert_eq!(ann.end().await, 0);
    assert_eq!(texts(&server, &id).await.len(), MANY + 1);
}

#[tokio::test]
async fn a_line_that_can_not_be_sent_is_named_and_the_others_are_sent() {
    let server = Running::start().await;
    let (desk, id) = (Desk::at(&server.host), server.chat().await);
    let connect = ["chat", "connect", "--chat_id", &id, "--user_id=ann", "--history=0"];
    let long = "a".repeat(300 << 10);
    // Each of its characters has six in JSON.
    let escaped = "\u{1}".repeat(60_000);
    let large = "a".repeat(100 << 10);
    for (wrong, why, code) in [
        (&b"\xff\xfe"[..], "line 2 of the input is no UTF-8", 2),
        (long.as_bytes(), "line 2 of the input has more than 262144 bytes", 2),
        (escaped.as_bytes(), "the message is too large", 2),
        (large.as_bytes(), "chat.Send.TextTooLarge", 1),
    ] {
        let before = texts(&server, &id).await.len();
        let input = [b"before", wrong, b"behind\r", b"last"].join(&b'\n');
        let ran = desk.fed(&input, &connect).await;
        assert_eq!((ran.code, ran.err.contains(why)), (code, true), "{}", ran.err);
        assert!(ran.err.len() < 1_000, "{}", ran.err.len());
        assert_eq!(texts(&server, &id).await[before..], ["before", "behind", "last"], "{why}");
    }
}

#[tokio::test]
async fn what_was_sent_from_here_is_shown_before_the_end() {
    let server = Running::start().await;
    let (desk, id) = (Desk::at(&server.host), server.chat().await);
    for (count, history) in [(1, "0"), (40, "0"), (3, "20")] {
        let connect = ["chat", "connect", "--chat_id", &id, "--user_id=ann", "--own", "--history", history];
        let ran = desk.fed(lines(count).join("\n").as_bytes(), &connect).await;
        assert_eq!(ran.code, 0, "{}", ran.err);
        let shown: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let texts: Vec<_> = shown.iter().map(|message| message["text"].as_str().expect("a text")).collect();
        assert_eq!(texts[texts.len() - count..], lines(count));
    }
}

#[tokio::test]
async fn what_was_said_before_is_shown_though_there_is_no_input() {
    let server = Running::start().await;
    let (desk, id) = (Desk::at(&server.host), server.chat().await);
    // Nothing was said: it ends all the same.
    let connect = ["chat", "connect", "--chat_id", &id, "--user_id=ann"];
    let ran = desk.run(&connect).await;
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
    for text in lines(10) {
        server.send(&id, "ben", &text).await;
    }
    for _ in 0..3 {
        let ran = desk.run(&connect).await;
        assert_eq!((ran.code, ran.out.lines().count()), (0, 10), "{}", ran.err);
    }
}

#[tokio::test]
async fn what_can_not_be_shown_is_not_waited_for() {
    // Somebody who answers once, and is gone before there is a stream.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let desk = Desk::at(&listener.local_addr().expect("an address").to_string());
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept()?;
        drop(listener);
        let _ = stream.read(&mut [0; 4_096])?;
        write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 15\r\n\r\n{{\"messages\":[]}}")
    });
    let ran = desk.run(&["chat", "connect", "--chat_id=c", "--user_id=ann"]).await;
    answering.join().expect("it answers").expect("a link");
    assert_eq!((ran.code, ran.err.contains("gone before the chat was shown")), (3, true), "{}", ran.err);
}

#[tokio::test]
async fn an_output_that_is_closed_is_no_mistake_where_nothing_was_lost() {
    let server = Running::start().await;
    let (desk, id) = (Desk::at(&server.host), server.chat().await);
    // More than a pipe holds, so that somebody has to read it.
    for _ in 0..20 {
        server.send(&id, "ben", &"a".repeat(20_000)).await;
    }
    let cases = [
        (&["chat", "history", "--chat_id", &id][..], false, 0),
        (&["chat", "connect", "--chat_id", &id, "--user_id=ann"], false, 0),
        // What it was given and could still be given is not all sent.
        (&["chat", "connect", "--chat_id", &id, "--user_id=ann"], true, 2),
    ];
    for (arguments, is_fed, code) in cases {
        let mut command = desk.command(arguments);
        if is_fed {
            command.stdin(Stdio::piped());
        }
        let mut child = command.spawn().expect("it starts");
        let input = child.stdin.take();
        drop(child.stdout.take());
        let ran = timeout(PATIENCE, child.wait_with_output()).await.expect("an end").expect("its errors");
        let said = String::from_utf8(ran.stderr).expect("text");
        assert_eq!((ran.status.code(), said.is_empty()), (Some(code), code == 0), "{arguments:?}: {said}");
        drop(input);
    }
}
