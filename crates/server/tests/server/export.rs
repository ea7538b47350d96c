//! Exports: all of a chat or a user, whole or known to be none, in bounded memory.

use std::path::Path;

use serde_json::{Value, json};

use crate::guarded::{Guarded, seconds, sign, token};
use crate::hosted::{Hosted, PASSWORD};
use crate::program::Program;
use crate::running::PATIENCE;

/// The lines of an export.
fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON in each line")).collect()
}

/// What a user exports, who may.
async fn export(guarded: &Guarded, user: &str, path: &str, body: Value) -> Vec<Value> {
    let request = guarded.server.http.post(guarded.server.url(path)).bearer_auth(token(user)).body(body.to_string());
    let answer = request.send().await.expect("an answer");
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (200, &"application/x-ndjson".parse().expect("a header"))
    );
    lines(&answer.text().await.expect("all of it"))
}

async fn send(guarded: &Guarded, user: &str, chat_id: &str, text: &str) {
    guarded.ask(&token(user), "/chat/Send", json!({ "chat_id": chat_id, "text": text })).await;
}

/// Members that the first chat is filled up to.
pub const CROWD: u64 = 10_000;

/// Fills the first chat up with members whose names are as long as can be, and six times as long as JSON.
pub fn crowd(data: &Path) {
    let sql = format!(
        "WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < {CROWD})
         INSERT INTO members (chat, user_id) SELECT 1, printf('m%05d%.250c', n, char(1)) FROM series
         WHERE n <= {CROWD} - (SELECT count(*) FROM members WHERE chat = 1);
         UPDATE groups SET members = {CROWD} WHERE chat = 1;"
    );
    write(data, &sql);
}

/// Adds so many messages of a thousand bytes to the first chat.
pub fn fill(data: &Path, count: u64) {
    let sql = format!(
        "WITH RECURSIVE series(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM series WHERE seq < {count})
         INSERT INTO messages SELECT 1, seq, 'id ' || seq, 'id ' || seq, 'ann', '', printf('%.1000c', 'x'), 1 FROM series;
         UPDATE chats SET last_seq = {count} WHERE chat = 1;"
    );
    write(data, &sql);
}

/// Writes past the server.
pub fn write(data: &Path, sql: &str) {
    let database = rusqlite::Connection::open(data.join("chat.db")).expect("a database");
    database.busy_timeout(PATIENCE).expect("a database");
    database.execute_batch(sql).expect("it is written");
}

/// What still comes of an answer, and whether it was broken off.
async fn rest(answer: &mut reqwest::Response) -> (Vec<u8>, bool) {
    let mut text = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(part)) => text.extend_from_slice(&part),
            Ok(None) => return (text, false),
            Err(_) => return (text, true),
        }
    }
}

#[tokio::test]
async fn a_chat_comes_with_all_its_messages_in_order_and_says_that_it_was_all() {
    let guarded = Guarded::start().await;
    let group = guarded
        .ask(&token("ann"), "/chat/Create", json!({ "name": "lunch", "description": "where", "user_ids": ["ben"] }))
        .await;
    let group_id = group["group"]["id"].as_str().expect("an id");
    for number in 1..=600 {
        send(&guarded, ["ann", "ben"][number % 2], group_id, &format!("text\n{number}")).await;
    }
    let lines = export(&guarded, "ben", "/chats/ExportChat", json!({ "chat_id": group_id })).await;
    let chat = &lines[0]["chat"];
    assert_eq!(
        (&chat["name"], &chat["description"], &chat["user_ids"]),
        (&json!("lunch"), &json!("where"), &json!(["ann", "ben"]))
    );
    assert_eq!((&chat["first_seq"], &chat["last_seq"]), (&json!(1), &json!(600)));
    assert_eq!(lines[601], json!({ "end": { "chats": 1, "messages": 600 } }));
    assert_eq!(lines.len(), 602);
    let history = guarded.ask(&token("ben"), "/chat/History", json!({ "chat_id": group_id })).await;
    let messages: Vec<Value> = lines[1..601].iter().map(|line| line["message"].clone()).collect();
    assert_eq!(json!(messages), history["messages"]);
}

