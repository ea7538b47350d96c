//! A user's chats and data: listed, marked, written to a file, deleted.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::connect::{Terminal, texts};
use crate::desk::Desk;
use crate::guarded::{Guarded, token};
use crate::hosted::{Hosted, PASSWORD};
use crate::running::{PATIENCE, Running};

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
    let header = ["ID", "NAME", "USER_IDS", "UNREAD", "READ_SEQ", "LAST_SEQ", "LAST_MESSAGE", "CREATED_AT"];
    assert_eq!(rows[0], header);
    assert!(["1", "3", "three"].iter().all(|word| rows[1].contains(word)), "{rows:?}");
}

#[tokio::test]
async fn a_table_says_where_there_is_more_and_how_to_go_on() {
    let server = Running::start().await;
    let desk = Desk::at(&server.host);
    for users in ["ann,ben", "ann,cleo", "ann,dan"] {
        desk.run(&["chat", "new", "--user_ids", users]).await.json();
    }
    let list = ["--output=table", "chats", "list-chats", "--user_id=ann", "--limit=2"];
    let first = desk.run(&list).await;
    let cursor =
        first.err.strip_prefix("micro: there are more; they follow with --cursor=").expect("how to go on").trim();
    let rest = desk.run(&[&list[..], &["--cursor", cursor]].concat()).await;
    assert_eq!((first.out.lines().count(), rest.out.lines().count(), rest.err.as_str()), (3, 2, ""));
    let id = server.chat().await;
    for number in 0..1_005 {
        server.send(&id, "ann", &number.to_string()).await;
    }
    let history = ["--output=table", "chat", "history", "--chat_id", &id];
    let page = desk.run(&[&history[..], &["--limit=2"]].concat()).await;
    assert_eq!((page.code, page.err.as_str()), (0, "micro: there are more; they follow with --before=1004\n"));
    let page = desk.run(&[&history[..], &["--limit=2", "--before=1004"]].concat()).await;
    assert_eq!((page.code, page.err.as_str()), (0, "micro: there are more; they follow with --before=1002\n"));
    assert!(page.out.contains(" 1001") && page.out.contains(" 1002"), "{}", page.out);
    let page = desk.run(&[&history[..], &["--limit=2", "--after=0"]].concat()).await;
    assert_eq!((page.code, page.err.as_str()), (0, "micro: there are more; they follow with --after=2\n"));
    let all = desk.run(&[&history[..], &["--after=1003"]].concat()).await;
    assert_eq!((all.code, all.err.as_str()), (0, ""));
    let unread = desk.run(&["--output=table", "chats", "list-chats", "--user_id=ben"]).await;
    assert!(unread.out.contains(" 1000+ "), "{}", unread.out);
}

/// Whether a terminal could take something in it for an order.
fn has_orders(text: &str) -> bool {
    text.chars().any(|character| (character.is_control() && character != '\n') || character == '\u{202e}')
}

#[tokio::test]
async fn an_export_is_in_its_file_when_all_of_it_is_there() {
    let guarded = Guarded::start().await;
    let (desk, id) = (Desk::at(&guarded.server.host), guarded.chat().await);
    for number in 0..300 {
        let body = json!({ "chat_id": id, "text": format!("{number} \u{9b}31m \u{7f} \u{202e}") });
        guarded.ask(&token("ann"), "/chat/Send", body).await;
    }
    let file = desk.home.path().join("chat.jsonl");
    let path = file.to_str().expect("a name");
    let ben = token("ben");
    let environment = [("MICRO_TOKEN", ben.as_str())];
    let ran = desk.run_with(&environment, &["chats", "export", "--chat_id", &id, "--file", path]).await;
    assert_eq!(ran.json(), json!({ "exported": 300 }));
    let text = std::fs::read_to_string(&file).expect("a file");
    let written = lines(&text);
    assert_eq!(written[1]["message"]["text"], "0 \u{9b}31m \u{7f} \u{202e}");
    assert_eq!((written.len(), &written[301]["end"]["messages"]), (302, &json!(300)));
    // To the output, and of a user, too.
    let ran = desk.run_with(&environment, &["chats", "export", "--chat_id", &id]).await;
    assert_eq!(lines(&ran.out), written);
    // Who wrote it gives orders to nobody who looks at it, through a pipe or later.
    assert!(!has_orders(&text) && !has_orders(&ran.out));
    // A pipe is written to, and not replaced by a file.
    let pipe = desk.home.path().join("pipe");
    let name = pipe.to_str().expect("a name").to_owned();
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let reading = tokio::task::spawn_blocking(move || std::fs::read_to_string(pipe));
    let ran = desk.run_with(&environment, &["chats", "export", "--chat_id", &id, "--file", &name]).await;
    assert_eq!(ran.json(), json!({ "exported": 300 }));
    assert_eq!(reading.await.expect("it reads").expect("a pipe"), text);
    let ran = desk.run_with(&environment, &["chats", "export", "--user_id=ben"]).await;
    assert_eq!(lines(&ran.out).last(), Some(&json!({ "end": { "chats": 1, "messages": 0 } })));
    let refused = desk.run_with(&[("MICRO_TOKEN", &token("eve"))], &["chats", "export", "--chat_id", &id]).await;
    assert_eq!((refused.code, refused.out.as_str()), (1, ""), "{}", refused.err);
}

