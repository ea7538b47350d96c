//! A user's own chats: which there are, what was said last in them, and what is unread.

use std::collections::BTreeMap;
use std::time::Instant;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::guarded::{Guarded, key_file, seconds, sign, token};
use crate::running::Running;

/// The chats of a user, as they are listed.
async fn listed(guarded: &Guarded, user: &str) -> Vec<Value> {
    let answer = guarded.ask(&token(user), "/chats/ListChats", json!({})).await;
    answer["chats"].as_array().expect("chats").clone()
}

async fn send(guarded: &Guarded, user: &str, chat_id: &str, text: &str) {
    guarded.ask(&token(user), "/chat/Send", json!({ "chat_id": chat_id, "text": text })).await;
}

async fn mark(guarded: &Guarded, user: &str, chat_id: &str, seq: u64) -> u64 {
    let body = json!({ "chat_id": chat_id, "seq": seq });
    guarded.ask(&token(user), "/chats/MarkRead", body).await["read_seq"].as_u64().expect("a seq")
}

async fn group(guarded: &Guarded, user: &str, user_ids: Value) -> String {
    let body = json!({ "name": "lunch", "user_ids": user_ids });
    let answer = guarded.ask(&token(user), "/chat/Create", body).await;
    answer["group"]["id"].as_str().expect("an id").to_owned()
}

/// What a change of the database does, that a server may be running on.
fn change(data: &std::path::Path, sql: &str) {
    let database = rusqlite::Connection::open(data.join("chat.db")).expect("a database");
    database.busy_timeout(crate::running::PATIENCE).expect("a database");
    database.execute_batch(sql).expect("a change");
}

#[tokio::test]
async fn a_list_has_chats_and_groups_with_their_last_message_and_those_said_something_in_last_first() {
    let guarded = Guarded::start().await;
    let chat = guarded.chat().await;
    let group = group(&guarded, "ann", json!(["ben", "cleo"])).await;
    send(&guarded, "ann", &group, "soup?").await;
    send(&guarded, "ben", &chat, "hello").await;
    let of_ann = listed(&guarded, "ann").await;
    assert_eq!((&of_ann[0]["id"], &of_ann[1]["id"]), (&json!(chat), &json!(group)));
    assert_eq!((&of_ann[0]["user_ids"], &of_ann[0].get("name")), (&json!(["ann", "ben"]), &None));
    assert_eq!((&of_ann[1]["name"], &of_ann[1]["user_ids"]), (&json!("lunch"), &json!(["ann", "ben", "cleo"])));
    let last = &of_ann[0]["last_message"];
    assert_eq!((&last["author_id"], &last["text"], &last["chat_id"]), (&json!("ben"), &json!("hello"), &json!(chat)));
    assert_eq!(
        (&of_ann[0]["unread"], &of_ann[0]["last_seq"], &of_ann[0]["read_seq"]),
        (&json!(1), &json!(1), &json!(0))
    );
    assert_eq!((&of_ann[1]["unread"], &of_ann[1]["last_seq"]), (&json!(0), &json!(1)), "her own");
    send(&guarded, "cleo", &group, "stew").await;
    assert_eq!(listed(&guarded, "ann").await[0]["id"], json!(group));
    assert_eq!(listed(&guarded, "cleo").await.len(), 1);
    assert!(listed(&guarded, "eve").await.is_empty());
    // A chat in which nothing was said has no last message.
    let empty = guarded.ask(&token("dan"), "/chat/New", json!({ "user_ids": ["dan"] })).await["chat_id"].clone();
    let of_dan = listed(&guarded, "dan").await;
    assert_eq!((&of_dan[0]["id"], of_dan[0].get("last_message"), &of_dan[0]["unread"]), (&empty, None, &json!(0)));
}

