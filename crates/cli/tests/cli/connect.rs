//! An open chat: through pipes, as programs use it, and on a terminal.

use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::desk::{Desk, key};
use crate::guarded::{Guarded, token};
use crate::hosted::{Hosted, PASSWORD};
use crate::relay::Relay;
use crate::running::{PATIENCE, Running};

/// A chat that somebody has open.
pub struct Talk {
    child: Child,
    pub input: Option<ChildStdin>,
    pub output: Lines<BufReader<ChildStdout>>,
    errors: Lines<BufReader<ChildStderr>>,
}

impl Talk {
    pub fn open(desk: &Desk, arguments: &[&str]) -> Self {
        let arguments = [&["chat", "connect"], arguments].concat();
        let mut child = desk.command(&arguments).stdin(Stdio::piped()).spawn().expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let errors = BufReader::new(child.stderr.take().expect("its errors")).lines();
        Self { input: child.stdin.take(), output: lines, errors, child }
    }

    pub async fn say(&mut self, line: &str) {
        let input = self.input.as_mut().expect("an input");
        input.write_all(format!("{line}\n").as_bytes()).await.expect("it reads");
    }

    pub async fn hear(&mut self) -> Value {
        let line = timeout(PATIENCE, self.output.next_line()).await.expect("a line in time").expect("text");
        serde_json::from_str(&line.expect("a line")).expect("JSON")
    }

    pub async fn warning(&mut self) -> String {
        timeout(PATIENCE, self.errors.next_line()).await.expect("a line in time").expect("text").expect("a line")
    }

    /// Its exit code, once nothing more is written.
    pub async fn end(mut self) -> i32 {
        drop(self.input.take());
        timeout(PATIENCE, self.child.wait()).await.expect("an end").expect("a status").code().expect("no signal")
    }
}

/// What a chat's messages say, all of them.
pub async fn texts(server: &Running, chat_id: &str) -> Vec<String> {
    let mut texts = Vec::new();
    loop {
        let answer = server.ask("/chat/History", json!({ "chat_id": chat_id, "after": texts.len() })).await;
        let messages = answer["messages"].as_array().expect("messages");
        texts.extend(messages.iter().map(|message| message["text"].as_str().expect("a text").to_owned()));
        if messages.is_empty() {
            return texts;
        }
    }
}

#[tokio::test]
async fn each_line_is_sent_and_each_message_printed() {
    let server = Running::start().await;
    let (desk, id) = (Desk::at(&server.host), server.chat().await);
    for text in ["zero", "one", "two"] {
        server.send(&id, "ben", text).await;
    }
    let mut ann = Talk::open(&desk, &["--chat_id", &id, "--user_id=ann", "--history=2"]);
    assert_eq!((ann.hear().await["text"].clone(), ann.hear().await["text"].clone()), (json!("one"), json!("two")));
    let mut ben = Talk::open(&desk, &["--chat_id", &id, "--user_id=ben", "--history=0", "--own"]);
    ben.say("hi").await;
    assert_eq!(ben.hear().await["text"], "hi", "its own, as it was told");
    assert_eq!(ann.hear().await["user_id"], "ben");
    ann.say("ho").await;
    assert_eq!(ben.hear().await["text"], "ho");
    assert_eq!((ann.end().await, ben.end().await), (0, 0));
    assert_eq!(texts(&server, &id).await, ["zero", "one", "two", "hi", "ho"]);
}

#[tokio::test]
async fn what_is_piped_in_is_stored_when_the_program_ends() {
    let server = Running::start().await;
    let (desk, id) = (Desk::at(&server.host), server.chat().await);
    let lines: Vec<String> = (0..300).map(|number| format!("line {number}")).collect();
    let ran = desk.fed(lines.join("\n").as_bytes(), &["chat", "connect", "--chat_id", &id, "--user_id=ann"]).await;
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
    assert_eq!(texts(&server, &id).await, lines);
}