#[tokio::test]
async fn an_export_makes_no_folder_and_may_be_asked_for_on_the_output() {
    let server = Running::start().await;
    let (desk, id) = (Desk::at(&server.host), server.chat().await);
    server.send(&id, "ann", "hello").await;
    let missing = desk.home.path().join("deep");
    for file in [missing.join("chat.jsonl"), missing.join("er/chat.jsonl")] {
        let name = file.to_str().expect("a name");
        let ran = desk.run(&["chats", "export", "--chat_id", &id, "--file", name]).await;
        assert_eq!(
            (ran.code, ran.err.contains("there is no folder"), missing.exists()),
            (2, true, false),
            "{}",
            ran.err
        );
    }
    let in_folder = async |arguments: &[&str]| {
        let mut command = desk.command(&[&["chats", "export", "--chat_id", &id], arguments].concat());
        let output = command.current_dir(desk.home.path()).output().await.expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let printed = in_folder(&["--file", "-"]).await;
    assert_eq!((lines(&printed).len(), desk.home.path().join("-").exists()), (3, false));
    // A file that is called so has another name, too; and here is a folder that is there.
    for name in ["./-", "here.jsonl"] {
        in_folder(&["--file", name]).await;
        assert_eq!(std::fs::read_to_string(desk.home.path().join(name)).expect("a file"), printed);
    }
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
async fn an_export_that_is_given_up_leaves_no_half_of_it() {
    // Somebody who answers with a beginning, and says no more.
    let half = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let desk = Desk::at(&half.local_addr().expect("an address").to_string());
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = half.accept()?;
        let _ = stream.read(&mut [0; 4_096])?;
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{{}}\n")?;
        stream.read_to_end(&mut Vec::new())
    });
    let file = desk.home.path().join("user.jsonl");
    let names = || -> Vec<_> {
        let names = std::fs::read_dir(desk.home.path()).expect("a folder").flatten().map(|entry| entry.file_name());
        names.filter(|name| name.to_string_lossy().starts_with("user")).collect()
    };
    let path = file.to_str().expect("a name");
    let mut child = desk.command(&["chats", "export", "--user_id=ann", "--file", path]).spawn().expect("it starts");
    let begun = Instant::now();
    while names().is_empty() {
        assert!(begun.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let id = child.id().expect("it runs").to_string();
    assert!(tokio::process::Command::new("kill").args(["-INT", &id]).status().await.expect("kill").success());
    let status = tokio::time::timeout(PATIENCE, child.wait()).await.expect("an end").expect("a status");
    assert_eq!((status.code(), names().len()), (Some(130), 0), "{:?}", names());
    // It may have been cut.
    let _ = answering.join().expect("it answers");
}

#[tokio::test]
async fn more_groups_and_their_messages_follow_with_what_is_said() {
    let server = Running::start().await;
    let desk = Desk::at(&server.host);
    let table = async |arguments: &[&str]| desk.run(&[&["--output=table"], arguments].concat()).await;
    let mut id = String::new();
    for name in ["one", "two", "three"] {
        let group = server.ask("/chat/Create", json!({ "name": name, "user_ids": ["ann"] })).await;
        id = group["group"]["id"].as_str().expect("an id").to_owned();
    }
    let page = table(&["chat", "list", "--limit=1", "--offset=1"]).await;
    assert_eq!((page.code, page.err.as_str()), (0, "micro: there are more; they follow with --offset=2\n"));
    for text in ["four", "five", "six"] {
        server.send(&id, "ann", text).await;
    }
    let page = table(&["chat", "history", "--group_id", &id, "--limit=2"]).await;
    let how = format!("micro: there are more; they follow with --before, and the seq that --chat_id={id} shows\n");
    assert_eq!((page.code, page.err), (0, how));
    let page = table(&["chat", "history", "--chat_id", &id, "--limit=2"]).await;
    assert_eq!((page.code, page.err.as_str()), (0, "micro: there are more; they follow with --before=2\n"));
}

#[tokio::test]
async fn what_nothing_brings_back_is_asked_for_first() {
    let server = Running::start().await;
    let (desk, id) = (Desk::at(&server.host), server.chat().await);
    server.send(&id, "ann", "hello").await;
    let group = server.ask("/chat/Create", json!({ "name": "lunch", "user_ids": ["ann"] })).await;
    let group = group["group"]["id"].as_str().expect("an id").to_owned();
    let is_there = async || {
        let groups = server.ask("/chat/List", json!({})).await["groups"].as_array().expect("groups").len();
        (texts(&server, &id).await.len(), groups)
    };
    let user = ["chats", "delete-user", "--user_id=ann"];
    let chat = ["chat", "delete", "--group_id", &group];
    for (delete, what) in [(&user[..], "the user ann at "), (&chat, &format!("the group {group} at "))] {
        // A script has to say that it means it.
        let ran = desk.fed(b"y\n", delete).await;
        let is_told = ran.err.contains("--yes") && ran.err.contains(what);
        assert_eq!((ran.code, ran.out.as_str(), is_told), (2, "", true), "{}", ran.err);
        for answer in ["n\r", "\r", "ann\r"] {
            let mut terminal = Terminal::of(desk.on_terminal(delete));
            terminal.show("[y/N]").await;
            terminal.press(answer).await;
            terminal.show("nothing was deleted").await;
            assert!(terminal.shown().contains(what), "{}", terminal.shown());
            assert_eq!(terminal.end().await.code(), Some(2));
        }
        assert_eq!(is_there().await, (1, 1));
    }
    let mut terminal = Terminal::of(desk.on_terminal(&chat));
    terminal.show("[y/N]").await;
    terminal.press("y\r").await;
    assert_eq!(terminal.end().await.code(), Some(0));
    assert_eq!(is_there().await, (1, 0));
    assert_eq!(desk.run(&[&user[..], &["--yes"]].concat()).await.json()["messages"], 1);
    assert_eq!(is_there().await, (0, 0));
}

#[tokio::test]
async fn a_user_is_deleted_by_name_and_a_login_for_its_password() {
    let server = Running::start().await;
    let (desk, id) = (Desk::at(&server.host), server.chat().await);
    server.send(&id, "ann", "hello").await;
    assert_eq!(desk.run(&["chats", "delete-user"]).await.code, 2, "who it is has to be said");
    let gone = desk.run(&["chats", "delete-user", "--user_id=ann", "--yes"]).await.json();
    assert_eq!(gone, json!({ "messages": 1, "chats": 1, "ended": 0 }));
    let hosted = Hosted::start().await;
    hosted.sign_up("ann@example.com").await;
    let desk = Desk::at(&hosted.server.host);
    let password = format!("{PASSWORD}\n");
    let login = ["login", "--email=ann@example.com", "--password-stdin"];
    assert_eq!(desk.fed(password.as_bytes(), &login).await.code, 0);
    let delete = ["chats", "delete-user", "--user_id=ann@example.com", "--password-stdin", "--yes"];
    let wrong = desk.fed(b"another password\n", &delete).await;
    assert_eq!((wrong.code, wrong.err.contains("auth.WrongCredentials")), (4, true), "{}", wrong.err);
    assert_eq!(desk.fed(password.as_bytes(), &delete).await.json()["messages"], 0);
    assert_eq!(desk.run(&["whoami"]).await.code, 4, "nobody is logged in any more");
}
