//! How much one may do before others would notice.

use std::time::{Duration, Instant};

use micro_chat_server::auth::Claims;
use micro_chat_server::limits::{Rate, Rates};
use micro_chat_server::server::Reach;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{self, client::IntoClientRequest};

use crate::guarded::{Guarded, SECRET, ended, key_file, seconds, sign, token};
use crate::running::PATIENCE;

async fn limited(rates: Rates, reach: Reach) -> Guarded {
    let data = tempfile::tempdir().expect("a folder");
    let keys = [key_file(data.path(), "secret", SECRET)];
    Guarded::limited(data, &keys, Claims::default(), Some(rates), reach).await
}

/// So many at once, and one more in a minute.
fn rarely(burst: u32) -> Rate {
    format!("1/min:{burst}").parse().expect("a rate")
}

/// Sends by HTTP; the status, and the answer.
async fn send(guarded: &Guarded, user: &str, chat_id: &str) -> (u16, Value) {
    guarded.call(&token(user), "", "/chat/Send", json!({ "chat_id": chat_id, "text": "hello" })).await
}

#[tokio::test]
async fn who_sends_too_much_is_told_when_to_go_on_and_others_go_on() {
    let rates = Rates { sends: Rate::new(2, 3), ..Rates::default() };
    let guarded = limited(rates, Reach::NoTls).await;
    let chat_id = guarded.chat().await;
    let (begun, mut taken, mut took) = (Instant::now(), 0_u64, 0.0);
    let refused = loop {
        let request = guarded.server.http.post(guarded.server.url("/chat/Send")).bearer_auth(token("ann"));
        let body = json!({ "chat_id": chat_id, "text": "hello" }).to_string();
        let answer = request.body(body).send().await.expect("an answer");
        if answer.status() != 200 {
            break answer;
        }
        (taken, took) = (taken + 1, begun.elapsed().as_secs_f64());
        assert!(begun.elapsed() < PATIENCE, "{taken} in {took} seconds");
    };
    // On a machine that stands still in between, more have become hers meanwhile.
    assert!((3..=3 + (2.0 * took) as u64).contains(&taken), "{taken} in {took} seconds");
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "1");
    let error: Value = refused.json().await.expect("JSON");
    assert_eq!(error["Id"], "chat.Send.TooMany");
    let wait = error["retry_after"].as_u64().expect("a time");
    assert!((1..=501).contains(&wait), "{wait}");
    assert_eq!(send(&guarded, "ben", &chat_id).await.0, 200);
    tokio::time::sleep(Duration::from_millis(wait)).await;
    assert_eq!(send(&guarded, "ann", &chat_id).await.0, 200);
}

