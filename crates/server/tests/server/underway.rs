//! A deletion goes on through kills and failures, and leaves nothing behind, whatever is under way when it begins.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::guarded::token;
use crate::program::Program;
use crate::running::{PATIENCE, Running};

const UNLIMITED: [&str; 6] = ["--limit-sends", "off", "--limit-requests", "off", "--limit-chats", "off"];

fn open(data: &Path) -> rusqlite::Connection {
    let database = rusqlite::Connection::open(data.join("chat.db")).expect("a database");
    database.busy_timeout(PATIENCE).expect("a database");
    database
}

pub fn change(data: &Path, sql: &str) {
    open(data).execute_batch(sql).expect("a change");
}

/// What a database answers.
pub fn asked<T: rusqlite::types::FromSql>(data: &Path, sql: &str) -> T {
    open(data).query_row(sql, [], |row| row.get(0)).expect("an answer")
}

/// Waits until a database says so.
pub async fn until(data: &Path, sql: &str) {
    let (database, deadline) = (open(data), Instant::now() + PATIENCE);
    while !database.query_row(sql, [], |row| row.get::<_, bool>(0)).expect("an answer") {
        assert!(Instant::now() < deadline, "{sql}");
        sleep(Duration::from_millis(2)).await;
    }
}

/// What `check` says of a database.
fn checked(data: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_micro-chat-server"));
    let output = command.args(["check", "--data"]).arg(data).output().expect("it runs");
    String::from_utf8([output.stdout, output.stderr].concat()).expect("text")
}

/// Calls a method as a user; status and answer.
pub async fn call(http: &reqwest::Client, host: &str, user: &str, path: &str, body: Value) -> (u16, Value) {
    let request = http.post(format!("http://{host}{path}")).bearer_auth(token(user)).body(body.to_string());
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

/// Puts so many messages into the first chat, Ann's and Ben's by turns.
pub fn fill(data: &Path, count: u64) {
    change(
        data,
        &format!(
            "WITH RECURSIVE series(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM series WHERE seq < {count})
             INSERT INTO messages SELECT 1, seq, seq, seq, iif(seq % 2, 'ann', 'ben'), '', printf('%.200c', 'x') || seq, 1 FROM series;
             UPDATE chats SET last_seq = {count} WHERE chat = 1;"
        ),
    );
}

pub const HERS: &str = "SELECT count(*) FROM messages WHERE user_id = 'ann'";
const HIS: &str =
    "SELECT group_concat(seq || text) FROM (SELECT * FROM messages WHERE user_id = 'ben' ORDER BY chat, seq)";
pub const ENDED: &str = "SELECT count(*) = 0 FROM deletions";

/// Makes each deletion of a message of hers but the first ones take as long as a look at all messages, so that who
/// kills the server need not be fast.
const SLOW: &str = "CREATE TRIGGER slow BEFORE DELETE ON messages
    WHEN old.user_id = 'ann' AND (SELECT count(*) FROM tombstones) > 1000
    BEGIN SELECT count(*) FROM messages WHERE text LIKE '%nowhere%'; END;";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_in_the_middle_finishes_it_when_it_starts_again() {
    const COUNT: u64 = 20_000;
    let program = Program::start(&[], &[]).await;
    let http = reqwest::Client::new();
    call(&http, &program.host, "ann", "/chat/New", json!({ "user_ids": ["ann", "ben"] })).await;
    fill(program.data.path(), COUNT);
    change(program.data.path(), SLOW);
    let his: String = asked(program.data.path(), HIS);
    let url = format!("http://{}/chats/DeleteUser", program.host);
    let deleting = tokio::spawn(http.post(url).bearer_auth(token("ann")).body("{}").send());
    until(program.data.path(), &format!("SELECT ({HERS}) < {}", COUNT / 2)).await;
    let data = program.kill().await;
    assert!(deleting.await.expect("it ends").is_err(), "nobody was told that it is done");
    let left: u64 = asked(data.path(), HERS);
    assert!(left > 0 && left < COUNT / 2, "{left} are left");
    assert!(!asked::<bool>(data.path(), ENDED));
    change(data.path(), "DROP TRIGGER slow");
    let program = Program::on(data, &[], &[]).await;
    until(program.data.path(), ENDED).await;
    let data = program.kill().await;
    assert_eq!(asked::<u64>(data.path(), HERS), 0);
    assert_eq!(asked::<u64>(data.path(), "SELECT count(*) FROM tombstones"), COUNT / 2);
    assert_eq!(asked::<u64>(data.path(), "SELECT count(*) FROM members WHERE user_id = 'ann'"), 0);
    assert_eq!(asked::<u64>(data.path(), "SELECT count(*) FROM traces"), 0);
    assert_eq!(asked::<String>(data.path(), HIS), his, "each of his is as it was");
    assert!(checked(data.path()).contains("is sound"), "{}", checked(data.path()));
}

