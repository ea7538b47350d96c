//! Who isn't a member saw nothing: whatever comes before, and whatever happens at the same time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use micro_chat_server::auth::Claims;
use micro_chat_server::server::Reach;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::guarded::{Guarded, SECRET, key_file, token};
use crate::program::Program;
use crate::running::Stream;

const USERS: [&str; 4] = ["ann", "ben", "cleo", "dan"];

/// What somebody tries.
#[derive(Clone, Copy, Debug)]
enum Step {
    Join,
    Leave,
    Invite,
    Kick,
    Send,
    Delete,
}

/// Who tries what, on whom, in which of the two groups: a public one and a private one, both Ann's.
#[derive(Clone, Copy, Debug)]
struct Try {
    step: Step,
    who: usize,
    whom: usize,
    private: bool,
}

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let step = prop_oneof![
        4 => Just(Step::Join),
        3 => Just(Step::Leave),
        3 => Just(Step::Invite),
        3 => Just(Step::Kick),
        8 => Just(Step::Send),
        1 => Just(Step::Delete),
    ];
    let one = (step, 0..USERS.len(), 0..USERS.len(), any::<bool>());
    let one = one.prop_map(|(step, who, whom, private)| Try { step, who, whom, private });
    prop::collection::vec(one, 1..40)
}

/// A group as the rules say it is, told in another way than the server's.
#[derive(Debug, Default)]
struct Model {
    members: BTreeSet<usize>,
    is_gone: bool,
    /// Messages, each with who may have seen it: its members when it was sent, and who came later.
    messages: BTreeMap<String, BTreeSet<usize>>,
}

impl Model {
    /// The status that a try gets, and what becomes of the group.
    fn step(&mut self, a: Try, text: &str) -> u16 {
        let (who, whom) = (a.who, a.whom);
        let is_member = self.members.contains(&who);
        if self.is_gone || (a.private && !is_member) {
            return 400;
        }
        match a.step {
            Step::Join => self.come(who),
            Step::Leave => self.go(who),
            Step::Invite if !is_member => 400,
            Step::Invite => self.come(whom),
            Step::Kick if who != 0 => 403,
            Step::Kick => self.go(whom),
            Step::Send if !is_member => 400,
            Step::Send => {
                self.messages.insert(text.to_owned(), self.members.clone());
                200
            }
            Step::Delete if who != 0 => 403,
            Step::Delete => {
                self.is_gone = true;
                self.members.clear();
                200
            }
        }
    }

    fn come(&mut self, who: usize) -> u16 {
        self.members.insert(who);
        self.messages.values_mut().for_each(|seen| _ = seen.insert(who));
        200
    }

    fn go(&mut self, who: usize) -> u16 {
        self.members.remove(&who);
        200
    }
}

/// All texts in what a stream has brought so far.
async fn heard(stream: &mut Stream) -> Vec<String> {
    let mut texts = Vec::new();
    while let Ok(frame) = tokio::time::timeout(Duration::from_millis(30), stream.json()).await {
        for message in frame[4].as_array().into_iter().flatten() {
            texts.push(message["text"].as_str().expect("a text").to_owned());
        }
    }
    texts
}

/// Does all of it on the server and in the model; how much was heard.
async fn run(guarded: &Guarded, tries: &[Try]) -> u64 {
    let mut groups = Vec::new();
    for private in [false, true] {
        let body = json!({ "name": "g", "private": private });
        let group = guarded.ask(&token("ann"), "/chat/Create", body).await;
        groups.push((group["group"]["id"].as_str().expect("an id").to_owned(), Model::default()));
    }
    groups.iter_mut().for_each(|(_, model)| _ = model.come(0));
    let mut streams = Vec::new();
    for user in USERS {
        let mut stream = guarded.session(json!({ "token": token(user) })).await;
        assert_eq!(stream.json().await[0], 20);
        streams.push(stream);
    }
    for (at, a) in tries.iter().enumerate() {
        let (id, model) = &mut groups[usize::from(a.private)];
        // Whoever tries listens as well, as far as they are let: before and behind the change.
        let subscribe = json!([2, 2 * at + 1, id, 0, 0]);
        streams[a.who].send(&subscribe).await;
        streams[a.whom].send(json!([2, 2 * at + 2, id, 0, 0])).await;
        let text = format!("message {at}");
        let body = match a.step {
            Step::Send => json!({ "group_id": id, "text": text }),
            _ => json!({ "group_id": id, "user_id": USERS[a.whom] }),
        };
        let path = format!("/v1/chat/{:?}", a.step);
        let (status, answer) = guarded.call(&token(USERS[a.who]), "", &path, body).await;
        assert_eq!(status, model.step(*a, &text), "{at}: {a:?}: {answer}");
    }
    for (id, model) in &groups {
        for (who, user) in USERS.iter().enumerate() {
            let history = guarded.call(&token(user), "", "/chat/History", json!({ "chat_id": id })).await;
            assert_eq!(history.0 == 200, model.members.contains(&who), "{user}: {}", history.1);
        }
    }
    let mut all_heard = 0;
    for (who, stream) in streams.iter_mut().enumerate() {
        for text in heard(stream).await {
            all_heard += 1;
            let seen = groups.iter().find_map(|(_, model)| model.messages.get(&text)).expect("somebody sent it");
            assert!(seen.contains(&who), "{} saw {text:?}", USERS[who]);
        }
    }
    all_heard
}

