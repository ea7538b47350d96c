//! The terminal as it was before this program changed it, for whoever comes next.

use std::fs::File;
use std::io::Write;

use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Has a signal that ends the program put the terminal back first, and print that. What reads lines and passwords
/// changes it, and would leave it so: without an echo.
pub fn keep(farewell: &'static str) {
    // Where there is none, there is nothing to put back, and signals do what they do.
    let Ok(mut terminal) = File::options().read(true).write(true).open("/dev/tty") else { return };
    let Ok(before) = tcgetattr(&terminal) else { return };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else { return };
    // They are listened to when this returns, and not only when a thread runs.
    let within = runtime.enter();
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = kinds.map(signal) else { return };
    drop(within);
    std::thread::spawn(move || {
        let kind = runtime.block_on(first(&mut interrupt, &mut terminate, &mut hangup));
        let _ = tcsetattr(&terminal, OptionalActions::Now, &before);
        let _ = terminal.write_all(farewell.as_bytes());
        // As shells say it of whoever a signal ended.
        std::process::exit(128 + kind.as_raw_value());
    });
}

async fn first(interrupt: &mut Signal, terminate: &mut Signal, hangup: &mut Signal) -> SignalKind {
    tokio::select! {
        _ = interrupt.recv() => SignalKind::interrupt(),
        _ = terminate.recv() => SignalKind::terminate(),
        _ = hangup.recv() => SignalKind::hangup(),
    }
}
