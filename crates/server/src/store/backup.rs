//! Copies of the database: made while it is in use, and put back in its place.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OpenFlags, params};

use super::folder::{DATABASE, Folder, SIGNING_KEY, database};
use super::{StoreError, schema};

/// Writes a copy of the database in `folder` to `file`, as it stands at its last commit. A server may be using it.
pub fn back_up(folder: &Path, file: &Path) -> Result<(), StoreError> {
    if file.exists() {
        return Err(StoreError::Exists(file.to_owned()));
    }
    copy(&look_at(&database(folder)?)?, file)
}

/// Puts the copy `file` in the place of the database in `folder`, which no server may be using. The one that was there
/// is kept beside it: returns where, if there was one.
///
/// From here on the chats give out `seq`s that readers may know from what the copy does not hold, for other messages.
/// So each chat gets a new epoch: readers learn that their cursors mean nothing any more. What the copy does not hold
/// either is which logins have ended since: everybody has to log in again.
pub fn restore(folder: &Path, file: &Path) -> Result<Option<PathBuf>, StoreError> {
    let backup = look_at(file)?;
    let folder = Folder::take(folder)?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);

    // All that can go wrong goes wrong here, beside the database.
    let fresh = folder.file("restoring.db");
    for name in ["restoring.db", "restoring.db-wal", "restoring.db-shm"] {
        remove(&folder.file(name))?;
    }
    copy(&backup, &fresh)?;
    let connection = schema::open(&fresh)?;
    connection.execute("UPDATE chats SET epoch = MAX(epoch + 1, ?1)", params![now])?;
    connection.execute_batch("DELETE FROM logins; DELETE FROM ended_logins; DELETE FROM codes")?;
    connection.close().map_err(|(_, error)| error)?;
    sync(&fresh)?;

    let database = folder.file(DATABASE);
    if database.exists() {
        // What is only in its log, if it can still be read, so that it lacks nothing at any moment of what follows.
        fold_in(&database);
    }
    let replaced = folder.file(&format!("replaced-{now}.db"));
    let was_there = database.exists();
    if was_there {
        let failed = |error| StoreError::File(replaced.clone(), error);
        fs::hard_link(&database, &replaced).map_err(failed)?;
        // Its log goes with it: beside another database it would be taken for that one's.
        let log = folder.file("chat.db-wal");
        if log.exists() {
            fs::rename(&log, folder.file(&format!("replaced-{now}.db-wal"))).map_err(failed)?;
        }
        remove(&folder.file("chat.db-shm"))?;
        folder.sync()?;
    }
    // Without it no access token is good any more; the server makes another.
    remove(&folder.file(SIGNING_KEY))?;
    fs::rename(&fresh, &database).map_err(|error| StoreError::File(database, error))?;
    folder.sync()?;
    Ok(was_there.then_some(replaced))
}

/// Copies a database's log into it, as well as that goes: it may be damaged, which is why it is replaced.
fn fold_in(database: &Path) {
    let folded = Connection::open(database)
        .and_then(|connection| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())));
    if let Err(error) = folded {
        tracing::warn!(%error, "what is only in the replaced database's log stays there");
    }
}

/// Opens a database to read it, if it is one of ours and whole.
fn look_at(file: &Path) -> Result<Connection, StoreError> {
    let no_backup = |reason: String| StoreError::NotADatabase(file.to_owned(), reason);
    let sqlite = |error: rusqlite::Error| no_backup(error.to_string());
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags).map_err(sqlite)?;
    let state: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(sqlite)?;
    if state != "ok" {
        return Err(no_backup(state));
    }
    if connection.table_exists(None, "chats").map_err(sqlite)? {
        Ok(connection)
    } else {
        Err(no_backup("it holds no chats".to_owned()))
    }
}

/// Writes all that a connection sees to a new file.
fn copy(connection: &Connection, file: &Path) -> Result<(), StoreError> {
    let name =
        file.to_str().ok_or_else(|| StoreError::File(file.to_owned(), std::io::ErrorKind::InvalidFilename.into()))?;
    connection.execute("VACUUM INTO ?1", [name])?;
    sync(file)
}

fn sync(file: &Path) -> Result<(), StoreError> {
    let synced = File::open(file).and_then(|opened| opened.sync_all());
    synced.map_err(|error| StoreError::File(file.to_owned(), error))
}

/// Removes a file, if it is there.
fn remove(file: &Path) -> Result<(), StoreError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(StoreError::File(file.to_owned(), error)),
        _ => Ok(()),
    }
}