/// Fails each deletion of a message of hers, as a full disk would.
const FAILING: &str = "CREATE TRIGGER full BEFORE DELETE ON messages WHEN old.user_id = 'ann'
    BEGIN SELECT RAISE(ABORT, 'the disk is full'); END;";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_is_tried_again_while_the_server_runs_and_holds_up_no_other() {
    let mut program = Program::start(&[], &[]).await;
    let http = reqwest::Client::new();
    call(&http, &program.host, "ann", "/chat/New", json!({ "user_ids": ["ann", "ben"] })).await;
    fill(program.data.path(), 10);
    change(program.data.path(), FAILING);
    let (status, answer) = call(&http, &program.host, "ann", "/chats/DeleteUser", json!({})).await;
    assert_eq!(status, 503, "{answer}");
    let (status, answer) = call(&http, &program.host, "dan", "/chats/DeleteUser", json!({})).await;
    assert_eq!(status, 200, "{answer}");
    program.until_logged("a user who was deleted is not all gone").await;
    assert_eq!(asked::<u64>(program.data.path(), HERS), 5);
    change(program.data.path(), "DROP TRIGGER full");
    until(program.data.path(), ENDED).await;
    assert_eq!(asked::<u64>(program.data.path(), HERS), 0);
    let said = program.stop().await;
    let count = |text: &str| said.matches(text).count();
    assert_eq!(count("the disk is full"), 1 + count("is not all gone"), "each failure is said once: {said}");
    assert!(!said.contains("ann"), "and nobody is named");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_ends_while_it_waits_to_try_again_and_the_next_one_goes_on() {
    let data = tempfile::tempdir().expect("a folder");
    let server = Running::on(data.path()).await;
    server.chat().await;
    fill(data.path(), 10);
    change(data.path(), FAILING);
    assert_eq!(server.post("/chats/DeleteUser", json!({ "user_id": "ann" })).await.0, 503);
    server.stop().await;
    // It fails again, and is done as soon as it can be.
    let server = Running::on(data.path()).await;
    sleep(Duration::from_millis(200)).await;
    assert_eq!(asked::<u64>(data.path(), HERS), 5);
    change(data.path(), "DROP TRIGGER full");
    until(data.path(), ENDED).await;
    assert_eq!(asked::<u64>(data.path(), HERS), 0);
    server.stop().await;
}

/// A call of Ben's that names Ann, and whether it ended before her deletion was asked for or began behind its end.
struct OfBen {
    chat_id: String,
    begun: Instant,
    ended: Instant,
}

