//! Shows and changes what the program goes by.

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use serde_json::json;

use crate::account;
use crate::answer;
use crate::failure::Failure;
use crate::options::ConfigCommand;
use crate::place::{self, ConfigFile, Place, Source};
use crate::plain;
use crate::settings::Settings;

/// Shows or changes what the file says. Whatever else is wrong in it, this is how to mend it.
pub fn run(file: &ConfigFile, command: ConfigCommand) -> Result<(), Failure> {
    let path = &file.path;
    match command {
        ConfigCommand::Path => print(&path.display().to_string()),
        ConfigCommand::Get { key } => {
            file.check()?;
            Settings::read(path)?.get(&key)?.map_or(Ok(()), print)
        }
        ConfigCommand::Set { key, value } => {
            let value = match value {
                Some(value) if value == "-" && key == "token" => Some(token()?),
                value => value,
            };
            place::check(&key, value.as_deref())?;
            Settings::read(path)?.set(&key, value.as_deref())
        }
    }
}

/// A token that no list of processes shows.
fn token() -> Result<String, Failure> {
    let token = if io::stdin().is_terminal() { account::secret("Token: ")? } else { account::line()? };
    match token.trim() {
        "" => Err(Failure::Usage("there is no token in the input".to_owned())),
        token => Ok(token.to_owned()),
    }
}

fn print(line: &str) -> Result<(), Failure> {
    Ok(writeln!(std::io::stdout(), "{}", plain::line(line))?)
}

/// What holds, and who says so. A token is nobody's to read over a shoulder.
pub fn show(place: &Place) -> Result<(), Failure> {
    let output = place.output.value.to_possible_value();
    let output = output.as_ref().map_or("", |output| output.get_name());
    let mut rows = vec![row("api", place.api.value.as_str(), place.api.source)];
    rows.push(match &place.namespace {
        Some(namespace) => row("namespace", &namespace.value, namespace.source),
        None if place.token.is_some() => row("namespace", "(the token's)", Source::Default),
        None => row("namespace", place.namespace(), Source::Default),
    });
    rows.extend(place.token.as_ref().map(|token| row("token", "(hidden)", token.source)));
    rows.extend(place.withheld.as_ref().map(|_| row("token", "(for another server, not sent)", Source::File)));
    rows.push(row("output", output, place.output.source));
    answer::tell(place.output.value, &json!({ "settings": rows }), &["key", "value", "from"])
}

fn row(key: &str, value: &str, source: Source) -> serde_json::Value {
    json!({ "key": key, "value": value, "from": source.name() })
}