#[tokio::test]
async fn a_list_goes_on_where_it_ended_whatever_is_said_meanwhile() {
    let guarded = Guarded::start().await;
    let mut chats = Vec::new();
    for n in 0..7 {
        let body = json!({ "user_ids": ["ann", format!("user {n}")] });
        chats.push(guarded.ask(&token("ann"), "/chat/New", body).await["chat_id"].as_str().expect("an id").to_owned());
    }
    // All of one moment: their names decide.
    change(guarded.folder(), "UPDATE chats SET active_at = 5 WHERE chat > 3");
    let (mut cursor, mut seen) = (String::new(), Vec::new());
    loop {
        let body = json!({ "limit": 2, "cursor": cursor });
        let answer = guarded.ask(&token("ann"), "/chats/ListChats", body).await;
        seen.extend(
            answer["chats"]
                .as_array()
                .expect("chats")
                .iter()
                .map(|chat| chat["id"].as_str().expect("an id").to_owned()),
        );
        // One that is in the list already comes to the front.
        send(&guarded, "ann", &seen[0], "hello").await;
        if answer["has_more"] != true {
            assert!(answer.get("cursor").is_none());
            break;
        }
        cursor = answer["cursor"].as_str().expect("a cursor").to_owned();
    }
    assert_eq!(seen[..3], [chats[2].as_str(), &chats[1], &chats[0]]);
    seen.sort();
    chats.sort();
    assert_eq!(seen, chats, "each of them, once");
    for (body, id) in
        [(json!({ "cursor": "nonsense" }), "INVALID_CURSOR"), (json!({ "limit": 101 }), "LIMIT_TOO_LARGE")]
    {
        let (status, answer) = guarded.call(&token("ann"), "", "/chats/ListChats", body).await;
        assert_eq!((status, &answer["Id"]), (400, &json!(id)));
    }
}

#[tokio::test]
async fn a_mark_never_goes_back_nor_beyond_the_end_and_outlives_the_server() {
    let data = tempfile::tempdir().expect("a folder");
    let server = Running::on(data.path()).await;
    let chat_id = server.chat().await;
    for n in 0..5 {
        server.send(&chat_id, "ann", &n.to_string()).await;
    }
    let ask = async |server: &Running, seq: u64| {
        let body = json!({ "chat_id": chat_id, "user_id": "ben", "seq": seq });
        server.ask("/chats/MarkRead", body).await["read_seq"].clone()
    };
    for (seq, read_seq) in [(2, 2), (1, 2), (0, 2), (3, 3)] {
        assert_eq!(ask(&server, seq).await, read_seq, "{seq}");
    }
    server.stop().await;
    let server = Running::on(data.path()).await;
    let of_ben = server.ask("/chats/ListChats", json!({ "user_id": "ben" })).await;
    assert_eq!((&of_ben["chats"][0]["read_seq"], &of_ben["chats"][0]["unread"]), (&json!(3), &json!(2)));
    assert_eq!(ask(&server, u64::MAX).await, 5);
    // A message that comes then is unread: the mark did not go ahead.
    server.send(&chat_id, "ann", "more").await;
    let of_ben = server.ask("/chats/ListChats", json!({ "user_id": "ben" })).await;
    assert_eq!((&of_ben["chats"][0]["read_seq"], &of_ben["chats"][0]["unread"]), (&json!(5), &json!(1)));
    // Nobody else's mark has moved, and who is no member has none.
    let of_ann = server.ask("/chats/ListChats", json!({ "user_id": "ann" })).await;
    assert_eq!(of_ann["chats"][0]["read_seq"], 0);
    let stranger = json!({ "chat_id": chat_id, "user_id": "eve", "seq": 1 });
    assert_eq!(server.refused("/chats/MarkRead", stranger).await, (404, "NOT_FOUND".to_owned()));
    assert_eq!(server.refused("/chats/MarkRead", "{}").await, (400, "MISSING_CHAT_ID".to_owned()));
    assert_eq!(server.refused("/chats/ListChats", "{}").await, (400, "MISSING_USER_ID".to_owned()));
    // By an address, too.
    let address = server.url(&format!("/chats/MarkRead?chat_id={chat_id}&user_id=ann&seq=4"));
    let answer: Value = server.http.get(address).send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(answer, json!({ "read_seq": 4 }));
}

#[tokio::test]
async fn who_joins_late_has_missed_nothing_and_who_comes_back_starts_anew() {
    let guarded = Guarded::start().await;
    let group = group(&guarded, "ann", json!([])).await;
    for text in ["one", "two", "three"] {
        send(&guarded, "ann", &group, text).await;
    }
    let join = async || guarded.ask(&token("ben"), "/chat/Join", json!({ "group_id": group })).await;
    join().await;
    assert_eq!((&listed(&guarded, "ben").await[0]["unread"], mark(&guarded, "ben", &group, 0).await), (&json!(0), 3));
    send(&guarded, "ann", &group, "four").await;
    assert_eq!(listed(&guarded, "ben").await[0]["unread"], 1);
    guarded.ask(&token("ben"), "/chat/Leave", json!({ "group_id": group })).await;
    assert!(listed(&guarded, "ben").await.is_empty());
    send(&guarded, "ann", &group, "five").await;
    join().await;
    assert_eq!(listed(&guarded, "ben").await[0]["unread"], 0);
}

