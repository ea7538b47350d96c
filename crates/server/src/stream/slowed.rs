//! What a client sent before its turn.

use std::net::IpAddr;
use std::pin::Pin;

use tokio::time::{Instant, Sleep, sleep};

use crate::auth::Caller;
use crate::limits::{Limits, Wait};

/// As how many bytes a frame counts at least, a ping among them. Each is read, looked at and often answered by a write
/// of its own, however small it is: by its bytes alone it would cost its sender nearly nothing. With the usual limits a
/// user sends 4,096 of these a second; ordinary clients send a few a minute, and when they come back a few thousand at
/// once.
pub const LEAST: usize = 256;

/// What a frame counts as, besides its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A message.
    Send,
    /// A subscription.
    Subscribe,
    /// Nothing else.
    Other,
}

/// A frame that counts.
#[derive(Debug)]
pub struct Load<T> {
    /// The frame.
    what: T,
    kind: Kind,
    /// As how many it counts.
    bytes: usize,
    /// Whether they have been counted as its user's, and as its address's.
    counted: (bool, bool),
}

impl<T> Load<T> {
    /// A frame of that kind and size.
    pub fn new(what: T, kind: Kind, bytes: usize) -> Self {
        Self { what, kind, bytes: bytes.max(LEAST), counted: (false, false) }
    }

    /// Counts it, each way once; or says when to try again.
    pub fn pass(&mut self, limits: Option<&Limits>, from: Option<IpAddr>, caller: &Caller) -> Result<(), Wait> {
        let Some(limits) = limits else { return Ok(()) };
        if !self.counted.0 {
            limits.bytes_of_user(caller, self.bytes)?;
            self.counted.0 = true;
        }
        if let (Some(from), false) = (from, self.counted.1) {
            limits.bytes_of_address(from, self.bytes)?;
            self.counted.1 = true;
        }
        match self.kind {
            Kind::Send => limits.send(caller),
            Kind::Subscribe => limits.subscribe(caller),
            Kind::Other => Ok(()),
        }
    }
}

/// A frame that has to wait until its sender may go on. Meanwhile nothing more is read of that sender, so that its
/// messages keep their order: who sends too much on a stream is slowed down, not refused. Costs nothing while nobody
/// is.
pub struct Slowed<T>(Option<Box<Held<T>>>);

struct Held<T> {
    /// When to try again.
    turn: Pin<Box<Sleep>>,
    load: Load<T>,
}

impl<T> Default for Slowed<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Slowed<T> {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Counts a frame and gives it back, or keeps it where it has to wait.
    pub fn pass(
        &mut self,
        mut load: Load<T>,
        limits: Option<&Limits>,
        from: Option<IpAddr>,
        caller: &Caller,
    ) -> Option<T> {
        match load.pass(limits, from, caller) {
            Ok(()) => Some(load.what),
            Err(wait) => {
                self.hold(wait, load);
                None
            }
        }
    }

    /// This waits, at first for so long.
    fn hold(&mut self, wait: Wait, load: Load<T>) {
        self.0 = Some(Box::new(Held { turn: Box::pin(sleep(wait)), load }));
    }

    /// What waits, once `pass` lets it; never, where nothing does. Cancel-safe.
    pub async fn next(&mut self, mut pass: impl FnMut(&mut Load<T>) -> Result<(), Wait>) -> T {
        loop {
            let Some(Held { turn, load }) = self.0.as_deref_mut() else { std::future::pending().await };
            turn.as_mut().await;
            // Another stream of the same user may have been faster.
            match pass(load) {
                Err(wait) => turn.as_mut().reset(Instant::now() + wait),
                Ok(()) => {
                    if let Some(held) = self.0.take() {
                        return held.load.what;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn what_is_held_passes_in_its_time_and_though_nobody_looked_meanwhile() {
        let mut slowed = Slowed::default();
        let begun = Instant::now();
        slowed.hold(Duration::from_secs(1), Load::new("message", Kind::Send, 7));
        let mut asked = 0;
        let mut pass = |_: &mut Load<&str>| {
            asked += 1;
            if asked < 3 { Err(Duration::from_secs(1)) } else { Ok(()) }
        };
        for _ in 0..20 {
            // As a loop does that has other things to see to.
            if let Ok(what) = tokio::time::timeout(Duration::from_millis(300), slowed.next(&mut pass)).await {
                assert_eq!((what, begun.elapsed().as_secs()), ("message", 3));
                assert!(slowed.is_empty());
                return;
            }
        }
        panic!("it never passed");
    }
}
