//! What is printed of an answer: JSON for programs, tables for people.

use std::io::Write;

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, TableStyle};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{PrettyFormatter, Serializer};

use crate::failure::Failure;
use crate::plain;

/// How answers are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// As the server answers, with tabs.
    #[default]
    Json,
    /// For people.
    Table,
}

/// Prints an answer, as it came.
pub fn print(output: Output, answer: &str, columns: &[&str]) -> Result<(), Failure> {
    print_part(output, answer, columns, |_| None)
}

/// Prints an answer that may be a part of what there is. `next` is what asks for the next one.
pub fn print_part(
    output: Output,
    answer: &str,
    columns: &[&str],
    next: impl FnOnce(&Value) -> Option<String>,
) -> Result<(), Failure> {
    let text = match output {
        Output::Json => pretty(answer)?,
        Output::Table => table(answer, columns)?,
    };
    let mut out = std::io::stdout().lock();
    if !text.is_empty() {
        writeln!(out, "{text}")?;
    }
    out.flush()?;
    if output == Output::Table {
        continuation(answer, next);
    }
    Ok(())
}

/// Says beside a table whether it is all there is, and how to go on.
fn continuation(answer: &str, next: impl FnOnce(&Value) -> Option<String>) {
    let answer: Value = serde_json::from_str(answer).unwrap_or_default();
    if answer["has_more"] != true {
        return;
    }
    let how = next(&answer).map_or(String::new(), |next| format!("; they follow with {next}"));
    note(&format!("there are more{how}"));
}

/// Says something beside an answer.
pub fn note(text: &str) {
    // Nobody has to read it.
    let _ = writeln!(std::io::stderr(), "micro: {}", plain::line(text));
}

/// Prints what is no server's answer.
pub fn tell(output: Output, answer: &impl Serialize, columns: &[&str]) -> Result<(), Failure> {
    print(output, &serde_json::to_string(answer).map_err(unreadable)?, columns)
}

/// The answer in other white space; nothing else of it changes, what this program does not know included.
fn pretty(answer: &str) -> Result<String, Failure> {
    let mut bytes = Vec::with_capacity(answer.len() * 2);
    let mut writer = Serializer::with_formatter(&mut bytes, PrettyFormatter::with_indent(b"\t"));
    let mut reader = serde_json::Deserializer::from_str(answer);
    serde_transcode::transcode(&mut reader, &mut writer).map_err(unreadable)?;
    reader.end().map_err(unreadable)?;
    Ok(plain::json(&String::from_utf8_lossy(&bytes)))
}

/// A row for each thing in the answer's list, or a row for each thing said of the one.
fn table(answer: &str, columns: &[&str]) -> Result<String, Failure> {
    let answer: Value = serde_json::from_str(answer).map_err(unreadable)?;
    let Value::Object(mut fields) = answer else { return Ok(plain::line(&answer.to_string())) };
    let list = fields.values().find_map(Value::as_array);
    let is_list = list.is_some_and(|list| list.iter().all(Value::is_object));
    let mut table = Table::new();
    table.load_style(TableStyle::new()).set_content_arrangement(ContentArrangement::Dynamic);
    if let Some((_, width)) = console_size() {
        table.set_width(width);
    }
    if let (Some(list), true) = (list, is_list) {
        table.set_header(columns.iter().map(|column| column.to_uppercase()));
        for row in list {
            table.add_row(columns.iter().map(|column| cell_of(row, column)));
        }
    } else {
        // `{"group": {…}}` is about the group.
        if let (1, Some(Value::Object(inner))) = (fields.len(), fields.values().next()) {
            fields = inner.clone();
        }
        let named = columns.iter().filter_map(|column| Some((*column, fields.get(*column)?)));
        for (name, value) in named {
            table.add_row([name.to_uppercase(), value_of(name, value)]);
        }
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    Ok(lines.join("\n"))
}

/// Rows and columns of the terminal, if this is one.
fn console_size() -> Option<(u16, u16)> {
    console::Term::stdout().size_checked()
}

/// A cell that says, too, where there is more than it shows.
fn cell_of(row: &Value, column: &str) -> String {
    let text = value_of(column, &row[column]);
    match column {
        "unread" if row["more_unread"] == true => text + "+",
        "user_ids" if row["more_users"] == true => text + ", …",
        _ => text,
    }
}

/// What a column says; a moment is one of people's clocks, however the server writes it.
fn value_of(column: &str, value: &Value) -> String {
    let moment = match value {
        Value::Number(seconds) if column.ends_with("_at") => {
            seconds.as_i64().and_then(|at| Timestamp::from_second(at).ok())
        }
        Value::String(text) if column.ends_with("_at") => text.parse().ok(),
        _ => None,
    };
    moment.map_or_else(|| cell(value), |at: Timestamp| local(at).strftime("%Y-%m-%d %H:%M:%S").to_string())
}

/// A moment, as clocks show it here.
pub fn local(at: Timestamp) -> Zoned {
    at.to_zoned(TimeZone::system())
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => plain::lines(text, ""),
        Value::Object(message) if message.contains_key("text") => {
            let author = message.get("author_id").or_else(|| message.get("user_id"));
            format!("{}: {}", author.map(cell).unwrap_or_default(), message.get("text").map(cell).unwrap_or_default())
        }
        Value::Array(list) => list.iter().map(cell).collect::<Vec<_>>().join(", "),
        other => plain::line(&other.to_string()),
    }
}

fn unreadable(error: serde_json::Error) -> Failure {
    Failure::Unreachable(format!("the server's answer can't be read: {error}"))
}
