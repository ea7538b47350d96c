//! One timer.

use crate::clock::Clock;
use std::cell::Cell;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(handler: &JsValue, delay: i32) -> i32;
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: i32);
}

/// A timer that is moved as rarely as possible: the deadline moves with every message, `setTimeout` needn't.
pub struct Timer {
    /// What to call.
    handler: JsValue,
    /// The browser's timer, and when it fires.
    armed: Cell<Option<(i32, u64)>>,
}

impl Timer {
    /// A timer that will call `handler`.
    pub fn new(handler: JsValue) -> Self {
        Self { handler, armed: Cell::new(None) }
    }

    /// Fires at `deadline` or before; not at all without one.
    pub fn arm(&self, deadline: Option<u64>, clock: &Clock) {
        let armed = self.armed.get();
        if let (Some((_, at)), Some(deadline)) = (armed, deadline)
            && at <= deadline
        {
            return;
        }
        if let Some((timer, _)) = armed {
            clear_timeout(timer);
        }
        self.armed.set(deadline.map(|at| {
            let delay = i32::try_from(at.saturating_sub(clock.now())).unwrap_or(i32::MAX);
            (set_timeout(&self.handler, delay), at)
        }));
    }

    /// It fired: nothing is armed any more.
    pub fn fired(&self) {
        self.armed.set(None);
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.arm(None, &Clock::default());
    }
}
