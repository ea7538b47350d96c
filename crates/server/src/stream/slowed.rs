//! What a client sent before its turn.

use std::pin::Pin;

use tokio::time::{Instant, Sleep, sleep};

use crate::limits::Wait;

/// Something that has to wait until its sender may go on. Meanwhile nothing more is read of that sender, so that its
/// messages keep their order: who sends too much on a stream is slowed down, not refused. Costs nothing while nobody is.
pub struct Slowed<T>(Option<Box<(Pin<Box<Sleep>>, T)>>);

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

    /// This waits, at first for so long.
    pub fn hold(&mut self, wait: Wait, what: T) {
        self.0 = Some(Box::new((Box::pin(sleep(wait)), what)));
    }

    /// What waits, once `pass` lets it; never, where nothing does. Cancel-safe.
    pub async fn next(&mut self, mut pass: impl FnMut(&mut T) -> Result<(), Wait>) -> T {
        loop {
            let Some((turn, what)) = self.0.as_deref_mut() else { std::future::pending().await };
            turn.as_mut().await;
            // Another stream of the same user may have been faster.
            match pass(what) {
                Err(wait) => turn.as_mut().reset(Instant::now() + wait),
                Ok(()) => {
                    if let Some((_, what)) = self.0.take().map(|held| *held) {
                        return what;
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
        slowed.hold(Duration::from_secs(1), "message");
        let mut asked = 0;
        let mut pass = |_: &mut &str| {
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
