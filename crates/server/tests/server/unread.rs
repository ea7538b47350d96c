//! Answers that somebody asks for and does not read.

use std::time::{Duration, Instant};

use axum::http::HeaderValue;
use futures_util::future::join_all;
use micro_chat_server::api::Origins;
use micro_chat_server::auth::Policy;
use micro_chat_server::limits::Rates;
use micro_chat_server::server::{Config, Reach};
use micro_chat_server::stream::Timing;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

use crate::guarded::token;
use crate::metrics::scrape;
use crate::program::Program;
use crate::running::{PATIENCE, Running, timing};
use crate::underway::call;

/// How long an answer may wait in these tests.
const HEAD: Duration = Duration::from_secs(1);

/// Messages of the chat that is asked for, each of the largest size: an answer has more than a mebibyte.
const MESSAGES: usize = 20;

/// Whose pages may read answers.
const SITE: &str = "https://shop.example.com";

/// A server with such a chat, where answers wait for so long.
async fn start(rates: Rates, head: Duration) -> (Running, String, TempDir) {
    let data = tempfile::tempdir().expect("a folder");
    let server = Running::of(Config {
        data: data.path().to_owned(),
        policy: Policy::Open,
        accounts: None,
        rates: Some(rates),
        origins: Origins::Listed(vec![HeaderValue::from_static(SITE)]),
        reach: Reach::NoTls,
        tls: None,
        timing: Timing { head, ..timing() },
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

/// Waits until the server has closed a connection, without reading from it.
async fn closed(stream: &mut TcpStream) {
    let closing = async {
        while stream.write_all(b"\r\n").await.is_ok() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, closing).await.expect("the server closes it");
}

#[tokio::test]
async fn whoever_takes_no_answer_is_let_go() {
    let (server, chat_id, _data) = start(Rates::default(), HEAD).await;
    let mut once = asking(&server, &chat_id, 1, 1).await;
    let mut often = asking(&server, &chat_id, 1, 20).await;
    for stream in [&mut once, &mut often] {
        closed(stream).await;
    }
}

#[tokio::test]
async fn whoever_takes_it_slowly_gets_all_of_it() {
    let (server, chat_id, _data) = start(Rates::default(), HEAD).await;
    let begun = Instant::now();
    loop {
        let (taken, longest, lasted) = taken_slowly(&server, &chat_id).await;
        if taken >= MESSAGES * (60 << 10) {
            assert!(lasted > 3 * HEAD, "too fast to show anything: {lasted:?}");
            return;
        }
        // A machine that stands still makes of whoever takes it slowly one who takes nothing.
        assert!(longest > HEAD / 2, "closed after {taken} bytes, though some were taken every {longest:?}");
        assert!(begun.elapsed() < PATIENCE, "this machine is too slow for this");
    }
}

/// How many bytes of an answer were given to somebody who takes some now and then, after which pause at the longest,
/// and how long that took.
async fn taken_slowly(server: &Running, chat_id: &str) -> (usize, Duration, Duration) {
    let mut slow = asking(server, chat_id, 1, 1).await;
    let (mut taken, mut part, begun) = (0, vec![0; 32 << 10], Instant::now());
    let (mut last, mut longest) = (begun, Duration::ZERO);
    while taken < MESSAGES * (60 << 10) {
        let read = slow.read(&mut part).await.unwrap_or_default();
        longest = longest.max(last.elapsed());
        last = Instant::now();
        if read == 0 {
            break;
        }
        taken += read;
        sleep(Duration::from_millis(60)).await;
    }
    (taken, longest, begun.elapsed())
}

#[tokio::test]
async fn answers_that_wait_are_bounded_for_an_address_and_others_get_theirs() {
    let rates = Rates { unread_of_address: 3 << 20, ..Rates::default() };
    // They wait until all of this was looked at.
    let (server, chat_id, _data) = start(rates, 8 * HEAD).await;
    let begin = async |last: u8| {
        let mut stream = asking(&server, &chat_id, last, 1).await;
        let mut begun = [0; 12];
        timeout(PATIENCE, stream.read_exact(&mut begun)).await.expect("in time").expect("an answer");
        (String::from_utf8_lossy(&begun[9..]).into_owned(), stream)
    };
    let mut waiting = join_all((0..6).map(|_| begin(1))).await;
    let status = async |last: u8| begin(last).await.0;
    assert_eq!((status(1).await, status(2).await), ("429".to_owned(), "200".to_owned()));
    for (_, stream) in &mut waiting {
        closed(stream).await;
    }
    assert_eq!(status(1).await, "200", "those that were let go count no more");
}

#[tokio::test]
async fn an_answer_too_many_is_refused_as_all_else_is_refused() {
    let rates = Rates { unread_of_address: 3 << 20, ..Rates::default() };
    let (server, chat_id, _data) = start(rates, PATIENCE).await;
    let ask = async |origin: &str| {
        let request = server.http.get(server.url(&format!("/chat/History?chat_id={chat_id}")));
        request.header("origin", origin).header("x-request-id", "mine").send().await.expect("an answer")
    };
    let fields = ["access-control-allow-origin", "access-control-expose-headers", "x-request-id"];
    let seen = |answer: &reqwest::Response| {
        [fields[0], fields[1], fields[2], "x-content-type-options"].map(|name| answer.headers().get(name).cloned())
    };
    let taken = ask(SITE).await;
    assert_eq!((taken.status().as_u16(), taken.headers()[fields[0]].to_str().ok()), (200, Some(SITE)));
    let expected = seen(&taken);
    assert!(expected.iter().all(Option::is_some), "{expected:?}");
    taken.bytes().await.expect("all of it");
    let mut waiting = Vec::new();
    for _ in 0..6 {
        waiting.push(asking(&server, &chat_id, 1, 1).await);
    }
    let refused = ask(SITE).await;
    assert_eq!((refused.status().as_u16(), seen(&refused)), (429, expected));
    assert!(refused.headers().contains_key("retry-after"));
    assert!(!ask("https://evil.example.com").await.headers().contains_key(fields[0]));
    let (text, samples) = scrape(&server.host).await;
    let of_status = |status| format!("micro_chat_requests_total{{endpoint=\"chat.History\",status=\"{status}\"}}");
    let [served, refused] = [200, 429].map(|status| samples.get(&of_status(status)).copied().unwrap_or_default());
    assert!(served + refused == 9.0 && refused >= 2.0, "{text}");
    assert_eq!(samples.get("micro_chat_errors_total{id=\"gateway.TooManyRequests\"}"), Some(&refused), "{text}");
}

/// Of a program of its own: what this one has in memory is other tests', too.
#[tokio::test]
async fn memory_is_bounded_however_much_is_asked_for() {
    let unlimited = ["--limit-requests", "off", "--limit-sends", "off", "--limit-connects", "off"];
    let program = Program::start(&unlimited, &[]).await;
    let http = reqwest::Client::new();
    let ask = async |path: &str, body: Value| call(&http, &program.host, "ann", path, body).await;
    let (_, chat) = ask("/chat/New", json!({ "user_ids": ["ann", "ben"] })).await;
    let chat_id = chat["chat_id"].as_str().expect("an id");
    for _ in 0..MESSAGES {
        let message = json!({ "chat_id": chat_id, "text": "x".repeat(60 << 10) });
        assert_eq!(ask("/chat/Send", message).await, (200, json!({})));
    }
    let question = format!(
        "GET /chat/History?chat_id={chat_id} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n\r\n",
        token("ann")
    );
    let before = program.memory();
    let mut waiting = Vec::new();
    let mut most = 0;
    for _ in 0..200 {
        waiting.push(slow(&program.host, 1, &question.repeat(20)).await);
        most = most.max(program.memory());
    }
    for _ in 0..20 {
        sleep(Duration::from_millis(50)).await;
        most = most.max(program.memory());
    }
    // Asked for are more than 4 GiB in 4,000 answers, of which 200 could wait at a time.
    println!("{before} MiB grew to {most}");
    assert!(most > before, "nothing was answered");
    assert!(most < before + 200, "{before} MiB grew to {most}");
    let (status, answer) = ask("/chat/History", json!({ "chat_id": chat_id, "limit": 1 })).await;
    assert_eq!((status, answer["messages"].as_array().map(Vec::len)), (200, Some(1)), "{answer}");
}
