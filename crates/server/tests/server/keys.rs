//! API keys: a site's own server acts for its users, where they may, and for nobody else.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::guarded::{Guarded, ended, token};

/// `micro-chat-server keys …` beside the running server: what it prints.
fn keys(guarded: &Guarded, arguments: &[&str]) -> String {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_micro-chat-server"));
    let output = command.arg("keys").args(arguments).arg("--data").arg(guarded.folder()).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

/// A new key.
pub fn key(guarded: &Guarded, namespace: &str, scope: &str) -> String {
    keys(guarded, &["create", "--namespace", namespace, "--scope", scope, "--name", "of the tests"])
}

/// Waits until a call with that key is refused.
async fn refused(guarded: &Guarded, key: &str) {
    let deadline = Instant::now() + crate::running::PATIENCE;
    while guarded.call(key, "", "/chats/ListMessages", json!({ "chat_id": "nowhere" })).await.0 != 401 {
        assert!(Instant::now() < deadline, "it is still good");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_database_that_another_version_serves_is_left_as_it_is() {
    let guarded = Guarded::start().await;
    let database = rusqlite::Connection::open(guarded.folder().join("chat.db")).expect("a database");
    let version = |database: &rusqlite::Connection| -> u32 {
        database.pragma_query_value(None, "user_version", |row| row.get(0)).expect("a number")
    };
    let current = version(&database);
    database.pragma_update(None, "user_version", current - 1).expect("a change");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_micro-chat-server"));
    let output = command.args(["keys", "list", "--data"]).arg(guarded.folder()).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("another version"), "{said}");
    assert_eq!(version(&database), current - 1);
    database.pragma_update(None, "user_version", current).expect("a change");
    keys(&guarded, &["list"]);
}

#[tokio::test]
async fn a_key_acts_for_any_user_of_its_namespace_in_their_own_chats() {
    let guarded = Guarded::start().await;
    let key = key(&guarded, "micro", "read,send");
    // It is good at once. The documents' command lines, with both variables filled in.
    let chat = guarded.ask(&key, "/chat/New", json!({ "user_ids": ["ann", "ben"] })).await;
    let chat_id = chat["chat_id"].as_str().expect("an id");
    let send = json!({ "chat_id": chat_id, "user_id": "ann", "subject": "hi", "text": "hello" });
    assert_eq!(guarded.ask(&key, "/chat/Send", send).await, json!({}));
    let history = guarded.ask(&key, "/chat/History", json!({ "chat_id": chat_id })).await;
    assert_eq!(history["messages"][0]["user_id"], "ann");
    let (status, answer) =
        guarded.call(&key, "micro", "/chat/Send", json!({ "chat_id": chat_id, "user_id": "eve", "text": "x" })).await;
    assert_eq!((status, &answer["Id"]), (400, &json!("chat.Send.InvalidChatID")));
    let refused =
        guarded.gateway("/chat/Connect", &json!({ "chat_id": chat_id, "user_id": "eve", "token": key })).await;
    assert_eq!(refused, ("chat.Connect.InvalidChatID".to_owned(), 1008));
    // It may choose what a chat is called; its users may not.
    let named = json!({ "id": "support", "user_ids": ["ann", "ben", "cleo"] });
    assert_eq!(guarded.ask(&key, "/chats/CreateChat", named.clone()).await["chat"]["id"], "support");
    assert_eq!(guarded.call(&token("ann"), "", "/chats/CreateChat", named).await.1["Id"], "CHOSEN_ID");
    let mut stream = guarded.session(json!({ "token": key, "user_id": "ben" })).await;
    assert_eq!(stream.json().await[0], 20);
    stream.send(json!([2, 1, chat_id, 0, 0])).await;
    let (subscribed, messages) = (stream.json().await, stream.json().await);
    assert_eq!((&subscribed[0], &messages[0], &messages[4][0]["text"]), (&json!(21), &json!(22), &json!("hello")));
}

#[tokio::test]
async fn a_key_is_for_its_scopes_and_its_namespace_only() {
    let guarded = Guarded::start().await;
    let chat_id = guarded.chat().await;
    let id = |answer: (u16, Value)| (answer.0, answer.1["Id"].as_str().unwrap_or("").to_owned());
    let no_scope = (403, "auth.NoScope".to_owned());
    let reader = key(&guarded, "micro", "read");
    let send = json!({ "chat_id": chat_id, "user_id": "ann", "text": "x" });
    assert_eq!(id(guarded.call(&reader, "", "/chat/Send", send.clone()).await), no_scope);
    assert_eq!(id(guarded.call(&reader, "", "/chat/New", json!({ "user_ids": ["ann"] })).await), no_scope);
    let sender = key(&guarded, "micro", "send");
    assert_eq!(id(guarded.call(&sender, "", "/chat/History", json!({ "chat_id": chat_id })).await), no_scope);
    let other = key(&guarded, "other", "read,send,admin");
    let wrong = (403, "auth.WrongNamespace".to_owned());
    assert_eq!(id(guarded.call(&other, "micro", "/chat/History", json!({ "chat_id": chat_id })).await), wrong);
    let unknown = (400, "chat.Send.InvalidChatID".to_owned());
    assert_eq!(id(guarded.call(&other, "", "/chat/Send", send).await), unknown);
    // A key with a changed secret, and the id alone.
    let (name, _) = other.split_once('.').expect("two parts");
    for forged in [format!("{name}.{}", "0".repeat(64)), format!("{name}."), name.to_owned(), "mck_".to_owned()] {
        let answer = guarded.call(&forged, "", "/chat/History", json!({ "chat_id": chat_id })).await;
        assert_eq!(id(answer), (401, "auth.InvalidToken".to_owned()), "{forged}");
    }
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_and_its_streams_end_within_a_second() {
    let guarded = Guarded::start().await;
    let mut times = Vec::new();
    // A machine that is busy may take longer, but hardly ten times in a row.
    while times.iter().all(|time| *time > Duration::from_secs(1)) {
        assert!(times.len() < 10, "{times:?}");
        times.push(revoking(&guarded).await);
    }
}

/// How long it takes until the stream of a key that is revoked has ended.
async fn revoking(guarded: &Guarded) -> Duration {
    let key = key(guarded, "micro", "read,send");
    let mut stream = guarded.session(json!({ "token": key, "user_id": "ann" })).await;
    let mut other = guarded.session(json!({ "token": token("ann") })).await;
    assert_eq!((stream.json().await[0].clone(), other.json().await[0].clone()), (json!(20), json!(20)));
    let listed = keys(guarded, &["list"]);
    let (id, secret) = key.trim_start_matches("mck_").split_once('.').expect("two parts");
    assert!(listed.contains("of the tests") && !listed.contains(secret), "{listed}");
    keys(guarded, &["revoke", id]);
    let revoked = Instant::now();
    assert_eq!(ended(&mut stream).await, ("auth.RevokedToken".to_owned(), 4003));
    let lasted = revoked.elapsed();
    refused(guarded, &key).await;
    assert!(other.is_quiet().await, "that is not its stream");
    lasted
}

#[test]
fn a_database_holds_nothing_that_a_key_could_be_made_of() {
    let data = tempfile::tempdir().expect("a folder");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_micro-chat-server"));
    let output = command.args(["keys", "create", "--namespace", "micro", "--data"]).arg(data.path()).output();
    let key = String::from_utf8(output.expect("it runs").stdout).expect("text");
    let secret = key.trim().split_once('.').expect("two parts").1.to_owned();
    for file in std::fs::read_dir(data.path()).expect("a folder") {
        let content = std::fs::read(file.expect("a file").path()).expect("its content");
        assert!(!content.windows(secret.len()).any(|part| part == secret.as_bytes()));
    }
}

/// `micro-chat-server …` in an empty folder: whether it did what it was to do, and what it printed.
fn run_in(folder: &std::path::Path, arguments: &[&str]) -> (bool, String, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_micro-chat-server"));
    let output = command.args(arguments).current_dir(folder).output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
fn keys_are_looked_for_where_a_database_is_and_only_a_first_one_makes_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let none = || std::fs::read_dir(folder.path()).expect("a folder").next().is_none();
    for command in [&["keys", "list", "--data", "typo"][..], &["keys", "revoke", "an-id", "--data", "typo"]] {
        let (is_done, out, err) = run_in(folder.path(), command);
        assert!(!is_done && out.is_empty() && none(), "{command:?} made something");
        assert!(
            err.contains("there is no database in typo, as there is no such folder") && err.contains("--data"),
            "{err}"
        );
        // A folder may be there, and not be the one.
        let (is_done, _, err) = run_in(folder.path(), &[&command[..command.len() - 1], &["."]].concat());
        assert!(!is_done && none() && err.contains("there is no database in .;"), "{err}");
    }
    // Nor does a server that does not start make one.
    let (is_done, _, err) = run_in(folder.path(), &["serve", "--listen", "0.0.0.0:0"]);
    assert!(!is_done && none() && err.contains("nobody could log in"), "{err}");
    let create = ["keys", "create", "--namespace", "micro", "--data", "new"];
    let (is_done, key, err) = run_in(folder.path(), &create);
    assert!(is_done && key.starts_with("mck_"), "{err}");
    assert!(err.contains("there was no database in new, and now there is one"), "{err}");
    let (is_done, _, err) = run_in(folder.path(), &create);
    assert!(is_done && !err.contains("there was no database"), "{err}");
    assert_eq!(run_in(folder.path(), &["keys", "list", "--data", "new"]).1.lines().count(), 2);
}

#[test]
fn keys_are_listed_for_programs_with_tabs_and_for_people_with_a_heading() {
    let folder = tempfile::tempdir().expect("a folder");
    for (scope, name) in [("read", "short"), ("read,send,admin", "a longer name")] {
        let (is_done, ..) =
            run_in(folder.path(), &["keys", "create", "--namespace", "micro", "--scope", scope, "--name", name]);
        assert!(is_done);
    }
    for name in ["two\tcolumns", "two\nlines", "\u{1b}[31mred"] {
        let (is_done, _, err) = run_in(folder.path(), &["keys", "create", "--namespace", "micro", "--name", name]);
        assert!(!is_done && err.contains("a name is one line without tabs"), "{err}");
    }
    let (_, listed, err) = run_in(folder.path(), &["keys", "list"]);
    let rows: Vec<Vec<&str>> = listed.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!((rows.len(), err.as_str()), (2, ""));
    assert_eq!(rows[0][1..4], ["micro", "read", "short"]);
    assert_eq!(rows[1][1..4], ["micro", "read,send,admin", "a longer name"]);
    let made = |row: &[&str]| time::OffsetDateTime::parse(row[4], &time::format_description::well_known::Rfc3339);
    let (first, second) = (made(&rows[0]).expect("a time"), made(&rows[1]).expect("a time"));
    assert!(first < second && (time::OffsetDateTime::now_utc() - first).whole_hours() == 0, "{first} {second}");
    let mut command = std::process::Command::new("script");
    let line = format!("{} keys list", env!("CARGO_BIN_EXE_micro-chat-server"));
    let output = command.args(["--quiet", "--return", "--command", &line, "/dev/null"]).current_dir(folder.path());
    let shown =
        String::from_utf8(output.stdin(std::process::Stdio::null()).output().expect("script").stdout).expect("text");
    let lines: Vec<&str> = shown.lines().collect();
    let heading: Vec<&str> = lines[0].split_whitespace().collect();
    assert_eq!(heading, ["ID", "NAMESPACE", "SCOPES", "NAME", "CREATED_AT"]);
    // What stands under a heading is its column.
    let of_name = lines[0].find("NAME ").expect("a column");
    assert!(lines[1][of_name..].starts_with("short ") && lines[2][of_name..].starts_with("a longer name "), "{shown}");
    assert_eq!(lines.len(), 3, "{shown}");
}
