//! Members only: what a stranger gets, by every door.

use micro_chat_wire::{close, limit};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::guarded::{Guarded, ended, seconds, sign, token};
use crate::running::Running;

#[tokio::test]
async fn members_do_what_they_did_before() {
    let guarded = Guarded::start().await;
    let chat_id = guarded.chat().await;
    let (ann, ben) = (token("ann"), token("ben"));
    let mut stream = guarded.session(json!({ "token": ben })).await;
    assert_eq!(stream.json().await[0], 20);
    stream.send(json!([2, 1, chat_id, 0, -1])).await;
    assert_eq!((stream.json().await[0].clone(), stream.json().await[0].clone()), (json!(21), json!(23)));
    guarded.ask(&ann, "/chat/Send", json!({ "chat_id": chat_id, "text": "hello" })).await;
    let heard = stream.json().await;
    assert_eq!((&heard[4][0]["user_id"], &heard[4][0]["text"]), (&json!("ann"), &json!("hello")));
    let history = guarded.ask(&ben, "/chat/History", json!({ "chat_id": chat_id })).await;
    assert_eq!(history["messages"].as_array().map(Vec::len), Some(1));
    // In dev nothing of this is asked.
    let open = Running::start().await;
    assert_eq!(open.ask("/auth/Options", json!({})).await["login"], "none");
    assert_eq!(guarded.ask("", "/auth/Options", json!({})).await["login"], "required");
}

