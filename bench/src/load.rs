//! Senders: HTTP calls of `chat.Send`, on a schedule or as fast as answers come.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use hdrhistogram::Histogram;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use crate::call::Caller;
use crate::dialect::client_id;
use crate::table::histogram;
use crate::target::Target;

/// When a message is sent.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// Open loop: so many a second, whatever the server does. Times count from when a message was due, so that one
    /// that had to wait for a free sender counts its wait.
    Scheduled(u64),
    /// Closed loop: each sender sends its next message when it has its answer.
    Answered,
}

/// Senders and what they send.
#[derive(Debug)]
pub struct Load {
    chats: Box<[String]>,
    text: String,
    pace: Pace,
    lasting: Duration,
    /// The first number of its messages: no two loads may share one.
    first: u64,
    /// Messages begun.
    next: AtomicU64,
    stopped: AtomicBool,
}

/// What became of it.
#[derive(Debug)]
pub struct Sent {
    /// Messages that were acknowledged; every other outcome fails the measurement.
    pub acked: u64,
    /// From the first message to the last answer.
    pub elapsed: Duration,
    /// From when a message was due to its answer, in microseconds.
    pub times: Histogram<u64>,
}

impl Load {
    /// Messages with that text to these chats in turn; their numbers begin with `first`.
    pub fn new(chats: &[String], text: &str, first: u64, pace: Pace, lasting: Duration) -> Arc<Self> {
        Arc::new(Self {
            chats: chats.into(),
            text: text.to_owned(),
            pace,
            lasting,
            first,
            next: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
        })
    }

    /// Ends it early.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Sends until its time is over.
    pub async fn run(self: &Arc<Self>, target: &Target, senders: usize) -> Result<Sent> {
        let mut callers = Vec::with_capacity(senders);
        for _ in 0..senders {
            callers.push(Caller::connect(target.address).await?);
        }
        let start = Instant::now();
        let mut tasks: JoinSet<_> = callers.into_iter().map(|caller| self.clone().send(caller, start)).collect();
        let mut sent = Sent { acked: 0, elapsed: Duration::ZERO, times: histogram() };
        while let Some(times) = tasks.join_next().await {
            let times = times??;
            sent.acked += times.len();
            sent.times.add(times)?;
        }
        sent.elapsed = start.elapsed();
        Ok(sent)
    }

    /// One sender.
    async fn send(self: Arc<Self>, mut caller: Caller, start: Instant) -> Result<Histogram<u64>> {
        let mut times = histogram();
        while let Some((number, due)) = self.take(start) {
            // Where there is nothing to wait for, not even the timer is asked.
            if due > Instant::now() {
                sleep_until(due.into()).await;
            }
            let body = json!({
                "chat_id": self.chats[(number % self.chats.len() as u64) as usize],
                "client_id": client_id(self.first + number),
                "user_id": "sender",
                "text": self.text,
            });
            caller.post("/chat/Send", body.to_string().as_bytes()).await?;
            let micros = u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX);
            times.saturating_record(micros.max(1));
        }
        Ok(times)
    }

    /// The next message's number and when it is due; none when the time is over.
    fn take(&self, start: Instant) -> Option<(u64, Instant)> {
        if self.stopped.load(Ordering::Relaxed) {
            return None;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        let due = match self.pace {
            Pace::Scheduled(per_second) => start + Duration::from_secs_f64(number as f64 / per_second as f64),
            Pace::Answered => now,
        };
        // Who is hopelessly late stops as well: three times its time is bound enough.
        (due - start < self.lasting && now - start < 3 * self.lasting).then_some((number, due))
    }
}
