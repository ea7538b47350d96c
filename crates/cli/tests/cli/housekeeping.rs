//! A user's chats and data: listed, marked, written to a file, deleted.

use std::io::{Read, Write};

use serde_json::{Value, json};

use crate::desk::Desk;
use crate::guarded::{Guarded, token};
use crate::hosted::{Hosted, PASSWORD};
use crate::running::Running;

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test]
async fn chats_are_listed_with_what_is_unread_and_marked() {
    let server = Running::start().await;
    let (desk, id) = (Desk::at(&server.host), server.chat().await);
    for text in ["one", "two", "three"] {
        server.send(&id, "ann", text).await;
    }
    let marked = desk.run(&["chats", "mark-read", "--chat_id", &id, "--user_id=ben", "--seq=2"]).await.json();
    assert_eq!(marked, json!({ "read_seq": 2 }));
    let listed = desk.run(&["chats", "list-chats", "--user_id=ben"]).await.json();
    let chat = &listed["chats"][0];
    assert_eq!((&chat["unread"], &chat["last_message"]["text"]), (&json!(1), &json!("three")));
    let table = desk.run(&["chats", "list-chats", "--user_id=ben", "--output=table"]).await.out;
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["ID", "NAME", "USER_IDS", "UNREAD", "READ_SEQ", "LAST_SEQ", "CREATED_AT"]);
    assert!(rows[1].contains(&"1") && rows[1].contains(&"3"), "{rows:?}");
}

#[tokio::test]
async fn an_export_is_in_its_file_when_all_of_it_is_there() {
    let guarded = Guarded::start().await;
    let (desk, id) = (Desk::at(&guarded.server.host), guarded.chat().await);
    for number in 0..300 {
        let body = json!({ "chat_id": id, "text": format!("{number} \u{9b}31m") });
        guarded.ask(&token("ann"), "/chat/Send", body).await;
    }
    let file = desk.home.path().join("chat.jsonl");
    let path = file.to_str().expect("a name");
    let ben = token("ben");
    let environment = [("MICRO_TOKEN", ben.as_str())];
    let ran = desk.run_with(&environment, &["chats", "export", "--chat_id", &id, "--file", path]).await;
    assert_eq!(ran.json(), json!({ "exported": 300 }));
    let written = lines(&std::fs::read_to_string(&file).expect("a file"));
    assert_eq!((written.len(), &written[301]["end"]["messages"]), (302, &json!(300)));
    // To the output, and of a user, too.
    let ran = desk.run_with(&environment, &["chats", "export", "--chat_id", &id]).await;
    assert_eq!(lines(&ran.out), written);
    let ran = desk.run_with(&environment, &["chats", "export", "--user_id=ben"]).await;
    assert_eq!(lines(&ran.out).last(), Some(&json!({ "end": { "chats": 1, "messages": 0 } })));
    let refused = desk.run_with(&[("MICRO_TOKEN", &token("eve"))], &["chats", "export", "--chat_id", &id]).await;
    assert_eq!((refused.code, refused.out.as_str()), (1, ""), "{}", refused.err);
}

#[tokio::test]
async fn an_export_that_is_broken_off_leaves_no_file_that_could_be_taken_for_one() {
    // Somebody who answers with a beginning: once without the rest that was promised, and once without the last line.
    let line = "{\"user\":{\"user_id\":\"ann\",\"namespace\":\"micro\"}}\n";
    for length in [line.len() + 500, line.len()] {
        let half = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let desk = Desk::at(&half.local_addr().expect("an address").to_string());
        let answering = std::thread::spawn(move || {
            let (mut stream, _) = half.accept()?;
            let _ = stream.read(&mut [0; 4_096])?;
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{line}")
        });
        let file = desk.home.path().join("user.jsonl");
        let path = file.to_str().expect("a name");
        let ran = desk.run(&["chats", "export", "--user_id=ann", "--file", path]).await;
        answering.join().expect("it answers").expect("a link");
        assert_eq!((ran.code, ran.err.contains("broken off")), (3, true), "{}", ran.err);
        let names: Vec<_> =
            std::fs::read_dir(desk.home.path()).expect("a folder").flatten().map(|entry| entry.file_name()).collect();
        assert!(!names.iter().any(|name| name.to_string_lossy().starts_with("user")), "{names:?}");
    }
}

#[tokio::test]
async fn a_user_is_deleted_by_name_and_a_login_for_its_password() {
    let server = Running::start().await;
    let (desk, id) = (Desk::at(&server.host), server.chat().await);
    server.send(&id, "ann", "hello").await;
    assert_eq!(desk.run(&["chats", "delete-user"]).await.code, 2, "who it is has to be said");
    let gone = desk.run(&["chats", "delete-user", "--user_id=ann"]).await.json();
    assert_eq!(gone, json!({ "messages": 1, "chats": 1, "ended": 0 }));
    let hosted = Hosted::start().await;
    hosted.sign_up("ann@example.com").await;
    let desk = Desk::at(&hosted.server.host);
    let password = format!("{PASSWORD}\n");
    let login = ["login", "--email=ann@example.com", "--password-stdin"];
    assert_eq!(desk.fed(password.as_bytes(), &login).await.code, 0);
    let delete = ["chats", "delete-user", "--user_id=ann@example.com", "--password-stdin"];
    let wrong = desk.fed(b"another password\n", &delete).await;
    assert_eq!((wrong.code, wrong.err.contains("auth.WrongCredentials")), (4, true), "{}", wrong.err);
    assert_eq!(desk.fed(password.as_bytes(), &delete).await.json()["messages"], 0);
    assert_eq!(desk.run(&["whoami"]).await.code, 4, "nobody is logged in any more");
}
