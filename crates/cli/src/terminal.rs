//! The terminal as it was before this program changed it, for whoever comes next.

use std::fs::File;
use std::io::Write;

use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use crate::signals;

/// Has a signal that ends the program put the terminal back first, and print that. What reads lines and passwords
/// changes it, and would leave it so: without an echo.
pub fn keep(farewell: &'static str) {
    // Where there is none, there is nothing to put back, and signals do what they do.
    let Ok(mut terminal) = File::options().read(true).write(true).open("/dev/tty") else { return };
    let Ok(before) = tcgetattr(&terminal) else { return };
    // Nor where signals can't be heard.
    let _ = signals::before_end(move || {
        let _ = tcsetattr(&terminal, OptionalActions::Now, &before);
        let _ = terminal.write_all(farewell.as_bytes());
    });
}
