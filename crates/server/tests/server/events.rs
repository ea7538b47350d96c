//! Who is in a chat, and who comes and goes: told to whoever asks for it with SUBSCRIBE, and to nobody else.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use micro_chat_client::{Client, Event, Start};
use micro_chat_server::store::{GroupChange, GroupName};
use micro_chat_wire::limit;
use micro_chat_wire::member::MemberEvent;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::groups::{act, group};
use crate::guarded::{Guarded, token};
use crate::running::{PATIENCE, Running, Stream};

/// A session that has subscribed to the chat as handle 1, from now on, and asked for its members: up to LIVE.
async fn watching(guarded: &Guarded, user_id: &str, chat_id: &str) -> Stream {
    let mut stream = guarded.session(json!({ "token": token(user_id) })).await;
    assert_eq!(stream.json().await[0], 20);
    watch(&mut stream, 1, chat_id).await;
    stream
}

async fn watch(stream: &mut Stream, handle: u32, chat_id: &str) {
    stream.send(json!([2, handle, chat_id, 0, -1, true])).await;
    assert_eq!((stream.json().await[0].clone(), stream.json().await[0].clone()), (json!(21), json!(23)));
}

/// The body of the EVENT for handle 1 that comes next.
async fn event(stream: &mut Stream) -> Value {
    let frame = stream.json().await;
    assert_eq!((&frame[0], &frame[1]), (&json!(27), &json!(1)), "{frame}");
    frame[2].clone()
}

/// A group of an open server.
async fn open_group(server: &Running, user_ids: &[String]) -> String {
    let answer = server.ask("/chat/Create", json!({ "name": "lunch", "user_ids": user_ids })).await;
    answer["group"]["id"].as_str().expect("an id").to_owned()
}

/// Somebody comes in, or goes, as the rules would let them; without the list of members that an answer has.
async fn turn(server: &Running, id: &str, user_id: &str, change: GroupChange) {
    let name = GroupName {
        namespace: "micro".to_owned(),
        id: id.to_owned(),
        actor: String::new(),
        target: user_id.to_owned(),
    };
    server.store.change_group(name, move |_| Ok::<_, ()>(change)).await.expect("a commit").expect("a change");
}

/// What somebody who listens knows of the members of the chat under handle 1.
#[derive(Default)]
struct Known {
    user_ids: BTreeSet<String>,
    is_listing: bool,
    /// How many lists there were, and how many single changes.
    lists: usize,
    changes: usize,
}

impl Known {
    fn hear(&mut self, event: &Value) {
        match serde_json::from_value(event.clone()).expect("an event") {
            MemberEvent::Members { user_ids, has_more } => {
                if !std::mem::replace(&mut self.is_listing, has_more) {
                    self.user_ids.clear();
                    self.lists += 1;
                }
                self.user_ids.extend(user_ids);
                return;
            }
            MemberEvent::Joined { user_id } | MemberEvent::Invited { user_id, .. } => self.user_ids.insert(user_id),
            MemberEvent::Left { user_id } | MemberEvent::Kicked { user_id, .. } => self.user_ids.remove(&user_id),
        };
        self.changes += 1;
    }

    /// Who is there once nothing more comes.
    async fn at_last(&mut self, stream: &mut Stream) -> &BTreeSet<String> {
        while let Ok(frame) = timeout(Duration::from_millis(150), stream.json()).await {
            if frame[0] == 27 && frame[1] == 1 {
                self.hear(&frame[2]);
            }
        }
        &self.user_ids
    }
}

fn names(user_ids: impl IntoIterator<Item = impl ToString>) -> BTreeSet<String> {
    user_ids.into_iter().map(|user_id| user_id.to_string()).collect()
}

#[tokio::test]
async fn whoever_asks_hears_first_who_is_there_and_then_each_kind_of_change_once() {
    let guarded = Guarded::start().await;
    let id = group(&guarded, false, json!(["ben"])).await;
    let mut ben = watching(&guarded, "ben", &id).await;
    assert_eq!(event(&mut ben).await, json!({ "type": "members", "user_ids": ["ann", "ben"] }));
    for (actor, method, target, status) in [
        ("cat", "Join", "", 200),
        ("cat", "Join", "", 200),
        ("ben", "Invite", "dan", 200),
        ("ben", "Invite", "dan", 200),
        ("cat", "Leave", "", 200),
        ("cat", "Leave", "", 200),
        ("ben", "Kick", "dan", 403),
        ("ann", "Kick", "dan", 200),
    ] {
        assert_eq!(act(&guarded, actor, method, &id, target).await.0, status, "{actor} {method} {target}");
    }
    for expected in [
        json!({ "type": "joined", "user_id": "cat" }),
        json!({ "type": "invited", "user_id": "dan", "by": "ben" }),
        json!({ "type": "left", "user_id": "cat" }),
        json!({ "type": "kicked", "user_id": "dan", "by": "ann" }),
    ] {
        assert_eq!(event(&mut ben).await, expected);
    }
    assert!(ben.is_quiet().await, "what changed nothing is no event");
}

