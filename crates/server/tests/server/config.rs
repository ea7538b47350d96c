//! Options by flags, the environment and a file: the same names, and one order.

use std::collections::BTreeMap;
use std::process::{Command, Output};

use micro_chat_server::options;
use tempfile::TempDir;

use crate::guarded::{SECRET, key_file};

/// The servers that options are for.
const SERVERS: [&str; 2] = ["dev", "serve"];

/// What a value of an option can look like, by what its help calls it.
fn value(name: &str) -> [&'static str; 3] {
    match name {
        "FILE" | "data" | "DATA" | "FOLDER" => ["one", "two", "three"],
        "NAME" => ["one.example", "two.example", "three.example"],
        "ADDRESS:PORT" => ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"],
        "SECONDS" => ["1", "2.5", "3"],
        "URL" => ["https://one.example/jwks", "https://two.example/jwks", "http://127.0.0.1/three"],
        "ORIGIN" => ["https://one.example", "https://two.example", "https://three.example"],
        "TERM" => ["90d", "micro=3d", "off"],
        "FORMAT" => ["json", "human", "json"],
        "RATE" => ["1/s", "2/min:5", "off"],
        "PORT" | "NUMBER" | "BYTES" => ["1", "2", "3"],
        "true|false" => ["true", "false", "true"],
        _ => ["one", "two", "three"],
    }
}

/// The program, with nothing in its environment that would be an option.
fn program(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_micro-chat-server"));
    let ours = |name: &String| name.starts_with("MICRO_CHAT_") || name == "PORT";
    for name in std::env::vars().map(|(name, _)| name).filter(ours) {
        command.env_remove(name);
    }
    command.args(arguments).envs(environment.iter().copied()).output().expect("it runs")
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("text")
}

/// What holds: each option's line by its name.
fn listing(output: Output) -> BTreeMap<String, String> {
    assert!(output.status.success(), "{}", text(output.stderr));
    let name = |line: &str| line.split_once(" = ").map(|(name, rest)| (name.to_owned(), rest.to_owned()));
    text(output.stdout).lines().filter_map(name).collect()
}

/// A file of options, in a folder of its own.
fn file(content: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = key_file(folder.path(), "chat.toml", content);
    let name = file.to_str().expect("a name").to_owned();
    (folder, name)
}

/// What is said of a command line that does not work: its lines.
fn refused(arguments: &[&str], environment: &[(&str, &str)]) -> Vec<String> {
    let output = program(arguments, environment);
    assert!(!output.status.success());
    text(output.stderr).lines().map(str::to_owned).collect()
}

#[test]
fn every_option_can_be_given_in_three_ways_and_the_flag_comes_first_and_the_file_last() {
    let known = options::command();
    let mut tried = 0;
    for server in SERVERS {
        let command = known.find_subcommand(server).expect("a command");
        let is_own = |name: &str| ["config", "print-config"].contains(&name);
        let options = command.get_arguments().filter(|option| option.get_long().is_some_and(|name| !is_own(name)));
        for option in options {
            let name = option.get_long().expect("a name");
            let expected = format!("MICRO_CHAT_{}", name.to_uppercase().replace('-', "_"));
            let variable = option.get_env().and_then(|name| name.to_str()).expect("a variable");
            assert!(variable == expected || name == "port", "{variable}");
            let shown = option.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str());
            let [by_flag, by_variable, by_file] = value(shown);
            // Numbers and switches are not quoted.
            let is_bare = ["PORT", "true|false"].contains(&shown) || (shown == "SECONDS");
            let quoted = |value: &str| if is_bare { value.to_owned() } else { format!("{value:?}") };
            let (_folder, path) = file(&format!("# Options\n{name} = {}\n", quoted(by_file)));
            let flag = format!("--{name}={by_flag}");
            let all = [server, "--print-config", "--config", &path, &flag];
            for (arguments, environment, value, source) in [
                (&all[..], &[(variable, by_variable)][..], by_flag, "# flag".to_owned()),
                (&all[..4], &[(variable, by_variable)], by_variable, format!("# environment: {variable}")),
                (&all[..4], &[], by_file, format!("# {path}:2")),
            ] {
                let listed = listing(program(arguments, environment));
                let line = listed.get(name).unwrap_or_else(|| panic!("{server} {name} {listed:?}"));
                assert!(line.trim_start_matches(['[', '"']).starts_with(value), "{server} {name}: {line}");
                assert!(line.ends_with(&source), "{server} {name}: {line}");
            }
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried}");
}

