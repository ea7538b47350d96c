//! How many exports run at a time, and what those cost whose readers take their time.

use std::time::Duration;

use futures_util::future::join_all;
use micro_chat_server::auth::Claims;
use micro_chat_server::limits::Rates;
use micro_chat_server::server::Reach;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::export::{crowd, fill, write};
use crate::guarded::{Guarded, SECRET, key_file, token};
use crate::keys::key;
use crate::program::Program;
use crate::running::PATIENCE;
use crate::unread::slow;

/// What one export may have in memory, in MiB.
const SHARE: usize = 1;

/// A server with a group of Ann and Ben that has more messages than a connection takes up.
async fn start(rates: Rates) -> (Guarded, String) {
    let data = tempfile::tempdir().expect("a folder");
    let keys = [key_file(data.path(), "secret", SECRET)];
    let guarded = Guarded::limited(data, &keys, Claims::default(), Some(rates), Reach::NoTls).await;
    let group = guarded.ask(&token("ann"), "/chat/Create", json!({ "name": "g", "user_ids": ["ben"] })).await;
    fill(guarded.folder(), 2_000);
    let group_id = group["group"]["id"].as_str().expect("an id").to_owned();
    (guarded, group_id)
}

/// An export whose reader has taken the status alone, and that status.
async fn begin(host: &str, last: u8, token: &str, what: &str) -> (u16, TcpStream) {
    let question = format!("GET /chats/{what} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\r\n");
    let mut stream = slow(host, last, &question).await;
    let mut begun = [0; 12];
    timeout(PATIENCE, stream.read_exact(&mut begun)).await.expect("in time").expect("an answer");
    (String::from_utf8_lossy(&begun[9..]).parse().expect("a status"), stream)
}

