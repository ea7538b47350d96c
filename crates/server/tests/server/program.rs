//! The real program, in `serve`, as it may be broken on purpose.

use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::guarded::{SECRET, key_file};
use crate::running::PATIENCE;

/// One of them, which ends with this.
pub struct Program {
    /// `127.0.0.1:port`.
    pub host: String,
    /// Where it shows its figures, if it does.
    pub figures: Option<String>,
    pub data: TempDir,
    process: Child,
    /// What it has logged, as far as somebody has waited for it.
    logged: String,
    output: Lines<BufReader<ChildStdout>>,
}

impl Program {
    /// With more arguments, and an environment of its own.
    pub async fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::on(tempfile::tempdir().expect("a folder"), arguments, environment).await
    }

    /// The same on a folder that was another's.
    pub async fn on(data: TempDir, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let key = key_file(data.path(), "secret", SECRET);
        let mut command = Command::new(env!("CARGO_BIN_EXE_micro-chat-server"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--token-key"]).arg(key).arg("--data").arg(data.path());
        command.args(arguments).envs(environment.iter().copied());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().expect("it starts");
        let mut output = BufReader::new(process.stdout.take().expect("its output")).lines();
        let mut figures = None;
        loop {
            let line = output.next_line().await.expect("text").expect("a line");
            let shown = line.strip_prefix("figures on http://").and_then(|rest| rest.strip_suffix("/metrics"));
            figures = shown.map(str::to_owned).or(figures);
            if let Some((_, host)) = line.strip_prefix("listening on ").and_then(|address| address.split_once("://")) {
                return Self { host: host.to_owned(), figures, data, process, logged: String::new(), output };
            }
        }
    }

    /// Ends it as a power cut would; what it leaves.
    pub async fn kill(mut self) -> TempDir {
        self.process.kill().await.expect("it is killed");
        self.data
    }

    /// Its memory, in MiB.
    pub fn memory(&self) -> usize {
        let id = self.process.id().expect("it runs");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("a status");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a size");
        line.split_whitespace().nth(1).and_then(|size| size.parse::<usize>().ok()).expect("a number") / 1024
    }

    /// Waits until it has logged that.
    pub async fn until_logged(&mut self, words: &str) {
        let log = self.process.stderr.as_mut().expect("its log");
        while !self.logged.contains(words) {
            let mut bytes = [0; 4_096];
            let read = timeout(PATIENCE, log.read(&mut bytes)).await;
            let read = read.unwrap_or_else(|_| panic!("no {words} in {}", self.logged)).expect("a log");
            assert_ne!(read, 0, "no {words} in {}", self.logged);
            self.logged.push_str(std::str::from_utf8(&bytes[..read]).expect("text"));
        }
    }

    /// Stops it; what it has printed since it was ready, and what it has logged.
    pub async fn stop(mut self) -> String {
        self.tell_to_stop().await;
        self.ended().await
    }

    /// Sends SIGTERM.
    pub async fn tell_to_stop(&self) {
        self.tell("-TERM").await;
    }

    /// Sends a signal, as `kill` names it.
    pub async fn tell(&self, signal: &str) {
        let id = self.process.id().expect("it runs").to_string();
        let told = Command::new("kill").args([signal, &id]).status().await.expect("it is told");
        assert!(told.success(), "{signal}");
    }

    /// The same once it has ended.
    pub async fn ended(&mut self) -> String {
        let mut said = std::mem::take(&mut self.logged);
        self.process.stderr.take().expect("its log").read_to_string(&mut said).await.expect("text");
        while let Some(line) = self.output.next_line().await.expect("text") {
            said.push_str(&line);
        }
        said
    }
}
