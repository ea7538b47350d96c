//! Whoever deletes a user is told of which namespace, and that is the one.

use serde_json::json;

use crate::connect::Terminal;
use crate::desk::{Desk, key};
use crate::guarded::{Guarded, seconds, sign, token};
use crate::running::Running;

const DELETE: &[&str] = &["chats", "delete-user", "--user_id=ann"];

/// A server where Ann wrote a message in each of two namespaces; a desk of somebody who may delete in `other`.
async fn two_namespaces() -> (Guarded, Desk) {
    let guarded = Guarded::start().await;
    let mut desk = Desk::at(&guarded.server.host);
    for namespace in ["micro", "other"] {
        let key = key(&guarded, namespace, "read,send");
        let chat_id = guarded.ask(&key, "/chat/New", json!({ "user_ids": ["ann", "ben"] })).await["chat_id"].clone();
        let body = json!({ "chat_id": chat_id, "user_id": "ann", "text": "hello" });
        guarded.ask(&key, "/chat/Send", body).await;
    }
    desk.token = Some(key(&guarded, "other", "read,send,admin"));
    (guarded, desk)
}

/// In how many chats Ann is, in `micro` and in `other`.
async fn chats(guarded: &Guarded) -> (usize, usize) {
    let count = async |token: &str| {
        let answer = guarded.ask(token, "/chats/ListChats", json!({ "user_id": "ann" })).await;
        answer["chats"].as_array().expect("chats").len()
    };
    (count(&token("ann")).await, count(&key(guarded, "other", "read")).await)
}

#[tokio::test]
async fn a_key_deletes_in_its_namespace_and_says_which_that_is() {
    let (guarded, desk) = two_namespaces().await;
    let ran = desk.run(DELETE).await;
    let is_told = ran.err.contains("the user ann at ") && ran.err.contains(" in the namespace other, ");
    assert_eq!((ran.code, is_told), (2, true), "{}", ran.err);
    // A user's token may name one, too.
    let claims = json!({ "sub": "ann", "namespace": "other", "exp": seconds() + 3_600 });
    let mut terminal =
        Terminal::of(Desk { token: Some(sign(&claims)), ..Desk::at(&guarded.server.host) }.on_terminal(DELETE));
    terminal.show("in the namespace other, with all that they wrote").await;
    terminal.press("n\r").await;
    assert_eq!(terminal.end().await.code(), Some(2));
    assert_eq!(chats(&guarded).await, (1, 1));
    let mut terminal = Terminal::of(desk.on_terminal(DELETE));
    terminal.show("in the namespace other, with all that they wrote").await;
    terminal.press("y\r").await;
    assert_eq!(terminal.end().await.code(), Some(0));
    assert_eq!(chats(&guarded).await, (1, 0));
}

#[tokio::test]
async fn a_key_of_another_namespace_than_was_named_deletes_nobody() {
    let (guarded, desk) = two_namespaces().await;
    for more in [&[][..], &["--yes"]] {
        for ran in [
            desk.run(&[DELETE, &["--namespace=micro"], more].concat()).await,
            desk.run_with(&[("MICRO_NAMESPACE", "micro")], &[DELETE, more].concat()).await,
        ] {
            let is_told = ran.err.contains("namespace other") && ran.err.contains("names micro");
            assert_eq!((ran.code, ran.out.as_str(), is_told), (2, "", true), "{}", ran.err);
        }
    }
    assert_eq!(chats(&guarded).await, (1, 1));
    // The same one may be named.
    assert_eq!(desk.run(&[DELETE, &["--namespace=other", "--yes"]].concat()).await.json()["chats"], 1);
    assert_eq!(chats(&guarded).await, (1, 0));
}

#[tokio::test]
async fn who_deletes_nothing_at_all_is_told_where_it_was_looked_for() {
    let (guarded, desk) = two_namespaces().await;
    let ran = desk.run(&["chats", "delete-user", "--user_id=typo", "--yes"]).await;
    assert_eq!(ran.json(), json!({ "messages": 0, "chats": 0, "ended": 0 }));
    assert!(ran.err.contains("typo") && ran.err.contains("the namespace other"), "{}", ran.err);
    let ran = desk.run(&[DELETE, &["--yes"]].concat()).await;
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(chats(&guarded).await, (1, 0));
}

#[tokio::test]
async fn where_nobody_has_to_say_who_they_are_the_namespace_is_the_one_that_was_named() {
    let server = Running::start().await;
    let mut desk = Desk::at(&server.host);
    for token in [None, Some("what a server in dev does not look at".to_owned())] {
        desk.token = token;
        assert!(desk.run(DELETE).await.err.contains(" in the namespace micro, "));
        let named = desk.run(&[DELETE, &["--namespace=club"]].concat()).await;
        assert!(named.err.contains(" in the namespace club, "), "{}", named.err);
    }
}

#[tokio::test]
async fn what_is_printed_of_the_settings_knows_that_a_token_has_a_namespace() {
    let (_guarded, desk) = two_namespaces().await;
    let namespace = async |arguments: &[&str]| {
        let listing = desk.run(&[&["config"], arguments].concat()).await.json();
        listing["settings"].as_array().expect("rows").iter().find(|row| row["key"] == "namespace").cloned()
    };
    let row = json!({ "key": "namespace", "value": "(the token's)", "from": "default" });
    assert_eq!(namespace(&[]).await, Some(row));
    let row = json!({ "key": "namespace", "value": "club", "from": "flag" });
    assert_eq!(namespace(&["--namespace=club"]).await, Some(row));
}
