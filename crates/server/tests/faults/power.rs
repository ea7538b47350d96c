//! Power cuts: what was acknowledged was synced.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::disk::Disk;
use crate::program::Program;

/// Power cuts of a run.
const CUTS: u64 = 3;

/// Messages that are acknowledged before each.
const SENDS: u64 = 300;

/// Who send at the same time.
const SENDERS: u64 = 4;

/// Sends, cuts the power, looks; how many acknowledged messages were gone.
pub async fn lost(broken: Option<&str>) -> u64 {
    let disk = Disk::new();
    let mut program = start(&disk, broken).await;
    let Some(chat_id) = new_chat(&program.host).await else { panic!("no chat") };
    let mut acknowledged = 0;
    for _ in 0..CUTS {
        let enough = Arc::new(AtomicU64::new(0));
        let mut senders = JoinSet::new();
        for _ in 0..SENDERS {
            senders.spawn(send(program.host.clone(), chat_id.clone(), enough.clone()));
        }
        while enough.load(Ordering::Relaxed) < SENDS {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        program.kill().await;
        while let Some(sent) = senders.join_next().await {
            acknowledged += sent.expect("it ends");
        }
        disk.cut_power();
        program = start(&disk, broken).await;
        // The chat was acknowledged as well.
        let Some(chat) = new_chat(&program.host).await else { panic!("no chat") };
        let body = json!({ "chat_id": chat, "limit": 1 });
        let newest = ask(&program.host, "History", body).await.expect("a history")["messages"][0]["seq"].as_u64();
        let there = newest.filter(|_| chat == chat_id).unwrap_or(0);
        if there < acknowledged {
            return acknowledged - there;
        }
        // What was stored and not acknowledged counts as kept from here on.
        acknowledged = there;
    }
    0
}

async fn start(disk: &Disk, broken: Option<&str>) -> Program {
    Program::start("127.0.0.1:0", &disk.data, broken, &disk.env_without_power()).await
}

/// Sends until nobody answers; how many were acknowledged.
async fn send(host: String, chat_id: String, all: Arc<AtomicU64>) -> u64 {
    let mut acknowledged = 0;
    let body = json!({ "chat_id": chat_id, "user_id": "ann", "text": "x".repeat(200) });
    while ask(&host, "Send", body.clone()).await.is_some() {
        acknowledged += 1;
        all.fetch_add(1, Ordering::Relaxed);
    }
    acknowledged
}

async fn new_chat(host: &str) -> Option<String> {
    let answer = ask(host, "New", json!({ "user_ids": ["ann"] })).await?;
    answer["chat_id"].as_str().map(str::to_owned)
}

async fn ask(host: &str, method: &str, body: Value) -> Option<Value> {
    let url = format!("http://{host}/chat/{method}");
    let answer = reqwest::Client::new().post(url).body(body.to_string()).send().await.ok()?;
    answer.json().await.ok()
}
