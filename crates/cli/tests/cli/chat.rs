//! Chats and groups from the command line.

use std::io::{Read, Write};

use jiff::{SignedDuration, Timestamp};
use micro_chat_server::auth::Claims;
use micro_chat_server::limits::Rates;
use micro_chat_server::server::Reach;
use serde_json::{Value, json};

use crate::desk::{Desk, key};
use crate::guarded::{Guarded, SECRET, key_file, token};
use crate::running::Running;

#[tokio::test]
async fn the_documents_commands_print_what_they_show() {
    let server = Running::start().await;
    let desk = Desk::at(&server.host);
    let new = desk.run(&["chat", "new", "--user_ids=JohnBarry"]).await;
    let id = new.json()["chat_id"].as_str().expect("an id").to_owned();
    assert_eq!(new.out, format!("{{\n\t\"chat_id\": \"{id}\"\n}}\n"));
    let chat = format!("--chat_id={id}");
    let send = desk.run(&["chat", "send", &chat, "--user_id=John", "--subject=Hello", "--text=Hey Barry"]).await;
    assert_eq!((send.code, send.out.as_str(), send.err.as_str()), (0, "{}\n", ""));
    let history = desk.run(&["chat", "history", &chat]).await;
    let message = &history.json()["messages"][0];
    let (message_id, client_id, at) = (&message["id"], &message["client_id"], &message["sent_at"]);
    let shown = format!(
        "{{\n\t\"messages\": [\n\t\t{{\n\t\t\t\"id\": {message_id},\n\t\t\t\"client_id\": {client_id},\n\t\t\t\"chat_id\": \"{id}\",\n\t\t\t\"user_id\": \"John\",\n\t\t\t\"subject\": \"Hello\",\n\t\t\t\"text\": \"Hey Barry\",\n\t\t\t\"sent_at\": {at},\n\t\t\t\"seq\": 1\n\t\t}}\n\t]\n}}\n"
    );
    assert_eq!(history.out, shown);
}

