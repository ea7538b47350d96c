//! What is logged, and how.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, IsTerminal};
use std::panic;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people; in colours on a terminal.
    #[default]
    Human,
    /// For programs: an object a line.
    Json,
}

/// Under this name is logged why the program ends: whatever `RUST_LOG` says, somebody has to hear of that.
const FAILURE: &str = "micro_chat_server::failure";

/// From now on log lines go to standard error. `RUST_LOG` says how much is logged; where it says nothing, or nonsense,
/// that is all that is not for developers.
pub fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    match format {
        LogFormat::Human => {
            let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
            log.with_ansi(io::stderr().is_terminal()).init();
        }
        LogFormat::Json => {
            let filter = match format!("{FAILURE}=error").parse() {
                Ok(always) => filter.add_directive(always),
                Err(_) => filter,
            };
            tracing_subscriber::fmt()
                .with_env_filter(filter)
                .with_writer(io::stderr)
                .json()
                .with_span_list(false)
                .init();
            // Else a bug would write lines of its own between the objects.
            panic::set_hook(Box::new(|panic| {
                let trace = Backtrace::capture();
                let trace = (trace.status() == BacktraceStatus::Captured).then(|| trace.to_string());
                tracing::error!(target: FAILURE, trace, "{panic}");
            }));
        }
    }
}

impl LogFormat {
    /// Says what happens.
    pub fn tell(self, line: &str) {
        match self {
            Self::Human => eprintln!("{line}"),
            Self::Json => tracing::info!("{line}"),
        }
    }

    /// Says why the program ends.
    pub fn fail(self, line: &str) {
        match self {
            Self::Human => eprintln!("micro-chat-server: {line}"),
            Self::Json => tracing::error!(target: FAILURE, "{line}"),
        }
    }
}
