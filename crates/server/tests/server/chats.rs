//! The service `chats`.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::running::Running;

fn is_now(time: &Value) -> bool {
    let text = time.as_str().expect("a time");
    let time = OffsetDateTime::parse(text, &Rfc3339).expect("RFC 3339");
    text.contains('.') && text.ends_with('Z') && (OffsetDateTime::now_utc() - time).whole_seconds().abs() < 60
}

#[tokio::test]
async fn create_chat_answers_the_chat_and_finds_it_again_by_id_and_by_users() {
    let server = Running::start().await;
    let answer = server.ask("/chats/Chats/CreateChat", json!({ "id": "tea", "user_ids": ["ben", "ann"] })).await;
    assert_eq!(answer["chat"]["id"], "tea");
    assert_eq!(answer["chat"]["user_ids"], json!(["ann", "ben"]));
    assert!(is_now(&answer["chat"]["created_at"]));
    for again in [
        json!({ "id": "tea", "user_ids": ["cat", "dan"] }),
        json!({ "user_ids": ["ann", "ben"] }),
        json!({ "id": "other", "user_ids": ["ann", "ben"] }),
    ] {
        assert_eq!(server.ask("/chats/CreateChat", again.clone()).await, answer, "{again}");
    }
    // Both services have the same chats.
    assert_eq!(server.chat().await, "tea");
}

#[tokio::test]
async fn send_message_answers_the_message_and_the_same_id_the_first_one() {
    let server = Running::start().await;
    let chat_id = server.chat().await;
    let first = server
        .ask("/chats/SendMessage", json!({ "id": "m", "chat_id": chat_id, "author_id": "ann", "text": "one" }))
        .await;
    let message = &first["message"];
    assert_eq!((&message["id"], &message["author_id"], &message["text"]), (&json!("m"), &json!("ann"), &json!("one")));
    assert_eq!(message["chat_id"], chat_id.as_str());
    assert!(is_now(&message["sent_at"]));
    for (author, text) in [("ann", "one"), ("ann", "two"), ("ben", "three")] {
        let again = json!({ "id": "m", "chat_id": chat_id, "author_id": author, "text": text });
        assert_eq!(server.ask("/chats/SendMessage", again).await, first);
    }
    let other =
        server.ask("/chats/SendMessage", json!({ "chat_id": chat_id, "author_id": "ann", "text": "one" })).await;
    assert_ne!(other["message"]["id"], "m");
    let seen = server.ask("/chat/History", json!({ "chat_id": chat_id })).await;
    assert_eq!(seen["messages"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn list_messages_goes_by_offset_from_either_end() {
    let server = Running::start().await;
    let chat_id = server.chat().await;
    for number in 1..=30 {
        server.send(&chat_id, "ann", &number.to_string()).await;
    }
    let newest = |from: u64, to: u64| (from..=to).rev().collect::<Vec<_>>();
    let oldest = |from: u64, to: u64| (from..=to).collect::<Vec<_>>();
    let table = [
        (json!({}), newest(6, 30)),
        (json!({ "order": "desc", "limit": 2 }), newest(29, 30)),
        (json!({ "order": "order \"asc\" or \"desc\"", "limit": 1, "offset": 1 }), newest(29, 29)),
        (json!({ "offset": 28 }), newest(1, 2)),
        (json!({ "offset": 30 }), vec![]),
        (json!({ "offset": u64::MAX }), vec![]),
        (json!({ "order": "asc", "limit": 3 }), oldest(1, 3)),
        (json!({ "order": "asc", "offset": 27 }), oldest(28, 30)),
        (json!({ "order": "asc", "offset": u64::MAX }), vec![]),
    ];
    for (mut range, expected) in table {
        range["chat_id"] = json!(chat_id);
        let answer = server.ask("/chats/ListMessages", range.clone()).await;
        let texts: Vec<_> = answer["messages"].as_array().expect("a list").iter().map(|m| m["text"].clone()).collect();
        assert_eq!(texts, expected.iter().map(|number| json!(number.to_string())).collect::<Vec<_>>(), "{range}");
    }
}

/// What somebody gets who goes on behind what they have, page by page.
async fn paged(server: &Running, chat_id: &str, order: &str, limit: u64) -> Vec<Value> {
    let mut texts = Vec::new();
    loop {
        let range = json!({ "chat_id": chat_id, "order": order, "limit": limit, "offset": texts.len() });
        let page = server.ask("/chats/ListMessages", range).await;
        let page = page["messages"].as_array().expect("a list");
        if page.is_empty() {
            return texts;
        }
        texts.extend(page.iter().map(|message| message["text"].clone()));
    }
}

#[tokio::test]
async fn pages_join_where_messages_were_deleted() {
    let server = Running::start().await;
    // Nobody's, every other one's, runs of one's, all of one's at either end.
    for authors in ["cccc", "acacacacac", "caaaacaaaac", "aaaccaaaccaaa", "aaaa", "bacabcaabbcc"] {
        let chat = server.ask("/chat/New", json!({ "user_ids": ["a", "b", "c"] })).await;
        let chat_id = chat["chat_id"].as_str().expect("an id");
        let mut left: Vec<(char, Value)> = Vec::new();
        for (number, author) in authors.chars().enumerate() {
            server.send(chat_id, &author.to_string(), &number.to_string()).await;
            left.push((author, json!(number.to_string())));
        }
        for gone in ['a', 'b'] {
            server.ask("/chats/DeleteUser", json!({ "user_id": gone })).await;
            left.retain(|(author, _)| *author != gone);
            let mut expected: Vec<Value> = left.iter().map(|(_, text)| text.clone()).collect();
            for limit in 1..=4 {
                assert_eq!(
                    paged(&server, chat_id, "asc", limit).await,
                    expected,
                    "{authors} without {gone} by {limit}"
                );
            }
            expected.reverse();
            for limit in 1..=4 {
                assert_eq!(
                    paged(&server, chat_id, "desc", limit).await,
                    expected,
                    "{authors} without {gone} by {limit}"
                );
            }
        }
    }
}

#[tokio::test]
async fn what_is_missing_or_unknown_is_said_in_the_originals_words() {
    let server = Running::start().await;
    let chat_id = server.chat().await;
    let table = [
        ("CreateChat", json!({}), 400, "MISSING_USER_IDs"),
        ("CreateChat", json!({ "id": "The chat ID", "user_ids": ["string"] }), 400, "MISSING_USER_IDs"),
        ("CreateChat", json!({ "user_ids": ["ann", "ann"] }), 400, "MISSING_USER_IDs"),
        ("SendMessage", json!({ "chat_id": chat_id, "text": "x" }), 400, "MISSING_AUTHOR_ID"),
        ("SendMessage", json!({ "author_id": "ann", "text": "x" }), 400, "MISSING_CHAT_ID"),
        ("SendMessage", json!({ "author_id": "ann", "chat_id": chat_id }), 400, "MISSING_TEXT"),
        ("SendMessage", json!({ "author_id": "ann", "chat_id": "string", "text": "x" }), 404, "NOT_FOUND"),
        ("ListMessages", json!({}), 400, "MISSING_CHAT_ID"),
        ("ListMessages", json!({ "chat_id": "unique id of the chat" }), 404, "NOT_FOUND"),
        ("ListMessages", json!({ "chat_id": chat_id, "limit": 1_001 }), 400, "LIMIT_TOO_LARGE"),
    ];
    for (method, request, code, id) in table {
        let refused = server.refused(&format!("/chats/Chats/{method}"), &request).await;
        assert_eq!(refused, (code, id.to_owned()), "{request}");
    }
}
