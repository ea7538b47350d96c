//! The session dialect, `micro.chat.v1`, as docs/protocol.md has it.

use serde_json::{Value, json};

use crate::running::{Running, Stream};

/// Every `seq` that comes until LIVE, and the `seq` of LIVE. Checks that frames join without a hole.
pub async fn replay(stream: &mut Stream, handle: u32) -> (Vec<u64>, u64) {
    let subscribed = stream.json().await;
    assert_eq!((&subscribed[0], &subscribed[1]), (&json!(21), &json!(handle)), "{subscribed}");
    assert!(subscribed[2].as_u64().is_some_and(|epoch| epoch > 0));
    let mut cursor = subscribed[3].as_u64().expect("a seq");
    let mut seqs = Vec::new();
    loop {
        let frame = stream.json().await;
        assert_eq!(frame[1], handle, "{frame}");
        if frame[0] == 23 {
            assert_eq!(frame[2], cursor, "LIVE stands at the cursor");
            return (seqs, cursor);
        }
        seqs.extend(batch(&frame, &mut cursor));
    }
}

/// The `seq`s of a MESSAGES frame.
pub fn batch(frame: &Value, cursor: &mut u64) -> Vec<u64> {
    assert_eq!(frame[0], 22, "{frame}");
    assert_eq!(frame[2], *cursor + 1);
    *cursor = frame[3].as_u64().expect("a seq");
    frame[4].as_array().expect("messages").iter().filter_map(|message| message["seq"].as_u64()).collect()
}

pub fn up_to(last: u64) -> Vec<u64> {
    (1..=last).collect()
}

#[tokio::test]
async fn a_publish_is_acked_with_its_place_and_comes_back_in_order() {
    let server = Running::start().await;
    let chat_id = server.chat().await;
    let mut ann = server.session("ann").await;
    ann.send(json!([2, 1, chat_id, 0, -1])).await;
    for n in 1..=3 {
        ann.send(json!([4, n, 1, { "client_id": format!("c{n}"), "text": format!("text {n}") }])).await;
    }
    let subscribed = ann.json().await;
    assert_eq!((&subscribed[0], &subscribed[1], &subscribed[3]), (&json!(21), &json!(1), &json!(0)));
    let (mut acks, mut seqs, mut cursor) = (Vec::new(), Vec::new(), 0);
    while acks.len() < 3 || seqs.len() < 3 {
        let frame = ann.json().await;
        match frame[0].as_u64() {
            Some(24) => acks.push((frame[1].clone(), frame[2]["client_id"].clone(), frame[2]["seq"].clone())),
            Some(22) => seqs.extend(batch(&frame, &mut cursor)),
            _ => assert_eq!(frame[0], 23),
        }
    }
    assert_eq!(acks, (1..=3).map(|n| (json!(n), json!(format!("c{n}")), json!(n))).collect::<Vec<_>>());
    assert_eq!(seqs, up_to(3));
}

#[tokio::test]
async fn a_reader_gets_all_from_its_cursor_on_wherever_that_is() {
    let server = Running::start().await;
    let chat_id = server.chat().await;
    for number in 1..=600 {
        server.send(&chat_id, "ann", &number.to_string()).await;
    }
    let mut ben = server.session("ben").await;
    for (handle, after, first) in [(1, 0, 1), (2, 599, 600), (3, 600, 601), (4, -1, 601), (5, 10_000, 601)] {
        ben.send(json!([2, handle, chat_id, 0, after])).await;
        let (seqs, live) = replay(&mut ben, handle).await;
        assert_eq!(seqs, (first..=600).collect::<Vec<_>>(), "after {after}");
        assert_eq!(live, 600);
    }
}

