//! Shows and changes what the program goes by.

use clap::ValueEnum;
use serde_json::json;

use crate::answer;
use crate::failure::Failure;
use crate::options::{Config, ConfigCommand};
use crate::place::{self, Place, Source};
use crate::plain;

/// Does what was said.
pub fn run(place: &Place, config: Config) -> Result<(), Failure> {
    match config.command {
        None => show(place),
        Some(ConfigCommand::Path) => print(&place.settings.path.display().to_string()),
        Some(ConfigCommand::Get { key }) => place.settings.get(&key)?.map_or(Ok(()), print),
        Some(ConfigCommand::Set { key, value }) => {
            place::check(&key, value.as_deref())?;
            place::reread(place)?.set(&key, value.as_deref())
        }
    }
}

fn print(line: &str) -> Result<(), Failure> {
    use std::io::Write;
    Ok(writeln!(std::io::stdout(), "{}", plain::line(line))?)
}

/// What holds, and who says so. A token is nobody's to read over a shoulder.
fn show(place: &Place) -> Result<(), Failure> {
    let output = place.output.value.to_possible_value();
    let output = output.as_ref().map_or("", |output| output.get_name());
    let mut rows = vec![row("api", place.api.value.as_str(), place.api.source)];
    let namespace = place.namespace.as_ref();
    rows.push(row("namespace", place.namespace(), namespace.map_or(Source::Default, |namespace| namespace.source)));
    rows.extend(place.token.as_ref().map(|token| row("token", "(hidden)", token.source)));
    rows.push(row("output", output, place.output.source));
    answer::tell(place.output.value, &json!({ "settings": rows }), &["key", "value", "from"])
}

fn row(key: &str, value: &str, source: Source) -> serde_json::Value {
    let from = match source {
        Source::Default => "default",
        Source::File => "file",
        Source::Environment => "environment",
        Source::Flag => "flag",
    };
    json!({ "key": key, "value": value, "from": from })
}
