//! How long to wait before the next connection.

/// The longest first wait, in milliseconds.
const SHORTEST: u64 = 500;
/// The longest wait there is.
const LONGEST: u64 = 20_000;

/// Full jitter: a random wait below a ceiling that doubles with each failure.
pub(crate) struct Backoff {
    /// Connections in a row that failed.
    failures: u32,
    /// State of the random numbers; never 0.
    random: u32,
    /// The server asked not to be visited before.
    not_before: u64,
}

impl Backoff {
    /// `seed` should differ from client to client: it keeps them from coming back all at once.
    pub(crate) fn new(seed: u32) -> Self {
        // Spread over all bits: from a small state the first numbers would be small, too.
        Self { failures: 0, random: seed.wrapping_mul(0x9e37_79b9) | 1, not_before: 0 }
    }

    /// A connection stood: the next failure is the first again.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The server asked to be left alone until `time`.
    pub(crate) fn hold(&mut self, time: u64) {
        self.not_before = time;
    }

    /// The earliest moment for a connection that is tried `at` some time.
    pub(crate) fn earliest(&self, at: u64) -> u64 {
        at.max(self.not_before)
    }

    /// Counts a failure and draws the wait that follows it.
    pub(crate) fn next(&mut self) -> u64 {
        let ceiling = (SHORTEST << self.failures.min(6)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        // Marsaglia's xorshift: good enough to spread clients over a few seconds.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        1 + ((u64::from(self.random) * ceiling) >> 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(backoff: &mut Backoff, times: usize) {
        for _ in 0..times {
            backoff.next();
        }
    }

    #[test]
    fn waits_double_up_to_twenty_seconds_and_stay_there() {
        for (failures, ceiling) in [500, 1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000, 20_000].iter().enumerate()
        {
            let longest = (1..2_000)
                .map(|seed| {
                    let mut backoff = Backoff::new(seed);
                    fail(&mut backoff, failures);
                    backoff.next()
                })
                .max()
                .unwrap();
            assert!(longest <= *ceiling && longest > ceiling * 9 / 10, "{failures}: {longest} of {ceiling}");
        }
    }

    #[test]
    fn waits_are_spread_evenly() {
        let mut backoff = Backoff::new(1);
        fail(&mut backoff, 10);
        let waits: Vec<u64> = (0..10_000).map(|_| backoff.next()).collect();
        let early = waits.iter().filter(|wait| **wait < LONGEST / 4).count();
        assert!((2_300..2_700).contains(&early), "{early} of 10000 in the first quarter");
    }

    #[test]
    fn it_starts_over_after_a_connection_and_never_overflows() {
        let mut backoff = Backoff::new(0);
        fail(&mut backoff, 100);
        backoff.failures = u32::MAX;
        assert!(backoff.next() <= LONGEST);
        backoff.reset();
        assert!(backoff.next() <= SHORTEST);
    }
}
