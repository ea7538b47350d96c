//! A deletion that was begun is done: whoever hangs up, whatever the clock says, and whatever retention took before.

use std::time::Duration;

use micro_chat_server::auth::keys;
use micro_chat_server::store::KeyRing;
use serde_json::json;

use crate::guarded::{Guarded, SECRET, key_file, seconds, sign, token};
use crate::running::Running;
use crate::underway::{ENDED, HERS, asked, change, fill, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_hangs_up_while_it_begins_is_deleted_all_the_same() {
    let guarded = Guarded::start().await;
    guarded.chat().await;
    fill(guarded.folder(), 10);
    guarded.server.hang_up(&token("ann"), "/chats/DeleteUser", json!({})).await;
    until(guarded.folder(), &format!("SELECT ({HERS}) = 0")).await;
    until(guarded.folder(), ENDED).await;
    let (status, answer) = guarded.call(&token("ann"), "", "/chats/ListChats", json!({})).await;
    assert_eq!((status, &answer["Id"]), (401, &json!("auth.RevokedToken")));
}

#[tokio::test]
async fn what_was_written_by_a_clock_that_has_been_set_back_since_goes_too() {
    let data = tempfile::tempdir().expect("a folder");
    let server = Running::on(data.path()).await;
    let chat_id = server.chat().await;
    server.ask("/chat/Create", json!({ "name": "hers", "user_ids": ["ann", "ben"] })).await;
    for text in ["one", "two"] {
        server.send(&chat_id, "ann", text).await;
    }
    let ahead = |column: &str| format!("{column} = {column} + 3600000000000");
    change(
        data.path(),
        &format!(
            "UPDATE messages SET {}; UPDATE members SET {}; UPDATE chats SET {}, {};",
            ahead("sent_at"),
            ahead("joined_at"),
            ahead("active_at"),
            ahead("created_at")
        ),
    );
    let gone = server.ask("/chats/DeleteUser", json!({ "user_id": "ann" })).await;
    assert_eq!(gone, json!({ "messages": 2, "chats": 2, "ended": 0 }));
    assert_eq!(asked::<u64>(data.path(), "SELECT count(*) FROM members WHERE user_id = 'ann'"), 0);
    // Somebody who is called so, too, while another deletion goes on, and the clock stays where it is.
    change(data.path(), "INSERT INTO deletions SELECT 'micro', 'ann', max(active_at) FROM chats");
    server.stop().await;
    change(data.path(), "CREATE TRIGGER slow BEFORE DELETE ON deletions BEGIN SELECT RAISE(ABORT, 'not yet'); END");
    let server = Running::on(data.path()).await;
    server.send(&chat_id, "ann", "of another").await;
    change(data.path(), "DROP TRIGGER slow");
    until(data.path(), ENDED).await;
    assert_eq!(asked::<u64>(data.path(), HERS), 1);
}

#[tokio::test]
async fn whose_tokens_had_ended_by_a_clock_that_was_ahead_gets_none_back_by_being_deleted() {
    let guarded = Guarded::start().await;
    let key = key_file(guarded.folder(), "the same", SECRET);
    let (kept, admin) = keys::create("micro".to_owned(), String::new(), &"admin".parse().expect("scopes"));
    KeyRing::open(guarded.folder()).expect("the database").add(&kept).expect("a key");
    change(guarded.folder(), &format!("INSERT INTO cutoffs VALUES ('micro', 'ann', {})", seconds() + 3_600));
    let guarded = guarded.restart(&key).await;
    guarded.ask(&admin, "/chats/DeleteUser", json!({ "user_id": "ann" })).await;
    // What ends now is over behind this second.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let token = sign(&json!({ "sub": "ann", "exp": seconds() + 60, "iat": seconds() }));
    let refused =
        async |guarded: &Guarded| guarded.call(&token, "", "/chats/ListChats", json!({})).await.1["Id"].clone();
    assert_eq!(refused(&guarded).await, "auth.RevokedToken");
    let guarded = guarded.restart(&key).await;
    assert_eq!(refused(&guarded).await, "auth.RevokedToken");
}

#[tokio::test]
async fn no_chat_names_whose_messages_retention_took_before_they_were_deleted() {
    let data = tempfile::tempdir().expect("a folder");
    let server = Running::on(data.path()).await;
    let group = server.ask("/chat/Create", json!({ "name": "g", "user_ids": ["ann", "ben"] })).await;
    let group_id = group["group"]["id"].clone();
    server.ask("/chat/Send", json!({ "group_id": group_id, "user_id": "ann", "text": "hello" })).await;
    server.ask("/chat/Leave", json!({ "group_id": group_id, "user_id": "ann" })).await;
    assert_eq!(asked::<u64>(data.path(), "SELECT count(*) FROM traces"), 1);
    change(
        data.path(),
        "DELETE FROM messages; UPDATE chats SET first_seq = last_seq + 1; UPDATE groups SET creator = 'ben'",
    );
    server.ask("/chats/DeleteUser", json!({ "user_id": "ann" })).await;
    assert_eq!(asked::<u64>(data.path(), "SELECT count(*) FROM traces"), 0);
}
