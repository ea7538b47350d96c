//! Who reads what the server writes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use crate::running::PATIENCE;

/// The real program, where everything is for everybody to read unless somebody says otherwise.
fn program(arguments: &[&str], data: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "umask 0; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_micro-chat-server")]);
    command.args(arguments).arg("--data").arg(data);
    command.env_remove("PORT").stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[tokio::test]
async fn what_it_writes_is_for_nobody_else() {
    let home = tempfile::tempdir().expect("a folder");
    let (data, copy) = (home.path().join("made/data"), home.path().join("copy.db"));
    let copied = copy.to_str().expect("a name");
    let mut child = program(&["dev", "--listen", "127.0.0.1:0"], &data).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let address = loop {
        let line = timeout(PATIENCE, lines.next_line()).await.expect("in time").expect("text").expect("a line");
        if let Some(address) = line.strip_prefix("listening on ") {
            break address.to_owned();
        }
    };
    // So that there is a log beside the database.
    let new = reqwest::Client::new().post(format!("{address}/chat/New")).body(json!({ "user_ids": ["a"] }).to_string());
    assert!(new.send().await.expect("an answer").status().is_success());
    let log = data.join("chat.db-wal");
    assert_eq!(mode(&log), 0o600);
    let run = async |arguments: &[&str]| {
        let ran = timeout(PATIENCE, program(arguments, &data).output()).await.expect("an end").expect("it starts");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    };
    run(&["backup", copied]).await;
    child.kill().await.expect("it ends");
    run(&["restore", copied]).await;
    let mut found = Vec::new();
    for entry in fs::read_dir(&data).expect("a folder").chain(fs::read_dir(home.path()).expect("a folder")) {
        let path = entry.expect("an entry").path();
        let wanted = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(format!("{:o}", mode(&path)), format!("{wanted:o}"), "{}", path.display());
        found.push(path.file_name().expect("a name").to_string_lossy().into_owned());
    }
    assert_eq!(mode(&data), 0o700);
    for name in ["chat.db", "replaced-", "copy.db"] {
        assert!(found.iter().any(|found| found.starts_with(name)), "{name} in {found:?}");
    }
}

/// SQLite is content to read where it may not write. A server that stores nothing would be none.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_database_that_it_may_not_write_is_told_at_the_start() {
    use std::os::unix::fs::MetadataExt;
    let home = tempfile::tempdir().expect("a folder");
    let data = home.path().join("data");
    let made = program(&["keys", "create", "--namespace", "micro"], &data).output().await.expect("it starts");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    fs::set_permissions(data.join("chat.db"), fs::Permissions::from_mode(0o400)).expect("a mode");
    let mut command = Command::new(env!("CARGO_BIN_EXE_micro-chat-server"));
    if fs::metadata("/proc/self").expect("this process").uid() == 0 {
        // Root writes whatever there is, unless that is taken from it.
        command = Command::new("setpriv");
        command.args(["--bounding-set=-all", "--inh-caps=-all", env!("CARGO_BIN_EXE_micro-chat-server")]);
    }
    command.args(["dev", "--listen", "127.0.0.1:0", "--data"]).arg(&data).kill_on_drop(true);
    let ended = timeout(PATIENCE, command.output()).await.expect("an end").expect("it starts");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success() && said.contains("chat.db: permission denied"), "{said}");
}
