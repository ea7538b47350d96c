//! A count that somebody waits for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::sync::Notify;
use tokio::time::timeout;

/// Counts up; one task at a time may wait until it reaches a goal.
#[derive(Debug)]
pub struct Counter {
    count: AtomicU64,
    /// Nobody waits: a goal that is never reached.
    goal: AtomicU64,
    reached: Notify,
}

impl Default for Counter {
    fn default() -> Self {
        Self { count: AtomicU64::new(0), goal: AtomicU64::new(u64::MAX), reached: Notify::new() }
    }
}

impl Counter {
    /// Counts on.
    pub fn add(&self, more: u64) {
        let count = self.count.fetch_add(more, Ordering::SeqCst) + more;
        if count >= self.goal.load(Ordering::SeqCst) {
            self.reached.notify_one();
        }
    }

    /// The count.
    pub fn get(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// Waits until the count is exactly `goal`; at most so long.
    pub async fn reach(&self, goal: u64, what: &str, limit: Duration) -> Result<()> {
        self.goal.store(goal, Ordering::SeqCst);
        let reached = async {
            while self.get() < goal {
                self.reached.notified().await;
            }
        };
        let in_time = timeout(limit, reached).await.is_ok();
        self.goal.store(u64::MAX, Ordering::SeqCst);
        let count = self.get();
        if !in_time {
            bail!("{what}: {count} of {goal} after {} s", limit.as_secs());
        }
        if count > goal {
            bail!("{what}: {count}, and there should be {goal}");
        }
        Ok(())
    }
}
