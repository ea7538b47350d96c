//! The real program, to be killed and stopped.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A running server.
pub struct Program {
    child: Child,
    /// `127.0.0.1:port`.
    pub host: String,
}

impl Program {
    /// Starts it at `listen`, with a promise broken if one is named.
    pub async fn start(listen: &str, data: &Path, broken: Option<&str>, env: &[(&str, PathBuf)]) -> Self {
        // The port may still be taken for a moment after a kill.
        for _ in 0..100 {
            let mut command = Command::new(env!("CARGO_BIN_EXE_micro-chat-server"));
            command.args(["dev", "--heartbeat", "1", "--grace", "1", "--listen", listen, "--data"]).arg(data);
            command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
            command.env("MICRO_CHAT_BREAK", broken.unwrap_or_default()).envs(env.iter().cloned());
            let mut child = command.spawn().expect("it starts");
            let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(host) = line.strip_prefix("listening on http://") {
                    return Self { child, host: host.to_owned() };
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the server does not start");
    }

    /// As a power cut would.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("a kill");
    }

    /// As a machine that hangs would.
    pub async fn freeze(&self, time: Duration) {
        self.signal("-STOP").await;
        tokio::time::sleep(time).await;
        self.signal("-CONT").await;
    }

    async fn signal(&self, signal: &str) {
        let id = self.child.id().expect("a process").to_string();
        let sent = Command::new("kill").args([signal, &id]).status().await.expect("kill");
        assert!(sent.success());
    }
}
