//! Whether a database is sound. It only reads, beside a server or without one, and sees one moment of it all.
//!
//! Of a chat, each `seq` from `first_seq` to `last_seq` belongs to a message, or to a tombstone where the message was
//! deleted. One that belongs to neither was lost. Before `first_seq` nothing is looked for: what was there has been
//! removed. Nor in deleted chats, which are in no namespace, and whose messages go a few at a time; but they
//! hold nothing of anybody once `first_seq` says that all is gone.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, params};

use super::folder::database;
use super::{ChatKey, StoreError, schema};

/// SQLite stops there; what is broken so often is broken.
const MOST: u32 = 100;

/// What was found.
#[derive(Debug, Default)]
pub struct Checked {
    /// Chats, the deleted ones included.
    pub chats: u64,
    /// Messages.
    pub messages: u64,
    /// What is wrong, in a line each.
    pub findings: Vec<String>,
}

/// Looks at all of the database in `folder`.
pub fn check(folder: &Path) -> Result<Checked, StoreError> {
    let file = database(folder)?;
    let failed = |error: rusqlite::Error| StoreError::NotADatabase(file.clone(), error.to_string());
    let connection = schema::open_to_read(&file).map_err(|error| match error {
        StoreError::Sqlite(error) => failed(error),
        other => other,
    })?;
    // One moment: what is written meanwhile is not half there.
    connection.execute_batch("BEGIN").map_err(failed)?;
    if !connection.table_exists(None, "chats").map_err(failed)? {
        return Err(StoreError::NotADatabase(file, "it holds no chats".to_owned()));
    }
    let mut checked = Checked::default();
    match integrity(&connection, &mut checked.findings) {
        Ok(()) => {}
        // Some damage ends SQLite's own look at it.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => {
            checked.findings.push(format!("the file is damaged: {error}"));
        }
        Err(error) => return Err(failed(error)),
    }
    let is_readable = checked.findings.is_empty();
    // What SQLite can't read well may fail any further question: that is no more than another finding.
    if let Err(error) = look(&connection, &mut checked) {
        if is_readable {
            return Err(failed(error));
        }
        checked.findings.push(format!("the rest can't be read: {error}"));
    }
    Ok(checked)
}

fn integrity(connection: &Connection, findings: &mut Vec<String>) -> rusqlite::Result<()> {
    let mut pragma = connection.prepare(&format!("PRAGMA integrity_check({MOST})"))?;
    let lines = pragma.query_map([], |row| row.get::<_, String>(0))?;
    for line in lines {
        let line = line?;
        if line != "ok" {
            findings.push(format!("the file is damaged: {}", line.replace(char::is_control, " ")));
        }
    }
    Ok(())
}

fn look(connection: &Connection, checked: &mut Checked) -> rusqlite::Result<()> {
    references(connection, &mut checked.findings)?;
    let has = |table: &str| connection.table_exists(None, table);
    if has("groups")? {
        members(connection, &mut checked.findings)?;
    }
    left_behind(connection, &mut checked.findings)?;
    checked.messages = connection.query_row("SELECT COUNT(*) FROM messages", [], |row| row.get(0))?;
    let mut chats = connection.prepare("SELECT chat, namespace = '', first_seq, last_seq FROM chats ORDER BY chat")?;
    let mut rows = chats.query([])?;
    // A chat without a deleted message has none; nor had any chat, before there were tombstones.
    let has_tombstones = has("tombstones")?;
    while let Some(row) = rows.next()? {
        let chat = Bounds { key: row.get(0)?, is_deleted: row.get(1)?, first_seq: row.get(2)?, last_seq: row.get(3)? };
        checked.chats += 1;
        chat.check(connection, has_tombstones, &mut checked.findings)?;
    }
    Ok(())
}