#[tokio::test]
async fn what_unread_costs_does_not_grow_with_what_was_missed() {
    let guarded = Guarded::start().await;
    let chat_id = guarded.chat().await;
    let fill = |from: u64, count: u64, user: &str| {
        let last = from + count - 1;
        let sql = format!(
            "WITH RECURSIVE series(seq) AS (SELECT {from} UNION ALL SELECT seq + 1 FROM series WHERE seq < {last})
             INSERT INTO messages SELECT 1, seq, 'id ' || seq, 'id ' || seq, '{user}', '', 'x', 1 FROM series;
             UPDATE chats SET last_seq = {last};"
        );
        change(guarded.folder(), &sql);
    };
    let unread = async || {
        let chats = listed(&guarded, "ben").await;
        (chats[0]["unread"].as_u64(), chats[0]["more_unread"] == true)
    };
    fill(1, 1_000, "ann");
    assert_eq!(unread().await, (Some(1_000), false));
    fill(1_001, 200_000, "ann");
    assert_eq!(unread().await, (Some(1_000), true));
    // The fastest of some: others use this machine, too.
    let time = async || {
        let mut fastest = crate::running::PATIENCE;
        for _ in 0..20 {
            let begun = Instant::now();
            listed(&guarded, "ben").await;
            fastest = fastest.min(begun.elapsed());
        }
        fastest
    };
    let long = time().await;
    mark(&guarded, "ben", &chat_id, 200_000).await;
    assert_eq!(unread().await, (Some(1_000), false));
    let short = time().await;
    assert!(long < short * 10, "{long:?} for 201,000, {short:?} for 1,000");
    // One's own count for nothing, and hide nothing that came later.
    fill(201_001, 3_000, "ben");
    assert_eq!(unread().await, (Some(0), true));
    send(&guarded, "ann", &chat_id, "hello").await;
    assert_eq!(unread().await, (Some(1), true));
}

#[tokio::test]
async fn nobody_sees_or_marks_what_is_not_theirs() {
    let guarded = Guarded::start().await;
    let chat_id = guarded.chat().await;
    send(&guarded, "ann", &chat_id, "for Ben").await;
    // Whoever is named: a token says who asks.
    let (status, answer) = guarded.call(&token("eve"), "", "/chats/ListChats", json!({ "user_id": "ben" })).await;
    assert_eq!((status, answer), (200, json!({ "chats": [] })));
    let nowhere = json!({ "chat_id": "5f0c3b1e-0000-4000-8000-000000000000", "seq": 1 });
    let theirs = json!({ "chat_id": chat_id, "user_id": "ben", "seq": 1 });
    let refused = guarded.call(&token("eve"), "", "/chats/MarkRead", theirs).await;
    assert_eq!((refused.0, &refused), (404, &guarded.call(&token("eve"), "", "/chats/MarkRead", nowhere).await));
    // Another namespace's Ben is another Ben.
    let other = sign(&json!({ "sub": "ben", "namespace": "other", "exp": seconds() + 60 }));
    assert_eq!(guarded.ask(&other, "/chats/ListChats", json!({})).await, json!({ "chats": [] }));
    let body = json!({ "chat_id": chat_id, "seq": 1 });
    assert_eq!(guarded.call(&other, "", "/chats/MarkRead", body).await.0, 404);
    assert_eq!(listed(&guarded, "ben").await[0]["unread"], 1, "nobody has moved his mark");
}

#[tokio::test]
async fn a_database_of_before_has_nothing_unread() {
    let data = tempfile::tempdir().expect("a folder");
    let server = Running::on(data.path()).await;
    let chat_id = server.chat().await;
    server.send(&chat_id, "ann", "hello").await;
    server.stop().await;
    change(
        data.path(),
        "ALTER TABLE members DROP COLUMN read_seq; ALTER TABLE chats DROP COLUMN active_at; DROP TABLE tombstones;
         DROP TABLE deletions; DROP TABLE traces; ALTER TABLE members DROP COLUMN joined_at;
         ALTER TABLE expired DROP COLUMN at; DROP INDEX groups_public;
         DROP INDEX chats_by_oldest; ALTER TABLE chats DROP COLUMN oldest_at; PRAGMA user_version = 4;",
    );
    let server = Running::on(data.path()).await;
    let of_ben = server.ask("/chats/ListChats", json!({ "user_id": "ben" })).await;
    assert_eq!(
        (&of_ben["chats"][0]["unread"], &of_ben["chats"][0]["last_message"]["text"]),
        (&json!(0), &json!("hello"))
    );
}

