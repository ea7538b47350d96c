//! The service `chat`.

use std::ops::RangeInclusive;

use serde_json::{Value, json};

use crate::running::Running;

#[tokio::test]
async fn new_finds_the_chat_of_the_same_users_in_any_order() {
    let server = Running::start().await;
    let chat_id = server.chat().await;
    assert_eq!(uuid::Uuid::parse_str(&chat_id).expect("a UUID").get_version_num(), 4);
    for user_ids in [json!(["ben", "ann"]), json!(["ann", "ben", "ann"])] {
        let (status, body) = server.post("/chat/New", json!({ "user_ids": user_ids })).await;
        assert_eq!((status, body), (200, format!(r#"{{"chat_id":"{chat_id}"}}"#)));
    }
    // Names that only read alike when they stand together are other users.
    for user_ids in [json!(["ann"]), json!(["annben"]), json!(["ann", "ben", "cat"]), json!(["a", "nnben"])] {
        assert_ne!(server.ask("/chat/New", json!({ "user_ids": user_ids })).await["chat_id"], chat_id.as_str());
    }
}

#[tokio::test]
async fn every_form_of_a_path_is_the_same_method_by_post_and_by_get() {
    let server = Running::start().await;
    let chat_id = server.chat().await;
    for path in ["/chat/New", "/chat/Chat/New", "/v1/chat/New", "/v1/chat/Chat/New"] {
        let answer = server.ask(path, json!({ "user_ids": ["ann", "ben"] })).await;
        assert_eq!(answer["chat_id"], chat_id.as_str(), "{path}");
        let url = server.url(&format!("{path}?user_ids=ann&user_ids=ben"));
        let answer: Value = server.http.get(url).send().await.expect("an answer").json().await.expect("JSON");
        assert_eq!(answer["chat_id"], chat_id.as_str(), "GET {path}");
    }
}

#[tokio::test]
async fn a_body_is_json_whatever_its_content_type_says() {
    let server = Running::start().await;
    let chat_id = server.chat().await;
    for content_type in ["application/x-www-form-urlencoded", "text/plain", "application/json"] {
        let request = server.http.post(server.url("/chat/New")).header("content-type", content_type);
        let response = request.body(r#"{"user_ids":["ann","ben"]}"#).send().await.expect("an answer");
        assert_eq!(response.headers()["content-type"], "application/json");
        assert_eq!(response.text().await.expect("a body"), format!(r#"{{"chat_id":"{chat_id}"}}"#));
    }
}

#[tokio::test]
async fn what_is_sent_is_in_the_history_as_it_was_said() {
    let server = Running::start().await;
    let chat_id = server.chat().await;
    let message = json!({
        "chat_id": chat_id, "client_id": "c-1", "user_id": "ann", "subject": "Grüße \"x\"", "text": "a\u{0}b\n<i>👋"
    });
    assert_eq!(server.post("/chat/Send", &message).await, (200, "{}".to_owned()));
    let answer = server.ask("/chat/History", json!({ "chat_id": chat_id })).await;
    let stored = &answer["messages"][0];
    for field in ["chat_id", "client_id", "user_id", "subject", "text"] {
        assert_eq!(stored[field], message[field], "{field}");
    }
    assert_eq!(stored["seq"], 1);
    let age = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock").as_secs() as i64
        - stored["sent_at"].as_i64().expect("whole seconds");
    assert!((0..60).contains(&age));
    assert!(uuid::Uuid::parse_str(stored["id"].as_str().expect("an id")).is_ok());
    assert!(answer.get("has_more").is_none());
}

#[tokio::test]
async fn the_same_client_id_is_stored_once_and_another_text_with_it_is_a_conflict() {
    let server = Running::start().await;
    let chat_id = server.chat().await;
    let send = |user: &str, text: &str| {
        json!({ "chat_id": chat_id, "user_id": user, "client_id": "one", "text": text }).to_string()
    };
    for _ in 0..3 {
        assert_eq!(server.post("/chat/Send", send("ann", "hello")).await, (200, "{}".to_owned()));
    }
    assert_eq!(
        server.refused("/chat/Send", send("ann", "goodbye")).await,
        (409, "chat.Send.ClientIDConflict".to_owned())
    );
    // Another user's ids are their own.
    assert_eq!(server.post("/chat/Send", send("ben", "goodbye")).await.0, 200);
    let messages = server.ask("/chat/History", json!({ "chat_id": chat_id })).await["messages"].take();
    let texts: Vec<_> = messages.as_array().expect("a list").iter().map(|message| &message["text"]).collect();
    assert_eq!(texts, ["hello", "goodbye"]);
}

#[tokio::test]
async fn what_is_missing_or_unknown_is_said_in_the_originals_words() {
    let server = Running::start().await;
    let chat_id = server.chat().await;
    let table = [
        ("New", json!({}), "MissingUserIDs"),
        ("New", json!({ "user_ids": [] }), "MissingUserIDs"),
        ("New", json!({ "user_ids": [""] }), "EmptyUserID"),
        ("Send", json!({ "user_id": "ann", "subject": "Hello", "text": "Hey" }), "MissingChatID"),
        ("Send", json!({ "chat_id": chat_id, "text": "Hey" }), "MissingUserID"),
        ("Send", json!({ "chat_id": chat_id, "user_id": "ann" }), "MissingText"),
        ("Send", json!({ "chat_id": "nowhere", "user_id": "ann", "text": "Hey" }), "InvalidChatID"),
        ("History", json!({}), "MissingChatID"),
        ("History", json!({ "chat_id": "string" }), "InvalidChatID"),
        ("History", json!({ "chat_id": "3c9ea66c-d516-45d4-abe8-082089e18b27" }), "InvalidChatID"),
    ];
    for (method, request, reason) in table {
        let refused = server.refused(&format!("/chat/{method}"), &request).await;
        assert_eq!(refused, (400, format!("chat.{method}.{reason}")), "{request}");
    }
    // The form itself, to the byte.
    let (_, body) = server.post("/chat/New", "{}").await;
    assert_eq!(
        body,
        r#"{"Id":"chat.New.MissingUserIDs","Code":400,"Detail":"Name at least one user in user_ids.","Status":"Bad Request"}"#
    );
}

#[tokio::test]
async fn namespaces_see_nothing_of_each_other() {
    let server = Running::start().await;
    let chat_id = server.chat().await;
    server.send(&chat_id, "ann", "secret").await;
    let users = json!({ "user_ids": ["ann", "ben"] });
    let (_, other) = server.post_in("$yourNamespace", "/chat/New", &users).await;
    assert!(!other.contains(&chat_id));
    let read = json!({ "chat_id": chat_id });
    let (status, body) = server.post_in("$yourNamespace", "/chat/History", &read).await;
    assert_eq!(status, 400);
    assert!(body.contains("chat.History.InvalidChatID") && !body.contains("secret"));
    // No namespace is the namespace `micro`.
    let plain = server.http.post(server.url("/chat/New")).body(users.to_string()).send().await.expect("an answer");
    assert!(plain.text().await.expect("a body").contains(&chat_id));
}

#[tokio::test]
async fn history_is_read_in_ranges_and_says_when_there_is_more() {
    let server = Running::start().await;
    let chat_id = server.chat().await;
    for number in 1..=1_003 {
        server.send(&chat_id, "ann", &number.to_string()).await;
    }
    #[allow(clippy::reversed_empty_ranges)]
    const NONE: RangeInclusive<u64> = 1..=0;
    let table = [
        (json!({}), 4..=1_003, true),
        (json!({ "limit": 2 }), 1_002..=1_003, true),
        (json!({ "before": 4 }), 1..=3, false),
        (json!({ "before": 4, "limit": 2 }), 2..=3, true),
        (json!({ "after": 1_000 }), 1_001..=1_003, false),
        (json!({ "after": 0, "limit": 3 }), 1..=3, true),
        (json!({ "after": 0 }), 1..=1_000, true),
        (json!({ "after": 5, "before": 8 }), 6..=7, false),
        (json!({ "after": 1_003 }), NONE, false),
        (json!({ "after": u64::MAX }), NONE, false),
        (json!({ "before": 1 }), NONE, false),
    ];
    for (mut range, expected, has_more) in table {
        range["chat_id"] = json!(chat_id);
        let answer = server.ask("/chat/History", range.clone()).await;
        let seqs: Vec<_> = answer["messages"].as_array().expect("a list").iter().map(|m| m["seq"].as_u64()).collect();
        assert_eq!(seqs, expected.map(Some).collect::<Vec<_>>(), "{range}");
        assert_eq!(answer["has_more"].as_bool().unwrap_or(false), has_more, "{range}");
    }
    let refused = server.refused("/chat/History", json!({ "chat_id": chat_id, "limit": 1_001 })).await;
    assert_eq!(refused, (400, "chat.History.LimitTooLarge".to_owned()));
}

#[tokio::test]
async fn many_senders_at_once_leave_no_hole_and_no_double() {
    let server = std::sync::Arc::new(Running::start().await);
    let chat_id = server.chat().await;
    let senders = (0..20).map(|sender| {
        let (server, chat_id) = (server.clone(), chat_id.clone());
        tokio::spawn(async move {
            for number in 0..25 {
                server.send(&chat_id, &format!("user {sender}"), &number.to_string()).await;
            }
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await.expect("all are sent");
    }
    let answer = server.ask("/chat/History", json!({ "chat_id": chat_id })).await;
    let messages = answer["messages"].as_array().expect("a list");
    let seqs: Vec<_> = messages.iter().filter_map(|message| message["seq"].as_u64()).collect();
    assert_eq!(seqs, (1..=500).collect::<Vec<_>>());
    // Each sender's own order is kept.
    for sender in 0..20 {
        let own = messages.iter().filter(|message| message["user_id"] == format!("user {sender}"));
        let texts: Vec<_> = own.map(|message| message["text"].as_str().unwrap_or_default().to_owned()).collect();
        assert_eq!(texts, (0..25).map(|number| number.to_string()).collect::<Vec<_>>());
    }
}
