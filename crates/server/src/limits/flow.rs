//! How often each does something.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, RateLimiter};

use super::{Rate, Wait};

/// Those who have been quiet for long are forgotten each time that so many have asked.
const SWEEP: u32 = 10_000;

/// How often each may do something.
#[derive(Debug)]
pub struct Flow<K: Clone + Eq + Hash> {
    /// None: as often as they like.
    limiter: Option<DefaultKeyedRateLimiter<K>>,
    burst: u32,
    clock: DefaultClock,
    asked: AtomicU32,
}

impl<K: Clone + Eq + Hash> Flow<K> {
    /// Nobody has done anything yet.
    pub fn new(rate: Rate) -> Self {
        Self {
            limiter: rate.0.map(RateLimiter::keyed),
            burst: rate.0.map_or(0, |quota| quota.burst_size().get()),
            clock: DefaultClock::default(),
            asked: AtomicU32::new(0),
        }
    }

    /// Once more.
    pub fn take(&self, key: K) -> Result<(), Wait> {
        self.take_many(key, 1)
    }

    /// So many at once, or none of them. More than may ever be at once count as that many.
    pub fn take_many(&self, key: K, count: u32) -> Result<(), Wait> {
        let (Some(limiter), Some(count)) = (&self.limiter, NonZeroU32::new(count.min(self.burst))) else {
            return Ok(());
        };
        if self.asked.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            limiter.retain_recent();
        }
        match limiter.check_key_n(&key, count) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => Err(until.wait_time_from(self.clock.now())),
            // Not with so few.
            Err(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_flow_lets_a_burst_pass_and_then_says_how_long_to_wait() {
        let minute = Duration::from_secs(60);
        let flow = Flow::new(Rate::within(minute, 1, 5));
        assert!((0..5).all(|_| flow.take("ann").is_ok()));
        let wait = flow.take("ann").expect_err("too much");
        assert!(wait <= minute && wait > minute / 2, "{wait:?}");
        assert!(flow.take("ben").is_ok(), "that is Ann's limit");
        // However long this thread stands still in between, ten a second are soon too many.
        let flow = Flow::new(Rate::new(10, 5));
        let wait = std::iter::repeat_with(|| flow.take("ann")).find_map(Result::err).expect("too much");
        assert!(wait <= minute / 600, "{wait:?}");
        std::thread::sleep(wait);
        assert!(flow.take("ann").is_ok());
    }

    #[test]
    fn many_at_once_are_taken_together_or_not_at_all() {
        let flow = Flow::new(Rate::new(1, 100));
        assert!(flow.take_many("ann", 60).is_ok() && flow.take_many("ann", 60).is_err());
        assert!(flow.take_many("ann", 40).is_ok(), "what was refused took nothing");
        assert!(flow.take_many("ben", 1_000_000).is_ok(), "or nobody could ever do that");
        let wait = flow.take_many("ben", 100).expect_err("too much");
        assert!(wait > Duration::from_secs(60) && wait <= Duration::from_secs(100), "{wait:?}");
    }

    #[test]
    fn those_who_are_quiet_are_forgotten() {
        let flow = Flow::new(Rate::new(1_000_000, 1));
        for number in 0..SWEEP {
            let _ = flow.take(number);
        }
        let kept = flow.limiter.as_ref().map_or(0, |limiter| limiter.len());
        assert!(kept < SWEEP as usize / 2, "{kept}");
    }

    #[test]
    fn who_is_not_limited_never_waits() {
        let flow = Flow::new(Rate::UNLIMITED);
        assert!((0..10_000).all(|_| flow.take("ann").is_ok()));
    }
}