#[tokio::test]
async fn an_event_stands_among_messages_where_it_happened() {
    let guarded = Guarded::start().await;
    let id = group(&guarded, false, json!(["ben"])).await;
    let mut ben = watching(&guarded, "ben", &id).await;
    event(&mut ben).await;
    for round in 0..20 {
        assert_eq!(act(&guarded, "cat", "Join", &id, "").await.0, 200);
        guarded.ask(&token("cat"), "/chat/Send", json!({ "chat_id": id, "text": "hello" })).await;
        assert_eq!(act(&guarded, "cat", "Leave", &id, "").await.0, 200);
        assert_eq!(event(&mut ben).await["type"], "joined");
        // It takes no place of a message.
        let message = ben.json().await;
        assert_eq!((&message[0], &message[2], &message[3]), (&json!(22), &json!(round + 1), &json!(round + 1)));
        assert_eq!(event(&mut ben).await["type"], "left");
    }
}

#[tokio::test]
async fn who_comes_back_hears_who_is_there_now_and_nothing_of_what_they_missed() {
    let guarded = Guarded::start().await;
    let id = group(&guarded, false, json!(["ben"])).await;
    let mut ben = watching(&guarded, "ben", &id).await;
    event(&mut ben).await;
    drop(ben);
    for (actor, method, target) in [("cat", "Join", ""), ("ann", "Invite", "dan"), ("cat", "Leave", "")] {
        assert_eq!(act(&guarded, actor, method, &id, target).await.0, 200);
    }
    let mut ben = watching(&guarded, "ben", &id).await;
    assert_eq!(event(&mut ben).await, json!({ "type": "members", "user_ids": ["ann", "ben", "dan"] }));
    // The same handle, subscribed anew on the same socket, hears of nothing that waited for the one before.
    ben.send(json!([3, 1])).await;
    assert_eq!(act(&guarded, "ann", "Kick", &id, "dan").await.0, 200);
    watch(&mut ben, 1, &id).await;
    assert_eq!(event(&mut ben).await, json!({ "type": "members", "user_ids": ["ann", "ben"] }));
    assert!(ben.is_quiet().await);
}

#[tokio::test]
async fn who_did_not_ask_hears_what_they_heard_before() {
    let guarded = Guarded::start().await;
    let id = group(&guarded, false, json!(["ben"])).await;
    let mut streams = Vec::new();
    for subscribe in [json!([2, 1, id, 0, -1]), json!([2, 1, id, 0, -1, false])] {
        let mut stream = guarded.session(json!({ "token": token("ben") })).await;
        assert_eq!(stream.json().await[0], 20);
        stream.send(subscribe).await;
        assert_eq!((stream.json().await[0].clone(), stream.json().await[0].clone()), (json!(21), json!(23)));
        streams.push(stream);
    }
    for (actor, method, target) in [("cat", "Join", ""), ("ann", "Invite", "dan"), ("ann", "Kick", "cat")] {
        assert_eq!(act(&guarded, actor, method, &id, target).await.0, 200);
    }
    guarded.ask(&token("ann"), "/chat/Send", json!({ "chat_id": id, "text": "hello" })).await;
    for stream in &mut streams {
        assert_eq!(stream.json().await[0], 22, "the message is the first thing that comes");
    }
    assert_eq!(act(&guarded, "ann", "Kick", &id, "ben").await.0, 200);
    for stream in &mut streams {
        assert_eq!(stream.json().await[3]["Id"], "chat.Connect.Removed");
    }
}

#[tokio::test]
async fn nobody_hears_of_a_chat_that_is_not_theirs() {
    let guarded = Guarded::start().await;
    let id = group(&guarded, true, json!(["ben", "cat"])).await;
    let other = group(&guarded, false, json!(["eve"])).await;
    let mut ben = watching(&guarded, "ben", &id).await;
    let mut eve = watching(&guarded, "eve", &other).await;
    event(&mut eve).await;
    assert_eq!(event(&mut ben).await["user_ids"], json!(["ann", "ben", "cat"]));
    eve.send(json!([2, 2, id, 0, -1, true])).await;
    assert_eq!(eve.json().await[3]["Id"], "chat.Connect.InvalidChatID");
    // Who is put out hears that, and nothing of themselves or of others afterwards.
    assert_eq!(act(&guarded, "ann", "Kick", &id, "ben").await.0, 200);
    assert_eq!(act(&guarded, "ann", "Invite", &id, "dan").await.0, 200);
    assert_eq!(ben.json().await[3]["Id"], "chat.Connect.Removed");
    assert!(ben.is_quiet().await && eve.is_quiet().await);
    // Back in it is a new subscription.
    assert_eq!(act(&guarded, "ann", "Invite", &id, "ben").await.0, 200);
    watch(&mut ben, 1, &id).await;
    assert_eq!(event(&mut ben).await["user_ids"], json!(["ann", "ben", "cat", "dan"]));
    // A group that is deleted ends as it did.
    assert_eq!(act(&guarded, "ann", "Delete", &id, "").await.0, 200);
    assert_eq!(ben.json().await[3]["Id"], "chat.Connect.Removed");
    assert!(ben.is_quiet().await && eve.is_quiet().await);
}

