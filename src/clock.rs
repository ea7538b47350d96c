//! What time it is.

use std::cell::Cell;

/// Milliseconds that never go back. The wall clock, and not `performance.now()`, because that one may stand still
/// while the machine sleeps, and a sleep is what the session has to notice.
#[derive(Default)]
pub struct Clock {
    /// The last time given out.
    last: Cell<u64>,
    /// How much the wall clock was set back in all.
    skew: Cell<u64>,
}

impl Clock {
    /// The time.
    pub fn now(&self) -> u64 {
        let wall = js_sys::Date::now() as u64;
        let mut now = wall + self.skew.get();
        if now < self.last.get() {
            now = self.last.get();
            self.skew.set(now - wall);
        }
        self.last.set(now);
        now
    }
}
