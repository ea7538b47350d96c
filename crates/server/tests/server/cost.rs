//! Nothing on a request's path grows with the length of the history.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::running::Running;

const MILLION: u64 = 1_000_000;

/// Fills the chat up to a million messages, as a million sends would.
fn fill(data: &std::path::Path) {
    let mut database = rusqlite::Connection::open(data.join("chat.db")).expect("the database");
    let all = database.transaction().expect("a transaction");
    all.execute(
        "INSERT INTO messages (chat, seq, id, client_id, user_id, subject, text, sent_at)
         WITH RECURSIVE n(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n WHERE seq < ?1)
         SELECT 1, seq, 'id' || seq, 'client' || seq, 'ann', '', 'message ' || seq, seq FROM n",
        [MILLION],
    )
    .expect("a million messages");
    all.execute("UPDATE chats SET last_seq = ?1", [MILLION]).expect("the last seq");
    all.commit().expect("a commit");
}

/// The fastest of many times of each of two requests. They take turns, so that whatever else the machine does falls on
/// both.
async fn fastest(server: &Running, path: &str, requests: [&serde_json::Value; 2]) -> [Duration; 2] {
    let mut times = [Duration::MAX; 2];
    for _ in 0..101 {
        for (time, request) in times.iter_mut().zip(requests) {
            let start = Instant::now();
            server.ask(path, request.clone()).await;
            *time = start.elapsed().min(*time);
        }
    }
    times
}

#[tokio::test]
async fn a_page_costs_the_same_at_900_000_of_a_million_as_at_0() {
    let data = tempfile::tempdir().expect("a folder");
    let server = Running::on(data.path()).await;
    let chat_id = server.chat().await;
    server.stop().await;
    fill(data.path());
    let server = Running::on(data.path()).await;
    for order in ["asc", "desc"] {
        let page = |offset: u64| json!({ "chat_id": chat_id, "limit": 50, "order": order, "offset": offset });
        let deep = server.ask("/chats/ListMessages", page(900_000)).await;
        let expected = if order == "asc" { 900_001 } else { 100_000 };
        assert_eq!(deep["messages"][0]["text"], format!("message {expected}"));
        let [first, deep] = fastest(&server, "/chats/ListMessages", [&page(0), &page(900_000)]).await;
        println!("ListMessages {order}, 50 of a million: {first:?} at 0, {deep:?} at 900,000");
        // Walking over 900,000 messages would take a hundred times as long.
        assert!(deep < first * 5, "{order}: {deep:?} at 900,000, {first:?} at 0");
    }
    let newest = json!({ "chat_id": chat_id, "limit": 50 });
    let middle = json!({ "chat_id": chat_id, "limit": 50, "before": 500_000 });
    let [newest, middle] = fastest(&server, "/chat/History", [&newest, &middle]).await;
    assert!(middle < newest * 5, "{middle:?} in the middle, {newest:?} at the end");
    // The negative control: what an offset costs where it is walked.
    let database = rusqlite::Connection::open(data.path().join("chat.db")).expect("the database");
    let walk = |offset: u64| {
        let start = Instant::now();
        let mut page = database
            .prepare_cached("SELECT text FROM messages WHERE chat = 1 ORDER BY seq LIMIT 50 OFFSET ?1")
            .expect("SQL");
        let found = page.query_map([offset], |row| row.get::<_, String>(0)).expect("rows").count();
        assert_eq!(found, 50);
        start.elapsed()
    };
    let [first, deep] = [0, 900_000].map(|offset| (0..21).map(|_| walk(offset)).min().expect("times"));
    assert!(deep > first * 5, "an offset that is walked has to show: {deep:?} at 900,000, {first:?} at 0");
}
