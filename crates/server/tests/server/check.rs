//! A database that is sound is said to be, and each kind of damage is found.

use std::path::Path;
use std::process::Command;

use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use crate::running::Running;

/// Whether it is sound, and what is said of it.
fn check(data: &Path) -> (bool, Vec<String>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_micro-chat-server"));
    let output = command.args(["check", "--data"]).arg(data).output().expect("it runs");
    let said = if output.status.success() { output.stdout } else { output.stderr };
    let said = String::from_utf8(said).expect("text");
    assert!(!said.contains("panicked"), "{said}");
    (output.status.success(), said.lines().map(str::to_owned).collect())
}

/// What somebody may call a chat.
const ODD: &str = "a \"chat\"\nmicro-chat-server: of two lines";

/// A database with a chat of ten messages, an empty one, a group, and a group that is gone; and the first chat's id.
async fn database() -> (TempDir, String) {
    let data = tempfile::tempdir().expect("a folder");
    let server = Running::on(data.path()).await;
    let chat_id = server.chat().await;
    server.ask("/chats/CreateChat", json!({ "id": ODD, "user_ids": ["cleo", "dan"] })).await;
    for number in 1..=10 {
        server.send(&chat_id, "ann", &format!("message {number}")).await;
    }
    for name in ["stays", "goes"] {
        let group = server.ask("/chat/Create", json!({ "name": name, "user_ids": ["ann"] })).await;
        let group_id = group["group"]["id"].as_str().expect("an id");
        server.ask("/chat/Send", json!({ "group_id": group_id, "user_id": "ann", "text": name })).await;
        if name == "goes" {
            server.ask("/chat/Delete", json!({ "group_id": group_id, "user_id": "ann" })).await;
        }
    }
    // It may be running.
    let (is_sound, said) = check(data.path());
    assert!(is_sound && said.len() == 1 && said[0].contains("is sound: 4 chats, "), "{said:?}");
    server.stop().await;
    (data, chat_id)
}

/// What is found after that was done to it. Each is put back.
fn found(data: &Path, damage: &str) -> Vec<String> {
    let file = data.join("chat.db");
    let before = std::fs::read(&file).expect("the database");
    let connection = Connection::open(&file).expect("the database");
    connection.execute_batch(&format!("PRAGMA foreign_keys = OFF; {damage}")).expect("it is done");
    connection.close().expect("it is closed");
    let (is_sound, said) = check(data);
    assert_eq!(is_sound, said[0].contains("is sound"), "{said:?}");
    std::fs::write(&file, before).expect("as it was");
    if is_sound { Vec::new() } else { said }
}

