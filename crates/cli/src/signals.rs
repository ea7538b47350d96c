//! What is still done when a signal ends the program.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Has a signal that ends the program do that first. From then on the program ends by itself, with the code that shells
/// give whoever a signal ended. Once in a program: what is done first ends it.
pub fn before_end(act: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    // They are listened to when this returns, and not only when a thread runs.
    let within = runtime.enter();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    drop(within);
    std::thread::spawn(move || {
        let kind = runtime.block_on(first(&mut interrupt, &mut terminate, &mut hangup));
        act();
        std::process::exit(128 + kind.as_raw_value());
    });
    Ok(())
}

async fn first(interrupt: &mut Signal, terminate: &mut Signal, hangup: &mut Signal) -> SignalKind {
    tokio::select! {
        _ = interrupt.recv() => SignalKind::interrupt(),
        _ = terminate.recv() => SignalKind::terminate(),
        _ = hangup.recv() => SignalKind::hangup(),
    }
}