/// What somebody does in one of two chats.
#[derive(Clone, Copy, Debug)]
enum Step {
    Send { who: usize, chat: usize },
    Mark { who: usize, chat: usize, seq: u64 },
}

/// All chats as they should be: senders in order, and marks by user.
#[derive(Debug, Default)]
struct Model {
    senders: [Vec<usize>; 2],
    marks: BTreeMap<(usize, usize), u64>,
    /// Which chat came to the front last.
    front: Vec<usize>,
}

async fn run(guarded: &Guarded, steps: &[Step]) {
    const USERS: [&str; 3] = ["ann", "ben", "cleo"];
    let ids =
        [group(guarded, "ann", json!(["ben", "cleo"])).await, group(guarded, "ann", json!(["ben", "cleo"])).await];
    let mut model = Model { front: vec![0, 1], ..Model::default() };
    for step in steps {
        match *step {
            Step::Send { who, chat } => {
                send(guarded, USERS[who], &ids[chat], "x").await;
                model.senders[chat].push(who);
                model.front.retain(|other| *other != chat);
                model.front.push(chat);
            }
            Step::Mark { who, chat, seq } => {
                let end = model.senders[chat].len() as u64;
                let marked = model.marks.entry((who, chat)).or_default();
                *marked = (*marked).max(seq.min(end));
                assert_eq!(mark(guarded, USERS[who], &ids[chat], seq).await, *marked);
            }
        }
    }
    for (who, user) in USERS.iter().enumerate() {
        let expected = model.front.iter().rev().map(|chat| {
            let read = model.marks.get(&(who, *chat)).copied().unwrap_or_default();
            let behind = model.senders[*chat].iter().skip(read as usize);
            (ids[*chat].as_str(), read, behind.filter(|sender| **sender != who).count() as u64)
        });
        let list = listed(guarded, user).await;
        let told = list.iter().take(2).map(|chat| {
            (
                chat["id"].as_str().expect("an id"),
                chat["read_seq"].as_u64().expect("a seq"),
                chat["unread"].as_u64().expect("a count"),
            )
        });
        assert_eq!(told.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{user}");
    }
}

#[test]
fn lists_and_marks_are_what_a_model_says_after_any_sequence_of_sends_and_marks() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    let guarded = runtime.block_on(Guarded::start());
    let step = prop_oneof![
        3 => (0..3_usize, 0..2_usize).prop_map(|(who, chat)| Step::Send { who, chat }),
        2 => (0..3_usize, 0..2_usize, 0..12_u64).prop_map(|(who, chat, seq)| Step::Mark { who, chat, seq }),
    ];
    let config = ProptestConfig { cases: 32, max_shrink_iters: 100, failure_persistence: None, ..Default::default() };
    proptest!(config, |(steps in prop::collection::vec(step, 1..30))| {
        runtime.block_on(run(&guarded, &steps));
    });
}

#[tokio::test]
async fn a_key_acts_for_whom_it_names_as_far_as_its_scopes_go() {
    let data = tempfile::tempdir().expect("a folder");
    let ring = micro_chat_server::store::KeyRing::open(data.path()).expect("keys");
    let key = |scopes: &str| {
        let (kept, key) =
            micro_chat_server::auth::keys::create("micro".into(), String::new(), &scopes.parse().expect("scopes"));
        ring.add(&kept).expect("a key");
        key
    };
    let (reading, sending) = (key("read"), key("send"));
    let keys = [key_file(data.path(), "secret", crate::guarded::SECRET)];
    let guarded = Guarded::with(data, &keys, micro_chat_server::auth::Claims::default()).await;
    let chat_id = guarded.chat().await;
    send(&guarded, "ann", &chat_id, "hello").await;
    let body = json!({ "user_id": "ben" });
    assert_eq!(guarded.ask(&reading, "/chats/ListChats", body.clone()).await["chats"][0]["unread"], 1);
    assert_eq!(guarded.call(&sending, "", "/chats/ListChats", body).await.0, 403);
    let body = json!({ "user_id": "ben", "chat_id": chat_id, "seq": 1 });
    assert_eq!(guarded.call(&reading, "", "/chats/MarkRead", body.clone()).await.0, 403);
    assert_eq!(guarded.ask(&sending, "/chats/MarkRead", body).await, json!({ "read_seq": 1 }));
    let stranger = json!({ "user_id": "eve", "chat_id": chat_id, "seq": 1 });
    assert_eq!(guarded.call(&sending, "", "/chats/MarkRead", stranger).await.0, 404);
}
