//! What shells and readers are told.

use std::process::Command;

use crate::desk::Desk;

#[tokio::test]
async fn shells_complete_commands_and_flags() {
    let desk = Desk::at("127.0.0.1:1");
    for shell in ["bash", "zsh", "fish"] {
        let script = desk.run(&["completions", shell]).await;
        assert_eq!(script.code, 0, "{}", script.err);
        assert!(script.out.contains("user_ids") && script.out.contains("history"), "{shell}");
    }
    // As bash does it.
    let script = desk.home.path().join("micro.bash");
    std::fs::write(&script, desk.run(&["completions", "bash"]).await.out).expect("a file");
    let typed = r#"source "$1"; COMP_WORDS=(micro chat send --chat); COMP_CWORD=3; _micro micro --chat send; echo "${COMPREPLY[@]}""#;
    let output = Command::new("bash").args(["-c", typed, "bash"]).arg(&script).output().expect("bash");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "--chat_id");
}

#[tokio::test]
async fn the_manual_has_a_page_for_each_command() {
    let desk = Desk::at("127.0.0.1:1");
    let page = desk.run(&["man"]).await;
    assert!(page.code == 0 && page.out.contains(".TH micro 1") && page.out.contains("Exit codes"), "{}", page.out);
    let page = desk.run(&["man", "chat", "send"]).await;
    assert!(page.out.contains("subject"), "{}", page.out);
    assert_eq!(desk.run(&["man", "chat", "sand"]).await.code, 2);
    // One that is named is made.
    let folder = desk.home.path().join("share/man1");
    let name = folder.to_str().expect("a name");
    for _ in 0..2 {
        let ran = desk.run(&["man", "--folder", name]).await;
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    }
    assert!(folder.join("micro-chat-history.1").exists());
    let pages = std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("a file").path());
    let pages: Vec<_> = pages.filter(|path| path.extension().is_some_and(|extension| extension == "1")).collect();
    assert!(pages.len() > 20, "{pages:?}");
    for path in pages {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("a page");
        let title = format!(".TH {name} 1  \"micro {}\"", env!("CARGO_PKG_VERSION"));
        assert!(text.contains(&title), "{name}: {}", text.lines().take(3).collect::<String>());
        assert!(!name.contains("help") && !text.contains("[default: ]"), "{name}");
    }
}

#[tokio::test]
async fn a_page_says_how_its_command_is_called_and_what_only_it_takes_first() {
    let desk = Desk::at("127.0.0.1:1");
    for (words, rest) in [
        (&["chat", "send"][..], " [OPTIONS]"),
        (&["chats", "delete-user"], r" [OPTIONS] \-\-user_id <USER>"),
        (&["chat", "import"], " [OPTIONS] <FILE>"),
        (&["config"], " [OPTIONS] [COMMAND]"),
        (&[], " [OPTIONS] <COMMAND>"),
    ] {
        let page = desk.run(&[&["man"], words].concat()).await.out;
        let name = [&["micro"], words].concat().join(" ").replace('-', r"\-");
        let synopsis = format!(".SH SYNOPSIS\n\\fB{name}\\fR{rest}\n.SH");
        assert!(page.contains(&synopsis), "{page}");
        let options: Vec<_> = page.lines().filter_map(|line| line.strip_prefix(r"\fB\-\-")).collect();
        let of_all = options.iter().position(|line| line.starts_with("api")).expect("a flag of every command");
        let own = options.iter().position(|line| ["chat_id", "user_id"].iter().any(|flag| line.starts_with(flag)));
        assert!(own.is_none_or(|own| own < of_all), "{options:?}");
        assert_eq!(options.len() - of_all, 7, "{options:?}");
    }
}

#[tokio::test]
async fn the_version_is_that_of_the_program_and_no_command_has_another() {
    let desk = Desk::at("127.0.0.1:1");
    for flag in ["-V", "--version"] {
        assert_eq!(desk.run(&[flag]).await.out, concat!("micro ", env!("CARGO_PKG_VERSION"), "\n"));
        let ran = desk.run(&["chat", flag]).await;
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{}", ran.err);
    }
}