#[tokio::test]
async fn nothing_is_missed_or_doubled_between_the_past_and_the_present() {
    let server = std::sync::Arc::new(Running::start().await);
    let chat_id = server.chat().await;
    for number in 1..=300 {
        server.send(&chat_id, "ann", &number.to_string()).await;
    }
    // Readers join at every moment while others send.
    let sender = tokio::spawn({
        let (server, chat_id) = (server.clone(), chat_id.clone());
        async move {
            for number in 301..=900 {
                server.send(&chat_id, "ann", &number.to_string()).await;
            }
        }
    });
    let readers: Vec<_> = (0..20)
        .map(|reader| {
            let (server, chat_id) = (server.clone(), chat_id.clone());
            tokio::spawn(async move {
                tokio::time::sleep(std::time::Duration::from_millis(20 * reader)).await;
                let mut stream = server.session("ben").await;
                stream.send(json!([2, 1, chat_id, 0, 0])).await;
                let (mut seqs, mut cursor) = replay(&mut stream, 1).await;
                while cursor < 900 {
                    let frame = stream.json().await;
                    seqs.extend(batch(&frame, &mut cursor));
                }
                assert_eq!(seqs, up_to(900));
            })
        })
        .collect();
    sender.await.expect("all is sent");
    for reader in readers {
        reader.await.expect("it saw all");
    }
}

#[tokio::test]
async fn one_socket_carries_many_chats_and_a_handle_may_be_used_again() {
    let server = Running::start().await;
    let mut chats = Vec::new();
    for user in ["x", "y", "z"] {
        let answer = server.ask("/chat/New", json!({ "user_ids": ["ann", user] })).await;
        chats.push(answer["chat_id"].as_str().expect("an id").to_owned());
    }
    let mut ann = server.session("ann").await;
    for (handle, chat_id) in (1..).zip(&chats) {
        ann.send(json!([2, handle, chat_id, 0, 0])).await;
        assert_eq!(replay(&mut ann, handle).await, (vec![], 0));
    }
    server.send(&chats[2], "z", "to z").await;
    let frame = ann.json().await;
    assert_eq!((&frame[1], &frame[4][0]["text"]), (&json!(3), &json!("to z")));
    ann.send(json!([3, 3])).await;
    ann.send(json!([5])).await;
    assert_eq!(ann.json().await, json!([26]));
    server.send(&chats[2], "z", "unheard").await;
    assert!(ann.is_quiet().await);
    ann.send(json!([2, 3, chats[1], 0, 0])).await;
    assert_eq!(replay(&mut ann, 3).await, (vec![], 0));
    server.send(&chats[1], "y", "to y").await;
    let heard = [ann.json().await, ann.json().await];
    assert_eq!(heard.map(|frame| frame[1].as_u64()), [Some(2), Some(3)]);
}

#[tokio::test]
async fn what_is_refused_is_said_and_the_connection_goes_on() {
    let server = Running::start().await;
    let chat_id = server.chat().await;
    let mut ann = server.session("ann").await;
    ann.send(json!([2, 1, chat_id, 0, -1])).await;
    replay(&mut ann, 1).await;
    let large = "x".repeat(64 * 1024 + 1);
    let table = [
        (json!([2, 2, "nowhere", 0, 0]), (1, 2, "chat.Connect.InvalidChatID")),
        (json!([2, 2, "", 0, 0]), (1, 2, "chat.Connect.MissingChatID")),
        (json!([2, 1, chat_id, 0, 0]), (1, 1, "gateway.InvalidHandle")),
        (json!([2, 0, chat_id, 0, 0]), (1, 0, "gateway.InvalidHandle")),
        (json!([4, 7, 9, { "text": "x" }]), (2, 7, "gateway.UnknownHandle")),
        (json!([4, 8, 1, { "client_id": "c" }]), (2, 8, "chat.Send.MissingText")),
        (json!([4, 9, 1, { "text": large }]), (2, 9, "chat.Send.TextTooLarge")),
    ];
    for (frame, (scope, number, id)) in table {
        ann.send(&frame).await;
        let error = ann.json().await;
        assert_eq!((&error[0], &error[1], &error[2]), (&json!(25), &json!(scope), &json!(number)), "{id}");
        assert_eq!(error[3]["Id"], id);
    }
    // An op of tomorrow, and elements of tomorrow, are passed over.
    ann.send(json!([19, { "new": true }])).await;
    ann.send(json!([5, "more"])).await;
    assert_eq!(ann.json().await, json!([26]));
}