#[test]
fn what_is_printed_is_a_file_that_says_the_same() {
    let (_folder, path) = file(
        "origin = [\"https://a.example\", \"https://b.example\"]\nport = 9_000\nheartbeat = 0.5\nbehind-proxy = true\n\
         data = \"it’s \\\"mine\\\" \\\\ #1\"\n\
         user-claim = \"in\\nlines \\u007f # \"\n",
    );
    let environment = [("MICRO_CHAT_TOKEN_KEY", "one,two"), ("MICRO_CHAT_CONFIG", path.as_str())];
    let first = program(&["serve", "--print-config", "--limit-sends", "5/min:3"], &environment);
    let printed = text(first.stdout.clone());
    let (_other, again) = file(&printed);
    let second = listing(program(&["serve", "--print-config", "--config", &again], &[]));
    let first = listing(first);
    assert!(first.len() > 15 && first.len() == second.len(), "{printed}");
    let value = |line: &String| line.split(" # ").next().map(str::to_owned);
    for (name, line) in &first {
        assert_eq!(value(line), second.get(name).and_then(value), "{name}");
        assert!(second[name].contains(&again), "{name} is in the file now");
    }
    assert_eq!(value(&first["token-key"]).expect("a value"), r#"["one", "two"]"#);
    assert_eq!(value(&first["port"]).expect("a value"), "9000");
}

#[test]
fn a_flag_can_say_no_where_a_file_says_yes() {
    let (_folder, path) = file("behind-proxy = true\n");
    let listed = |arguments: &[&str]| {
        let all = [&["serve", "--print-config", "--config", &path], arguments].concat();
        listing(program(&all, &[]))["behind-proxy"].clone()
    };
    assert!(listed(&[]).starts_with("true"));
    assert!(listed(&["--behind-proxy=false"]).starts_with("false"));
}

#[test]
fn what_is_wrong_in_a_file_is_said_in_a_line_with_its_place() {
    for (content, said) in [
        ("\n\ntoken_key = 'a'\n", ":3: there is no option \"token_key\"; did you mean token-key?"),
        ("port = 8080\nprot = 1\n", ":2: there is no option \"prot\"; did you mean port?"),
        ("xyzzy = 1\n", ":1: there is no option \"xyzzy\"; micro-chat-server serve --help lists them all"),
        ("config = 'other.toml'\n", ":1: there is no option \"config\""),
        ("port = '8080'\n", ":1: port takes a number"),
        ("port = 80.5\n", ":1: port takes a number"),
        ("port = 80800\n", ":1: port: "),
        ("data = 5\n", ":1: data takes a text, in quotes"),
        ("data = ['a']\n", ":1: data takes a text, in quotes"),
        ("origin = ['https://a.example', 5]\n", ":1: origin takes a text, in quotes, or a list of such"),
        ("origin = ['https://a.example/path']\n", ":1: origin: it looks like https://example.com, without a path"),
        ("heartbeat = 0\n", ":1: heartbeat: it lies between 0.1 and 3600"),
        ("behind-proxy = 'yes'\n", ":1: behind-proxy takes true or false"),
        ("[serve]\nport = 1\n", ":1: there is no option \"serve\""),
        ("limit-sends = 'many'\n", ":1: limit-sends: it looks like 20/s:200"),
        ("port = 1\nport = 2\n", ":2: this is no TOML: duplicate key"),
        ("port = \n", ":1: this is no TOML: "),
        ("port 8080", ":1: this is no TOML: "),
    ] {
        let (_folder, path) = file(content);
        let lines = refused(&["serve", "--config", &path], &[]);
        let expected = format!("micro-chat-server: {path}{said}");
        assert!(lines.len() == 1 && lines[0].starts_with(&expected), "{content}: {lines:?}");
    }
    let (_folder, path) = file("prot = 1\nheartbeat = true\n");
    let lines = refused(&["dev", "--config", &path], &[]);
    assert!(lines.len() == 2 && lines[0].contains(":1: ") && lines[1].contains(":2: "), "{lines:?}");
    let lines = refused(&["dev", "--config", "/nowhere/chat.toml"], &[]);
    assert!(lines.len() == 1 && lines[0].contains("can't read /nowhere/chat.toml"), "{lines:?}");
}

#[test]
fn serve_says_all_that_is_missing_in_a_line_each() {
    let data = tempfile::tempdir().expect("a folder");
    let folder = data.path().to_str().expect("a name");
    let serve = |arguments: &[&str]| refused(&[&["serve", "--data", folder], arguments].concat(), &[]);
    let has = |lines: &[String], words: &[&str]| {
        assert_eq!(lines.len(), words.len(), "{lines:?}");
        words.iter().for_each(|words| assert!(lines.iter().any(|line| line.contains(words)), "{words}: {lines:?}"));
    };
    has(&serve(&["--port", "0"]), &["nobody could log in"]);
    has(&serve(&["--listen", "0.0.0.0:0"]), &["there is no TLS on 0.0.0.0", "nobody could log in"]);
    let none = data.path().join("none");
    let none = none.to_str().expect("a name");
    has(&serve(&["--token-key", none, "--tls-cert", none]), &["can't read the key", "--tls-cert needs --tls-key"]);
    has(&serve(&["--tls-key", none]), &["--tls-key needs --tls-cert", "nobody could log in"]);
    let secret = key_file(data.path(), "secret", SECRET);
    let tls = ["--tls-cert", none, "--tls-key", none, "--token-key", secret.to_str().expect("a name")];
    has(&serve(&tls), &["can't read a certificate"]);
    has(&serve(&[&tls[..], &["--behind-proxy"]].concat()), &["leave one of them out"]);
}

/// All that the program says of a configuration: what it prints, what it refuses, what it helps with.
fn everything_said(path: &str, data: &str, environment: &[(&str, &str)]) -> String {
    let mut said = String::new();
    for arguments in [
        &["serve", "--config", path, "--print-config"][..],
        &["serve", "--config", path, "--help"],
        &["serve", "--config", path, "--listen", "0.0.0.0:0", "--data", data],
    ] {
        let output = program(arguments, environment);
        said.push_str(&text(output.stdout));
        said.push_str(&text(output.stderr));
    }
    said
}

#[test]
fn secrets_are_not_shown() {
    let (folder, path) = file("token-issuer = \"https://user:hunter2@login.example\"\n");
    let audience = [("MICRO_CHAT_TOKEN_AUDIENCE", "https://login.example/?key=hunter3")];
    let said = everything_said(&path, folder.path().to_str().expect("a name"), &audience);
    assert!(!said.contains("hunter"), "{said}");
    assert!(said.contains("# token-issuer is hidden") && said.contains("# token-audience is hidden"), "{said}");
}