#[tokio::test]
async fn namespaces_do_not_hear_each_other() {
    let server = Running::start().await;
    let id = open_group(&server, &["ann".to_owned()]).await;
    let mut there = server.stream("/chat/Connect", &[("sec-websocket-protocol", "micro.chat.v1")]).await;
    there.send(json!([1, { "namespace": "other", "user_id": "ann" }])).await;
    assert_eq!(there.json().await[0], 20);
    there.send(json!([2, 1, id, 0, -1, true])).await;
    assert_eq!(there.json().await[3]["Id"], "chat.Connect.InvalidChatID");
    server.ask("/chat/Join", json!({ "group_id": id, "user_id": "ben" })).await;
    assert!(there.is_quiet().await);
    // Where nobody is known, nobody is named as the one who did it.
    let mut ann = server.session("ann").await;
    watch(&mut ann, 1, &id).await;
    event(&mut ann).await;
    server.ask("/chat/Invite", json!({ "group_id": id, "user_id": "cat" })).await;
    server.ask("/chat/Kick", json!({ "group_id": id, "user_id": "cat" })).await;
    assert_eq!(event(&mut ann).await, json!({ "type": "invited", "user_id": "cat" }));
    assert_eq!(event(&mut ann).await, json!({ "type": "kicked", "user_id": "cat" }));
}