/// What is still to come of one, up to its end or until it is broken off.
async fn rest(stream: &mut TcpStream) -> String {
    let (mut text, mut part) = (Vec::new(), vec![0; 64 << 10]);
    while !text.ends_with(b"\r\n0\r\n\r\n") {
        match timeout(PATIENCE, stream.read(&mut part)).await.expect("in time") {
            Ok(0) | Err(_) => break,
            Ok(read) => text.extend_from_slice(&part[..read]),
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// All of Ben, at once: the answer's status, its error's id where it is one, and its text.
async fn whole(guarded: &Guarded) -> (u16, String, String) {
    let request = guarded.server.http.post(guarded.server.url("/chats/ExportUser")).bearer_auth(token("ben"));
    let answer = request.body("{}").send().await.expect("an answer");
    let (status, text) = (answer.status().as_u16(), answer.text().await.expect("all of it"));
    let error: Value = serde_json::from_str(&text).unwrap_or_default();
    (status, error["Id"].as_str().unwrap_or_default().to_owned(), text)
}

/// Waits until another may begin, and that one gets all.
async fn has_room(guarded: &Guarded, after: &str) {
    let begun = Instant::now();
    loop {
        let (status, _, text) = whole(guarded).await;
        if status == 200 {
            assert!(text.lines().last().is_some_and(|line| line.starts_with("{\"end\"")), "{after}: {text}");
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{after} nothing is given back");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_ones_count_for_their_address_as_every_large_answer_does() {
    const ASKED: usize = 8;
    // Who is alone has room, and where there is no limit everybody has.
    for (unread_of_address, expected) in [(1, 1), (3 << 20, 3), (usize::MAX, ASKED)] {
        let rates = Rates { unread_of_address, exports: usize::MAX, ..Rates::default() };
        let (guarded, group_id) = start(rates).await;
        let (host, ben) = (&guarded.server.host, &token("ben"));
        let what = &format!("ExportChat?chat_id={group_id}");
        let asked = join_all((0..ASKED).map(|_| begin(host, 1, ben, what))).await;
        let (mut running, refused): (Vec<_>, Vec<_>) = asked.into_iter().partition(|(status, _)| *status == 200);
        assert_eq!((running.len(), refused.len()), (expected, ASKED - expected), "{unread_of_address}");
        for (status, mut stream) in refused {
            let mut answer = vec![0; 4 << 10];
            let read = timeout(PATIENCE, stream.read(&mut answer)).await.expect("in time").expect("an answer");
            let answer = String::from_utf8_lossy(&answer[..read]);
            assert!(status == 429 && answer.contains("\"gateway.TooManyRequests\""), "{answer}");
        }
        // Another address has its own, and who was let in gets all though nobody else is.
        assert_eq!(begin(host, 2, ben, what).await.0, 200);
        let text = rest(&mut running[0].1).await;
        assert!(text.contains("{\"end\":{\"chats\":1,\"messages\":2000}}"), "{}", text.len());
        assert_eq!(begin(host, 1, ben, what).await.0, 200, "what has ended counts no more");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_is_hung_up_or_breaks_off_makes_room() {
    let own = Rates { exports: 1, ..Rates::default() };
    let of_all = Rates { unread: 1, ..Rates::default() };
    for (rates, id) in [(own, "TOO_MANY_EXPORTS"), (of_all, "gateway.TooManyRequests")] {
        let (guarded, group_id) = start(rates).await;
        let what = format!("ExportChat?chat_id={group_id}");
        let begin = async || {
            let (status, stream) = begin(&guarded.server.host, 1, &token("ben"), &what).await;
            assert_eq!(status, 200);
            let (status, refused, _) = whole(&guarded).await;
            assert_eq!((status, refused.as_str()), (429, id));
            stream
        };
        assert!(rest(&mut begin().await).await.contains("{\"end\""));
        has_room(&guarded, "after the end").await;
        drop(begin().await);
        has_room(&guarded, "after a hang-up").await;
        let mut broken = begin().await;
        guarded.ask(&token("ann"), "/chat/Kick", json!({ "group_id": group_id, "user_id": "ben" })).await;
        assert!(!rest(&mut broken).await.contains("{\"end\""));
        has_room(&guarded, "after an error").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_read_before_somebody_was_put_out_is_not_handed_out_after() {
    let (guarded, group_id) = start(Rates::default()).await;
    // Two of them are read at once, and one alone is more than a connection takes up.
    write(guarded.folder(), "UPDATE messages SET text = printf('%.40000c', char(1))");
    let what = format!("ExportChat?chat_id={group_id}");
    let (status, mut stream) = begin(&guarded.server.host, 1, &token("ben"), &what).await;
    assert_eq!(status, 200);
    let message = "{\"message\"";
    let mut text = String::new();
    while !text.contains(message) {
        let byte = timeout(PATIENCE, stream.read_u8()).await.expect("in time").expect("a link");
        text.push(char::from(byte));
    }
    guarded.ask(&token("ann"), "/chat/Kick", json!({ "group_id": group_id, "user_id": "ben" })).await;
    let more = rest(&mut stream).await;
    assert!(more.len() > 200_000, "the first was not on its way: {}", more.len());
    assert_eq!(more.matches(message).count(), 0, "what was on its way, and nothing else");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_and_an_api_key_have_so_many_running_each() {
    const ASKED: usize = 6;
    let usual = Rates::default().exports;
    for (exports, expected) in [(usual, usual), (usize::MAX, ASKED)] {
        let (guarded, group_id) = start(Rates { exports, ..Rates::default() }).await;
        let what = &format!("ExportChat?chat_id={group_id}");
        let keys = [key(&guarded, "micro", "read"), key(&guarded, "micro", "read")];
        let mut kept = Vec::new();
        // Each has its own: two keys of a namespace, too.
        for caller in [&keys[0], &keys[1], &token("ann"), &token("ben")] {
            let asked = join_all((0..ASKED).map(|_| begin(&guarded.server.host, 1, caller, what))).await;
            let running = asked.iter().filter(|(status, _)| *status == 200).count();
            assert_eq!(running, expected);
            kept.extend(asked);
        }
        let (status, id, _) = whole(&guarded).await;
        let refused = (429, "TOO_MANY_EXPORTS".to_owned());
        assert_eq!((status, id), if expected < ASKED { refused } else { (200, String::new()) });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_ones_hold_no_more_memory_than_they_are_counted_for() {
    const ASKED: usize = 40;
    // What makes most of its bytes: full groups, and messages of which JSON makes six times as much.
    for is_of_members in [true, false] {
        let program = Program::start(&["--limit-exports", "off"], &[]).await;
        let request = reqwest::Client::new().post(format!("http://{}/chat/Create", program.host));
        let made = request.bearer_auth(token("ann")).body(json!({ "name": "g" }).to_string()).send().await;
        let group = made.expect("an answer").json::<Value>().await.expect("JSON");
        if is_of_members {
            crowd(program.data.path());
        } else {
            fill(program.data.path(), 2_000);
            write(program.data.path(), "UPDATE messages SET text = printf('%.32000c', char(1))");
        }
        let what = format!("ExportChat?chat_id={}", group["group"]["id"].as_str().expect("an id"));
        let before = program.memory();
        let mut readers = Vec::new();
        for _ in 0..ASKED {
            let (status, reader) = begin(&program.host, 1, &token("ann"), &what).await;
            assert_eq!(status, 200);
            readers.push(reader);
        }
        let mut most = 0;
        for _ in 0..20 {
            sleep(Duration::from_millis(50)).await;
            most = most.max(program.memory());
        }
        assert!(most < before + ASKED * SHARE, "{before} MiB grew to {most}");
    }
}
