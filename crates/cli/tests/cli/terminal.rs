//! A terminal is left as it was found, however the program ends.

use std::path::Path;

use tokio::process::Command;
use tokio::time::{sleep, timeout};

use crate::connect::{Terminal, texts};
use crate::desk::Desk;
use crate::running::{PATIENCE, Running};

/// Opens a terminal on which a shell runs the program, and then says how the terminal is. Its process id is in a file.
fn shell(desk: &Desk, id: &Path, arguments: &str) -> Terminal {
    let program = env!("CARGO_BIN_EXE_micro");
    let id = id.display();
    // It shows what is typed, as terminals do. A signal from it is for the program alone.
    Terminal::of(desk.typed(&format!(
        "stty sane; trap : INT; sh -c 'echo $$ >{id}; trap - INT; exec {program} {arguments}'; echo \"code $?\"; stty -a; echo it is over"
    )))
}

async fn id_of(path: &Path) -> String {
    timeout(PATIENCE, async {
        loop {
            match std::fs::read_to_string(path) {
                Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
                _ => sleep(std::time::Duration::from_millis(10)).await,
            }
        }
    })
    .await
    .expect("it runs")
}

/// Waits for the shell, and looks whether the terminal shows again what is typed, line by line.
async fn is_as_it_was(mut terminal: Terminal, code: i32) {
    terminal.show("it is over").await;
    let shown = terminal.shown();
    let (before, after) =
        shown.split_once(&format!("code {code}")).unwrap_or_else(|| panic!("no code {code} in {shown}"));
    let settings: Vec<&str> = after.split([' ', ';', '\r', '\n']).collect();
    for setting in ["echo", "icanon", "isig", "icrnl"] {
        assert!(settings.contains(&setting), "{setting}: {after}");
    }
    let (on, off) = (before.rfind("\x1b[?2004h"), before.rfind("\x1b[?2004l"));
    assert!(on <= off, "it pastes as it did: {before:?}");
}

#[tokio::test]
async fn who_is_ended_while_a_line_is_written_leaves_the_terminal_as_it_was() {
    let server = Running::start().await;
    let (desk, chat) = (Desk::at(&server.host), server.chat().await);
    for (signal, code) in [("-TERM", 143), ("-HUP", 129)] {
        let id = desk.home.path().join(format!("id{signal}"));
        let mut terminal = shell(&desk, &id, &format!("chat connect --chat_id {chat} --user_id ann"));
        terminal.show("ann> ").await;
        terminal.press("half a").await;
        terminal.show("half a").await;
        assert!(Command::new("kill").args([signal, &id_of(&id).await]).status().await.expect("kill").success());
        is_as_it_was(terminal, code).await;
    }
}

#[tokio::test]
async fn who_is_ended_while_a_password_is_asked_for_leaves_the_terminal_as_it_was() {
    let desk = Desk::at("127.0.0.1:1");
    for (signal, code) in [(Some("-TERM"), 143), (Some("-HUP"), 129), (None, 130)] {
        let id = desk.home.path().join(format!("id{}", signal.unwrap_or_default()));
        let mut terminal = shell(&desk, &id, "login --email ann@example.com");
        terminal.show("Password: ").await;
        terminal.press("corr").await;
        // The question is printed a moment before the terminal is told to hide the answer.
        sleep(std::time::Duration::from_millis(200)).await;
        match signal {
            Some(signal) => {
                let told = Command::new("kill").args([signal, &id_of(&id).await]).status().await;
                assert!(told.expect("kill").success());
            }
            None => terminal.press("\x03").await,
        }
        is_as_it_was(terminal, code).await;
    }
}

#[tokio::test]
async fn a_terminal_that_can_not_be_read_is_no_success() {
    let server = Running::start().await;
    let (desk, id) = (Desk::at(&server.host), server.chat().await);
    let mut ann = Terminal::of(desk.on_terminal(&["chat", "connect", "--chat_id", &id, "--user_id=ann"]));
    ann.show("ann> ").await;
    ann.press("before\r").await;
    ann.show("before").await;
    ann.press(b"\xff\xff\r").await;
    ann.show("the terminal can't be read").await;
    assert_eq!(ann.end().await.code(), Some(2));
    assert_eq!(texts(&server, &id).await, ["before"]);
}
