//! Groups: chats that have a name, and members that come and go.

use std::time::{Duration, Instant};

use micro_chat_server::store::{GroupChange, GroupName};
use serde_json::{Value, json};

use crate::guarded::{Guarded, token};
use crate::metrics::until;
use crate::running::{Running, Stream};

/// A group of Ann's.
pub async fn group(guarded: &Guarded, private: bool, user_ids: Value) -> String {
    let body = json!({ "name": "lunch", "description": "who eats where", "user_ids": user_ids, "private": private });
    let answer = guarded.ask(&token("ann"), "/chat/Create", body).await;
    answer["group"]["id"].as_str().expect("an id").to_owned()
}

/// A subscription to it in the session dialect, from its first message on, once it is live.
async fn subscribed(guarded: &Guarded, user: &str, chat_id: &str) -> Stream {
    let mut stream = guarded.session(json!({ "token": token(user) })).await;
    stream.send(json!([2, 1, chat_id, 0, 0])).await;
    while stream.json().await[0] != 23 {}
    stream
}

pub async fn act(guarded: &Guarded, user: &str, method: &str, group_id: &str, about: &str) -> (u16, Value) {
    guarded
        .call(&token(user), "", &format!("/v1/chat/{method}"), json!({ "group_id": group_id, "user_id": about }))
        .await
}

fn words(answer: &(u16, Value)) -> (u16, &str, &str) {
    (answer.0, answer.1["Id"].as_str().unwrap_or(""), answer.1["Detail"].as_str().unwrap_or(""))
}

#[tokio::test]
async fn a_group_is_made_found_joined_and_left() {
    let guarded = Guarded::start().await;
    let id = group(&guarded, false, json!(["ben", "ben"])).await;
    let listed = guarded.ask(&token("eve"), "/v1/chat/List", json!({})).await;
    let expected = json!({
        "id": id, "name": "lunch", "description": "who eats where", "created_at": listed["groups"][0]["created_at"],
        "user_ids": ["ann", "ben"], "private": false,
    });
    assert_eq!(listed, json!({ "groups": [expected] }));
    let joined = act(&guarded, "eve", "Join", &id, "").await;
    assert_eq!((joined.0, &joined.1["group"]["user_ids"]), (200, &json!(["ann", "ben", "eve"])));
    let left = act(&guarded, "eve", "Leave", &id, "").await;
    assert_eq!(left.1["group"]["user_ids"], json!(["ann", "ben"]));
    assert_eq!(act(&guarded, "eve", "Leave", &id, "").await, left, "gone is gone");
    let of_ben = guarded.ask(&token("eve"), "/chat/List", json!({ "user_id": "ben" })).await;
    let of_eve = guarded.ask(&token("eve"), "/chat/List", json!({ "user_id": "eve" })).await;
    assert_eq!((of_ben["groups"].as_array().map(Vec::len), of_eve), (Some(1), json!({ "groups": [] })));
    // It is not found by whom it is for.
    let chat = guarded.ask(&token("ann"), "/chat/New", json!({ "user_ids": ["ann", "ben"] })).await;
    assert_ne!(chat["chat_id"], json!(id));
}

