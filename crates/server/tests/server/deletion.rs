//! A user who goes takes along all that they wrote, and nothing of others.

use std::path::Path;

use micro_chat_server::auth::Claims;
use micro_chat_server::store::KeyRing;
use serde_json::{Value, json};

use crate::guarded::{Guarded, SECRET, ended, key_file, seconds, sign, token};
use crate::hosted::{Hosted, PASSWORD};
use crate::program::Program;
use crate::running::{Running, Stream};

/// A name that nothing else has in it.
const ANN: &str = "ann-of-the-green-gables";

/// What a database answers.
fn asked(data: &Path, sql: &str) -> i64 {
    let database = rusqlite::Connection::open(data.join("chat.db")).expect("a database");
    database.busy_timeout(crate::running::PATIENCE).expect("a database");
    database.query_row(sql, [], |row| row.get(0)).expect("a number")
}

/// How often a text is in a database, written anew as a backup is.
fn traces(data: &Path, text: &str) -> usize {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("copy.db");
    let database = rusqlite::Connection::open(data.join("chat.db")).expect("a database");
    database.execute("VACUUM INTO ?1", [copy.to_str().expect("a name")]).expect("a copy");
    let bytes = std::fs::read(copy).expect("a copy");
    bytes.windows(text.len()).filter(|window| *window == text.as_bytes()).count()
}

async fn texts(guarded: &Guarded, user: &str, chat_id: &str) -> Vec<(u64, String)> {
    let history = guarded.ask(&token(user), "/chat/History", json!({ "chat_id": chat_id })).await;
    let message = |message: &Value| {
        (message["seq"].as_u64().expect("a seq"), message["text"].as_str().expect("a text").to_owned())
    };
    history["messages"].as_array().expect("messages").iter().map(message).collect()
}

async fn send(guarded: &Guarded, user: &str, chat_id: &str, text: &str) {
    let body = json!({ "chat_id": chat_id, "text": text, "client_id": format!("{user} {text}") });
    guarded.ask(&token(user), "/chat/Send", body).await;
}

/// A chat of hers with Ben, and one of hers alone; a group of hers with Ben; and one of Ben's that she has left.
async fn chats(guarded: &Guarded) -> [String; 4] {
    let id = |answer: &Value, pointer: &str| answer.pointer(pointer).and_then(Value::as_str).expect("an id").to_owned();
    let both = guarded.ask(&token(ANN), "/chat/New", json!({ "user_ids": [ANN, "ben"] })).await;
    let alone = guarded.ask(&token(ANN), "/chat/New", json!({ "user_ids": [ANN] })).await;
    let hers = guarded.ask(&token(ANN), "/chat/Create", json!({ "name": "g", "user_ids": ["ben"] })).await;
    let his = guarded.ask(&token("ben"), "/chat/Create", json!({ "name": "h", "user_ids": [ANN] })).await;
    let chats = [id(&both, "/chat_id"), id(&alone, "/chat_id"), id(&hers, "/group/id"), id(&his, "/group/id")];
    for chat_id in &chats {
        for number in 1..=3 {
            send(guarded, ANN, chat_id, &format!("hers {number}")).await;
            if *chat_id != chats[1] {
                send(guarded, "ben", chat_id, &format!("his {number}")).await;
            }
        }
        guarded.ask(&token(ANN), "/chats/MarkRead", json!({ "chat_id": chat_id, "seq": 2 })).await;
    }
    guarded.ask(&token(ANN), "/chat/Leave", json!({ "group_id": chats[3] })).await;
    chats
}