#[tokio::test]
async fn a_network_that_breaks_loses_and_doubles_nothing() {
    let server = Running::start().await;
    let relay = Relay::to(&server.host).await;
    let (desk, id) = (Desk::at(&relay.host), server.chat().await);
    let mut ann = Talk::open(&desk, &["--chat_id", &id, "--user_id=ann"]);
    let mut ben = Talk::open(&desk, &["--chat_id", &id, "--user_id=ben"]);
    // Both are there, whoever of them came first.
    ben.say("hello").await;
    assert_eq!(ann.hear().await["text"], "hello");
    ann.say("hello").await;
    assert_eq!(ben.hear().await["text"], "hello");
    let mut sent = Vec::new();
    for round in 0..3 {
        for number in 0..40 {
            let text = format!("{round}/{number}");
            ann.say(&text).await;
            sent.push(text);
        }
        // In the middle of it, or thereabouts.
        tokio::time::sleep(Duration::from_millis(3 * round)).await;
        relay.cut();
        let offline = ann.warning().await;
        assert!(offline.contains("offline"), "{offline}");
        ann.say(&format!("{round}/offline")).await;
        sent.push(format!("{round}/offline"));
        relay.mend();
        assert_eq!(ann.warning().await, "micro: back");
    }
    let mut heard = Vec::new();
    while heard.len() < sent.len() {
        heard.push(ben.hear().await["text"].as_str().expect("a text").to_owned());
    }
    assert_eq!(heard, sent);
    assert_eq!(ann.end().await, 0);
    assert_eq!(texts(&server, &id).await[2..], sent);
}

#[tokio::test]
async fn who_is_put_out_or_refused_is_told_so() {
    let guarded = Guarded::start().await;
    let mut desk = Desk::at(&guarded.server.host);
    let body = json!({ "name": "lunch", "user_ids": ["ben"] });
    let group = guarded.ask(&token("ann"), "/chat/Create", body).await["group"]["id"].clone();
    let id = group.as_str().expect("an id");
    let nobody = desk.run(&["chat", "connect", "--chat_id", id]).await;
    assert_eq!((nobody.code, nobody.err.contains("micro login")), (4, true), "{}", nobody.err);
    desk.token = Some(token("eve"));
    let eve = desk.run(&["chat", "connect", "--chat_id", id]).await;
    assert_eq!((eve.code, eve.err.contains("InvalidChatID")), (1, true), "{}", eve.err);
    desk.token = Some(token("ben"));
    let mut ben = Talk::open(&desk, &["--group_id", id]);
    guarded.ask(&token("ann"), "/chat/Send", json!({ "chat_id": id, "text": "soup?" })).await;
    assert_eq!(ben.hear().await["text"], "soup?");
    guarded.ask(&token("ann"), "/chat/Kick", json!({ "group_id": id, "user_id": "ben" })).await;
    let told = ben.warning().await;
    assert!(told.contains("chat.Connect.Removed"), "{told}");
    assert_eq!(ben.end().await, 1);
}

#[tokio::test]
async fn a_key_is_nobody_until_it_says_who_opens_the_chat() {
    let guarded = Guarded::start().await;
    let (mut desk, id) = (Desk::at(&guarded.server.host), guarded.chat().await);
    desk.token = Some(key(&guarded, "micro", "read,send"));
    let nobody = desk.run(&["chat", "connect", "--chat_id", &id]).await;
    assert_eq!((nobody.code, nobody.out.as_str()), (1, ""));
    assert!(nobody.err.contains("user_id") && !nobody.err.contains("InvalidChatID"), "{}", nobody.err);
    let ann = desk.fed(b"hi\n", &["chat", "connect", "--chat_id", &id, "--user_id=ann"]).await;
    assert_eq!((ann.code, ann.err.as_str()), (0, ""));
    let answer = guarded.ask(&token("ben"), "/chat/History", json!({ "chat_id": id })).await;
    assert_eq!(answer["messages"][0]["user_id"], "ann");
}

