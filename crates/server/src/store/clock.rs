//! The time that is written. A clock may be set back; what is written while somebody is being deleted is written behind
//! the beginning of that all the same: what it says of a time decides whose it is.

use std::cell::Cell;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::Connection;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Nanos;

thread_local! {
    /// Of the one thread that writes: nothing is before this.
    static FLOOR: Cell<Nanos> = const { Cell::new(0) };
}

/// This moment.
pub fn now() -> Nanos {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Nanos::try_from(since.as_nanos()).unwrap_or(Nanos::MAX).max(FLOOR.get())
}

/// From here on, every moment of this thread is behind the beginnings of all deletions that are not done.
pub fn stand_behind_deletions(connection: &Connection) -> rusqlite::Result<()> {
    let newest =
        connection.query_row("SELECT coalesce(max(at), -1) FROM deletions", [], |row| row.get::<_, Nanos>(0))?;
    FLOOR.set(newest.saturating_add(1));
    Ok(())
}

/// A time for people and programs: RFC 3339, in UTC.
pub fn rfc3339(at: Nanos) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(at.into())
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_default()
}