/// Deletes Ann while she, and Ben with her name, do all that they can; what is left of what she did.
async fn left_by_a_race(program: &Program) -> u64 {
    let (http, host, data) = (reqwest::Client::new(), program.host.clone(), program.data.path());
    call(&http, &host, "ann", "/chat/New", json!({ "user_ids": ["ann", "ben"] })).await;
    fill(data, 4_000);
    let chat_id: String = asked(data, "SELECT id FROM chats WHERE chat = 1");
    let mut groups = Vec::new();
    for number in 0..400 {
        let name = if number % 2 == 0 { "to join" } else { "by invitation" };
        let (_, group) = call(&http, &host, "ben", "/chat/Create", json!({ "name": name, "user_ids": [] })).await;
        groups.push(group["group"]["id"].clone());
    }
    let (stopping, groups) = (CancellationToken::new(), Arc::new(groups));
    let named = Arc::new(AtomicUsize::new(0));
    // Three of each of hers.
    let tasks: Vec<_> = (0..14_usize)
        .map(|task| {
            let (stopping, groups, named) = (stopping.clone(), groups.clone(), named.clone());
            let (http, host, chat_id) = (http.clone(), host.clone(), chat_id.clone());
            tokio::spawn(async move {
                let (mut of_ben, mut refused) = (Vec::new(), 0);
                for number in 0.. {
                    if stopping.is_cancelled() || refused == 3 {
                        break;
                    }
                    let group = &groups[(2 * number) % groups.len()];
                    let invited = groups.get(2 * number + 1);
                    let (user, path, body) = match if task < 12 { task % 4 } else { task - 8 } {
                        0 => ("ann", "/chat/Send", json!({ "chat_id": chat_id, "text": "hello" })),
                        1 => ("ann", "/chat/Join", json!({ "group_id": group })),
                        2 => ("ann", "/chat/New", json!({ "user_ids": ["ann", format!("x{number}")] })),
                        3 => ("ann", "/chat/Create", json!({ "name": "hers", "user_ids": ["ben"] })),
                        4 => ("ben", "/chat/New", json!({ "user_ids": ["ann", "ben", format!("y{number}")] })),
                        _ if invited.is_none() => break,
                        _ => ("ben", "/chat/Invite", json!({ "group_id": invited, "user_id": "ann" })),
                    };
                    let begun = Instant::now();
                    let (status, answer) = call(&http, &host, user, path, body).await;
                    let chat = [answer.pointer("/chat_id"), answer.pointer("/group/id")].into_iter().flatten().next();
                    match (user, status) {
                        ("ben", 200) => {
                            let chat_id = chat.and_then(Value::as_str).expect("an id").to_owned();
                            of_ben.push(OfBen { chat_id, begun, ended: Instant::now() });
                            named.fetch_add(1, Ordering::SeqCst);
                        }
                        (_, 401) => refused += 1,
                        _ => assert!(status == 200 || path == "/chat/Join", "{path}: {status} {answer}"),
                    }
                }
                (of_ben, refused)
            })
        })
        .collect();
    let names_her = async |times: usize| {
        let (target, deadline) = (named.load(Ordering::SeqCst) + times, Instant::now() + PATIENCE);
        while named.load(Ordering::SeqCst) < target {
            assert!(Instant::now() < deadline);
            sleep(Duration::from_millis(2)).await;
        }
    };
    // It begins in the middle of what they do.
    until(data, &format!("SELECT ({HERS}) > 2010")).await;
    names_her(12).await;
    let asked_at = Instant::now();
    let (status, answer) = call(&http, &host, "ann", "/chats/DeleteUser", json!({})).await;
    assert_eq!(status, 200, "{answer}");
    let answered_at = Instant::now();
    names_her(12).await;
    stopping.cancel();
    let (mut before, mut behind, mut refused) = (0, 0, 0);
    for task in tasks {
        let (of_ben, of_ann) = task.await.expect("it ends well");
        refused += of_ann;
        for OfBen { chat_id, begun, ended } in of_ben {
            let member = format!(
                "SELECT count(*) FROM members JOIN chats USING (chat) WHERE id = '{chat_id}' AND user_id = 'ann'"
            );
            let is_member = asked::<u64>(data, &member) > 0;
            if ended < asked_at {
                before += 1;
                assert!(!is_member, "where he named her before, she is gone");
            } else if begun > answered_at {
                behind += 1;
                assert!(is_member, "where he names somebody of that name behind it, they are there");
            }
        }
    }
    assert!(before >= 10 && behind >= 10 && refused > 0, "{before} {behind} {refused}");
    assert!(asked::<bool>(data, ENDED));
    assert!(checked(data).contains("is sound"), "{}", checked(data));
    let his =
        "SELECT chat FROM members WHERE user_id LIKE 'y%' UNION SELECT chat FROM groups WHERE name = 'by invitation'";
    let memberships: u64 =
        asked(data, &format!("SELECT count(*) FROM members WHERE user_id = 'ann' AND chat NOT IN ({his})"));
    let created: u64 = asked(data, "SELECT count(*) FROM groups WHERE creator = 'ann'");
    asked::<u64>(data, HERS) + memberships + created
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_of_calls_that_were_under_way_when_it_began() {
    let program = Program::start(&UNLIMITED, &[]).await;
    assert_eq!(left_by_a_race(&program).await, 0);
}

/// The negative control: a server that does not ask again is caught.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_lets_calls_through_that_were_under_way_is_caught() {
    let program = Program::start(&UNLIMITED, &[("MICRO_CHAT_BREAK", "deletion")]).await;
    assert!(left_by_a_race(&program).await > 0);
}

#[tokio::test]
async fn whoever_comes_under_the_name_while_it_is_deleted_stays_with_what_they_write() {
    let data = tempfile::tempdir().expect("a folder");
    let server = Running::on(data.path()).await;
    server.chat().await;
    fill(data.path(), 10);
    let group = async |name: &str| {
        let group = server.ask("/chat/Create", json!({ "name": name, "user_ids": ["ann", "ben"] })).await;
        group["group"]["id"].clone()
    };
    let write = async |group_id: &Value, text: &str| {
        server.ask("/chat/Send", json!({ "group_id": group_id, "user_id": "ann", "text": text })).await;
    };
    let come_and_go = async |path: &str, group_id: &Value| {
        server.ask(path, json!({ "group_id": group_id, "user_id": "ann" })).await;
    };
    let (before, again) = (group("before").await, group("again").await);
    write(&again, "long ago").await;
    come_and_go("/chat/Leave", &again).await;
    write(&before, "before").await;
    come_and_go("/chat/Invite", &again).await;
    write(&again, "behind").await;
    server.stop().await;
    // As a server leaves it that ended behind the beginning.
    change(
        data.path(),
        "INSERT INTO deletions SELECT 'micro', 'ann', max(sent_at) FROM messages WHERE text = 'before';
         DELETE FROM members WHERE user_id = 'ben'; UPDATE groups SET members = 1;",
    );
    let server = Running::on(data.path()).await;
    until(data.path(), ENDED).await;
    until(data.path(), "SELECT count(*) = 1 FROM messages WHERE user_id = 'ann'").await;
    assert_eq!(asked::<String>(data.path(), "SELECT text FROM messages WHERE user_id = 'ann'"), "behind");
    let of_ann = server.ask("/chats/ListChats", json!({ "user_id": "ann" })).await;
    assert_eq!(of_ann["chats"].as_array().map(Vec::len), Some(1));
    assert_eq!(of_ann["chats"][0]["name"], "again");
    assert!(checked(data.path()).contains("is sound"), "{}", checked(data.path()));
}

