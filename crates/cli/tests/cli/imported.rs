//! Files that are imported again: the same ones, and others that are like them.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::desk::{Desk, Ran};
use crate::import::texts;
use crate::running::Running;

/// A server with a chat, and a folder with files.
struct Chest {
    server: Running,
    desk: Desk,
    id: String,
}

impl Chest {
    async fn open() -> Self {
        let server = Running::start().await;
        let (desk, id) = (Desk::at(&server.host), server.chat().await);
        Self { server, desk, id }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.desk.home.path().join(name)
    }

    fn write(&self, name: &str, texts: &[&str]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        let line = |text: &&str| json!({ "user_id": "ann", "text": text }).to_string() + "\n";
        fs::write(path, texts.iter().map(line).collect::<String>()).expect("a file");
    }

    async fn import(&self, name: &str) -> Ran {
        let path = self.path(name).display().to_string();
        self.desk.run(&["chat", "import", &path, "--chat_id", &self.id]).await
    }

    async fn texts(&self) -> Vec<String> {
        texts(&self.server, &self.id).await
    }
}

#[tokio::test]
async fn two_files_are_both_stored_however_alike_they_are() {
    let chest = Chest::open().await;
    for (name, texts) in [
        ("dira/day.jsonl", &["good morning"][..]),
        ("dirb/day.jsonl", &["good morning"]),
        ("dirc/day.jsonl", &["good morning", "soup?"]),
    ] {
        chest.write(name, texts);
        assert_eq!(chest.import(name).await.json(), json!({ "stored": texts.len() }));
    }
    let all = ["good morning", "good morning", "good morning", "soup?"];
    assert_eq!(chest.texts().await, all);
    // Nor is a copy, with all that copies keep, or what is written where another was.
    let copied = Command::new("cp").args(["-a"]).arg(chest.path("dirc")).arg(chest.path("dird")).status();
    assert!(copied.expect("cp").success());
    assert_eq!(chest.import("dird/day.jsonl").await.json()["stored"], 2);
    assert_eq!(chest.texts().await.len(), 6);
    chest.write("dirc/day.jsonl", &["good morning", "no soup"]);
    let ran = chest.import("dirc/day.jsonl").await;
    assert!(ran.err.contains("as another file"), "{}", ran.err);
    assert_eq!(chest.texts().await[6..], ["good morning", "no soup"]);
    // And all of them are known again.
    for name in ["dira", "dirb", "dirc", "dird"] {
        let ran = chest.import(&format!("{name}/day.jsonl")).await;
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    }
    assert_eq!(chest.texts().await.len(), 8);
}

