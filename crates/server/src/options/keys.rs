//! API keys on the command line.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::auth::Scopes;
use crate::store::{ApiKey, rfc3339};

/// What is to be done with API keys.
#[derive(Debug, Args)]
pub struct Keys {
    /// One of these.
    #[command(subcommand)]
    pub command: Command,
    /// The folder of the database; a server may be running on it.
    #[arg(long, global = true, env = "MICRO_CHAT_DATA", default_value = "data")]
    pub data: PathBuf,
}

/// What can be done with API keys.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Makes a key and prints it: the only time that anybody sees it.
    Create {
        /// The namespace that it acts for.
        #[arg(long, value_parser = namespace)]
        namespace: String,
        /// What it is for: read, send, admin, with commas between. `admin` ends users' logins, exports and deletes
        /// users, deletes groups and puts members out.
        #[arg(long, value_name = "SCOPES", default_value = "read,send")]
        scope: Scopes,
        /// What to call it in lists.
        #[arg(long, default_value = "", value_parser = name)]
        name: String,
    },
    /// Lists the keys, without what would let somebody use them.
    List,
    /// Ends a key: within a second nothing that comes with it is let in, and its streams end.
    Revoke {
        /// As `keys list` prints it.
        id: String,
    },
}

/// What a list of keys is headed with.
const HEADING: [&str; 5] = ["ID", "NAMESPACE", "SCOPES", "NAME", "CREATED_AT"];

/// A line for each key: for programs with tabs, where more may follow behind what is there; for people with a heading,
/// and in columns.
pub fn list(keys: &[ApiKey], for_people: bool) -> String {
    let texts = |key: &ApiKey| {
        let ApiKey { id, namespace, name, scopes, created_at, hash: _ } = key.clone();
        [id, namespace, scopes, name, rfc3339(created_at)]
    };
    let rows = for_people.then(|| HEADING.map(str::to_owned)).into_iter().chain(keys.iter().map(texts));
    let rows: Vec<[String; 5]> = rows.collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 5] = std::array::from_fn(|column| if for_people { width(column) } else { 0 });
    let between = if for_people { "  " } else { "\t" };
    let line = |row: &[String; 5]| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("{}\n", cells.join(between))
    };
    rows.iter().map(line).collect()
}

/// What stays in its line and column, and tells a terminal nothing.
fn name(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_control) {
        return Err("a name is one line without tabs".to_owned());
    }
    Ok(text.to_owned())
}

/// What a header can carry.
pub fn namespace(text: &str) -> Result<String, String> {
    if !text.is_empty() && text.len() <= micro_chat_wire::limit::ID && text.bytes().all(|byte| byte.is_ascii_graphic())
    {
        Ok(text.to_owned())
    } else {
        Err("a namespace is 1 to 256 ASCII letters, digits and signs, without spaces".to_owned())
    }
}
