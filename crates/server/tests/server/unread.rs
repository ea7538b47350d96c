//! Answers that somebody asks for and does not read.

use std::time::{Duration, Instant};

use micro_chat_server::api::Origins;
use micro_chat_server::auth::Policy;
use micro_chat_server::limits::{Rate, Rates};
use micro_chat_server::server::{Config, Reach};
use micro_chat_server::stream::Timing;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

use crate::running::{PATIENCE, Running, timing};

/// How long an answer may wait in these tests.
const HEAD: Duration = Duration::from_millis(400);

/// Messages of the chat that is asked for, each of the largest size: an answer has more than a mebibyte.
const MESSAGES: usize = 20;

/// A server with such a chat.
async fn start(rates: Rates) -> (Running, String, TempDir) {
    let data = tempfile::tempdir().expect("a folder");
    let server = Running::of(Config {
        data: data.path().to_owned(),
        policy: Policy::Open,
        accounts: None,
        rates: Some(rates),
        origins: Origins::All,
        reach: Reach::NoTls,
        tls: None,
        timing: Timing { head: HEAD, ..timing() },
        retention: micro_chat_server::chat::retention::Retention::default(),
    })
    .await;
    let chat_id = server.chat().await;
    for _ in 0..MESSAGES {
        server.send(&chat_id, "ann", &"x".repeat(60 << 10)).await;
    }
    (server, chat_id, data)
}

/// A connection from that loopback address, with little room for answers, that has asked so many times.
async fn asking(server: &Running, chat_id: &str, last: u8, times: usize) -> TcpStream {
    let question = format!("GET /chat/History?chat_id={chat_id} HTTP/1.1\r\nhost: a\r\n\r\n");
    slow(&server.host, last, &question.repeat(times)).await
}

/// The same, that has asked that.
pub async fn slow(host: &str, last: u8, questions: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4 << 10).expect("a small buffer");
    socket.bind(([127, 0, 0, last], 0).into()).expect("an address");
    let mut stream = socket.connect(host.parse().expect("an address")).await.expect("a connection");
    stream.write_all(questions.as_bytes()).await.expect("a link");
    stream
}

/// How long it took until the server has closed a connection, without reading from it.
async fn closed(stream: &mut TcpStream) -> Duration {
    let begun = Instant::now();
    let closing = async {
        while stream.write_all(b"\r\n").await.is_ok() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, closing).await.expect("the server closes it");
    begun.elapsed()
}

/// The memory of this process, in MiB: the server's is in it.
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("a status");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a size");
    line.split_whitespace().nth(1).and_then(|size| size.parse::<usize>().ok()).expect("a number") / 1024
}

#[tokio::test]
async fn whoever_takes_no_answer_is_let_go() {
    let (server, chat_id, _data) = start(Rates::default()).await;
    let mut once = asking(&server, &chat_id, 1, 1).await;
    let mut often = asking(&server, &chat_id, 1, 20).await;
    for stream in [&mut once, &mut often] {
        let lasted = closed(stream).await;
        assert!(lasted < 5 * HEAD, "{lasted:?}");
    }
}

#[tokio::test]
async fn whoever_takes_it_slowly_gets_all_of_it() {
    let (server, chat_id, _data) = start(Rates::default()).await;
    let mut slow = asking(&server, &chat_id, 1, 1).await;
    let (mut taken, mut part, begun) = (0, vec![0; 32 << 10], Instant::now());
    while taken < MESSAGES * (60 << 10) {
        let read = slow.read(&mut part).await.expect("a link");
        assert!(read > 0, "closed after {taken} bytes");
        taken += read;
        sleep(Duration::from_millis(30)).await;
    }
    assert!(begun.elapsed() > 3 * HEAD, "too fast to show anything: {:?}", begun.elapsed());
}

#[tokio::test]
async fn answers_that_wait_are_bounded_for_an_address_and_others_get_theirs() {
    let rates = Rates { unread_of_address: 3 << 20, ..Rates::default() };
    let (server, chat_id, _data) = start(rates).await;
    let mut waiting = Vec::new();
    for _ in 0..6 {
        waiting.push(asking(&server, &chat_id, 1, 1).await);
    }
    let status = async |last: u8| {
        let mut stream = asking(&server, &chat_id, last, 1).await;
        let mut begun = [0; 12];
        timeout(PATIENCE, stream.read_exact(&mut begun)).await.expect("in time").expect("an answer");
        String::from_utf8_lossy(&begun[9..]).into_owned()
    };
    assert_eq!((status(1).await, status(2).await), ("429".to_owned(), "200".to_owned()));
    for stream in &mut waiting {
        closed(stream).await;
    }
    assert_eq!(status(1).await, "200", "those that were let go count no more");
}

#[tokio::test]
async fn memory_is_bounded_however_much_is_asked_for() {
    let rates = Rates { requests: Rate::UNLIMITED, connects: Rate::UNLIMITED, ..Rates::default() };
    let (server, chat_id, _data) = start(rates).await;
    let before = memory();
    let mut waiting = Vec::new();
    let mut most = 0;
    for _ in 0..200 {
        waiting.push(asking(&server, &chat_id, 1, 20).await);
        most = most.max(memory());
    }
    for _ in 0..20 {
        sleep(Duration::from_millis(50)).await;
        most = most.max(memory());
    }
    // Asked for are more than 4 GiB in 4,000 answers, of which 200 could wait at a time.
    assert!(most < before + 200, "{before} MiB grew to {most}");
    let answer = server.ask("/chat/History", json!({ "chat_id": chat_id, "limit": 1 })).await;
    assert_eq!(answer["messages"].as_array().map(Vec::len), Some(1));
}