#[tokio::test]
async fn each_kind_of_damage_is_found_and_what_was_deleted_is_none() {
    let (data, chat_id) = database().await;
    let (one, odd) =
        (format!("chat \"{chat_id}\" of namespace \"micro\""), format!("chat {ODD:?} of namespace \"micro\""));
    let of = |chat: &str, words: &str| format!("{chat}: {words}");
    let tombstones =
        "CREATE TABLE IF NOT EXISTS tombstones (chat INTEGER, seq INTEGER, PRIMARY KEY (chat, seq)) WITHOUT ROWID;";
    for (damage, words) in [
        ("DELETE FROM messages WHERE chat = 1 AND seq = 5", of(&one, "seq 5 is missing")),
        ("DELETE FROM messages WHERE chat = 1 AND seq BETWEEN 4 AND 6", of(&one, "seq 4 to 6 are missing")),
        ("DELETE FROM messages WHERE chat = 1 AND seq = 1", of(&one, "seq 1 is missing")),
        ("DELETE FROM messages WHERE chat = 1 AND seq = 10", of(&one, "seq 10 is missing")),
        ("UPDATE chats SET last_seq = 3 WHERE chat = 2", of(&odd, "seq 1 to 3 are missing")),
        ("UPDATE chats SET last_seq = 8 WHERE chat = 1", of(&one, "last_seq 8 is behind the newest message, 10")),
        ("UPDATE chats SET first_seq = 12 WHERE chat = 1", of(&one, "first_seq 12 does not fit last_seq 10")),
        (
            "UPDATE messages SET chat = 99 WHERE chat = 1 AND seq = 10; UPDATE chats SET last_seq = 9 WHERE chat = 1",
            "1 rows of messages belong to rows of chats".to_owned(),
        ),
        (
            "INSERT INTO members (chat, user_id) VALUES (99, 'ann'), (99, 'ben')",
            "2 rows of members belong to rows of chats".to_owned(),
        ),
        (
            "UPDATE groups SET members = 7",
            "of namespace \"micro\": the group is said to have 7 members and has 1".to_owned(),
        ),
        (
            "INSERT INTO members (chat, user_id) VALUES (4, 'ann'), (4, 'ben')",
            "the chat in row 4, which is deleted: 2 rows of members are left".to_owned(),
        ),
        (
            "INSERT INTO traces (chat, user_id) VALUES (4, 'ann')",
            "the chat in row 4, which is deleted: 1 rows of traces are left".to_owned(),
        ),
        (
            "UPDATE chats SET first_seq = 9 WHERE namespace = ''",
            "the chat in row 4, which is deleted: first_seq 9".to_owned(),
        ),
        (
            &format!(
                "{tombstones} DELETE FROM messages WHERE chat = 1 AND seq IN (5, 6); INSERT INTO tombstones VALUES (1, 5), (2, 6)"
            ),
            of(&one, "seq 6 is missing"),
        ),
    ] {
        let said = found(data.path(), damage);
        assert!(said.len() == 1 && said[0].contains(&words), "{damage}: {said:?}");
    }
    for sound in [
        "SELECT 1",
        &format!(
            "{tombstones} DELETE FROM messages WHERE chat = 1 AND seq IN (5, 10); INSERT INTO tombstones VALUES (1, 5), (1, 10)"
        ),
        "DELETE FROM messages WHERE chat = 1 AND seq < 4; UPDATE chats SET first_seq = 4 WHERE chat = 1",
        "DELETE FROM messages WHERE chat = 1; UPDATE chats SET first_seq = 11 WHERE chat = 1",
        // What is still to be swept.
        "INSERT INTO members (chat, user_id) VALUES (4, 'ann'); UPDATE chats SET last_seq = first_seq WHERE chat = 4",
    ] {
        assert_eq!(found(data.path(), sound), Vec::<String>::new(), "{sound}");
    }
    let all = found(
        data.path(),
        "DELETE FROM messages WHERE chat = 1 AND seq IN (2, 4); UPDATE chats SET last_seq = 1 WHERE chat = 2",
    );
    assert_eq!(all.len(), 3, "{all:?}");
}

#[tokio::test]
async fn a_broken_file_is_found_and_what_is_no_database_is_said_in_a_line() {
    let (data, _) = database().await;
    let file = data.path().join("chat.db");
    let whole = std::fs::read(&file).expect("the database");
    // Behind the first page, which says what the others are.
    let mut broken = whole.clone();
    broken[4_096..].fill(0x5a);
    std::fs::write(&file, broken).expect("it is broken");
    let (is_sound, said) = check(data.path());
    assert!(!is_sound && said.iter().any(|line| line.contains("damaged")), "{said:?}");
    // And what only SQLite's own check sees: a page of a table.
    let mut broken = whole.clone();
    std::fs::write(&file, &whole).expect("as it was");
    let page: usize = Connection::open(&file)
        .and_then(|database| {
            database.query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'expired'", [], |row| row.get(0))
        })
        .expect("where a table is");
    broken[(page - 1) * 4_096..page * 4_096].fill(0x5a);
    std::fs::write(&file, broken).expect("it is broken");
    let (is_sound, said) = check(data.path());
    assert!(!is_sound && said.iter().any(|line| line.contains("the file is damaged")), "{said:?}");
    std::fs::write(&file, &whole[..whole.len() / 2]).expect("half of it");
    assert!(!check(data.path()).0);
    std::fs::write(&file, "this is text".repeat(1_000)).expect("text");
    let (is_sound, said) = check(data.path());
    assert!(!is_sound && said.len() == 1 && said[0].contains("database"), "{said:?}");
    let (is_sound, said) = check(&data.path().join("none"));
    assert!(!is_sound && said.len() == 1 && said[0].contains("no such folder"), "{said:?}");
    assert!(!data.path().join("none").exists(), "it makes nothing");
}