#[tokio::test]
async fn a_user_goes_with_all_that_names_them_and_others_keep_theirs() {
    let guarded = Guarded::start().await;
    let ids = chats(&guarded).await;
    assert!(traces(guarded.folder(), ANN) > 10, "what is looked for below is there before");
    assert!(traces(guarded.folder(), "hers ") > 10);
    let gone = guarded.ask(&token(ANN), "/chats/DeleteUser", json!({})).await;
    assert_eq!(gone, json!({ "messages": 9, "chats": 3, "ended": 1 }));
    for chat_id in [&ids[0], &ids[2], &ids[3]] {
        let his: Vec<_> = (1..=3).map(|number| (2 * number, format!("his {number}"))).collect();
        assert_eq!(texts(&guarded, "ben", chat_id).await, his, "his messages stay, each in its place");
        send(&guarded, "ben", chat_id, "his 4").await;
        assert_eq!(
            texts(&guarded, "ben", chat_id).await.last(),
            Some(&(7, "his 4".to_owned())),
            "no seq is used again"
        );
    }
    assert_eq!(traces(guarded.folder(), ANN), 0);
    assert_eq!(traces(guarded.folder(), "hers "), 0);
    assert!(traces(guarded.folder(), "his ") > 0);
    // Each of hers in a chat that goes on is a tombstone; of the one that is gone nothing is left.
    assert_eq!(asked(guarded.folder(), "SELECT count(*) FROM tombstones"), 9);
    assert_eq!(asked(guarded.folder(), "SELECT count(*) FROM deletions"), 0);
    let lost = "SELECT count(*) FROM chats WHERE last_seq - first_seq + 1 <>
        (SELECT count(*) FROM messages WHERE messages.chat = chats.chat) +
        (SELECT count(*) FROM tombstones WHERE tombstones.chat = chats.chat)";
    assert_eq!(asked(guarded.folder(), lost), 0, "every seq is a message or a tombstone");
    // Whoever is called so later gets nothing of hers, and can be spoken to.
    let new = guarded.ask(&token("ben"), "/chat/New", json!({ "user_ids": [ANN, "ben"] })).await["chat_id"].clone();
    assert_ne!(new, json!(ids[0]));
    let listed = guarded.ask(&token("ben"), "/chat/List", json!({ "user_id": "ben" })).await;
    assert_eq!(listed["groups"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn what_let_them_in_is_good_no_more_also_after_a_restart_and_their_streams_end() {
    let data = tempfile::tempdir().expect("a folder");
    let key = key_file(data.path(), "secret", SECRET);
    let guarded = Guarded::with(data, std::slice::from_ref(&key), Claims::default()).await;
    let chat_id = guarded.chat().await;
    let early = sign(&json!({ "sub": "ann", "iat": seconds() - 5, "exp": seconds() + 60 }));
    let mut stream = guarded.session(json!({ "token": early })).await;
    stream.json().await;
    stream.send(json!([2, 1, chat_id, 0, 0])).await;
    while stream.json().await[0] != 23 {}
    let mut of_ben = guarded.session(json!({ "token": token("ben") })).await;
    of_ben.json().await;
    of_ben.send(json!([2, 1, chat_id, 0, 0])).await;
    while of_ben.json().await[0] != 23 {}
    guarded.ask(&early, "/chats/DeleteUser", json!({})).await;
    assert_eq!(ended(&mut stream).await, ("auth.RevokedToken".to_owned(), 4003));
    assert_eq!(guarded.call(&early, "", "/chats/ListChats", json!({})).await.1["Id"], "auth.RevokedToken");
    send(&guarded, "ben", &chat_id, "still here").await;
    assert_eq!(of_ben.json().await[4][0]["text"], "still here");
    let guarded = guarded.restart(&key).await;
    assert_eq!(guarded.call(&early, "", "/chats/ListChats", json!({})).await.1["Id"], "auth.RevokedToken");
    let later = sign(&json!({ "sub": "ann", "iat": seconds() + 5, "exp": seconds() + 60 }));
    assert_eq!(guarded.ask(&later, "/chats/ListChats", json!({})).await, json!({ "chats": [] }));
}

#[tokio::test]
async fn only_they_themselves_and_who_administers_the_namespace_may() {
    let data = tempfile::tempdir().expect("a folder");
    let ring = KeyRing::open(data.path()).expect("keys");
    let key = |namespace: &str, scopes: &str| {
        let scopes = scopes.parse().expect("scopes");
        let (kept, key) = micro_chat_server::auth::keys::create(namespace.to_owned(), String::new(), &scopes);
        ring.add(&kept).expect("a key");
        key
    };
    let (admin, sending, elsewhere) =
        (key("micro", "admin"), key("micro", "read,send"), key("other", "read,send,admin"));
    let keys = [key_file(data.path(), "secret", SECRET)];
    let guarded = Guarded::with(data, &keys, Claims::default()).await;
    let chat_id = guarded.chat().await;
    send(&guarded, "ann", &chat_id, "hello").await;
    let ann = json!({ "user_id": "ann" });
    let refused = async |token: &str, body: &Value| {
        let (status, answer) = guarded.call(token, "", "/chats/DeleteUser", body.clone()).await;
        (status, answer["Id"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(refused(&token("eve"), &ann).await, (403, "auth.WrongUser".to_owned()), "nor goes Eve by mistake");
    assert_eq!(refused(&sending, &ann).await, (403, "auth.NoScope".to_owned()));
    assert_eq!(refused(&admin, &json!({})).await, (400, "MISSING_USER_ID".to_owned()));
    assert_eq!(refused("", &ann).await, (401, "auth.NoToken".to_owned()));
    // Another namespace's Ann is another Ann.
    let of_other = guarded.ask(&elsewhere, "/chats/DeleteUser", ann.clone()).await;
    assert_eq!(of_other, json!({ "messages": 0, "chats": 0, "ended": 0 }));
    // No link does it.
    for query in ["", "?user_id=ann"] {
        let request = guarded.server.http.get(guarded.server.url(&format!("/chats/DeleteUser{query}")));
        assert_eq!(request.bearer_auth(token("ann")).send().await.expect("an answer").status(), 405);
    }
    assert_eq!(texts(&guarded, "ben", &chat_id).await.len(), 1, "nothing of that did anything");
    assert_eq!(guarded.ask(&admin, "/chats/DeleteUser", ann).await["messages"], 1);
    assert!(texts(&guarded, "ben", &chat_id).await.is_empty());
}

#[tokio::test]
async fn an_account_goes_for_its_password_and_its_address_with_it() {
    let hosted = Hosted::start().await;
    let login = hosted.sign_up("ann@example.com").await;
    let ask = async |path: &str, body: Value| {
        let answer = hosted.call_as(&login.access, path, body).await;
        (answer.status, answer.json)
    };
    let (_, chat) = ask("/chat/New", json!({ "user_ids": ["ann@example.com", "ben"] })).await;
    ask("/chat/Send", json!({ "chat_id": chat["chat_id"], "text": "hello" })).await;
    assert!(traces(hosted.data.path(), "ann@example.com") > 2);
    for secret in ["", "another password"] {
        let (status, answer) = ask("/chats/DeleteUser", json!({ "secret": secret })).await;
        assert_eq!((status, &answer["Id"]), (401, &json!("auth.WrongCredentials")));
    }
    assert_eq!(ask("/chats/DeleteUser", json!({ "secret": PASSWORD })).await.1["messages"], 1);
    assert_eq!(ask("/chats/ListChats", json!({})).await.1["Id"], "auth.RevokedToken");
    assert_eq!(traces(hosted.data.path(), "ann@example.com"), 0);
    // The address is its owner's, who may come again.
    hosted.sign_up("ann@example.com").await;
}

/// All texts that a reader from the first message on is given until it has caught up.
async fn heard(stream: &mut Stream, handle: u64, chat_id: &str) -> Vec<String> {
    stream.send(json!([2, handle, chat_id, 0, 0])).await;
    let mut texts = Vec::new();
    loop {
        let frame = stream.json().await;
        let text = |message: &Value| message["text"].as_str().expect("a text").to_owned();
        match frame[0].as_u64() {
            Some(22) => texts.extend(frame[4].as_array().expect("messages").iter().map(text)),
            Some(23) => return texts,
            _ => {}
        }
    }
}

/// What a reader who comes back is given of a chat of which a user was deleted, while somebody listens to it.
async fn is_heard_after(host: &str) -> Vec<String> {
    let http = reqwest::Client::new();
    let ask = async |user: &str, path: &str, body: Value| {
        let request = http.post(format!("http://{host}{path}")).bearer_auth(token(user)).body(body.to_string());
        request.send().await.expect("an answer").json::<Value>().await.expect("JSON")
    };
    let chat = ask("ann", "/chat/New", json!({ "user_ids": ["ann", "ben"] })).await;
    let chat_id = chat["chat_id"].as_str().expect("an id");
    for (user, text) in [("ann", "one"), ("ben", "two"), ("ann", "three")] {
        ask(user, "/chat/Send", json!({ "chat_id": chat_id, "text": text })).await;
    }
    let mut stream = crate::rules::session(host, &token("ben")).await;
    assert_eq!(heard(&mut stream, 1, chat_id).await, ["one", "two", "three"]);
    ask("ann", "/chats/DeleteUser", json!({})).await;
    heard(&mut stream, 2, chat_id).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_given_what_was_deleted_out_of_what_is_kept_for_those_who_come_back() {
    let guarded = Guarded::start().await;
    assert_eq!(is_heard_after(&guarded.server.host).await, ["two"]);
}

/// The negative control: a server that keeps it is caught.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hands_on_what_was_deleted_is_caught() {
    let broken = Program::start(&[], &[("MICRO_CHAT_BREAK", "rings")]).await;
    assert_eq!(is_heard_after(&broken.host).await, ["one", "two", "three"]);
}

#[tokio::test]
async fn what_was_begun_is_finished_by_the_next_start() {
    let data = tempfile::tempdir().expect("a folder");
    let server = Running::on(data.path()).await;
    let chat_id = server.chat().await;
    for number in 0..1_200 {
        server.send(&chat_id, ["ann", "ben"][number % 2], "x").await;
    }
    server.stop().await;
    // As a server leaves it that is killed behind the first of its commits; and somebody of that name has come since.
    let database = rusqlite::Connection::open(data.path().join("chat.db")).expect("a database");
    let begun = "INSERT INTO deletions SELECT 'micro', 'ann', sent_at FROM messages WHERE seq = 1000;
        DELETE FROM members WHERE user_id = 'ann';
        INSERT INTO traces VALUES ('ann', 1);
        INSERT INTO tombstones SELECT chat, seq FROM messages WHERE user_id = 'ann' AND seq < 300;
        DELETE FROM messages WHERE user_id = 'ann' AND seq < 300;";
    database.execute_batch(begun).expect("a change");
    drop(database);
    let server = Running::on(data.path()).await;
    let deadline = std::time::Instant::now() + crate::running::PATIENCE;
    while asked(data.path(), "SELECT count(*) FROM deletions") > 0 {
        assert!(std::time::Instant::now() < deadline);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(asked(data.path(), "SELECT count(*) FROM messages WHERE user_id = 'ann' AND seq <= 1000"), 0);
    assert_eq!(asked(data.path(), "SELECT count(*) FROM tombstones"), 500);
    // What was written behind the deletion's beginning was not deleted with it.
    assert_eq!(asked(data.path(), "SELECT count(*) FROM messages WHERE user_id = 'ann'"), 100);
    // In dev anybody may; who is gone already is gone again.
    assert_eq!(server.ask("/chats/DeleteUser", json!({ "user_id": "ann" })).await["messages"], 100);
    let again = server.ask("/chats/DeleteUser", json!({ "user_id": "ann" })).await;
    assert_eq!(again, json!({ "messages": 0, "chats": 0, "ended": 0 }));
    assert_eq!(server.refused("/chats/DeleteUser", "{}").await, (400, "MISSING_USER_ID".to_owned()));
}
