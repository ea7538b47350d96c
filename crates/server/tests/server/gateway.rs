//! The gateway dialect.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::metrics::until;
use crate::running::{PATIENCE, Running, Stream};

/// Joins as one more than there were.
async fn join(server: &Running, chat_id: &str, user_id: &str, there: usize) -> Stream {
    settle(server, there).await;
    let stream = server.gateway("/chat/Chat/Connect", &[("chat-id", chat_id), ("user-id", user_id)]).await;
    settle(server, there + 1).await;
    stream
}

/// Waits until so many have joined. A join has no answer in this dialect: what is asked next on another connection may
/// come before it.
async fn settle(server: &Running, count: usize) {
    until(server, "micro_chat_subscriptions", count as f64).await;
}

#[tokio::test]
async fn a_message_goes_to_the_others_to_the_history_and_not_back() {
    let server = Running::start().await;
    let chat_id = server.chat().await;
    let mut ann = join(&server, &chat_id, "ann", 0).await;
    let mut ben = join(&server, &chat_id, "ben", 1).await;
    ann.send(json!({ "client_id": "1", "subject": "Hello", "text": "Hey Ben" })).await;
    let heard = ben.json().await;
    assert_eq!(heard["text"], "Hey Ben");
    assert_eq!(heard["user_id"], "ann");
    let stored = server.ask("/chat/History", json!({ "chat_id": chat_id })).await;
    assert_eq!(stored["messages"], json!([heard]));
    ben.send(json!({ "text": "Hey Ann" })).await;
    // The first that Ann hears is Ben's, not her own.
    assert_eq!(ann.json().await["text"], "Hey Ann");
    assert!(ben.is_quiet().await);
    // What is sent over HTTP comes, too, to the byte as History has it.
    server.send(&chat_id, "cat", "Hey both").await;
    let (one, other) = (ann.text().await, ben.text().await);
    assert_eq!(one, other);
    let (_, history) = server.post("/chat/History", json!({ "chat_id": chat_id, "after": 2 })).await;
    assert_eq!(history, format!(r#"{{"messages":[{one}]}}"#));
}

#[tokio::test]
async fn who_and_where_come_from_headers_query_or_the_first_frame() {
    let server = Running::start().await;
    let chat_id = server.chat().await;
    let mut readers = vec![
        server.gateway("/chat/Connect", &[("chat-id", &chat_id), ("user-id", "ann")]).await,
        server.gateway(&format!("/v1/chat/Connect?chat_id={chat_id}&user_id=ann&namespace=micro"), &[]).await,
        server.gateway(&format!("/chat/Connect?chat_id={chat_id}"), &[("user-id", "ann")]).await,
        server.gateway("/chat/Chat/Connect", &[]).await,
        server.gateway("/chat/Chat/Connect", &[("chat-id", &chat_id)]).await,
    ];
    readers[3].send(json!({ "namespace": "micro", "chat_id": chat_id, "user_id": "ann" })).await;
    readers[4].send(json!({ "user_id": "ann" })).await;
    settle(&server, readers.len()).await;
    server.send(&chat_id, "ben", "to all").await;
    for reader in &mut readers {
        assert_eq!(reader.json().await["text"], "to all");
    }
}

#[tokio::test]
async fn a_group_is_named_by_its_own_name_wherever_a_chat_may_be() {
    let server = Running::start().await;
    let created = server.ask("/chat/Create", json!({ "name": "g", "user_ids": ["ann", "ben", "cat"] })).await;
    let group_id = created["group"]["id"].as_str().expect("an id");
    let mut readers = vec![
        server.gateway(&format!("/chat/Connect?group_id={group_id}&user_id=ann"), &[]).await,
        server.gateway("/chat/Connect", &[("group-id", group_id), ("user-id", "ann")]).await,
        server.gateway(&format!("/v1/chat/Join?group_id={group_id}&user_id=cat"), &[]).await,
        // As in a call that names both.
        server.gateway(&format!("/chat/Connect?chat_id=another&group_id={group_id}&user_id=ann"), &[]).await,
    ];
    settle(&server, 4).await;
    server.send(group_id, "ben", "to all").await;
    for reader in &mut readers {
        let heard = reader.json().await;
        assert!(heard["text"] == "to all" || heard["message"]["text"] == "to all", "{heard}");
    }
}

#[tokio::test]
async fn who_closes_a_stream_is_told_that_it_was_heard() {
    let server = Running::start().await;
    let chat_id = server.chat().await;
    let readers = [
        server.gateway("/chat/Connect", &[("chat-id", &chat_id), ("user-id", "ann")]).await,
        server.session("ann").await,
    ];
    for mut reader in readers {
        let close = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        reader.socket.close(Some(close)).await.expect("a link");
        assert_eq!(reader.closed().await, 1000);
        assert!(timeout(PATIENCE, reader.socket.next()).await.expect("an end in time").is_none());
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_join_is_one_frame_and_then_a_close() {
    let server = Running::start().await;
    let chat_id = server.chat().await;
    let table = [
        (json!({}), "chat.Connect.MissingUserID"),
        (json!({ "user_id": "ann" }), "chat.Connect.MissingChatID"),
        (json!({ "chat_id": chat_id }), "chat.Connect.MissingUserID"),
        (json!({ "chat_id": "string", "user_id": "ann" }), "chat.Connect.InvalidChatID"),
        (json!({ "chat_id": chat_id, "user_id": "ann", "namespace": "other" }), "chat.Connect.InvalidChatID"),
        (json!({ "chat_id": chat_id, "user_id": "x".repeat(257) }), "chat.Connect.UserIDTooLarge"),
        (json!({ "chat_id": 5 }), "gateway.InvalidField"),
        (json!(["ann"]), "gateway.InvalidField"),
        (json!({ "namespace": "x".repeat(257) }), "gateway.NamespaceTooLarge"),
    ];
    for (first, id) in table {
        let mut stream = server.gateway("/chat/Connect", &[]).await;
        stream.send(&first).await;
        let error = stream.json().await;
        assert_eq!(error["Id"], id, "{first}");
        assert!(error["Code"].is_u64() && error["Detail"].is_string() && error["Status"].is_string());
        assert_eq!(stream.closed().await, 1008, "{first}");
    }
}

#[tokio::test]
async fn a_bad_frame_gets_its_own_error_and_loses_nothing() {
    let server = Running::start().await;
    let chat_id = server.chat().await;
    let text = |frame: &str| Message::text(frame);
    let table = vec![
        (text("not json"), "gateway.InvalidJSON", 1008),
        (text("[]"), "gateway.InvalidField", 1008),
        (text(r#"{"text":5}"#), "gateway.InvalidField", 1008),
        (text(r#"{"subject":"no text"}"#), "chat.Send.MissingText", 1008),
        (text(r#"{"text":"x","chat_id":"another"}"#), "chat.Connect.InvalidChatID", 1008),
        (text(&json!({ "text": "x".repeat(64 * 1024 + 1) }).to_string()), "chat.Send.TextTooLarge", 1008),
        (Message::Binary(Bytes::from_static(b"{}")), "gateway.BinaryFrame", 1008),
        (text(&" ".repeat(256 * 1024 + 1)), "gateway.FrameTooLarge", 1009),
    ];
    for (index, (frame, id, code)) in table.into_iter().enumerate() {
        let mut stream = join(&server, &chat_id, "ann", 0).await;
        // What was sent before the bad frame is kept.
        stream.send(json!({ "client_id": format!("before {index}"), "text": "good" })).await;
        stream.socket.send(frame).await.expect("a link");
        let error: Value = stream.json().await;
        assert_eq!(error["Id"], id);
        assert_eq!(stream.closed().await, code, "{id}");
        let stored = server.ask("/chat/History", json!({ "chat_id": chat_id, "after": 0 })).await;
        assert_eq!(stored["messages"].as_array().map(Vec::len), Some(index + 1), "{id}");
    }
}

#[tokio::test]
async fn a_text_frame_that_is_not_utf8_is_said_to_be_so() {
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
    use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader};
    let server = Running::start().await;
    let chat_id = server.chat().await;
    let mut stream = join(&server, &chat_id, "ann", 0).await;
    let header = FrameHeader { is_final: true, opcode: OpCode::Data(Data::Text), ..FrameHeader::default() };
    let frame = Frame::from_payload(header, Bytes::from_static(b"\"\xff\""));
    stream.socket.send(Message::Frame(frame)).await.expect("a link");
    assert_eq!(stream.json().await["Id"], "gateway.InvalidUTF8");
    assert_eq!(stream.closed().await, 1008);
}

#[tokio::test]
async fn a_socket_to_a_method_that_is_no_stream_is_refused() {
    let server = Running::start().await;
    let refused = tokio_tungstenite::connect_async(format!("ws://{}/chat/New", server.host)).await;
    let Err(tokio_tungstenite::tungstenite::Error::Http(answer)) = refused else {
        panic!("an HTTP error was expected")
    };
    let error: Value = serde_json::from_slice(answer.body().as_deref().unwrap_or_default()).expect("JSON");
    assert_eq!(error["Id"], "chat.New.NotAStream");
}
