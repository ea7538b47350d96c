//! What went wrong, and the exit code that says so to scripts.

use std::process::ExitCode;

use micro_chat_wire::error::ErrorBody;

/// Why a command did not do what it was to do.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The server refused it.
    #[error("{} ({}){}", .0.detail, .0.id, later(.0))]
    Refused(ErrorBody),
    /// What was said, or a file that was named, can't be what was meant.
    #[error("{0}")]
    Usage(String),
    /// No server answered, or none that could.
    #[error("{0}")]
    Unreachable(String),
    /// Nobody is logged in.
    #[error("{0}")]
    Login(String),
    /// What should be printed can't be.
    #[error("nothing can be printed: {0}")]
    Output(#[from] std::io::Error),
}

impl Failure {
    /// Whether all that is wrong is that whoever reads the output reads no more of it.
    pub fn is_read_enough(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe)
    }

    /// For scripts.
    pub fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            failure if failure.is_read_enough() => 0,
            Self::Refused(error) if error.code == 401 => 4,
            Self::Refused(error) if error.code == 429 || error.code >= 500 => 3,
            Self::Refused(_) => 1,
            Self::Usage(_) | Self::Output(_) => 2,
            Self::Unreachable(_) => 3,
            Self::Login(_) => 4,
        })
    }
}

/// When to try again, where the server says that.
fn later(error: &ErrorBody) -> String {
    error.retry_after.map_or(String::new(), |wait| format!("; try again in {} s", wait.div_ceil(1_000)))
}