#[test]
fn whoever_is_no_member_saw_nothing_after_any_sequence_of_joins_kicks_and_sends() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    let guarded = runtime.block_on(Guarded::start());
    let config = ProptestConfig { cases: 48, max_shrink_iters: 200, failure_persistence: None, ..Default::default() };
    let all_heard = AtomicU64::new(0);
    proptest!(config, |(tries in tries())| {
        all_heard.fetch_add(runtime.block_on(run(&guarded, &tries)), Ordering::Relaxed);
    });
    let all_heard = all_heard.into_inner();
    assert!(all_heard > 50, "members heard {all_heard} messages: the others had hardly a chance");
}

/// A session whose welcome was heard, on a server that may be another program.
pub async fn session(host: &str, token: &str) -> Stream {
    let request = format!("ws://{host}/chat/Connect");
    let mut request =
        tokio_tungstenite::tungstenite::client::IntoClientRequest::into_client_request(request).expect("a request");
    request.headers_mut().insert("sec-websocket-protocol", "micro.chat.v1".parse().expect("a header"));
    let (socket, _) = tokio_tungstenite::connect_async(request).await.expect("an upgrade");
    let mut stream = Stream { socket };
    stream.send(json!([1, { "token": token }])).await;
    assert_eq!(stream.json().await[0], 20);
    stream
}

async fn call(http: &reqwest::Client, host: &str, user: &str, path: &str, body: Value) -> Value {
    let request = http.post(format!("http://{host}{path}")).bearer_auth(token(user)).body(body.to_string());
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.expect("JSON")
}

/// Users who begin to read a long chat are put out while they do; after each something is said that they must not hear.
/// Whether one of so many did.
async fn is_heard_behind_their_back(host: &str, readers: usize) -> bool {
    let http = reqwest::Client::new();
    let readers: Vec<_> = (0..readers).map(|n| format!("reader-{n}")).collect();
    let body = json!({ "name": "g", "private": true, "user_ids": readers });
    let group = call(&http, host, "ann", "/chat/Create", body).await["group"]["id"].as_str().expect("an id").to_owned();
    let text = "x".repeat(4_000);
    for _ in 0..20 {
        let some = (0..50).map(|_| call(&http, host, "ann", "/chat/Send", json!({ "chat_id": group, "text": text })));
        futures_util::future::join_all(some).await;
    }
    for (n, reader) in readers.iter().enumerate() {
        let mut stream = session(host, &token(reader)).await;
        stream.send(json!([2, 1, group, 0, 0])).await;
        let (end, mut is_over) = tokio::sync::oneshot::channel();
        let listening = tokio::spawn(async move {
            let mut texts = Vec::new();
            // Until all is said, however long that takes, and what was said has come.
            while is_over.try_recv().is_err() {
                texts.extend(heard(&mut stream).await);
            }
            texts.extend(heard(&mut stream).await);
            texts
        });
        tokio::time::sleep(Duration::from_micros(fastrand::u64(..12_000))).await;
        call(&http, host, "ann", "/chat/Kick", json!({ "group_id": group, "user_id": reader })).await;
        call(&http, host, "ann", "/chat/Send", json!({ "chat_id": group, "text": format!("secret {n}") })).await;
        end.send(()).expect("it listens");
        let texts = listening.await.expect("it listens");
        if texts.contains(&format!("secret {n}")) {
            return true;
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_put_out_while_they_catch_up_hears_nothing_that_is_said_behind_their_back() {
    let data = tempfile::tempdir().expect("a folder");
    let keys = [key_file(data.path(), "secret", SECRET)];
    let guarded = Guarded::limited(data, &keys, Claims::default(), None, Reach::NoTls).await;
    assert!(!is_heard_behind_their_back(&guarded.server.host, 40).await);
}

/// The negative control: a server that does not ask again is caught.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_asks_only_once_who_is_a_member_is_caught() {
    let broken =
        Program::start(&["--limit-sends", "off", "--limit-requests", "off"], &[("MICRO_CHAT_BREAK", "members")]).await;
    assert!(is_heard_behind_their_back(&broken.host, 200).await);
}