#[tokio::test]
async fn a_login_is_enough_to_open_a_chat_and_its_end_ends_it() {
    let hosted = Hosted::start().await;
    hosted.sign_up("ann@example.com").await;
    let desk = Desk::at(&hosted.server.host);
    let login = ["login", "--email=ann@example.com", "--password-stdin"];
    desk.fed(PASSWORD.as_bytes(), &login).await.json();
    let new = desk.run(&["chat", "new", "--user_ids=ann@example.com,ben"]).await.json();
    let id = new["chat_id"].as_str().expect("an id");
    let mut ann = Talk::open(&desk, &["--chat_id", id, "--own"]);
    ann.say("hi").await;
    assert_eq!(ann.hear().await["user_id"], "ann@example.com");
    assert_eq!(desk.run(&["logout"]).await.code, 0);
    let told = ann.warning().await;
    assert!(told.contains("micro login"), "{told}");
    assert_eq!(ann.end().await, 4);
}

/// A chat on a terminal.
pub struct Terminal {
    pub child: Child,
    keys: ChildStdin,
    screen: ChildStdout,
    /// All that was printed.
    shown: String,
}

impl Terminal {
    fn open(desk: &Desk, arguments: &[&str]) -> Self {
        Self::of(desk.on_terminal(&[&["chat", "connect"], arguments].concat()))
    }

    pub fn of(mut command: Command) -> Self {
        let mut child = command.spawn().expect("it starts");
        let (keys, screen) = (child.stdin.take().expect("keys"), child.stdout.take().expect("a screen"));
        Self { child, keys, screen, shown: String::new() }
    }

    pub async fn press(&mut self, keys: impl AsRef<[u8]>) {
        self.keys.write_all(keys.as_ref()).await.expect("a terminal");
    }

    /// Presses Ctrl-D until the program ends: between two lines the terminal is as a shell wants it, and takes the key
    /// for itself.
    async fn leave(&mut self) -> ExitStatus {
        let leaving = async {
            loop {
                // It may have ended.
                let _ = self.keys.write_all(b"\x04").await;
                if let Ok(status) = timeout(Duration::from_millis(300), self.child.wait()).await {
                    return status.expect("a status");
                }
            }
        };
        timeout(PATIENCE, leaving).await.expect("an end")
    }

    /// Waits for the program's end.
    pub async fn end(&mut self) -> ExitStatus {
        timeout(PATIENCE, self.child.wait()).await.expect("an end").expect("a status")
    }