#[tokio::test]
async fn many_members_come_in_several_frames_none_of_which_is_too_large() {
    let server = Running::start().await;
    // Names that JSON makes six times as long.
    let user_ids: Vec<String> = (0..700).map(|number| format!("{number:04}{}", "\u{1}".repeat(200))).collect();
    let id = open_group(&server, &user_ids).await;
    let mut ann = server.session("ann").await;
    watch(&mut ann, 1, &id).await;
    let (mut heard, mut frames) = (Vec::new(), 0);
    loop {
        let text = ann.text().await;
        assert!(text.len() <= limit::FRAME, "{}", text.len());
        let frame: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!((&frame[0], &frame[2]["type"]), (&json!(27), &json!("members")));
        heard.extend(frame[2]["user_ids"].as_array().expect("members").iter().map(|id| id.as_str().map(str::to_owned)));
        frames += 1;
        if frame[2]["has_more"] != true {
            break;
        }
    }
    assert!(frames > 10, "{frames} frames");
    assert_eq!(heard, user_ids.into_iter().map(Some).collect::<Vec<_>>());
    assert!(ann.is_quiet().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_between_who_is_there_and_who_comes_and_goes() {
    const HANDLES: u64 = 60;
    let server = Running::start().await;
    for round in 0..10 {
        let id = open_group(&server, &["ann".to_owned()]).await;
        let mut ann = server.session("ann").await;
        let (stop, mut is_over) = tokio::sync::oneshot::channel();
        // One after the other comes, and most of them go: until all have subscribed at some moment of that.
        let changing = async {
            let mut expected = names(["ann"]);
            for user_id in (0..).map(|number: u64| number.to_string()) {
                if is_over.try_recv().is_ok() {
                    break;
                }
                turn(&server, &id, &user_id, GroupChange::Join).await;
                if fastrand::u32(0..4) == 0 {
                    expected.insert(user_id);
                } else {
                    turn(&server, &id, &user_id, GroupChange::Leave).await;
                }
            }
            expected
        };
        let subscribing = async {
            for handle in 1..=HANDLES {
                ann.send(json!([2, handle, id, 0, -1, true])).await;
                tokio::time::sleep(Duration::from_micros(fastrand::u64(0..3_000))).await;
            }
            stop.send(()).expect("it goes on");
        };
        let (expected, ()) = tokio::join!(changing, subscribing);
        let mut known: HashMap<u64, Known> = HashMap::new();
        let is_known = |known: &HashMap<u64, Known>| known.values().all(|known| known.user_ids == expected);
        let deadline = Instant::now() + PATIENCE;
        // Until nothing more comes, and that was all, or too little for long.
        while Instant::now() < deadline {
            match timeout(Duration::from_millis(300), ann.json()).await {
                Err(_) if known.len() as u64 == HANDLES && is_known(&known) => break,
                Ok(frame) if frame[0] == 27 => {
                    known.entry(frame[1].as_u64().expect("a handle")).or_default().hear(&frame[2]);
                }
                _ => {}
            }
        }
        for handle in 1..=HANDLES {
            let known = known.get(&handle).map(|known| &known.user_ids);
            assert_eq!(known, Some(&expected), "handle {handle} of round {round}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flood_neither_cuts_off_who_is_slow_nor_displaces_messages_and_ends_in_the_right_members() {
    const JOINS: usize = 5_000;
    const MESSAGES: u64 = 200;
    let server = Running::start().await;
    let id = open_group(&server, &["ann".to_owned(), "ben".to_owned()]).await;
    let long = server.chat().await;
    for _ in 0..200 {
        server.send(&long, "ann", &"x".repeat(60_000)).await;
    }
    let mut ben = server.session("ben").await;
    watch(&mut ben, 1, &id).await;
    let mut known = Known::default();
    known.hear(&event(&mut ben).await);
    // It asks for more than any buffer holds, and looks away.
    ben.send(json!([2, 2, long, 0, 0])).await;
    while ben.json().await[0] != 22 {}
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut expected = names(["ann", "ben"]);
    for number in 0..JOINS {
        let user_id = number.to_string();
        turn(&server, &id, &user_id, GroupChange::Join).await;
        if number % 100 == 0 {
            expected.insert(user_id);
        } else {
            turn(&server, &id, &user_id, GroupChange::Leave).await;
        }
        if number % (JOINS / MESSAGES as usize) == 0 {
            server.send(&id, "ann", "among them").await;
        }
    }
    let (mut last, mut history) = (0, 0);
    while last < MESSAGES || history < 200 || known.is_listing || known.user_ids != expected {
        let frame = ben.json().await;
        match (frame[0].as_u64(), frame[1].as_u64()) {
            (Some(27), Some(1)) => known.hear(&frame[2]),
            (Some(22), Some(1)) => {
                assert_eq!(frame[2].as_u64(), Some(last + 1), "no message is lost");
                last = frame[3].as_u64().expect("a seq");
            }
            (Some(22), Some(2)) => history = frame[3].as_u64().expect("a seq"),
            (Some(21 | 23 | 26), _) => {}
            _ => panic!("{frame}"),
        }
    }
    println!("{} lists, {} changes", known.lists, known.changes);
    assert!(known.changes <= 2 * limit::QUEUE_EVENTS, "{} changes were kept for who is slow", known.changes);
    assert_eq!(known.at_last(&mut ben).await, &expected);
}

#[tokio::test]
async fn only_who_asks_costs_a_read() {
    let server = Running::start().await;
    let id = open_group(&server, &["ann".to_owned()]).await;
    let mut streams = Vec::new();
    for (subscribe, reads) in [(json!([2, 1, id, 0, -1]), 0), (json!([2, 1, id, 0, -1, true]), 1)] {
        // The first one reads the chat's row and its newest messages for all.
        let mut first = server.session("ann").await;
        first.send(json!([2, 1, id, 0, -1])).await;
        assert_eq!((first.json().await[0].clone(), first.json().await[0].clone()), (json!(21), json!(23)));
        let before = server.store.reads();
        for _ in 0..20 {
            let mut stream = server.session("ann").await;
            stream.send(&subscribe).await;
            for op in [21, 23, 27].into_iter().take(2 + reads) {
                assert_eq!(stream.json().await[0], op);
            }
            streams.push(stream);
        }
        assert_eq!(server.store.reads() - before, 20 * reads as u64);
    }
}

#[tokio::test]
async fn the_native_client_tells_of_members_as_a_whole_and_then_of_changes() {
    let server = Running::start().await;
    let user_ids: Vec<String> = (0..900).map(|number| format!("{number:0>200}")).collect();
    let id = open_group(&server, &user_ids).await;
    let client = Client::new(&server.url("/chat/Connect").replace("http", "ws"), "micro", "ben");
    let mut reading = client.subscribe_with_members(&id, Start::Now);
    let mut next = async || loop {
        match timeout(PATIENCE, reading.next()).await.expect("in time") {
            Some(Event::Member(event)) => return event,
            Some(Event::Subscribed(_) | Event::CaughtUp) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(next().await, MemberEvent::Members { user_ids, has_more: false });
    server.ask("/chat/Join", json!({ "group_id": id, "user_id": "cat" })).await;
    assert_eq!(next().await, MemberEvent::Joined { user_id: "cat".to_owned() });
}