#[tokio::test]
async fn flags_are_spelled_either_way_and_pages_are_asked_for() {
    let server = Running::start().await;
    let desk = Desk::at(&server.host);
    let new = desk.run(&["chat", "new", "--user-ids", "ben,ann"]).await.json();
    assert_eq!(new, desk.run(&["chat", "new", "--user_ids", "ann", "--user_ids", "ben"]).await.json());
    let id = new["chat_id"].as_str().expect("an id");
    for text in ["one", "two", "three"] {
        for _ in 0..2 {
            let send = ["chat", "send", "--chat-id", id, "--user-id=ann", "--client-id", text, "--text", text];
            assert_eq!(desk.run(&send).await.code, 0);
        }
    }
    let texts = async |more: &[&str]| {
        let answer = desk.run(&[&["chat", "history", "--chat_id", id], more].concat()).await.json();
        let messages = answer["messages"].as_array().expect("messages").clone();
        messages.iter().map(|message| message["text"].as_str().expect("a text").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(texts(&[]).await, ["one", "two", "three"]);
    assert_eq!(texts(&["--limit=1"]).await, ["three"]);
    assert_eq!(texts(&["--before=3", "--limit=1"]).await, ["two"]);
    assert_eq!(texts(&["--after=0", "--limit=1"]).await, ["one"]);
}

#[tokio::test]
async fn a_text_may_come_from_the_input() {
    let server = Running::start().await;
    let (desk, id) = (Desk::at(&server.host), server.chat().await);
    let send = ["chat", "send", "--chat_id", &id, "--user_id=ann"];
    assert_eq!(desk.fed("Grüße\n\naus Köln\n".as_bytes(), &send).await.code, 0);
    assert_eq!(desk.fed(b"-f\n", &[send.as_slice(), &["--text=-"]].concat()).await.code, 0);
    assert_eq!(desk.fed(b"not this", &[send.as_slice(), &["--text=that"]].concat()).await.code, 0);
    let history = desk.run(&["chat", "history", "--chat_id", &id]).await.json();
    let texts: Vec<_> = (0..3).map(|at| history["messages"][at]["text"].clone()).collect();
    assert_eq!(texts, [json!("Grüße\n\naus Köln"), json!("-f"), json!("that")]);
    let large = desk.fed(&vec![b'a'; 10 << 20], &send).await;
    assert_eq!((large.code, large.err.contains("chat.Send.TextTooLarge")), (1, true), "{}", large.err);
    let binary = desk.fed(b"\xff\xfe", &send).await;
    assert_eq!((binary.code, binary.err.contains("no UTF-8")), (2, true), "{}", binary.err);
}

#[tokio::test]
async fn a_text_may_begin_as_flags_do() {
    let server = Running::start().await;
    let (desk, id) = (Desk::at(&server.host), server.chat().await);
    let words = ["-x", "--", "--help", "-1", "- a list"];
    for word in words {
        let sent = ["chat", "send", "--chat_id", &id, "--user_id=ann", "--subject", word, "--text", word];
        assert_eq!(desk.run(&sent).await.code, 0, "{word}");
        let sent = ["chats", "send-message", "--chat_id", &id, "--author_id=ann", "--text", word];
        assert_eq!(desk.run(&sent).await.code, 0, "{word}");
    }
    let history = desk.run(&["chat", "history", "--chat_id", &id]).await.json();
    for (at, word) in words.iter().enumerate() {
        let (first, second) = (&history["messages"][2 * at], &history["messages"][2 * at + 1]);
        assert_eq!((&first["subject"], &first["text"], &second["text"]), (&json!(word), &json!(word), &json!(word)));
    }
    let group = desk.run(&["chat", "create", "--name", "-o-", "--description", "--", "--user_ids=ann"]).await.json();
    assert_eq!((&group["group"]["name"], &group["group"]["description"]), (&json!("-o-"), &json!("--")));
}

#[tokio::test]
async fn chats_are_the_same_ones_in_other_words() {
    let server = Running::start().await;
    let desk = Desk::at(&server.host);
    let chat = desk.run(&["chats", "create-chat", "--user_ids=ann,ben"]).await.json()["chat"].clone();
    assert_eq!(chat["user_ids"], json!(["ann", "ben"]));
    let id = chat["id"].as_str().expect("an id");
    assert_eq!(server.chat().await, id);
    let send = ["chats", "send-message", "--chat_id", id, "--author_id=ann", "--text=hi", "--id=m1"];
    let sent = desk.run(&send).await.json();
    assert_eq!(sent, desk.run(&send).await.json(), "the same id is the same message");
    desk.run(&["chats", "send-message", "--chat-id", id, "--author-id=ben", "--text=ho"]).await.json();
    let listed = desk.run(&["chats", "list-messages", "--chat_id", id, "--order=asc", "--limit=1"]).await.json();
    assert_eq!(listed, json!({ "messages": [sent["message"]] }));
    let later = desk.run(&["chats", "list-messages", "--chat_id", id, "--order=asc", "--offset=1"]).await.json();
    assert_eq!(later["messages"][0]["text"], "ho");
}

#[tokio::test]
async fn a_group_is_made_found_joined_and_ended() {
    let guarded = Guarded::start().await;
    let desk = Desk::at(&guarded.server.host);
    let (ann, ben) = (token("ann"), token("ben"));
    let ask = async |token: &str, arguments: &[&str]| desk.run_with(&[("MICRO_TOKEN", token)], arguments).await;
    let create = ["chat", "create", "--name=lunch", "--description=who eats where", "--user_ids=cleo"];
    let group = ask(&ann, &create).await.json()["group"].clone();
    assert_eq!((&group["user_ids"], &group["private"]), (&json!(["ann", "cleo"]), &json!(false)));
    let id = format!("--group_id={}", group["id"].as_str().expect("an id"));
    assert_eq!(ask(&ben, &["chat", "list"]).await.json()["groups"], json!([group]));
    assert_eq!(ask(&ben, &["chat", "list", "--user_id=ben"]).await.json()["groups"], json!([]));
    let members = async |token: &str, arguments: &[&str]| {
        ask(token, &[arguments, &[&id]].concat()).await.json()["group"]["user_ids"].clone()
    };
    assert_eq!(members(&ben, &["chat", "join"]).await, json!(["ann", "ben", "cleo"]));
    assert_eq!(members(&ben, &["chat", "invite", "--user_id=dan"]).await, json!(["ann", "ben", "cleo", "dan"]));
    assert_eq!(members(&ann, &["chat", "kick", "--user_id=dan"]).await, json!(["ann", "ben", "cleo"]));
    let sent = ask(&ben, &["chat", "send", &id, "--client_id=c1", "--text=soup?"]).await.json();
    assert_eq!((&sent["message"]["user_id"], &sent["message"]["client"]), (&json!("ben"), &json!("c1")));
    assert_eq!(ask(&ann, &["chat", "history", &id]).await.json(), json!({ "messages": [sent["message"]] }));
    assert_eq!(members(&ben, &["chat", "leave"]).await, json!(["ann", "cleo"]));
    let refused = ask(&ben, &["chat", "delete", "--yes", &id]).await;
    assert_eq!((refused.code, refused.out.as_str()), (1, ""), "{}", refused.err);
    assert_eq!(refused.err, "micro: only who created the group may do this (chat.delete)\n");
    assert_eq!(members(&ann, &["chat", "delete", "--yes"]).await, json!(["ann", "cleo"]));
    assert_eq!(ask(&ann, &["chat", "list"]).await.json()["groups"], json!([]));
}

#[tokio::test]
async fn scripts_can_tell_what_went_wrong() {
    let (server, guarded) = (Running::start().await, Guarded::start().await);
    let desk = Desk::at(&server.host);
    let refused = desk.run(&["chat", "new"]).await;
    assert_eq!((refused.code, refused.out.as_str()), (1, ""));
    assert!(refused.err.starts_with("micro: ") && refused.err.contains("(chat.New.MissingUserIDs)"), "{}", refused.err);
    for usage in
        [&["chat", "knew"][..], &["chat", "send", "--chat_id=a", "--group_id=b"], &["--api=ftp://x", "chat", "new"]]
    {
        let ran = desk.run(usage).await;
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{}", ran.err);
    }
    // A port that nobody listens on, and somebody who is no Micro Chat server.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let silent = desk.run(&["--api", &format!("http://{free}"), "chat", "new", "--user_ids=a"]).await;
    assert_eq!((silent.code, silent.err.contains("does not answer")), (3, true), "{}", silent.err);
    let page = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = page.local_addr().expect("an address");
    std::thread::spawn(move || {
        let (mut stream, _) = page.accept()?;
        let _ = stream.read(&mut [0; 4_096])?;
        stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 9\r\n\r\n<h1>x</h1")
    });
    let other = desk.run(&["--api", &format!("http://{address}"), "chat", "new"]).await;
    assert_eq!((other.code, other.err.contains("502")), (3, true), "{}", other.err);
    let guarded = Desk::at(&guarded.server.host);
    let nobody = guarded.run(&["chat", "new", "--user_ids=ann"]).await;
    assert_eq!((nobody.code, nobody.err.contains("micro login")), (4, true), "{}", nobody.err);
    let forged = guarded.run(&["--token=forged", "chat", "new", "--user_ids=ann"]).await;
    assert_eq!((forged.code, forged.err.contains("auth.InvalidToken")), (4, true), "{}", forged.err);
    assert_eq!(desk.run(&["--help"]).await.code, 0);
}

#[tokio::test]
async fn what_is_no_number_is_told_from_one() {
    let desk = Desk::at("127.0.0.1:1");
    let (history, chats) = (["chat", "history", "--chat_id=a"], ["chats", "list-messages", "--chat_id=a"]);
    for (command, flag) in [
        (&history[..], "limit"),
        (&history, "before"),
        (&history, "after"),
        (&chats, "limit"),
        (&chats, "offset"),
        (&["chat", "list"], "limit"),
        (&["chat", "list"], "offset"),
        (&["chats", "list-chats"], "limit"),
        (&["chats", "mark-read", "--chat_id=a"], "seq"),
        (&["chat", "connect", "--chat_id=a"], "history"),
    ] {
        for wrong in ["abc", "", "1.5", "18446744073709551616"] {
            let ran = desk.run(&[command, &[&format!("--{flag}={wrong}")]].concat()).await;
            let why = format!("'{wrong}' for '--{flag} <");
            assert_eq!((ran.code, ran.err.contains(&why)), (2, true), "{}", ran.err);
            assert!(ran.err.contains("it has to be a whole number, such as 20\n"), "{}", ran.err);
        }
    }
    let ran = desk.run(&["chat", "connect", "--chat_id=a", "--history=1001"]).await;
    assert_eq!((ran.code, ran.err.contains("it may be 1000 at most")), (2, true), "{}", ran.err);
}

#[tokio::test]
async fn what_is_too_much_for_now_may_be_tried_again() {
    let data = tempfile::tempdir().expect("a folder");
    let keys = [key_file(data.path(), "secret", SECRET)];
    let rates = Rates { sends: "1/h:1".parse().expect("a rate"), ..Rates::default() };
    let guarded = Guarded::limited(data, &keys, Claims::default(), Some(rates), Reach::NoTls).await;
    let (mut desk, id) = (Desk::at(&guarded.server.host), guarded.chat().await);
    desk.token = Some(token("ann"));
    let send = ["chat", "send", "--chat_id", &id, "--text=hello"];
    assert_eq!(desk.run(&send).await.code, 0);
    let refused = desk.run(&send).await;
    let is_told = refused.err.contains("chat.Send.TooMany") && refused.err.contains("try again in ");
    assert_eq!((refused.code, is_told), (3, true), "{}", refused.err);
    // What is refused for good is no such thing.
    assert_eq!(desk.run(&["chat", "history", "--chat_id=none"]).await.code, 1);
}

#[tokio::test]
async fn who_names_another_than_the_token_does_is_told_whose_it_is() {
    let guarded = Guarded::start().await;
    let (mut desk, id) = (Desk::at(&guarded.server.host), guarded.chat().await);
    let group =
        guarded.ask(&token("ann"), "/chat/Create", json!({ "name": "lunch", "user_ids": ["ann", "ben"] })).await;
    let group = group["group"]["id"].as_str().expect("an id");
    let calls = [
        &["chat", "send", "--chat_id", &id, "--text=hello", "--user_id"][..],
        &["chats", "send-message", "--chat_id", &id, "--text=hello", "--author_id"],
        &["chats", "mark-read", "--chat_id", &id, "--seq=1", "--user_id"],
        &["chats", "list-chats", "--user_id"],
        &["chat", "leave", "--group_id", group, "--user_id"],
        &["chat", "join", "--group_id", group, "--user_id"],
    ];
    desk.token = Some(token("ann"));
    for call in calls {
        let other = desk.run(&[call, &["ben"]].concat()).await;
        assert_eq!(other.code, 0, "{}", other.err);
        assert!(other.err.contains("as ann,") && other.err.contains("not as ben"), "{call:?} {}", other.err);
        let own = desk.run(&[call, &["ann"]].concat()).await;
        assert_eq!((own.code, own.err.as_str()), (0, ""), "{call:?}");
    }
    let exported = desk.run(&["chats", "export", "--chat_id", &id, "--user_id=ben"]).await;
    assert!(exported.code == 0 && exported.err.contains("as ann,"), "{}", exported.err);
    // Who is refused is told only that.
    let refused = desk.run(&["chat", "send", "--chat_id=none", "--text=hello", "--user_id=ben"]).await;
    assert!(refused.code == 1 && !refused.err.contains("as ann"), "{}", refused.err);
    // Who is brought in or put out is somebody else; and a site's own server acts for whom it names.
    for call in ["kick", "invite"] {
        let ran = desk.run(&["chat", call, "--group_id", group, "--user_id=ben"]).await;
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{call}");
    }
    desk.token = Some(key(&guarded, "micro", "read,send"));
    for call in calls {
        let ran = desk.run(&[call, &["ben"]].concat()).await;
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{call:?}");
    }
}

#[tokio::test]
async fn what_others_write_gives_a_terminal_no_orders() {
    let server = Running::start().await;
    let (desk, id) = (Desk::at(&server.host), server.chat().await);
    let evil = "\x1b]0;owned\x07\x1b[2J\u{9b}31m\u{202e}\r\u{8}\u{7f}gone\nnext";
    server.send(&id, "ev\x1bil", evil).await;
    let history = ["chat", "history", "--chat_id", &id];
    let is_order = |character: char| (character.is_control() && !"\n\t".contains(character)) || character == '\u{202e}';
    for output in ["json", "table"] {
        let ran = desk.run(&[history.as_slice(), &["--output", output]].concat()).await;
        assert_eq!((ran.code, ran.out.chars().any(is_order)), (0, false), "{:?}", ran.out);
        assert!(ran.out.contains("gone"), "{}", ran.out);
    }
    // It is the same text all the same.
    assert_eq!(desk.run(&history).await.json()["messages"][0]["text"], evil);
    // Nor do refusals and mistakes.
    let refused = desk.run(&["--output=\x1b[2J", "chat", "new"]).await;
    assert_eq!((refused.code, refused.err.contains('\x1b')), (2, false), "{:?}", refused.err);
    let refused = desk.run_with(&[("MICRO_OUTPUT", "\x1b[2J")], &["chat", "new"]).await;
    assert_eq!((refused.code, refused.err.contains('\x1b')), (2, false), "{:?}", refused.err);
}

#[tokio::test]
async fn a_table_is_for_people() {
    let server = Running::start().await;
    let (desk, id) = (Desk::at(&server.host), server.chat().await);
    server.send(&id, "ann", "Hello").await;
    server.send(&id, "ben", "one\ntwo").await;
    let ran = desk.run(&["--output=table", "chat", "history", "--chat_id", &id]).await;
    let rows: Vec<Vec<&str>> = ran.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["SEQ", "SENT_AT", "USER_ID", "SUBJECT", "TEXT"]);
    assert_eq!((rows[1][0], rows[1][3], rows[1][4]), ("1", "ann", "Hello"));
    assert_eq!((rows[2][3], rows[2][4], rows[3].as_slice()), ("ben", "one", ["two"].as_slice()));
    // Times are those of the reader's clock, however the server writes them.
    let moment =
        |seconds: &Value| -> Timestamp { Timestamp::from_second(seconds.as_i64().expect("seconds")).expect("a time") };
    let sent = desk.run(&["chat", "history", "--chat_id", &id]).await.json();
    let group = desk.run(&["chat", "create", "--name=lunch", "--user_ids=ann"]).await.json();
    let made: Timestamp = group["group"]["created_at"].as_str().expect("a time").parse().expect("a time");
    for (zone, hours) in [("UTC0", 0), ("EAST-9", 9), ("WEST5", -5)] {
        let shown = |at: Timestamp| (at + SignedDuration::from_hours(hours)).strftime("%Y-%m-%d %H:%M:%S").to_string();
        for (command, at) in [
            (&["chat", "history", "--chat_id", &id][..], moment(&sent["messages"][0]["sent_at"])),
            (&["chat", "list"], made),
        ] {
            let ran = desk.run_with(&[("TZ", zone)], &[&["--output=table"], command].concat()).await;
            assert!(
                ran.out.contains(&format!(" {} ", shown(at))) || ran.out.contains(&format!(" {}\n", shown(at))),
                "{zone} {}",
                ran.out
            );
        }
    }
    let new = desk.run(&["chat", "new", "--user_ids=ann,ben", "--output=table"]).await;
    assert_eq!(new.out.split_whitespace().collect::<Vec<_>>(), ["CHAT_ID", id.as_str()]);
}