#[tokio::test]
async fn a_file_is_the_same_one_where_it_was_moved_and_where_it_grew() {
    let chest = Chest::open().await;
    chest.write("day.jsonl", &["one", "one"]);
    assert_eq!(chest.import("day.jsonl").await.code, 0);
    fs::create_dir(chest.path("old")).expect("a folder");
    fs::rename(chest.path("day.jsonl"), chest.path("old/monday.jsonl")).expect("a move");
    assert_eq!(chest.import("old/monday.jsonl").await.code, 0);
    assert_eq!(chest.texts().await, ["one", "one"]);
    // It grows, in its place and as editors do it.
    chest.write("old/new", &["one", "one", "two"]);
    fs::rename(chest.path("old/new"), chest.path("old/monday.jsonl")).expect("a move");
    assert_eq!(chest.import("old/monday.jsonl").await.code, 0);
    assert_eq!(chest.texts().await, ["one", "one", "two"]);
    // To another disk it is copied, with its time, and is left nowhere else.
    let (old, far) = (chest.path("old/monday.jsonl"), chest.path("far/monday.jsonl"));
    fs::create_dir(chest.path("far")).expect("a folder");
    assert!(Command::new("cp").arg("-p").args([&old, &far]).status().expect("cp").success());
    fs::remove_file(old).expect("a file");
    assert_eq!(chest.import("far/monday.jsonl").await.code, 0);
    assert_eq!(chest.texts().await, ["one", "one", "two"]);
    // The file system knows a file that it moved, though it grew meanwhile.
    let was = fs::metadata(&far).expect("a file");
    let mut count = 3;
    if was.created().is_ok() {
        fs::rename(&far, chest.path("near")).expect("a move");
        let mut near = fs::OpenOptions::new().append(true).open(chest.path("near")).expect("a file");
        near.write_all(b"{\"user_id\": \"ann\", \"text\": \"three\"}\n").expect("a file");
        assert_eq!(chest.import("near").await.json(), json!({ "stored": 4 }));
        count += 1;
        assert_eq!(chest.texts().await[..count], ["one", "one", "two", "three"]);
    }
    assert_eq!(chest.texts().await.len(), count);
    // What is new in a place that it had is another, though it is as that one was.
    chest.write("day.jsonl", &["one", "one"]);
    assert_eq!(chest.import("day.jsonl").await.code, 0);
    count += 2;
    assert_eq!(chest.texts().await[count - 2..], ["one", "one"]);
    chest.write("old/monday.jsonl", &["one"]);
    assert_eq!(chest.import("old/monday.jsonl").await.code, 0);
    assert_eq!(chest.texts().await[count..], ["one"]);
    // Where nothing is remembered, what did not change is the same still.
    fs::remove_file(chest.desk.folder().join("imports.json")).expect("it is remembered");
    assert_eq!(chest.import("old/monday.jsonl").await.code, 0);
    assert_eq!(chest.texts().await.len(), count + 1);
}

#[tokio::test]
async fn a_file_that_stopped_at_a_line_is_the_same_one_where_that_is_mended() {
    let chest = Chest::open().await;
    let line = |chat: &str, text: &str| json!({ "user_id": "ann", "text": text, "chat_id": chat }).to_string() + "\n";
    let path = chest.path("day.jsonl");
    let import = ["chat", "import", path.to_str().expect("a name")];
    fs::write(&path, line(&chest.id, "one") + &line(&chest.id, "one") + &line("gone", "two")).expect("a file");
    let ran = chest.desk.run(&import).await;
    assert_eq!((ran.code, ran.err.contains("line 3: ")), (1, true), "{}", ran.err);
    let mended = line(&chest.id, "one") + &line(&chest.id, "one") + &line(&chest.id, "two");
    fs::write(&path, mended).expect("a file");
    let ran = chest.desk.run(&import).await;
    assert_eq!((ran.json(), ran.err.as_str()), (json!({ "stored": 3 }), ""));
    assert_eq!(chest.texts().await, ["one", "one", "two"]);
}

#[tokio::test]
async fn a_file_whose_import_was_ended_from_outside_is_the_same_one_where_the_rest_is_mended() {
    let chest = Chest::open().await;
    let texts: Vec<String> = (0..900).map(|number| format!("line {number}")).collect();
    let mut lines: Vec<&str> = texts.iter().map(String::as_str).collect();
    chest.write("day.jsonl", &lines);
    let path = chest.path("day.jsonl").display().to_string();
    let arguments = ["chat", "import", &path, "--chat_id", &chest.id];
    let mut child = chest.desk.command(&arguments).spawn().expect("it starts");
    while chest.texts().await.is_empty() {}
    child.kill().await.expect("an end");
    let stored = chest.texts().await.len();
    assert!(stored < 850, "otherwise this would show nothing");
    lines[899] = "mended";
    chest.write("day.jsonl", &lines);
    assert_eq!(chest.import("day.jsonl").await.json(), json!({ "stored": 900 }));
    assert_eq!(chest.texts().await, lines);
    // From then on all of it counts: another one in its place is another.
    lines[0] = "another";
    chest.write("day.jsonl", &lines[..1]);
    assert_eq!(chest.import("day.jsonl").await.code, 0);
    chest.write("day.jsonl", &["another", "line"]);
    assert_eq!(chest.import("day.jsonl").await.code, 0);
    assert_eq!(chest.texts().await[899..], ["mended", "another", "line"]);
}