#[tokio::test]
async fn its_messages_are_those_of_its_chat_in_other_words() {
    let guarded = Guarded::start().await;
    let id = group(&guarded, false, json!(["ben"])).await;
    let client = "1e7ea4fc-1a0d-4b5c-9d5a-1f6a3b2c4d5e";
    let message = json!({ "group_id": id, "client": client, "subject": "food", "text": "soup?" });
    let sent = guarded.ask(&token("ann"), "/v1/chat/Send", message.clone()).await["message"].clone();
    assert_eq!((&sent["user_id"], &sent["client"], &sent["text"]), (&json!("ann"), &json!(client), &json!("soup?")));
    assert_eq!(guarded.ask(&token("ann"), "/v1/chat/Send", message).await["message"], sent, "once");
    let history = guarded.ask(&token("ben"), "/v1/chat/History", json!({ "group_id": id })).await;
    assert_eq!(history, json!({ "messages": [sent] }));
    let as_chat = guarded.ask(&token("ben"), "/chat/History", json!({ "chat_id": id })).await;
    assert_eq!((&as_chat["messages"][0]["id"], &as_chat["messages"][0]["seq"]), (&sent["id"], &json!(1)));
    // Its stream lets whoever opens it in, and carries what comes.
    let mut stream =
        guarded.server.stream("/v1/chat/Join", &[("authorization", &format!("Bearer {}", token("eve")))]).await;
    stream.send(json!({ "group_id": id, "user_id": "eve" })).await;
    let deadline = Instant::now() + crate::running::PATIENCE;
    while guarded.ask(&token("ann"), "/chat/List", json!({})).await["groups"][0]["user_ids"]
        != json!(["ann", "ben", "eve"])
    {
        assert!(Instant::now() < deadline);
    }
    let mut heard = None;
    while heard.is_none() {
        guarded.ask(&token("ben"), "/chat/Send", json!({ "group_id": id, "text": "stew!" })).await;
        heard = tokio::time::timeout(Duration::from_millis(300), stream.json()).await.ok();
    }
    let heard = heard.expect("a message")["message"].clone();
    let history = guarded.ask(&token("eve"), "/chat/History", json!({ "group_id": id })).await;
    assert!(history["messages"].as_array().is_some_and(|all| all.contains(&heard)), "{heard}");
    stream.send(json!({ "text": "x" })).await;
    loop {
        let frame = stream.json().await;
        if frame["message"].is_null() {
            assert_eq!(frame["Id"], "gateway.OnlyHeard");
            break;
        }
    }
}

#[tokio::test]
async fn a_client_that_names_the_program_makes_no_message_the_same_as_another() {
    let guarded = Guarded::start().await;
    let id = group(&guarded, false, json!(["ben"])).await;
    for text in ["hey", "ok", "ok"] {
        let message = json!({ "group_id": id, "client": "web", "text": text });
        let sent = guarded.ask(&token("ann"), "/v1/chat/Send", message).await["message"].clone();
        assert_eq!((&sent["client"], &sent["text"]), (&json!("web"), &json!(text)));
    }
    // What repeats a message is said beside it.
    let repeated = json!({ "group_id": id, "client": "web", "client_id": "c1", "text": "once" });
    let first = guarded.ask(&token("ann"), "/v1/chat/Send", repeated.clone()).await;
    assert_eq!(guarded.ask(&token("ann"), "/v1/chat/Send", repeated).await, first);
    let history = guarded.ask(&token("ben"), "/v1/chat/History", json!({ "group_id": id })).await;
    let all = history["messages"].as_array().expect("messages");
    let said: Vec<_> = all.iter().map(|one| (one["client"].as_str(), one["text"].as_str())).collect();
    let expected = [("web", "hey"), ("web", "ok"), ("web", "ok"), ("c1", "once")];
    assert_eq!(said, expected.map(|(client, text)| (Some(client), Some(text))));
    let long = json!({ "group_id": id, "client": "x".repeat(220), "text": "hey" });
    let (status, refused) = guarded.call(&token("ann"), "", "/v1/chat/Send", long).await;
    assert_eq!((status, &refused["Detail"]), (413, &json!("client may have 219 bytes at most.")));
}

#[tokio::test]
async fn its_stream_carries_what_others_say_as_history_has_it() {
    let guarded = Guarded::start().await;
    let id = group(&guarded, false, json!(["ben"])).await;
    let mut stream = guarded.server.stream("/v1/chat/Join", &[]).await;
    stream.send(json!({ "group_id": id, "token": token("eve") })).await;
    while guarded.ask(&token("ann"), "/chat/List", json!({})).await["groups"][0]["user_ids"].as_array().map(Vec::len)
        != Some(3)
    {}
    // Whoever has joined is a member before they hear: until something comes, it is said again.
    let mut heard = None;
    while heard.is_none() {
        guarded.ask(&token("ben"), "/chat/Send", json!({ "group_id": id, "client": "web", "text": "soup" })).await;
        heard = tokio::time::timeout(Duration::from_millis(300), stream.json()).await.ok();
    }
    guarded.ask(&token("eve"), "/chat/Send", json!({ "group_id": id, "text": "mine" })).await;
    guarded.ask(&token("ben"), "/chat/Send", json!({ "group_id": id, "text": "last" })).await;
    let mut frames = vec![heard.expect("a message")];
    while frames.last().expect("one")["message"]["text"] != "last" {
        frames.push(stream.json().await);
    }
    let history = guarded.ask(&token("eve"), "/v1/chat/History", json!({ "group_id": id })).await;
    let all = history["messages"].as_array().expect("messages");
    for frame in &frames {
        assert_ne!(frame["message"]["user_id"], "eve", "they have the answer of Send");
        assert!(all.contains(&frame["message"]), "{frame}");
    }
    assert_eq!(frames[0]["message"]["client"], "web");
    let times = all.iter().map(|one| one["sent_at"].as_str().expect("a time"));
    assert!(times.into_iter().any(|time| time.contains('.')), "more than a second's worth: {history}");
}