#[tokio::test]
async fn a_database_of_before_is_told_who_has_left_something_where_they_are_no_member() {
    let data = tempfile::tempdir().expect("a folder");
    let server = Running::on(data.path()).await;
    let chat_id = server.chat().await;
    let group = server.ask("/chat/Create", json!({ "name": "g", "user_ids": ["ann", "ben", "dan"] })).await;
    let group_id = group["group"]["id"].clone();
    for user_id in ["ann", "ben"] {
        server.ask("/chat/Send", json!({ "group_id": group_id, "user_id": user_id, "text": "hello" })).await;
        server.ask("/chat/Leave", json!({ "group_id": group_id, "user_id": user_id })).await;
    }
    // He has left nothing. In dev, who is no member may write.
    server.ask("/chat/Leave", json!({ "group_id": group_id, "user_id": "dan" })).await;
    server.send(&chat_id, "cleo", "hello").await;
    server.send(&chat_id, "ann", "hello").await;
    let kept = "SELECT group_concat(user_id || chat) FROM (SELECT * FROM traces ORDER BY user_id, chat)";
    assert_eq!(asked::<String>(data.path(), kept), "ann2,ben2,cleo1");
    server.stop().await;
    change(
        data.path(),
        "DROP TABLE traces; ALTER TABLE members DROP COLUMN joined_at; ALTER TABLE expired DROP COLUMN at;
         DROP INDEX groups_public; DROP INDEX chats_by_oldest; ALTER TABLE chats DROP COLUMN oldest_at;
         ALTER TABLE deletions RENAME TO erasures;
         PRAGMA user_version = 6;
         INSERT INTO expired VALUES (1, 'eve', 'late'); UPDATE groups SET creator = 'finn';",
    );
    let server = Running::on(data.path()).await;
    assert_eq!(asked::<String>(data.path(), kept), "ann2,ben2,cleo1,eve1,finn2");
    for (user_id, messages, chats) in [("cleo", 1, 0), ("ann", 2, 1), ("eve", 0, 0), ("finn", 0, 0)] {
        let gone = server.ask("/chats/DeleteUser", json!({ "user_id": user_id })).await;
        assert_eq!(gone, json!({ "messages": messages, "chats": chats, "ended": 0 }), "{user_id}");
    }
    assert_eq!(asked::<String>(data.path(), kept), "ben2");
    assert_eq!(asked::<u64>(data.path(), "SELECT count(*) FROM expired"), 0);
    assert_eq!(asked::<u64>(data.path(), "SELECT count(*) FROM groups WHERE creator <> ''"), 0);
    assert_eq!(asked::<u64>(data.path(), "SELECT count(*) FROM messages"), 1);
}

#[tokio::test]
async fn texts_of_a_chat_that_nobody_is_left_in_are_overwritten() {
    let data = tempfile::tempdir().expect("a folder");
    let server = Running::on(data.path()).await;
    let chat = server.ask("/chat/New", json!({ "user_ids": ["ann"] })).await;
    // Far enough behind a text's beginning to lie in pages of its own, which nothing is moved out of.
    let text = format!("{}words of hers{}", "x".repeat(30_000), "y".repeat(10_000));
    for _ in 0..5 {
        server.send(chat["chat_id"].as_str().expect("an id"), "ann", &text).await;
    }
    let written = || {
        change(data.path(), "PRAGMA wal_checkpoint(TRUNCATE)");
        let bytes = std::fs::read(data.path().join("chat.db")).expect("the database");
        bytes.windows(13).filter(|window| window == b"words of hers").count()
    };
    assert_eq!(written(), 5, "what is looked for below is there before");
    assert_eq!(server.ask("/chats/DeleteUser", json!({ "user_id": "ann" })).await["ended"], 1);
    server.stop().await;
    assert_eq!(written(), 0);
}
