//! One connection's life, and the silence it may keep.

/// How long opening a socket and being welcomed may take, in milliseconds.
const PATIENCE: u64 = 20_000;
/// How long a probe's answer may take, in milliseconds.
const PROBE: u64 = 5_000;
/// A timer that fires this much too late, in milliseconds, says that this machine slept, not that the server did.
const LATE: u64 = 2_000;
/// A connection that stood for less, in milliseconds, counts as one that failed.
const STEADY: u64 = 1_000;
/// The heartbeat and its grace where the server named none, in milliseconds.
const SILENCE: u64 = 35_000;

/// How far the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nobody needs one.
    Idle,
    /// The shell is opening a socket.
    Opening,
    /// HELLO was sent, and with it all there was to send.
    Greeting,
    /// The server welcomed us.
    Live,
    /// The next try follows at `until`.
    Waiting,
    /// Nothing will ever follow.
    Over,
}

/// What a timer that fired means for the link.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// It is not too long yet.
    Bearable,
    /// It may be ours: what the server said meanwhile may not have been handled yet. Give it a moment, and ask.
    Doubtful,
    /// The link is dead.
    Dead,
}

/// The connection.
pub(crate) struct Link {
    /// How far it is.
    pub phase: Phase,
    /// When this phase, or the silence in it, has lasted too long.
    pub until: u64,
    /// The link is already being asked whether it lives: no second chance.
    doubted: bool,
    /// How long the server may say nothing.
    silence: u64,
    /// When the server welcomed us.
    since: u64,
}

impl Link {
    pub(crate) fn new() -> Self {
        Self { phase: Phase::Idle, until: 0, doubted: false, silence: SILENCE, since: 0 }
    }

    /// Whether frames can be sent.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Greeting | Phase::Live)
    }

    /// A socket is being opened.
    pub(crate) fn open(&mut self, now: u64) {
        self.phase = Phase::Opening;
        self.until = now.saturating_add(PATIENCE);
        self.doubted = false;
    }

    /// The server welcomed us and said how silent it may be.
    pub(crate) fn welcome(&mut self, silence: u64, now: u64) {
        self.phase = Phase::Live;
        self.since = now;
        self.silence = if silence == 0 { SILENCE } else { silence };
        self.heard(now);
    }

    /// Something arrived.
    pub(crate) fn heard(&mut self, now: u64) {
        if self.phase == Phase::Live {
            self.until = now.saturating_add(self.silence);
            self.doubted = false;
        }
    }

    /// Asks a live link whether it still is; false if there is nothing to ask.
    pub(crate) fn doubt(&mut self, now: u64) -> bool {
        let doubts = self.phase == Phase::Live && !self.doubted;
        if doubts {
            self.doubted = true;
            self.until = self.until.min(now.saturating_add(PROBE));
        }
        doubts
    }

    /// What the time means, in any phase but waiting.
    pub(crate) fn silence(&mut self, now: u64) -> Silence {
        if now < self.until {
            return Silence::Bearable;
        }
        if self.doubted || now - self.until < LATE {
            return Silence::Dead;
        }
        self.doubted = true;
        self.until = now.saturating_add(PROBE);
        Silence::Doubtful
    }

    /// Whether this connection stood long enough to count as one.
    pub(crate) fn was_steady(&self, now: u64) -> bool {
        self.phase == Phase::Live && now.saturating_sub(self.since) >= STEADY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live() -> Link {
        let mut link = Link::new();
        link.open(0);
        link.welcome(35_000, 100);
        link
    }

    #[test]
    fn silence_is_borne_for_a_heartbeat_and_its_grace() {
        let mut link = live();
        assert_eq!(link.silence(35_099), Silence::Bearable);
        assert_eq!(link.silence(35_100), Silence::Dead);
        link.heard(35_000);
        assert_eq!(link.silence(35_100), Silence::Bearable);
    }

    #[test]
    fn a_timer_that_comes_late_is_doubted_once() {
        let mut link = live();
        assert_eq!(link.silence(600_000), Silence::Doubtful);
        assert_eq!(link.silence(604_999), Silence::Bearable);
        assert_eq!(link.silence(900_000), Silence::Dead);
    }

    #[test]
    fn whoever_answers_a_doubt_is_trusted_again() {
        let mut link = live();
        assert!(link.doubt(1_000));
        assert!(!link.doubt(1_001), "one probe is enough");
        link.heard(2_000);
        assert_eq!(link.silence(6_000), Silence::Bearable);
        assert!(link.doubt(7_000));
        assert_eq!(link.silence(12_000), Silence::Dead);
    }

    #[test]
    fn a_doubt_never_lengthens_the_silence() {
        let mut link = live();
        assert!(link.doubt(35_000));
        assert_eq!(link.until, 35_100);
    }

    #[test]
    fn a_moment_of_life_is_no_steady_connection() {
        let link = live();
        assert!(!link.was_steady(1_000));
        assert!(link.was_steady(1_100));
    }
}
