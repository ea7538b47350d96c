//! Where the program calls, and as whom: flags before the environment before the file.

use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::desk::Desk;
use crate::guarded::{Guarded, token};
use crate::running::{PATIENCE, Running};

/// What the program says that it goes by.
fn effective(listing: &Value, key: &str) -> (String, String) {
    let row =
        listing["settings"].as_array().expect("rows").iter().find(|row| row["key"] == key).expect("a row").clone();
    let text = |name: &str| row[name].as_str().expect("text").to_owned();
    (text("value"), text("from"))
}

#[tokio::test]
async fn a_flag_counts_before_the_environment_and_that_before_the_file() {
    let server = Running::start().await;
    let desk = Desk::at(&server.host);
    let chat = async |environment: &[(&str, &str)], arguments: &[&str]| {
        desk.run_with(environment, &[arguments, &["chat", "new", "--user_ids=ann"]].concat()).await.json()["chat_id"]
            .clone()
    };
    // Each namespace has another chat.
    let (flag, variable, file) = (
        chat(&[], &["--namespace=f"]).await,
        chat(&[("MICRO_NAMESPACE", "v")], &[]).await,
        chat(&[], &["--namespace=c"]).await,
    );
    assert_eq!(desk.run(&["config", "set", "namespace", "c"]).await.code, 0);
    assert_eq!(chat(&[], &[]).await, file);
    assert_eq!(chat(&[("MICRO_NAMESPACE", "v")], &[]).await, variable);
    assert_eq!(chat(&[("MICRO_NAMESPACE", "v")], &["--namespace=f"]).await, flag);
    assert_eq!(chat(&[("MICRO_NAMESPACE", "")], &[]).await, file, "an empty variable says nothing");
    let listing = desk.run(&["config"]).await.json();
    assert_eq!(effective(&listing, "namespace"), ("c".to_owned(), "file".to_owned()));
    assert_eq!(effective(&listing, "api"), (format!("http://{}/", server.host), "environment".to_owned()));
}

#[tokio::test]
async fn an_empty_flag_or_setting_is_a_mistake_and_an_empty_variable_is_none() {
    let server = Running::start().await;
    let desk = Desk::at(&server.host);
    for name in ["api", "namespace", "token", "token-file", "output", "config"] {
        let ran = desk.run(&[&format!("--{name}="), "chat", "list"]).await;
        assert_eq!((ran.code, ran.out.as_str(), ran.err.contains(&format!("--{name}"))), (2, "", true), "{}", ran.err);
        let variable = format!("MICRO_{}", name.replace('-', "_").to_uppercase());
        let api = desk.api.clone();
        let ran = desk.run_with(&[(&variable, "")], &["--api", &api, "chat", "list"]).await;
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{name}");
    }
    let path = desk.folder().join("config.toml");
    for name in ["api", "namespace", "token", "token-file", "output"] {
        let ran = desk.run(&["config", "set", name, ""]).await;
        assert_eq!((ran.code, ran.err.contains(name), path.exists()), (2, true, false), "{}", ran.err);
    }
    std::fs::create_dir_all(desk.folder()).expect("a folder");
    for name in ["api", "namespace", "token", "token-file", "output"] {
        std::fs::write(&path, format!("{name} = \"\"\n")).expect("a file");
        let ran = desk.run(&["chat", "list"]).await;
        assert_eq!((ran.code, ran.err.contains(&format!("config.toml: {name} "))), (2, true), "{}", ran.err);
        // And it can be mended.
        assert_eq!(desk.run(&["config", "set", name]).await.code, 0);
        assert_eq!(desk.run(&["chat", "list"]).await.code, 0);
    }
}