    /// All that was printed so far.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Waits until that is printed.
    pub async fn show(&mut self, text: &str) {
        while !self.shown.contains(text) {
            let mut bytes = [0; 4_096];
            let count = timeout(PATIENCE, self.screen.read(&mut bytes)).await;
            let count = count.unwrap_or_else(|_| panic!("no {text} in {:?}", self.shown)).expect("a screen");
            assert_ne!(count, 0, "no {text} in {:?}", self.shown);
            self.shown.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    }
}

#[tokio::test]
async fn on_a_terminal_others_are_shown_above_the_line_that_is_written() {
    let server = Running::start().await;
    let relay = Relay::to(&server.host).await;
    let (desk, id) = (Desk::at(&relay.host), server.chat().await);
    server.send(&id, "ben", "from before").await;
    let mut ann = Terminal::open(&desk, &["--chat_id", &id, "--user_id=ann"]);
    ann.show("from before").await;
    ann.show("ann> ").await;
    ann.press("half a").await;
    ann.show("half a").await;
    server.send(&id, "ben", "\x1b]0;owned\x07\x1b[2Jlook").await;
    ann.show("\u{241b}]0;owned\u{2407}\u{241b}[2Jlook").await;
    assert!(!ann.shown.contains("\x1b]0;owned") && !ann.shown.contains("\x1b[2J"), "{:?}", ann.shown);
    ann.press(" line\r").await;
    relay.cut();
    ann.show("-- offline").await;
    ann.press("unsent\r").await;
    server.send(&id, "ben", "you are missed").await;
    relay.mend();
    ann.show("-- back").await;
    ann.show("you are missed").await;
    assert!(ann.leave().await.success());
    let stored = texts(&server, &id).await;
    let count = |text: &str| stored.iter().filter(|stored| *stored == text).count();
    assert_eq!((count("half a line"), count("unsent"), stored.len()), (1, 1, 5), "{stored:?} {:?}", ann.shown);
}

#[tokio::test]
async fn who_comes_and_goes_is_told_beside_the_messages_and_orders_nothing() {
    let server = Running::start().await;
    let desk = Desk::at(&server.host);
    let group = server.ask("/chat/Create", json!({ "name": "lunch", "user_ids": ["ann"] })).await;
    let id = group["group"]["id"].as_str().expect("an id").to_owned();
    let turn = async |method: &str, user_id: &str| {
        server.ask(&format!("/chat/{method}"), json!({ "group_id": id, "user_id": user_id })).await
    };
    let mut pipe = Talk::open(&desk, &["--group_id", &id, "--user_id=ann", "--own"]);
    let mut ann = Terminal::open(&desk, &["--group_id", &id, "--user_id=ann"]);
    pipe.say("they listen").await;
    assert_eq!(pipe.hear().await["text"], "they listen");
    ann.show("they listen").await;
    // Who is there is told behind what was stored, and from when on is not seen: until both tell of it, somebody comes
    // and goes.
    let mut is_told = (false, false);
    let begun = Instant::now();
    while is_told != (true, true) {
        assert!(begun.elapsed() < PATIENCE, "{is_told:?}");
        turn("Join", "eve").await;
        turn("Leave", "eve").await;
        let piped = timeout(Duration::from_secs(1), pipe.warning());
        let shown = timeout(Duration::from_secs(1), ann.show("-- eve"));
        let (piped, shown) = tokio::join!(piped, shown);
        is_told = (is_told.0 || piped.is_ok(), shown.is_ok());
    }
    turn("Join", "ben\x1b[2J").await;
    ann.show("\x1b[2m-- ben\u{241b}[2J joined\x1b[0m").await;
    assert!(!ann.shown.contains("ben\x1b[2J"), "{:?}", ann.shown);
    turn("Invite", "cat").await;
    ann.show("-- cat was invited").await;
    turn("Kick", "cat").await;
    ann.show("-- cat was kicked").await;
    turn("Leave", "ben\x1b[2J").await;
    ann.show("-- ben\u{241b}[2J left").await;
    // A program gets messages and nothing else.
    pipe.say("and go on").await;
    assert_eq!(pipe.hear().await["text"], "and go on");
    let mut told = pipe.warning().await;
    while told.starts_with("micro: eve ") {
        told = pipe.warning().await;
    }
    assert_eq!(told, "micro: ben\u{241b}[2J joined");
}

#[tokio::test]
async fn lines_that_come_together_are_all_sent() {
    let server = Running::start().await;
    let (desk, id) = (Desk::at(&server.host), server.chat().await);
    let mut ann = Terminal::open(&desk, &["--chat_id", &id, "--user_id=ann"]);
    ann.show("ann> ").await;
    let lines: Vec<String> = (0..30).map(|number| format!("line {number}")).collect();
    ann.press(lines.join("\r") + "\r").await;
    ann.show("line 29").await;
    assert!(ann.leave().await.success());
    assert_eq!(texts(&server, &id).await, lines);
}

#[tokio::test]
async fn names_have_colours_only_on_a_terminal_that_may_have_them() {
    let server = Running::start().await;
    let (desk, id) = (Desk::at(&server.host), server.chat().await);
    server.send(&id, "ben", "hello").await;
    for (variables, is_coloured) in [(&[][..], true), (&[("NO_COLOR", "1")], false), (&[("TERM", "dumb")], false)] {
        let mut command = desk.on_terminal(&["chat", "connect", "--chat_id", &id, "--user_id=ann"]);
        command.envs(variables.iter().copied());
        let mut ann = Terminal::of(command);
        ann.show("hello").await;
        assert_eq!(ann.shown.contains("\x1b[1m"), is_coloured, "{variables:?} {:?}", ann.shown);
    }
}