#[tokio::test]
async fn the_same_client_id_gets_the_same_answer_and_another_text_a_conflict() {
    let server = Running::start().await;
    let chat_id = server.chat().await;
    let publish = |n: u32, text: &str| json!([4, n, 1, { "client_id": "once", "text": text }]);
    let mut places = Vec::new();
    for _ in 0..2 {
        // A second socket, as after a broken link.
        let mut ann = server.session("ann").await;
        ann.send(json!([2, 1, chat_id, 0, 1])).await;
        replay(&mut ann, 1).await;
        ann.send(publish(1, "hello")).await;
        let mut frame = ann.json().await;
        if frame[0] == 22 {
            frame = ann.json().await;
        }
        assert_eq!(frame[0], 24);
        places.push(frame[2].clone());
        ann.send(publish(2, "changed")).await;
        loop {
            let frame = ann.json().await;
            if frame[0] == 25 {
                assert_eq!((&frame[3]["Id"], &frame[3]["Code"]), (&json!("chat.Send.ClientIDConflict"), &json!(409)));
                break;
            }
        }
    }
    assert_eq!(places[0], places[1]);
    let stored = server.ask("/chat/History", json!({ "chat_id": chat_id })).await;
    assert_eq!(stored["messages"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn what_comes_too_late_is_stored_already_or_refused_for_good() {
    let data = tempfile::tempdir().expect("a folder");
    let server = Running::on(data.path()).await;
    let chat_id = server.chat().await;
    let publish = |n: u32, client_id: &str, expired: bool| json!([4, n, 1, { "client_id": client_id, "text": format!("text of {client_id}") }, expired]);
    let open = async |server: &Running, user: &str| {
        let mut stream = server.session(user).await;
        stream.send(json!([2, 1, chat_id, 0, -1])).await;
        replay(&mut stream, 1).await;
        stream
    };
    let answer = async |stream: &mut Stream, frame: Value| {
        stream.send(frame).await;
        loop {
            let frame = stream.json().await;
            if frame[0] != 22 {
                return frame;
            }
        }
    };
    let is_late = |frame: &Value| frame[0] == 25 && frame[1] == 2 && frame[3]["Id"] == "chat.Send.Expired";
    let mut ann = open(&server, "ann").await;
    let stored = answer(&mut ann, publish(1, "in time", false)).await;
    assert_eq!(stored[0], 24);
    assert_eq!(answer(&mut ann, publish(2, "in time", true)).await[2], stored[2], "what is there is acknowledged");
    let refused = answer(&mut ann, publish(3, "late", true)).await;
    assert!(is_late(&refused) && refused[3]["Code"] == 410, "{refused}");
    // The copy that was still under way, by another link, and by HTTP.
    let mut again = open(&server, "ann").await;
    assert!(is_late(&answer(&mut again, publish(1, "late", false)).await));
    let body = json!({ "chat_id": chat_id, "user_id": "ann", "client_id": "late", "text": "text of late" });
    assert_eq!(server.refused("/chat/Send", &body).await, (410, "chat.Send.Expired".to_owned()));
    // It is this user's name for it, not everybody's.
    let mut ben = open(&server, "ben").await;
    assert_eq!(answer(&mut ben, publish(1, "late", false)).await[0], 24);
    // For good is beyond a restart.
    server.stop().await;
    let server = Running::on(data.path()).await;
    let mut ann = open(&server, "ann").await;
    assert!(is_late(&answer(&mut ann, publish(1, "late", false)).await));
    let history = server.ask("/chat/History", json!({ "chat_id": chat_id })).await;
    let texts: Vec<_> = history["messages"].as_array().into_iter().flatten().map(|one| one["text"].clone()).collect();
    assert_eq!(texts, ["text of in time", "text of late"]);
    assert_eq!(history["messages"][1]["user_id"], "ben");
}

#[tokio::test]
async fn what_is_no_frame_ends_the_connection_with_its_reason() {
    let server = Running::start().await;
    for (frame, id) in [
        ("not json", "gateway.InvalidJSON"),
        ("{}", "gateway.InvalidField"),
        ("[]", "gateway.InvalidField"),
        ("[2,1]", "gateway.InvalidField"),
        (r#"[1,{"user_id":"ben"}]"#, "gateway.HelloExpected"),
    ] {
        let mut ann = server.session("ann").await;
        ann.send(frame).await;
        let error = ann.json().await;
        assert_eq!((&error[0], &error[1], &error[3]["Id"]), (&json!(25), &json!(0), &json!(id)), "{frame}");
        assert_eq!(ann.closed().await, 1008);
    }
    let mut stream = server.stream("/chat/Connect", &[("sec-websocket-protocol", "micro.chat.v1")]).await;
    stream.send(json!([2, 1, "chat", 0, 0])).await;
    assert_eq!(stream.json().await[3]["Id"], "gateway.HelloExpected");
    assert_eq!(stream.closed().await, 1008);
}

#[tokio::test]
async fn a_cursor_of_another_epoch_begins_with_the_first_message() {
    let server = Running::start().await;
    let chat_id = server.chat().await;
    server.send(&chat_id, "ann", "one").await;
    server.send(&chat_id, "ann", "two").await;
    let mut ben = server.session("ben").await;
    // As from a chat of that name in a database that is gone.
    ben.send(json!([2, 1, chat_id, 7, 100])).await;
    assert_eq!(replay(&mut ben, 1).await, (vec![1, 2], 2));
}

#[tokio::test]
async fn a_handle_that_is_used_again_brings_nothing_of_its_old_chat() {
    let server = Running::start().await;
    let old = server.chat().await;
    // A SUBSCRIBED behind 0 is the new one's.
    server.send(&old, "ann", "the first").await;
    let new = server.ask("/chat/New", json!({ "user_ids": ["cat"] })).await["chat_id"].clone();
    let mut ann = server.session("ann").await;
    for round in 0..100 {
        ann.send(json!([2, 1, old, 0, -1])).await;
        // The commit, and with it the delivery, falls somewhere into what follows.
        ann.send(json!([4, round, 1, { "client_id": round.to_string(), "text": "old" }])).await;
        ann.send(json!([3, 1])).await;
        ann.send(json!([2, 1, new, 0, -1])).await;
        ann.send(json!([3, 1])).await;
        ann.send(json!([5])).await;
        let mut is_new = false;
        loop {
            let frame = ann.json().await;
            match frame[0].as_u64() {
                Some(26) => break,
                Some(21) => is_new = frame[3] == 0,
                Some(22) => assert!(!is_new, "round {round}: {frame}"),
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn no_frame_is_over_256_kib_however_large_the_messages() {
    let server = Running::start().await;
    let chat_id = server.chat().await;
    let text = "\"".repeat(64 * 1024);
    for _ in 0..12 {
        server.send(&chat_id, "ann", &text).await;
    }
    let mut ben = server.session("ben").await;
    ben.send(json!([2, 1, chat_id, 0, 0])).await;
    let mut cursor = 0;
    while cursor < 12 {
        let frame = ben.text().await;
        assert!(frame.len() <= 256 * 1024);
        let frame: Value = serde_json::from_str(&frame).expect("JSON");
        if frame[0] == 22 {
            batch(&frame, &mut cursor);
        }
    }
}