#[tokio::test]
async fn a_token_is_taken_from_the_first_that_names_one() {
    let guarded = Guarded::start().await;
    let desk = Desk::at(&guarded.server.host);
    let file = desk.home.path().join("token");
    std::fs::write(&file, format!("{}\n", token("ann"))).expect("a file");
    let file = file.display().to_string();
    let who = async |environment: &[(&str, &str)], arguments: &[&str]| {
        desk.run_with(environment, &[arguments, &["whoami"]].concat()).await.json()["account"]["id"].clone()
    };
    let (ben, cleo) = (token("ben"), token("cleo"));
    let named = [("MICRO_TOKEN", ben.as_str())];
    assert_eq!(who(&named, &[]).await, "ben");
    assert_eq!(who(&named, &["--token-file", &file]).await, "ann", "a flag's file counts before a variable's token");
    assert_eq!(who(&named, &["--token", &cleo]).await, "cleo");
    assert_eq!(who(&[("MICRO_TOKEN_FILE", &file)], &[]).await, "ann");
    let both = desk.run_with(&[("MICRO_TOKEN_FILE", &file), named[0]], &["whoami"]).await;
    assert_eq!((both.code, both.err.contains(&ben)), (2, false), "{}", both.err);
    desk.run(&["config", "set", "api", &desk.api]).await;
    desk.run(&["config", "set", "token", &cleo]).await;
    assert_eq!(who(&[], &[]).await, "cleo");
    assert_eq!(who(&named, &[]).await, "ben");
    let listing = desk.run(&["config"]).await;
    assert_eq!(effective(&listing.json(), "token"), ("(hidden)".to_owned(), "file".to_owned()));
    // Another server than the file's is not told the file's token.
    let elsewhere = format!("{}/elsewhere", desk.api);
    assert!(!desk.run(&["--api", &elsewhere, "config"]).await.out.contains("hidden"));
    // Who misses it is told where it was kept back, and why.
    let why = format!("config.toml is for {}/, and was not sent to {elsewhere}/", desk.api);
    let ran = desk.run(&["--api", &elsewhere, "whoami"]).await;
    assert_eq!((ran.code, ran.err.contains(&why), ran.err.contains(&cleo)), (4, true, false), "{}", ran.err);
    desk.run(&["config", "set", "api", &elsewhere]).await;
    let why = format!("config.toml is for {elsewhere}/, and was not sent to {}/", desk.api);
    let ran = desk.run(&["chat", "new", "--user_ids=ann"]).await;
    assert_eq!((ran.code, ran.err.contains(&why), ran.err.contains(&cleo)), (4, true, false), "{}", ran.err);
    // Another token needs no such word.
    assert_eq!(who(&named, &[]).await, "ben");
}

#[tokio::test]
async fn a_configuration_file_that_was_named_has_to_be_there() {
    let server = Running::start().await;
    let desk = Desk::at(&server.host);
    let path = desk.home.path().join("nowhere/config.toml");
    let name = path.to_str().expect("a name");
    let (flag, variable) = (["--config", name], [("MICRO_CONFIG", name)]);
    for asks in [&["chat", "list"][..], &["whoami"], &["config"], &["config", "get", "api"]] {
        for ran in [desk.run(&[&flag, asks].concat()).await, desk.run_with(&variable, asks).await] {
            assert_eq!((ran.code, ran.err.contains("there is no such file")), (2, true), "{asks:?} {}", ran.err);
        }
    }
    // A variable that is empty names none, and without one there need not be any.
    assert_eq!(desk.run_with(&[("MICRO_CONFIG", "")], &["chat", "list"]).await.code, 0);
    assert_eq!(desk.run(&[&flag[..], &["config", "path"]].concat()).await.out.trim_end(), name);
    assert_eq!(desk.run_with(&variable, &["config", "set", "namespace", "club"]).await.code, 0);
    let listing = desk.run(&[&flag[..], &["config"]].concat()).await.json();
    assert_eq!(effective(&listing, "namespace"), ("club".to_owned(), "file".to_owned()));
}

#[tokio::test]
async fn the_file_is_changed_only_where_it_is_told_to_and_read_by_its_owner_only() {
    let desk = Desk::at("127.0.0.1:1");
    let path = desk.run(&["config", "path"]).await.out.trim_end().to_owned();
    assert_eq!(path, desk.folder().join("config.toml").display().to_string());
    std::fs::create_dir_all(desk.folder()).expect("a folder");
    std::fs::write(&path, "# ours\nnamespace = \"club\" # of friends\n").expect("a file");
    assert_eq!(desk.run(&["config", "set", "token", "secret"]).await.code, 0);
    let text = std::fs::read_to_string(&path).expect("a file");
    assert_eq!(text, "# ours\nnamespace = \"club\" # of friends\ntoken = \"secret\"\n");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).expect("a file").permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(desk.run(&["config", "get", "namespace"]).await.out, "club\n");
    assert_eq!(desk.run(&["config", "set", "namespace"]).await.code, 0);
    assert_eq!(desk.run(&["config", "get", "namespace"]).await.out, "");
    for wrong in [
        &["config", "set", "colour", "red"][..],
        &["config", "set", "api", "here"],
        &["config", "set", "output", "xml"],
    ] {
        let ran = desk.run(wrong).await;
        assert_eq!((ran.code, ran.err.lines().count()), (2, 1), "{}", ran.err);
    }
    std::fs::write(&path, "token = secret-of-mine\n").expect("a file");
    let ran = desk.run(&["config"]).await;
    assert_eq!((ran.code, ran.err.contains("secret-of-mine")), (2, false), "{}", ran.err);
}