#[tokio::test]
async fn a_group_that_is_deleted_is_gone_at_once_and_what_it_held_goes_by_and_by_also_behind_a_kill() {
    let data = tempfile::tempdir().expect("a folder");
    let server = Running::on(data.path()).await;
    let user_ids: Vec<String> = (0..1_000).map(|number| format!("user {number}")).collect();
    let body = json!({ "name": "lunch", "user_ids": user_ids });
    let id = server.ask("/chat/Create", body).await["group"]["id"].as_str().expect("an id").to_owned();
    let late = json!([4, 1, 1, { "client_id": "late", "text": "x" }, true]);
    let mut stream = server.session("user 1").await;
    for frame in [json!([2, 1, id, 0, -1, true]), late] {
        stream.send(frame).await;
    }
    while stream.json().await[0] != 25 {}
    // The first commit, and what would come behind it does not: as though the server were killed there.
    let [actor, target] = [(); 2].map(|()| String::new());
    let name = GroupName { namespace: "micro".to_owned(), id: id.clone(), actor, target };
    server.store.change_group(name, |_| Ok::<_, ()>(GroupChange::Delete)).await.expect("a commit").expect("it is gone");
    let left = || {
        let database = rusqlite::Connection::open(data.path().join("chat.db")).expect("a database");
        let count = "SELECT (SELECT count(*) FROM members) + (SELECT count(*) FROM expired)";
        database.query_row(count, [], |row| row.get::<_, u64>(0)).expect("a number")
    };
    assert_eq!(left(), 1_001, "otherwise this would look at nothing");
    while stream.json().await[3]["Id"] != "chat.Connect.Removed" {}
    let of_one = json!({ "user_id": "user 1" });
    assert_eq!(server.ask("/chat/List", json!({})).await, json!({ "groups": [] }));
    assert_eq!(server.ask("/chat/List", of_one.clone()).await, json!({ "groups": [] }));
    assert_eq!(server.ask("/chats/ListChats", of_one.clone()).await["chats"], json!([]));
    for method in ["Join", "Leave", "Invite", "Kick", "Delete", "Send", "History"] {
        let body = json!({ "group_id": id, "user_id": "user 1", "text": "x" });
        let (status, error) = server.refused(&format!("/chat/{method}"), body).await;
        assert_eq!((status, error), (400, format!("chat.{}", method.to_lowercase())));
    }
    let (status, lines) = server.post("/chats/ExportUser", of_one).await;
    assert!(status == 200 && !lines.contains(&id), "{lines}");
    assert_eq!(left(), 1_001);
    server.stop().await;
    let server = Running::on(data.path()).await;
    let deadline = Instant::now() + crate::running::PATIENCE;
    while left() > 0 {
        assert!(Instant::now() < deadline, "{} rows stay", left());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_private_group_is_none_to_whoever_is_not_in_it_by_every_door() {
    let guarded = Guarded::start().await;
    let id = group(&guarded, true, json!(["ben"])).await;
    let nowhere = "5f0c3b1e-0000-4000-8000-000000000000";
    for (method, body) in [
        ("Join", json!({})),
        ("Leave", json!({})),
        ("Delete", json!({})),
        ("Kick", json!({ "user_id": "ben" })),
        ("Invite", json!({ "user_id": "eve" })),
        ("Send", json!({ "text": "let me in" })),
        ("History", json!({})),
    ] {
        let mut answers = Vec::new();
        for id in [id.as_str(), nowhere] {
            let mut body = body.clone();
            body["group_id"] = json!(id);
            answers.push(guarded.call(&token("eve"), "", &format!("/chat/{method}"), body).await);
        }
        assert_eq!(answers[0], answers[1], "{method}");
        let (status, id, detail) = words(&answers[0]);
        assert_eq!((status, id, detail), (400, format!("chat.{}", method.to_lowercase()).as_str(), "group not found"));
    }
    let stream = |id: &str| json!({ "group_id": id, "user_id": "eve", "token": token("eve") });
    for id in [id.as_str(), nowhere] {
        assert_eq!(guarded.gateway("/chat/Join", &stream(id)).await, ("chat.join".to_owned(), 1008));
    }
    let all = guarded.ask(&token("eve"), "/chat/List", json!({})).await;
    let of_ben = guarded.ask(&token("eve"), "/chat/List", json!({ "user_id": "ben" })).await;
    assert_eq!((all, of_ben), (json!({ "groups": [] }), json!({ "groups": [] })));
    assert_eq!(guarded.ask(&token("ben"), "/chat/List", json!({})).await["groups"][0]["id"], json!(id));
    // By invitation, of a member.
    assert_eq!(act(&guarded, "ben", "Invite", &id, "eve").await.0, 200);
    assert_eq!(act(&guarded, "eve", "Join", &id, "").await.0, 200);
}

#[tokio::test]
async fn only_its_creator_kicks_and_deletes() {
    let guarded = Guarded::start().await;
    let id = group(&guarded, false, json!(["ben"])).await;
    let refused = (403, "chat.kick", "only who created the group may do this");
    assert_eq!(words(&act(&guarded, "ben", "Kick", &id, "ann").await), refused);
    let refused = (403, "chat.delete", "only who created the group may do this");
    assert_eq!(words(&act(&guarded, "ben", "Delete", &id, "").await), refused);
    let refused = (400, "chat.invite", "user is not in the group");
    assert_eq!(words(&act(&guarded, "eve", "Invite", &id, "eve").await), refused);
    assert_eq!(act(&guarded, "ann", "Kick", &id, "eve").await.1["group"]["user_ids"], json!(["ann", "ben"]));
    assert_eq!(words(&act(&guarded, "ann", "Kick", &id, "").await), (400, "chat.kick", "missing user id"));
    assert_eq!(words(&act(&guarded, "ann", "Kick", "", "ben").await), (400, "chat.kick", "missing group id"));
    assert_eq!(act(&guarded, "ann", "Kick", &id, "ben").await.1["group"]["user_ids"], json!(["ann"]));
}

#[tokio::test]
async fn who_is_put_out_hears_nothing_more_and_the_others_go_on() {
    let guarded = Guarded::start().await;
    let id = group(&guarded, false, json!(["ben", "cleo"])).await;
    let mut ben = subscribed(&guarded, "ben", &id).await;
    let mut cleo = subscribed(&guarded, "cleo", &id).await;
    let mut gateway = guarded.server.stream("/chat/Connect", &[]).await;
    gateway.send(json!({ "chat_id": id, "token": token("ben") })).await;
    until(&guarded.server, "micro_chat_subscriptions", 3.0).await;
    assert!(gateway.is_quiet().await);
    assert_eq!(act(&guarded, "ann", "Kick", &id, "ben").await.0, 200);
    let ended = ben.json().await;
    assert_eq!(
        (&ended[0], &ended[1], &ended[2], &ended[3]["Id"]),
        (&json!(25), &json!(1), &json!(1), &json!("chat.Connect.Removed"))
    );
    assert_eq!(gateway.json().await["Id"], "chat.Connect.Removed");
    assert_eq!(gateway.closed().await, 1008);
    guarded.ask(&token("ann"), "/chat/Send", json!({ "chat_id": id, "text": "he is gone" })).await;
    assert_eq!(cleo.json().await[4][0]["text"], "he is gone");
    assert!(ben.is_quiet().await);
    // The connection itself goes on: it may have other chats.
    let other = guarded.chat().await;
    ben.send(json!([2, 1, other, 0, -1])).await;
    assert_eq!(ben.json().await[0], 21);
    let (status, answer) = guarded.call(&token("ben"), "", "/chat/History", json!({ "chat_id": id })).await;
    assert_eq!((status, &answer["Id"]), (400, &json!("chat.History.InvalidChatID")));
}

#[tokio::test]
async fn a_deleted_group_leaves_nothing_behind_and_its_row_is_no_other_chats() {
    let guarded = Guarded::start().await;
    let id = group(&guarded, false, json!(["ben"])).await;
    for text in ["one", "two"] {
        guarded.ask(&token("ann"), "/chat/Send", json!({ "chat_id": id, "text": text })).await;
    }
    let mut ben = subscribed(&guarded, "ben", &id).await;
    assert_eq!(act(&guarded, "ann", "Delete", &id, "").await.1["group"]["user_ids"], json!(["ann", "ben"]));
    assert_eq!(ben.json().await[3]["Id"], "chat.Connect.Removed");
    assert_eq!(words(&act(&guarded, "ann", "Delete", &id, "").await), (400, "chat.delete", "group not found"));
    let (status, _) = guarded.call(&token("ann"), "", "/chat/History", json!({ "chat_id": id })).await;
    assert_eq!(status, 400);
    let deadline = Instant::now() + crate::running::PATIENCE;
    loop {
        let left = |connection: &rusqlite::Connection| {
            connection.query_row("SELECT count(*) FROM messages", [], |row| row.get::<_, u64>(0))
        };
        if guarded.server.store.look(left).await.is_ok_and(|left| left == 0) {
            break;
        }
        assert!(Instant::now() < deadline, "its messages are still there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let next = group(&guarded, false, json!(["ben"])).await;
    let history = guarded.ask(&token("ann"), "/chat/History", json!({ "chat_id": next })).await;
    assert_eq!(history, json!({ "messages": [] }));
    let mut ben = subscribed(&guarded, "ben", &next).await;
    guarded.ask(&token("ann"), "/chat/Send", json!({ "chat_id": next, "text": "anew" })).await;
    assert_eq!(ben.json().await[4][0]["seq"], 1);
}

#[tokio::test]
async fn in_dev_groups_ask_who_is_a_member_and_believe_who_is_named() {
    let open = Running::start().await;
    let body = json!({ "name": "lunch", "user_ids": ["ann"] });
    let id = open.ask("/chat/Create", body).await["group"]["id"].as_str().expect("an id").to_owned();
    let (status, refused) = open.post("/chat/Send", json!({ "group_id": id, "user_id": "ben", "text": "hi" })).await;
    let refused: Value = serde_json::from_str(&refused).expect("JSON");
    assert_eq!((status, &refused["Detail"]), (400, &json!("user is not in the group")));
    open.ask("/chat/Invite", json!({ "group_id": id, "user_id": "ben" })).await;
    open.ask("/chat/Send", json!({ "group_id": id, "user_id": "ben", "text": "hi" })).await;
    assert_eq!(open.refused("/chat/Create", json!({ "user_ids": ["ann"] })).await, (400, "chat.create".to_owned()));
    let taken = json!({ "id": id, "user_ids": ["ann", "ben"] });
    assert_eq!(open.refused("/chats/CreateChat", taken).await, (409, "TAKEN_ID".to_owned()));
    let listed = open.http.get(open.url("/chat/List?user_id=ben&limit=1")).send().await.expect("an answer");
    assert_eq!(listed.json::<Value>().await.expect("JSON")["groups"][0]["id"], json!(id));
}

#[tokio::test]
async fn a_list_of_large_groups_comes_in_parts() {
    let guarded = Guarded::start().await;
    let many: Vec<_> = (0..999).map(|n| format!("{n:0>250}")).collect();
    for _ in 0..8 {
        group(&guarded, false, json!(many)).await;
    }
    let mut seen = 0;
    let mut parts = 0;
    loop {
        let answer = guarded.ask(&token("eve"), "/chat/List", json!({ "offset": seen })).await;
        assert!(answer.to_string().len() < 2_000_000);
        seen += answer["groups"].as_array().expect("groups").len();
        parts += 1;
        if answer["has_more"].is_null() {
            break;
        }
    }
    assert!(seen == 8 && parts > 1, "{seen} in {parts}");
}
