//! One who reads a chat and checks what comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use micro_chat_client::{Client, Event, Publisher, Start};
use tokio::task::JoinHandle;

/// What a reader has seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// Texts, `seq` 1 first.
    pub texts: Vec<String>,
    /// Messages that came again.
    pub doubled: u64,
    /// `seq`s that did not come.
    pub missed: u64,
}

/// A reader at work.
pub struct Reader {
    /// The last `seq` that came.
    pub last: Arc<AtomicU64>,
    /// Sends to the same chat.
    pub publisher: Publisher,
    task: JoinHandle<Seen>,
}

impl Reader {
    /// Begins to read from the first message on, and ends behind the `seq` that `end` holds once it is not 0.
    pub fn start(client: &Client, chat_id: &str, end: Arc<AtomicU64>) -> Self {
        let mut reading = client.subscribe(chat_id, Start::First);
        let publisher = reading.publisher();
        let last = Arc::new(AtomicU64::new(0));
        let reached = last.clone();
        let task = tokio::spawn(async move {
            let mut seen = Seen::default();
            let mut cursor = 0;
            loop {
                let event = tokio::time::timeout(std::time::Duration::from_millis(200), reading.next()).await;
                let end = end.load(Ordering::Relaxed);
                match event {
                    Ok(Some(Event::Message(message))) => {
                        if message.seq <= cursor {
                            seen.doubled += 1;
                        } else {
                            seen.missed += message.seq - cursor - 1;
                            cursor = message.seq;
                            seen.texts.push(message.text);
                        }
                    }
                    // Where it stands may lie beyond what came: then that is missing.
                    Ok(Some(Event::Subscribed(at))) if at.seq > cursor => {
                        seen.missed += at.seq - cursor;
                        cursor = at.seq;
                    }
                    // What a gap tells has been counted.
                    Ok(Some(
                        Event::Subscribed(_)
                        | Event::Gap(_)
                        | Event::Member(_)
                        | Event::CaughtUp
                        | Event::Waiting(_)
                        | Event::Login(_),
                    ))
                    | Err(_) => {}
                    Ok(Some(Event::Ended(error))) => panic!("the reading ended: {error}"),
                    Ok(None) => return seen,
                }
                reached.store(cursor, Ordering::Relaxed);
                if end > 0 && cursor >= end {
                    return seen;
                }
            }
        });
        Self { last, publisher, task }
    }

    /// What it has seen, at its end.
    pub async fn seen(self) -> Seen {
        self.task.await.expect("it reads to the end")
    }
}
