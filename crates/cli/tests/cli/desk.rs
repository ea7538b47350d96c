//! Where the program is run: with a home of its own, and nothing of whoever runs the tests.

use std::path::PathBuf;
use std::process::Stdio;

use micro_chat_server::store::KeyRing;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use crate::guarded::Guarded;
use crate::running::PATIENCE;

/// A home, and the server that is meant there.
pub struct Desk {
    pub home: TempDir,
    pub api: String,
    /// What is in its environment.
    pub token: Option<String>,
}

/// What came of a command.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// What a command printed that has to have succeeded.
    pub fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{}", self.err);
        serde_json::from_str(&self.out).expect("JSON")
    }
}

impl Desk {
    /// For a server at `127.0.0.1:port`.
    pub fn at(host: &str) -> Self {
        Self { home: tempfile::tempdir().expect("a folder"), api: format!("http://{host}"), token: None }
    }

    /// Its configuration folder.
    pub fn folder(&self) -> PathBuf {
        self.home.path().join("micro")
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_micro"));
        command.args(arguments).env_clear().env("HOME", self.home.path()).env("XDG_CONFIG_HOME", self.home.path());
        command.env("MICRO_API", &self.api).kill_on_drop(true);
        command.envs(self.token.iter().map(|token| ("MICRO_TOKEN", token)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The same on a terminal: what is fed is typed, and what is printed is what a screen is told.
    pub fn on_terminal(&self, arguments: &[&str]) -> Command {
        let mut words = vec![env!("CARGO_BIN_EXE_micro")];
        words.extend(arguments);
        let line: Vec<String> = words.iter().map(|word| format!("'{}'", word.replace('\'', r"'\''"))).collect();
        self.typed(&line.join(" "))
    }

    /// What a shell does on a terminal.
    pub fn typed(&self, line: &str) -> Command {
        let plain = self.command(&[]);
        let mut command = Command::new("script");
        command.args(["--quiet", "--return", "--echo", "never", "--command", line, "/dev/null"]);
        for (name, value) in plain.as_std().get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command.env("TERM", "xterm").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        command.kill_on_drop(true);
        command
    }

    pub async fn run(&self, arguments: &[&str]) -> Ran {
        ended(self.command(arguments)).await
    }

    /// With more in its environment.
    pub async fn run_with(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Ran {
        let mut command = self.command(arguments);
        command.envs(environment.iter().copied());
        ended(command).await
    }

    /// With something to read.
    pub async fn fed(&self, input: &[u8], arguments: &[&str]) -> Ran {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().expect("it starts");
        let mut stdin = child.stdin.take().expect("its input");
        let writing = async {
            // It may have read enough.
            let _ = stdin.write_all(input).await;
            drop(stdin);
        };
        let ((), output) =
            timeout(PATIENCE, async { tokio::join!(writing, child.wait_with_output()) }).await.expect("an end");
        ran(output.expect("its output"))
    }
}

/// An API key of that namespace.
pub fn key(guarded: &Guarded, namespace: &str, scopes: &str) -> String {
    let scopes = scopes.parse().expect("scopes");
    let (kept, key) = micro_chat_server::auth::keys::create(namespace.to_owned(), String::new(), &scopes);
    KeyRing::open(guarded.folder()).expect("a ring").add(&kept).expect("a key");
    key
}

async fn ended(mut command: Command) -> Ran {
    ran(timeout(PATIENCE, command.output()).await.expect("an end").expect("it starts"))
}

fn ran(output: std::process::Output) -> Ran {
    Ran {
        code: output.status.code().expect("no signal"),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}