#[tokio::test]
async fn a_stranger_learns_nothing_of_a_chat_by_any_door() {
    let guarded = Guarded::start().await;
    let chat_id = guarded.chat().await;
    guarded.ask(&token("ann"), "/chat/Send", json!({ "chat_id": chat_id, "text": "for Ben" })).await;
    let eve = token("eve");
    let nowhere = "5f0c3b1e-0000-4000-8000-000000000000";
    // A chat that is there and one that isn't answer alike, byte for byte.
    for (path, body) in [
        ("/chat/History", json!({})),
        ("/chat/Send", json!({ "text": "let me in" })),
        ("/chat/Send", json!({ "text": "let me in", "user_id": "ann" })),
        ("/chats/ListMessages", json!({})),
        ("/chats/SendMessage", json!({ "text": "let me in", "author_id": "ann" })),
        ("/v1/chat/Chat/History", json!({})),
    ] {
        let with = |chat_id: &str| {
            let mut body = body.clone();
            body["chat_id"] = json!(chat_id);
            body
        };
        let (status, answer) = guarded.call(&eve, "", path, with(&chat_id)).await;
        assert!(status == 400 || status == 404, "{path}: {status} {answer}");
        assert_eq!((status, answer), guarded.call(&eve, "", path, with(nowhere)).await, "{path}");
    }
    for id in [&chat_id, nowhere] {
        let mut stream = guarded.session(json!({ "token": eve })).await;
        assert_eq!(stream.json().await[0], 20);
        stream.send(json!([2, 1, id, 0, 0])).await;
        assert_eq!(stream.json().await[3]["Id"], "chat.Connect.InvalidChatID");
        stream.send(json!([4, 1, 1, { "client_id": "c", "text": "let me in" }])).await;
        assert_eq!(stream.json().await[3]["Id"], "gateway.UnknownHandle");
        let refused = guarded.gateway("/chat/Connect", &json!({ "chat_id": id, "token": eve })).await;
        assert_eq!(refused, ("chat.Connect.InvalidChatID".to_owned(), 1008));
    }
    // Nor the chat of two others, by opening it.
    for (path, id) in [("/chat/New", "chat.New.NotAmongUsers"), ("/chats/CreateChat", "NOT_AMONG_USERS")] {
        let (status, answer) = guarded.call(&eve, "", path, json!({ "user_ids": ["ann", "ben"] })).await;
        assert_eq!((status, &answer["Id"]), (403, &json!(id)));
    }
    let body = json!({ "id": chat_id, "user_ids": ["eve", "ann"] });
    let (status, answer) = guarded.call(&eve, "", "/chats/CreateChat", body).await;
    assert_eq!((status, &answer["Id"]), (403, &json!("CHOSEN_ID")));
    let history = guarded.ask(&token("ben"), "/chat/History", json!({ "chat_id": chat_id })).await;
    assert_eq!(history["messages"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_sender_is_who_the_token_says_whoever_the_body_names() {
    let guarded = Guarded::start().await;
    let chat_id = guarded.chat().await;
    let ben = token("ben");
    let text = |text: &str| json!({ "chat_id": chat_id, "user_id": "ann", "author_id": "ann", "text": text });
    guarded.ask(&ben, "/chat/Send", text("one")).await;
    let answer = guarded.ask(&ben, "/chats/SendMessage", text("two")).await;
    assert_eq!(answer["message"]["author_id"], "ben");
    let mut stream = guarded.server.stream("/chat/Connect", &[]).await;
    stream.send(json!({ "chat_id": chat_id, "token": ben })).await;
    stream.send(json!({ "user_id": "ann", "text": "three" })).await;
    let mut session = guarded.session(json!({ "user_id": "ben", "token": ben })).await;
    session.send(json!([2, 1, chat_id, 0, 0])).await;
    session.send(json!([4, 1, 1, { "client_id": "c", "user_id": "ann", "text": "four" }])).await;
    while session.json().await[0] != 24 {}
    // The gateway dialect has no acks.
    let mut history = Value::Null;
    while history["messages"].as_array().is_none_or(|messages| messages.len() < 4) {
        history = guarded.ask(&ben, "/chat/History", json!({ "chat_id": chat_id })).await;
    }
    let messages = history["messages"].as_array().expect("messages");
    assert!(messages.iter().all(|message| message["user_id"] == "ben"), "{history}");
    // A connection for somebody else is refused: what that user left unsent would go out under this one's name.
    let mut wrong = guarded.session(json!({ "user_id": "ann", "token": ben })).await;
    assert_eq!(ended(&mut wrong).await, ("auth.WrongUser".to_owned(), 1008));
    let first = json!({ "chat_id": chat_id, "user_id": "ann", "token": ben });
    assert_eq!(guarded.gateway("/chat/Connect", &first).await, ("auth.WrongUser".to_owned(), 1008));
}

#[tokio::test]
async fn a_namespace_is_the_tokens_and_another_one_sees_nothing() {
    let guarded = Guarded::start().await;
    let chat_id = guarded.chat().await;
    let other = sign(&json!({ "sub": "ann", "namespace": "other", "exp": seconds() + 60 }));
    let body = json!({ "chat_id": chat_id });
    // Ann of the other namespace is another Ann.
    let (status, answer) = guarded.call(&other, "", "/chat/History", body.clone()).await;
    assert_eq!((status, &answer["Id"]), (400, &json!("chat.History.InvalidChatID")));
    let (status, answer) = guarded.call(&other, "micro", "/chat/History", body.clone()).await;
    assert_eq!((status, &answer["Id"]), (403, &json!("auth.WrongNamespace")));
    let (status, answer) = guarded.call(&token("ann"), "other", "/chat/History", body).await;
    assert_eq!((status, &answer["Id"]), (403, &json!("auth.WrongNamespace")));
    let mut session = guarded.session(json!({ "namespace": "micro", "token": other })).await;
    assert_eq!(ended(&mut session).await, ("auth.WrongNamespace".to_owned(), 1008));
    let first = json!({ "namespace": "micro", "chat_id": chat_id, "token": other });
    assert_eq!(guarded.gateway("/chat/Connect", &first).await, ("auth.WrongNamespace".to_owned(), 1008));
    // The same users in the other namespace have another chat.
    let answer = guarded.ask(&other, "/chat/New", json!({ "user_ids": ["ann", "ben"] })).await;
    assert_ne!(answer["chat_id"], chat_id);
}

#[tokio::test]
async fn pages_of_other_sites_neither_read_answers_nor_open_streams() {
    let guarded = Guarded::start().await;
    let own = format!("http://{}", guarded.server.host);
    let handshake = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    for (origin, status) in [("https://evil.example.com", 403), ("null", 403), (own.as_str(), 101)] {
        let request = guarded.server.http.get(guarded.server.url("/chat/Connect")).header("origin", origin);
        let request = handshake.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        assert_eq!(request.send().await.expect("an answer").status(), status, "{origin}");
        let request = guarded.server.http.post(guarded.server.url("/chat/New")).header("origin", origin);
        let answer = request.bearer_auth(token("ann")).body("{}").send().await.expect("an answer");
        assert!(!answer.headers().contains_key("access-control-allow-origin"), "{origin}");
    }
}

#[tokio::test]
async fn nobodys_message_is_answered_with_anothers_by_a_chosen_id() {
    let guarded = Guarded::start().await;
    let chat_id = guarded.chat().await;
    let say = |text: &str| json!({ "id": "the-next-one", "chat_id": chat_id, "text": text });
    let first = guarded.ask(&token("ann"), "/chats/SendMessage", say("mine")).await;
    assert_eq!(guarded.ask(&token("ann"), "/chats/SendMessage", say("mine")).await, first);
    let (status, answer) = guarded.call(&token("ben"), "", "/chats/SendMessage", say("his")).await;
    assert_eq!((status, &answer["Id"]), (409, &json!("ID_CONFLICT")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_of_a_moment_in_which_its_reader_was_a_member_and_costs_one_read() {
    let guarded = Guarded::start().await;
    let (ann, ben) = (token("ann"), token("ben"));
    let body = json!({ "name": "g", "private": true, "user_ids": ["ben"] });
    let id = guarded.ask(&ann, "/chat/Create", body).await["group"]["id"].clone();
    let pages = ["/chat/History", "/chats/ListMessages"];
    for path in pages {
        let mut reads = Vec::new();
        for _ in 0..20 {
            let before = guarded.server.store.reads();
            guarded.ask(&ben, path, json!({ "chat_id": id })).await;
            reads.push(guarded.server.store.reads() - before);
        }
        // Now and then the server looks for API keys, too.
        assert_eq!(reads.iter().min(), Some(&1), "{path}: {reads:?}");
    }
    let mut seen = 0;
    for round in 0..40 {
        let secret = format!("secret {round}.");
        let reading = futures_util::future::join_all(pages.iter().cycle().take(6).map(async |path| {
            let mut read = Vec::new();
            loop {
                let (status, answer) = guarded.call(&ben, "", path, json!({ "chat_id": id })).await;
                match status {
                    200 => read.push(answer.to_string()),
                    _ => return read,
                }
            }
        }));
        let putting_out = async {
            tokio::time::sleep(std::time::Duration::from_micros(fastrand::u64(..10_000))).await;
            guarded.ask(&ann, "/chat/Kick", json!({ "group_id": id, "user_id": "ben" })).await;
            guarded.ask(&ann, "/chat/Send", json!({ "chat_id": id, "text": secret })).await;
        };
        let (read, ()) = tokio::join!(reading, putting_out);
        seen += read.iter().map(Vec::len).sum::<usize>();
        assert!(!read.iter().flatten().any(|page| page.contains(&secret)), "he was put out before that was said");
        guarded.ask(&ann, "/chat/Invite", json!({ "group_id": id, "user_id": "ben" })).await;
    }
    assert!(seen > 40, "he read {seen} pages: otherwise this would look at nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_slowly_and_is_put_out_of_more_chats_than_may_wait_is_told_of_each_when_they_come_back() {
    const GROUPS: usize = limit::QUEUE_FRAMES + 20;
    let guarded = Guarded::start().await;
    let (ann, ben) = (token("ann"), token("ben"));
    let body = json!({ "name": "g", "private": true, "user_ids": ["ben"] });
    let created = (0..=GROUPS).map(|_| guarded.ask(&ann, "/chat/Create", body.clone()));
    let created = futures_util::future::join_all(created).await;
    let mut ids: Vec<_> = created.iter().map(|answer| answer["group"]["id"].clone()).collect();
    let kept = ids.pop().expect("a group");
    for _ in 0..200 {
        guarded.ask(&ann, "/chat/Send", json!({ "chat_id": kept, "text": "x".repeat(60_000) })).await;
    }
    let mut stream = guarded.session(json!({ "token": ben })).await;
    for (handle, id) in (2..).zip(&ids) {
        stream.send(json!([2, handle, id, 0, -1])).await;
    }
    let mut live = 0;
    while live < GROUPS {
        live += usize::from(stream.json().await[0] == 23);
    }
    // He asks for more than any buffer holds, and looks away.
    stream.send(json!([2, 1, kept, 0, 0])).await;
    while stream.json().await[0] != 22 {}
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let put_out = ids.iter().map(|id| guarded.ask(&ann, "/chat/Kick", json!({ "group_id": id, "user_id": "ben" })));
    futures_util::future::join_all(put_out).await;
    let code = loop {
        match stream.next().await {
            Message::Text(_) => {}
            Message::Close(Some(frame)) => break u16::from(frame.code),
            frame => panic!("{frame:?}"),
        }
    };
    assert_eq!(code, close::RESUME);
    let mut stream = guarded.session(json!({ "token": ben })).await;
    assert_eq!(stream.json().await[0], 20);
    for (handle, id) in (2..).zip(&ids) {
        stream.send(json!([2, handle, id, 0, 0])).await;
        let ended = stream.json().await;
        assert_eq!(
            (&ended[1], &ended[2], &ended[3]["Id"]),
            (&json!(1), &json!(handle), &json!("chat.Connect.InvalidChatID"))
        );
    }
    stream.send(json!([2, 1, kept, 0, 199])).await;
    assert_eq!(
        [21, 22, 23].map(Value::from),
        [stream.json().await, stream.json().await, stream.json().await].map(|frame| frame[0].clone())
    );
}