#[tokio::test]
async fn a_client_that_names_a_program_makes_no_line_the_same_as_another() {
    let chest = Chest::open().await;
    let line = json!({ "user_id": "ann", "text": "ok", "client": "web" }).to_string() + "\n";
    let named =
        json!({ "user_id": "ann", "text": "once", "client": "1e7ea4fc-1a0d-4b5c-9d5a-1f6a3b2c4d5e" }).to_string();
    fs::write(chest.path("day.jsonl"), line.repeat(2) + &named + "\n" + &named).expect("a file");
    assert_eq!(chest.import("day.jsonl").await.code, 0);
    assert_eq!(chest.texts().await, ["ok", "ok", "once"]);
}

#[tokio::test]
async fn what_can_not_be_known_again_wants_a_name() {
    let chest = Chest::open().await;
    let pipe = chest.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    for (name, code) in [(&[][..], 2), (&["--name=monday"], 0)] {
        let writing = tokio::task::spawn_blocking({
            let pipe = pipe.clone();
            move || fs::write(pipe, "{\"user_id\": \"ann\", \"text\": \"one\"}\n")
        });
        let import = ["chat", "import", pipe.to_str().expect("a name"), "--chat_id", &chest.id];
        let ran = chest.desk.run(&[&import[..], name].concat()).await;
        assert_eq!((ran.code, ran.err.contains("--name")), (code, code == 2), "{}", ran.err);
        writing.await.expect("it writes").expect("a pipe");
    }
    // Nor where nothing can be remembered.
    chest.write("day.jsonl", &["two"]);
    fs::create_dir(chest.desk.folder()).expect("a folder");
    fs::write(chest.desk.folder().join("imports.json"), "nonsense").expect("a file");
    let ran = chest.import("day.jsonl").await;
    assert_eq!((ran.code, ran.err.contains("--name")), (2, true), "{}", ran.err);
    assert_eq!(chest.texts().await, ["one"]);
}

#[tokio::test]
async fn an_export_is_imported_whole() {
    let (from, to) = (Chest::open().await, Chest::open().await);
    for (user_id, text) in [("ann", "soup?"), ("ben", "salad"), ("ann", "soup?")] {
        from.server.send(&from.id, user_id, text).await;
    }
    let path = from.path("chat.jsonl");
    let file = path.to_str().expect("a name");
    from.desk.run(&["chats", "export", "--chat_id", &from.id, "--file", file]).await.json();
    let said = async |chest: &Chest| {
        let answer = chest.server.ask("/chat/History", json!({ "chat_id": chest.id })).await;
        let fields = ["client_id", "user_id", "subject", "text"];
        let of = |message: &Value| fields.map(|field| message[field].clone());
        answer["messages"].as_array().expect("messages").iter().map(of).collect::<Vec<_>>()
    };
    for _ in 0..2 {
        let ran = to.desk.run(&["chat", "import", file, "--chat_id", &to.id]).await;
        assert_eq!((ran.json(), ran.err.as_str()), (json!({ "stored": 3 }), ""));
        assert_eq!(said(&to).await, said(&from).await);
    }
    // Where it came from it is there already.
    assert_eq!(from.desk.run(&["chat", "import", file]).await.json(), json!({ "stored": 3 }));
    assert_eq!(said(&from).await.len(), 3);
    // Half of one is said to be that.
    let text = fs::read_to_string(&path).expect("a file");
    let half: Vec<&str> = text.lines().take(2).collect();
    fs::write(&path, half.join("\n")).expect("a file");
    let ran = to.desk.run(&["chat", "import", file, "--chat_id", &to.id]).await;
    assert_eq!((ran.json(), ran.err.contains("broken off")), (json!({ "stored": 1 }), true), "{}", ran.err);
}
