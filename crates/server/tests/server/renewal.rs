//! A stream stays by another token of its user, and by no other.

use std::time::Duration;

use micro_chat_client::{Client, Draft, Event, Start};
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::guarded::{Guarded, ended, seconds, sign, token};
use crate::running::PATIENCE;

#[tokio::test]
async fn a_renewed_stream_outlives_the_token_it_came_with() {
    let guarded = Guarded::start().await;
    let chat_id = guarded.chat().await;
    let first = seconds() + 6;
    let mut stream = guarded.session(json!({ "token": sign(&json!({ "sub": "ann", "exp": first })) })).await;
    assert_eq!(stream.json().await[0], 20);
    stream.send(json!([2, 1, chat_id, 0, -1])).await;
    assert_eq!((stream.json().await[0].clone(), stream.json().await[0].clone()), (json!(21), json!(23)));
    let second = first + 6;
    stream.send(json!([6, { "token": sign(&json!({ "sub": "ann", "exp": second })) }])).await;
    while seconds() <= first {
        sleep(Duration::from_millis(100)).await;
    }
    guarded.ask(&token("ben"), "/chat/Send", json!({ "chat_id": chat_id, "text": "still there?" })).await;
    assert_eq!(stream.json().await[4][0]["text"], "still there?");
    assert_eq!(ended(&mut stream).await, ("auth.ExpiredToken".to_owned(), 4003));
    assert!(seconds() >= second, "its token is still good");
}

#[tokio::test]
async fn nobody_goes_on_as_somebody_else_or_with_a_token_that_is_none() {
    let guarded = Guarded::start().await;
    let elsewhere = sign(&json!({ "sub": "ann", "namespace": "other", "exp": seconds() + 60 }));
    let expired = sign(&json!({ "sub": "ann", "exp": seconds() - 1 }));
    for (token, id, code) in [
        (token("ben"), "auth.WrongUser", 1008),
        (elsewhere, "auth.WrongNamespace", 1008),
        (expired, "auth.ExpiredToken", 4003),
        (String::new(), "auth.NoToken", 4003),
        ("nonsense".to_owned(), "auth.InvalidToken", 4003),
    ] {
        let mut stream = guarded.session(json!({ "token": crate::guarded::token("ann") })).await;
        assert_eq!(stream.json().await[0], 20);
        stream.send(json!([6, { "token": token }])).await;
        assert_eq!(ended(&mut stream).await, (id.to_owned(), code), "{token}");
    }
}

#[tokio::test]
async fn a_native_client_goes_on_by_another_token_without_a_reconnect() {
    let guarded = Guarded::start().await;
    let chat_id = guarded.chat().await;
    let client = Client::new(&guarded.server.url("/chat/Connect").replace("http", "ws"), "", "ann");
    let first = seconds() + 6;
    client.authorize(sign(&json!({ "sub": "ann", "exp": first })));
    let mut reading = client.subscribe(&chat_id, Start::First);
    let publisher = reading.publisher();
    publisher.publish(Draft::text("by the first token")).await.expect("stored");
    client.authorize(sign(&json!({ "sub": "ann", "exp": first + 60 })));
    while seconds() <= first {
        sleep(Duration::from_millis(100)).await;
    }
    publisher.publish(Draft::text("by the next one")).await.expect("stored");
    let (mut connected, mut texts) = (0, Vec::new());
    while texts.len() < 2 {
        match timeout(PATIENCE, reading.next()).await.expect("in time").expect("an event") {
            Event::Subscribed(_) => connected += 1,
            Event::Message(message) => texts.push(message.text),
            Event::CaughtUp => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((connected, texts), (1, vec!["by the first token".to_owned(), "by the next one".to_owned()]));
}