#[tokio::test]
async fn no_token_leaves_the_machine_without_tls() {
    let desk = Desk::at("127.0.0.1:1");
    let call = ["--api=http://192.0.2.1", "--token=secret", "whoami"];
    let ran = desk.run(&call).await;
    assert_eq!((ran.code, ran.err.contains("--insecure")), (2, true), "{}", ran.err);
    let login =
        desk.fed(b"correct horse", &["--api=http://192.0.2.1", "login", "--email=a@b.c", "--password-stdin"]).await;
    assert_eq!((login.code, login.err.contains("--insecure")), (2, true), "{}", login.err);
    let delete = ["--api=http://192.0.2.1", "chats", "delete-user", "--user_id=ann", "--password-stdin", "--yes"];
    let ran = desk.fed(b"correct horse", &delete).await;
    assert_eq!((ran.code, ran.err.contains("--insecure")), (2, true), "{}", ran.err);
}

#[tokio::test]
async fn a_proxy_of_the_environment_sees_nothing_that_it_could_read() {
    let guarded = Guarded::start().await;
    let desk = Desk::at(&guarded.server.host);
    let proxy = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", proxy.local_addr().expect("an address"));
    let names = ["ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"];
    let ann = token("ann");
    let environment: Vec<_> =
        names.iter().map(|name| (*name, address.as_str())).chain([("MICRO_TOKEN", &*ann)]).collect();
    assert_eq!(desk.run_with(&environment, &["whoami"]).await.json()["account"]["id"], "ann");
    assert!(timeout(Duration::from_millis(200), proxy.accept()).await.is_err(), "it went through the proxy");
    // With TLS it goes that way, and the proxy is told where to, and no more.
    let seen = tokio::spawn(async move {
        let (mut stream, _) = proxy.accept().await.expect("somebody");
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            assert_ne!(stream.read_buf(&mut bytes).await.expect("a request"), 0);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    });
    let ran = desk.run_with(&environment, &["--api=https://chat.example.com", "whoami"]).await;
    assert_eq!(ran.code, 3, "{}", ran.err);
    let seen = timeout(PATIENCE, seen).await.expect("in time").expect("it reads");
    assert!(seen.starts_with("CONNECT chat.example.com:443 ") && !seen.contains(&ann), "{seen}");
}

#[tokio::test]
async fn what_is_wrong_in_a_setting_can_be_mended_with_the_program() {
    let desk = Desk::at("127.0.0.1:1");
    let path = desk.folder().join("config.toml");
    std::fs::create_dir_all(desk.folder()).expect("a folder");
    std::fs::write(&path, "output = \"xml\"\napi = 5\ncolour = \"red\"\n").expect("a file");
    let environment = [("MICRO_OUTPUT", "xml"), ("MICRO_TOKEN_FILE", "/nowhere"), ("MICRO_API", "ftp://x")];
    let run = async |arguments: &[&str]| desk.run_with(&environment, arguments).await;
    for asks in [&["config", "path"][..], &["config", "get", "output"], &["completions", "bash"], &["man", "chat"]] {
        let ran = run(asks).await;
        assert_eq!((ran.code, ran.out.is_empty(), ran.err.as_str()), (0, false, ""), "{asks:?}");
    }
    assert_eq!(run(&["chat", "new", "--user_ids=a"]).await.code, 2);
    assert_eq!(run(&["config"]).await.code, 2);
    for set in [&["config", "set", "output", "json"][..], &["config", "set", "api", "http://127.0.0.1:1"]] {
        let ran = run(set).await;
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    }
    let text = std::fs::read_to_string(&path).expect("a file");
    assert_eq!(text, "output = \"json\"\napi = \"http://127.0.0.1:1\"\ncolour = \"red\"\n");
}

#[tokio::test]
async fn a_token_is_set_without_being_said_on_the_command_line() {
    let guarded = Guarded::start().await;
    let desk = Desk::at(&guarded.server.host);
    desk.run(&["config", "set", "api", &desk.api]).await;
    let set = ["config", "set", "token", "-"];
    assert_eq!(desk.fed(format!("{}\n", token("ann")).as_bytes(), &set).await.code, 0);
    assert_eq!(desk.run(&["whoami"]).await.json()["account"]["id"], "ann");
    assert_eq!(desk.fed(b"\n", &set).await.code, 2);
    assert_eq!(desk.run(&["whoami"]).await.json()["account"]["id"], "ann", "nothing is no token");
}

#[tokio::test]
async fn nobody_is_somebody_where_nobody_has_to_be() {
    let server = Running::start().await;
    let ran = Desk::at(&server.host).run(&["whoami"]).await;
    assert_eq!((ran.code, ran.out.as_str()), (4, ""));
    assert!(ran.err.starts_with("micro: nobody: ") && !ran.err.contains("this server wants"), "{}", ran.err);
}
