//! What whoever runs a server tells it: mistakes are said in words, and what is printed says the same again.

use std::collections::BTreeMap;

use micro_chat_server::options::{self, Mistake, Told};

/// A command line, one argument in a line; behind an empty line the configuration file.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // A name to listen on is asked for in the network.
    if text.contains("listen") || text.contains('\0') {
        return;
    }
    let (arguments, file) = text.split_once("\n\n").unwrap_or((text, ""));
    let program = || ["micro-chat-server"].into_iter().map(str::to_owned);
    let read = |arguments: Vec<String>, file: &str| options::read(arguments, |_| Ok(file.to_owned()));
    match read(program().chain(arguments.lines().map(str::to_owned)).collect(), file) {
        Ok(Told::Run(_)) => {}
        Ok(Told::Print(printed)) => {
            let server = printed.lines().next().and_then(|line| line.trim_end_matches(" goes by.").rsplit(' ').next());
            let again = [server.expect("a server"), "--config=again", "--print-config"].map(str::to_owned);
            let Ok(Told::Print(second)) = read(program().chain(again).collect(), &printed) else {
                panic!("what is printed can be read: {printed}");
            };
            // What is hidden is not in the file.
            let second = values(&second);
            for (name, value) in values(&printed) {
                assert_eq!(second.get(name), Some(&value), "{name}");
            }
        }
        Err(Mistake::Usage(error)) => assert!(!error.to_string().is_empty()),
        Err(Mistake::Lines(lines)) => {
            assert!(
                !lines.is_empty() && lines.iter().all(|line| !line.is_empty() && !line.contains('\n')),
                "{lines:?}"
            );
        }
    }
}

/// What holds, without where it comes from.
fn values(printed: &str) -> BTreeMap<&str, &str> {
    printed.lines().filter_map(|line| line.split_once(" = ")).map(|(name, rest)| (name, without_source(rest))).collect()
}

fn without_source(line: &str) -> &str {
    line.rsplit_once(" # ").map_or(line, |(value, _)| value)
}