#[tokio::test]
async fn a_flood_on_a_stream_is_slowed_down_and_keeps_its_order() {
    let rates = Rates { sends: Rate::new(10, 5), ..Rates::default() };
    let guarded = limited(rates, Reach::NoTls).await;
    let chat_id = guarded.chat().await;
    let mut ann = guarded.session(json!({ "token": token("ann") })).await;
    ann.send(json!([2, 1, chat_id, 0, -1])).await;
    let begun = Instant::now();
    for n in 1..=45 {
        ann.send(json!([4, n, 1, { "client_id": format!("c{n}"), "text": format!("text {n}") }])).await;
    }
    // Meanwhile nobody else waits.
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(send(&guarded, "ben", &chat_id).await.0, 200);
    let mut acks = Vec::new();
    while acks.len() < 45 {
        let frame = ann.json().await;
        if frame[0] == 24 {
            acks.push(frame[1].as_u64().expect("a number"));
        }
    }
    assert_eq!(acks, (1..=45).collect::<Vec<_>>());
    assert!(begun.elapsed() >= Duration::from_millis(3_900), "{:?}", begun.elapsed());
    let history = guarded.ask(&token("ann"), "/chat/History", json!({ "chat_id": chat_id })).await;
    let messages = history["messages"].as_array().expect("messages");
    assert_eq!(messages.last().expect("messages")["user_id"], "ann", "ben waited, too");
    let own = messages.iter().filter(|message| message["user_id"] == "ann");
    let texts: Vec<_> = own.map(|message| message["text"].as_str().expect("a text").to_owned()).collect();
    assert_eq!(texts, (1..=45).map(|n| format!("text {n}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_user_opens_so_many_chats_and_so_many_streams() {
    let rates = Rates { chats: rarely(2), streams_of_user: 2, ..Rates::default() };
    let guarded = limited(rates, Reach::NoTls).await;
    let new = async |user: &str, other: &str| {
        guarded.call(&token(user), "", "/chat/New", json!({ "user_ids": [user, other] })).await
    };
    assert_eq!((new("ann", "ben").await.0, new("ann", "cem").await.0), (200, 200));
    let (status, answer) = new("ann", "dan").await;
    assert_eq!((status, &answer["Id"]), (429, &json!("chat.New.TooMany")));
    assert_eq!(new("ben", "dan").await.0, 200);

    let hello = json!({ "token": token("ann") });
    let mut streams = [guarded.session(hello.clone()).await, guarded.session(hello.clone()).await];
    for stream in &mut streams {
        assert_eq!(stream.json().await[0], 20);
    }
    let mut third = guarded.session(hello.clone()).await;
    // It may come back.
    assert_eq!(ended(&mut third).await, ("gateway.TooManyStreams".to_owned(), 1011));
    assert_eq!(guarded.session(json!({ "token": token("ben") })).await.json().await[0], 20);
    drop(streams);
    let begun = Instant::now();
    while guarded.session(hello.clone()).await.json().await[0] != 20 {
        assert!(begun.elapsed() < PATIENCE, "a stream that has ended makes room");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_address_that_calls_too_often_is_refused() {
    let rates = Rates { requests: rarely(4), ..Rates::default() };
    let guarded = limited(rates, Reach::NoTls).await;
    guarded.chat().await;
    let history = async || guarded.call(&token("ann"), "", "/chat/History", json!({ "chat_id": "x" })).await;
    for _ in 0..3 {
        assert_eq!(history().await.0, 400);
    }
    let (status, answer) = history().await;
    assert_eq!((status, &answer["Id"]), (429, &json!("gateway.TooManyRequests")));
    let request = guarded.server.http.get(guarded.server.url("/chat/Connect"));
    let handshake = [("upgrade", "websocket"), ("connection", "upgrade"), ("sec-websocket-version", "13")];
    let request = handshake.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let refused = request.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==").send().await.expect("an answer");
    assert_eq!(refused.status(), 429);
}

#[tokio::test]
async fn only_behind_a_proxy_is_an_address_what_a_header_says() {
    let rates = || Rates { requests: rarely(2), ..Rates::default() };
    for (reach, statuses) in [(Reach::BehindProxy, [400, 400, 400, 429]), (Reach::NoTls, [400, 400, 429, 429])] {
        let guarded = limited(rates(), reach).await;
        let mut seen = Vec::new();
        // A client can say what it likes: only what the proxy added counts, and that is the last.
        for forwarded in
            ["198.51.100.1, 192.0.2.1", "198.51.100.2, 192.0.2.1", "192.0.2.2", "198.51.100.4, 192.0.2.1:4711"]
        {
            let request = guarded.server.http.post(guarded.server.url("/chat/History")).bearer_auth(token("ann"));
            let answer = request.header("x-forwarded-for", forwarded).body("{}").send().await.expect("an answer");
            seen.push(answer.status().as_u16());
        }
        assert_eq!(seen, statuses, "{reach:?}");
    }
}

#[tokio::test]
async fn an_address_has_so_many_connections_whatever_comes_on_them() {
    use tokio::io::AsyncReadExt;
    let rates = Rates { connections: 3, ..Rates::default() };
    let guarded = limited(rates, Reach::NoTls).await;
    let connect = async || tokio::net::TcpStream::connect(&guarded.server.host).await.expect("a connection");
    let silent = [connect().await, connect().await, connect().await];
    let mut nothing = Vec::new();
    let closed = tokio::time::timeout(PATIENCE, async {
        let _ = connect().await.read_to_end(&mut nothing).await;
    });
    closed.await.expect("the fourth is closed");
    drop(silent);
    let begun = Instant::now();
    while guarded.server.http.get(guarded.server.url("/healthz")).send().await.is_err() {
        assert!(begun.elapsed() < PATIENCE, "those that are gone make room");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn all_users_of_a_namespace_send_so_much_and_other_namespaces_do_not_notice() {
    let rates = Rates { sends_of_namespace: rarely(2), ..Rates::default() };
    let guarded = limited(rates, Reach::NoTls).await;
    let chat_id = guarded.chat().await;
    let statuses = [
        send(&guarded, "ann", &chat_id).await.0,
        send(&guarded, "ben", &chat_id).await.0,
        send(&guarded, "ann", &chat_id).await.0,
        send(&guarded, "ben", &chat_id).await.0,
    ];
    assert_eq!(statuses, [200, 200, 429, 429]);
    let other = sign(&json!({ "sub": "ann", "namespace": "other", "exp": seconds() + 60 }));
    let chat = guarded.ask(&other, "/chat/New", json!({ "user_ids": ["ann"] })).await;
    guarded.ask(&other, "/chat/Send", json!({ "chat_id": chat["chat_id"], "text": "hello" })).await;
}

#[tokio::test]
async fn an_address_behind_a_proxy_has_so_many_streams() {
    let rates = Rates { streams_of_address: 1, ..Rates::default() };
    let guarded = limited(rates, Reach::BehindProxy).await;
    let open = async |address: &'static str| {
        let url = guarded.server.url("/chat/Connect").replace("http", "ws");
        let mut request = url.into_client_request().expect("a request");
        request.headers_mut().insert("x-forwarded-for", address.parse().expect("a header"));
        tokio_tungstenite::connect_async(request).await
    };
    let first = open("192.0.2.1").await.expect("a stream");
    let Err(tungstenite::Error::Http(refused)) = open("192.0.2.1").await else { panic!("one too many") };
    assert_eq!(refused.status(), 429);
    assert!(open("192.0.2.2").await.is_ok());
    drop(first);
}

#[tokio::test]
async fn so_many_bytes_come_from_a_user_and_from_an_address() {
    let kibibytes = |count: u32| Rate::new(100, count << 10);
    let rates = Rates { bytes_of_user: kibibytes(20), bytes_of_address: kibibytes(70), ..Rates::default() };
    let guarded = limited(rates, Reach::NoTls).await;
    let chat_id = guarded.chat().await;
    let text = "x".repeat(15 << 10);
    let say = async |user: &str| {
        let request = guarded.server.http.post(guarded.server.url("/chat/Send")).bearer_auth(token(user));
        let body = json!({ "chat_id": chat_id, "text": text }).to_string();
        request.body(body).send().await.expect("an answer")
    };
    assert_eq!(say("ann").await.status(), 200);
    let refused = say("ann").await;
    assert_eq!((refused.status().as_u16(), refused.headers().contains_key("retry-after")), (429, true));
    assert_eq!(refused.json::<Value>().await.expect("JSON")["Id"], "gateway.TooManyRequests");
    assert_eq!(say("ben").await.status(), 200);
    // Many users of one address together, each of whom may.
    let mut statuses = Vec::new();
    for number in 0..6 {
        statuses.push(say(&format!("user{number}")).await.status().as_u16());
    }
    // They may not write there, but their bytes have come.
    assert_eq!(statuses, [400, 400, 429, 429, 429, 429]);
}

#[tokio::test]
async fn asking_whether_it_lives_counts_like_a_call() {
    let rates = Rates { requests: rarely(3), ..Rates::default() };
    let guarded = limited(rates, Reach::NoTls).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let answer = guarded.server.http.get(guarded.server.url("/healthz")).send().await.expect("an answer");
        statuses.push(answer.status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 200, 429]);
}

#[tokio::test]
async fn what_is_off_is_not_limited() {
    let rates = Rates { requests: Rate::UNLIMITED, sends: Rate::UNLIMITED, ..Rates::default() };
    let guarded = limited(rates, Reach::NoTls).await;
    let chat_id = guarded.chat().await;
    for _ in 0..600 {
        assert_eq!(send(&guarded, "ann", &chat_id).await.0, 200);
    }
}

#[tokio::test]
async fn an_address_with_too_many_connections_is_not_anothers_worry() {
    an_address_floods(Rates { connections: 5, ..Rates::default() }, true).await;
}

#[tokio::test]
async fn an_address_that_connects_too_often_is_not_anothers_worry() {
    an_address_floods(Rates { connects: rarely(5), ..Rates::default() }, false).await;
}

/// One address opens fifty connections, and keeps them or not: five of them are served. Another one does not notice.
async fn an_address_floods(rates: Rates, keeps: bool) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let guarded = limited(rates, Reach::NoTls).await;
    let connect = async |last: u8| {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind(([127, 0, 0, last], 0).into()).expect("an address");
        socket.connect(guarded.server.host.parse().expect("an address")).await.expect("a connection")
    };
    let serves = async |stream: &mut tokio::net::TcpStream| {
        let mut begun = [0; 12];
        // Where the other side is closed already, it is refused.
        let _ = stream.write_all(b"GET /assets/none HTTP/1.1\r\nhost: a\r\n\r\n").await;
        let read = tokio::time::timeout(PATIENCE, stream.read_exact(&mut begun)).await;
        read.expect("in time").is_ok_and(|_| begun.starts_with(b"HTTP/1.1 404"))
    };
    let mut crowd = Vec::new();
    let mut served = 0;
    for _ in 0..50 {
        let mut stream = connect(2).await;
        served += usize::from(serves(&mut stream).await);
        crowd.extend(keeps.then_some(stream));
    }
    assert_eq!(served, 5);
    assert!(serves(&mut connect(3).await).await);
}