/// Rows that belong to rows that are not there: members and messages of no chat, among others.
fn references(connection: &Connection, findings: &mut Vec<String>) -> rusqlite::Result<()> {
    let mut broken = connection
        .prepare("SELECT \"table\", parent, COUNT(*) FROM pragma_foreign_key_check GROUP BY 1, 2 ORDER BY 1, 2")?;
    let mut rows = broken.query([])?;
    while let Some(row) = rows.next()? {
        let (table, parent, count): (String, String, u64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        findings.push(format!("{count} rows of {table} belong to rows of {parent} that are not there"));
    }
    Ok(())
}

/// Groups say how many members they have.
fn members(connection: &Connection, findings: &mut Vec<String>) -> rusqlite::Result<()> {
    let mut wrong = connection.prepare(
        "SELECT chat, members, (SELECT COUNT(*) FROM members WHERE members.chat = groups.chat) AS counted
         FROM groups WHERE groups.members <> counted ORDER BY chat",
    )?;
    let mut rows = wrong.query([])?;
    while let Some(row) = rows.next()? {
        let (chat, said, counted): (ChatKey, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let chat = name(connection, chat)?;
        findings.push(format!("{chat}: the group is said to have {said} members and has {counted}"));
    }
    Ok(())
}

/// Deleted chats hold nothing once they say so, and nobody looks for more.
fn left_behind(connection: &Connection, findings: &mut Vec<String>) -> rusqlite::Result<()> {
    for table in ["members", "traces", "expired", "tombstones", "messages"] {
        // Databases of before have fewer tables.
        if !connection.table_exists(None, table)? {
            continue;
        }
        let mut select = connection.prepare(&format!(
            "SELECT chat, COUNT(*) FROM chats CROSS JOIN {table} USING (chat)
             WHERE namespace = '' AND first_seq > last_seq GROUP BY chat ORDER BY chat"
        ))?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let (chat, count): (ChatKey, u64) = (row.get(0)?, row.get(1)?);
            findings.push(format!("{}: {count} rows of {table} are left", name(connection, chat)?));
        }
    }
    Ok(())
}

/// What a finding calls a chat: as calls do, in quotation marks, since names may be anything. Only one that nobody can
/// name any more, as it was deleted or never was, is called by its row.
fn name(connection: &Connection, chat: ChatKey) -> rusqlite::Result<String> {
    let mut select =
        connection.prepare_cached("SELECT namespace, id FROM chats WHERE chat = ?1 AND namespace <> ''")?;
    let text = |row: &Row<'_>, column: usize| {
        // Also what no server would have written.
        Ok::<_, rusqlite::Error>(match row.get_ref(column)? {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            other => format!("{other:?}"),
        })
    };
    let named = select.query_row([chat], |row| Ok((text(row, 0)?, text(row, 1)?))).optional()?;
    Ok(match named {
        Some((namespace, id)) => format!("chat {id:?} of namespace {namespace:?}"),
        None => format!("the chat in row {chat}, which is deleted"),
    })
}

/// Between what and what a chat's messages lie.
struct Bounds {
    key: ChatKey,
    is_deleted: bool,
    first_seq: i64,
    last_seq: i64,
}

impl Bounds {
    fn check(&self, connection: &Connection, has_tombstones: bool, findings: &mut Vec<String>) -> rusqlite::Result<()> {
        let Self { key, first_seq, last_seq, .. } = *self;
        if first_seq < 1 || first_seq > last_seq + 1 {
            let chat = name(connection, key)?;
            findings.push(format!("{chat}: first_seq {first_seq} does not fit last_seq {last_seq}"));
        }
        let newest: Option<i64> = connection
            .prepare_cached("SELECT MAX(seq) FROM messages WHERE chat = ?1")?
            .query_row([key], |row| row.get(0))?;
        if let Some(newest) = newest.filter(|newest| *newest > last_seq) {
            let chat = name(connection, key)?;
            findings.push(format!("{chat}: last_seq {last_seq} is behind the newest message, {newest}"));
        }
        if self.is_deleted { Ok(()) } else { self.holes(connection, has_tombstones, findings) }
    }

    /// Places that are nobody's, side by side in one finding.
    fn holes(&self, connection: &Connection, has_tombstones: bool, findings: &mut Vec<String>) -> rusqlite::Result<()> {
        let Self { key, first_seq, last_seq, .. } = *self;
        let within = "WHERE chat = ?1 AND seq BETWEEN ?2 AND ?3";
        let messages = format!("SELECT seq FROM messages {within}");
        // Both lie in this order: they are merged as they are read.
        let places = if has_tombstones {
            format!("{messages} UNION SELECT seq FROM tombstones {within} ORDER BY seq")
        } else {
            format!("{messages} ORDER BY seq")
        };
        let mut select = connection.prepare_cached(&places)?;
        let mut rows = select.query(params![key, first_seq, last_seq])?;
        let mut next = first_seq;
        let mut hole = |from: i64, to: i64| {
            let words = match to - from {
                ..0 => return Ok(()),
                0 => format!("seq {from} is missing, and was not deleted"),
                1.. => format!("seq {from} to {to} are missing, and were not deleted"),
            };
            findings.push(format!("{}: {words}", name(connection, key)?));
            Ok(())
        };
        while let Some(row) = rows.next()? {
            let seq: i64 = row.get(0)?;
            hole(next, seq - 1)?;
            next = seq + 1;
        }
        hole(next, last_seq)
    }
}