#[tokio::test]
async fn a_user_gets_what_is_theirs_and_nothing_that_others_wrote() {
    let guarded = Guarded::start().await;
    let chat_id = guarded.chat().await;
    let group =
        guarded.ask(&token("ben"), "/chat/Create", json!({ "name": "lunch", "user_ids": ["ann", "cleo"] })).await;
    let group_id = group["group"]["id"].as_str().expect("an id").to_owned();
    for number in 0..300 {
        send(&guarded, "ann", &chat_id, &format!("hers {number}")).await;
    }
    send(&guarded, "ben", &chat_id, "his").await;
    send(&guarded, "ann", &group_id, "hers, of a group").await;
    guarded.ask(&token("ann"), "/chats/MarkRead", json!({ "chat_id": chat_id, "seq": 7 })).await;
    guarded.ask(&token("ann"), "/chat/Leave", json!({ "group_id": group_id })).await;
    let other = guarded.ask(&token("ben"), "/chat/Create", json!({ "name": "dinner", "user_ids": ["ann"] })).await;
    let other_id = other["group"]["id"].as_str().expect("an id").to_owned();
    send(&guarded, "ann", &other_id, "hers, of another group").await;
    guarded.ask(&token("ben"), "/chat/Kick", json!({ "group_id": other_id, "user_id": "ann" })).await;
    for group_id in [&group_id, &other_id] {
        send(&guarded, "ben", group_id, "she is not there any more").await;
    }
    let lines = export(&guarded, "ann", "/chats/ExportUser", json!({})).await;
    assert_eq!(lines[0], json!({ "user": { "user_id": "ann", "namespace": "micro" } }));
    assert_eq!(lines.last(), Some(&json!({ "end": { "chats": 3, "messages": 302 } })));
    let chat = |id: &str| lines.iter().find(|line| line["chat"]["id"] == id).expect("a chat")["chat"].clone();
    assert_eq!((&chat(&chat_id)["read_seq"], &chat(&chat_id)["user_ids"]), (&json!(7), &json!(["ann", "ben"])));
    let seqs = |id: &str| ["first_seq", "last_seq", "read_seq"].map(|name| chat(id)[name].as_u64());
    assert_eq!(seqs(&chat_id), [Some(1), Some(301), Some(7)]);
    // She has left one, and was put out of the other: who is there now, and how much is said, is not hers to know.
    for id in [&group_id, &other_id] {
        assert_eq!((seqs(id), &chat(id)["user_ids"]), ([None; 3], &json!([])));
    }
    let messages: Vec<&Value> = lines.iter().filter_map(|line| line.get("message")).collect();
    assert!(messages.iter().all(|message| message["user_id"] == "ann"));
    let mut seqs: Vec<_> = messages
        .iter()
        .filter(|message| message["chat_id"] == chat_id)
        .map(|message| message["seq"].as_u64())
        .collect();
    seqs.sort();
    assert_eq!(seqs, (1..=300).map(Some).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_account_comes_without_what_would_let_somebody_use_it() {
    let hosted = Hosted::start().await;
    let login = hosted.sign_up("ann@example.com").await;
    let request = hosted.server.http.post(hosted.server.url("/chats/ExportUser")).bearer_auth(&login.access);
    let text = request.body("{}").send().await.expect("an answer").text().await.expect("lines");
    let account = &lines(&text)[0]["user"]["account"];
    assert_eq!((&account["email"], &account["logins"]), (&json!("ann@example.com"), &json!(1)));
    assert!(!text.contains("argon2") && !text.contains(PASSWORD) && !text.contains(&login.refresh), "{text}");
}

#[tokio::test]
async fn nobody_exports_what_is_not_theirs() {
    let guarded = Guarded::start().await;
    let chat_id = guarded.chat().await;
    send(&guarded, "ann", &chat_id, "for Ben").await;
    let theirs =
        guarded.call(&token("eve"), "", "/chats/ExportChat", json!({ "chat_id": chat_id, "user_id": "ann" })).await;
    let nowhere = json!({ "chat_id": "5f0c3b1e-0000-4000-8000-000000000000" });
    assert_eq!((theirs.0, &theirs), (404, &guarded.call(&token("eve"), "", "/chats/ExportChat", nowhere).await));
    let (status, answer) = guarded.call(&token("eve"), "", "/chats/ExportUser", json!({ "user_id": "ann" })).await;
    assert_eq!((status, &answer["Id"]), (403, &json!("auth.WrongUser")));
    let other = sign(&json!({ "sub": "ann", "namespace": "other", "exp": seconds() + 60 }));
    assert_eq!(guarded.call(&other, "", "/chats/ExportChat", json!({ "chat_id": chat_id })).await.0, 404);
    let request = guarded.server.http.post(guarded.server.url("/chats/ExportUser")).bearer_auth(other);
    let of_other = lines(&request.body("{}").send().await.expect("an answer").text().await.expect("lines"));
    assert_eq!(of_other[1], json!({ "end": { "chats": 0, "messages": 0 } }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_is_bounded_however_long_a_chat_is_and_a_snapshot_is_of_its_beginning() {
    const COUNT: u64 = 150_000;
    // Six connections to the database keep 16 MiB of its pages each, where reads fall together; and what else there is.
    const MOST: usize = 6 * 16 + 16;
    let program = Program::start(&[], &[]).await;
    let http = reqwest::Client::new();
    let post = |user: &str, path: &str, body: Value| {
        http.post(format!("http://{}{path}", program.host)).bearer_auth(token(user)).body(body.to_string()).send()
    };
    let new = post("ann", "/chat/New", json!({ "user_ids": ["ann", "ben"] })).await.expect("an answer");
    let chat_id = new.json::<Value>().await.expect("JSON")["chat_id"].clone();
    fill(program.data.path(), COUNT);
    let before = program.memory();
    let mut answer = post("ben", "/chats/ExportChat", json!({ "chat_id": chat_id })).await.expect("an answer");
    let (mut most, mut bytes, mut rest, mut seq) = (0, 0, Vec::new(), 0);
    let mut end = Value::Null;
    while let Some(part) = answer.chunk().await.expect("all of it") {
        if bytes == 0 {
            // It comes too late for this one.
            let late = post("ann", "/chat/Send", json!({ "chat_id": chat_id, "text": "late" })).await;
            assert_eq!(late.expect("an answer").status(), 200);
        }
        bytes += part.len();
        most = most.max(program.memory());
        rest.extend_from_slice(&part);
        while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Value = serde_json::from_slice(&rest[..at]).expect("JSON");
            rest.drain(..=at);
            if line.get("message").is_some() {
                seq += 1;
                assert_eq!(line["message"]["seq"], seq);
            }
            end = line;
        }
    }
    assert_eq!(end, json!({ "end": { "chats": 1, "messages": COUNT } }));
    assert!(bytes >> 20 > MOST + 40, "{bytes} bytes would fit");
    assert!(most < before + MOST, "{before} MiB grew to {most} for {} MiB", bytes >> 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_was_interrupted_has_no_end() {
    let guarded = Guarded::start().await;
    let group = guarded.ask(&token("ann"), "/chat/Create", json!({ "name": "g", "user_ids": ["ben"] })).await;
    let group_id = group["group"]["id"].as_str().expect("an id").to_owned();
    fill(guarded.folder(), 20_000);
    let request = guarded.server.http.post(guarded.server.url("/chats/ExportChat")).bearer_auth(token("ben"));
    let mut answer = request.body(json!({ "chat_id": group_id }).to_string()).send().await.expect("an answer");
    let begun = answer.chunk().await.expect("a part").expect("a part");
    // He is put out while he reads: he is told no more, and that this was not all.
    guarded.ask(&token("ann"), "/chat/Kick", json!({ "group_id": group_id, "user_id": "ben" })).await;
    let (rest, broken_off) = rest(&mut answer).await;
    let text = String::from_utf8([&begun[..], &rest].concat()).expect("text");
    assert!(broken_off && !text.contains("{\"end\""));
    assert!(text.lines().count() < 19_000, "{}", text.lines().count());
}

#[tokio::test]
async fn a_full_group_comes_with_all_its_members() {
    let guarded = Guarded::start().await;
    let group = guarded.ask(&token("ann"), "/chat/Create", json!({ "name": "g", "user_ids": ["ben"] })).await;
    let group_id = group["group"]["id"].as_str().expect("an id");
    send(&guarded, "ben", group_id, "hello").await;
    crowd(guarded.folder());
    let of_chat = export(&guarded, "ben", "/chats/ExportChat", json!({ "chat_id": group_id })).await;
    let of_user = export(&guarded, "ben", "/chats/ExportUser", json!({})).await;
    let mut expected = vec!["ann".to_owned(), "ben".to_owned()];
    expected.extend((1..=CROWD - 2).map(|number| format!("m{number:05}{}", "\u{1}".repeat(250))));
    for lines in [&of_chat[..], &of_user[1..]] {
        assert_eq!((&lines[0]["chat"]["name"], &lines[0]["chat"]["last_seq"]), (&json!("g"), &json!(1)));
        assert!(lines[0]["chat"]["user_ids"] == json!(expected), "not all of them, or not in their order");
        assert_eq!(lines[1]["message"]["text"], "hello");
        assert_eq!(lines[2..], [json!({ "end": { "chats": 1, "messages": 1 } })]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_put_out_while_the_members_are_told_is_told_no_more_of_them() {
    for path in ["/chats/ExportChat", "/chats/ExportUser"] {
        let guarded = Guarded::start().await;
        let group = guarded.ask(&token("ann"), "/chat/Create", json!({ "name": "g", "user_ids": ["ben"] })).await;
        let group_id = group["group"]["id"].as_str().expect("an id");
        crowd(guarded.folder());
        let request = guarded.server.http.post(guarded.server.url(path)).bearer_auth(token("ben"));
        let mut answer = request.body(json!({ "chat_id": group_id }).to_string()).send().await.expect("an answer");
        // Who is put out before that is told of no members at all.
        let mut begun = Vec::new();
        while !String::from_utf8_lossy(&begun).contains("\"user_ids\":[") {
            begun.extend(answer.chunk().await.expect("a part").expect("a part"));
        }
        guarded.ask(&token("ann"), "/chat/Kick", json!({ "group_id": group_id, "user_id": "ben" })).await;
        let (text, broken_off) = rest(&mut answer).await;
        let text = String::from_utf8(text).expect("text");
        assert!(
            broken_off && !text.contains(']') && !text.contains("m09998"),
            "{path}: broken off: {broken_off}, {} bytes",
            text.len()
        );
    }
}
