//! Copies the log into the database beside the writer, who would have to stop for it.
//!
//! Nearly all of a checkpoint is copying pages, which nobody has to wait for. What is committed meanwhile is left over,
//! and the writer copies that little itself between two commits: then the whole log is in the database, and begins
//! anew.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

/// Pages of 4 KiB in the log that are not yet in the database. Fewer would be copied more often than they have to be: a
/// page that is written again and again is copied once.
const MANY: i64 = 6_000;

/// The thread that copies.
#[derive(Debug)]
pub struct Checkpointer {
    begin: Sender<()>,
    done: Receiver<()>,
    is_copying: bool,
    thread: JoinHandle<()>,
}

impl Checkpointer {
    /// Takes over a connection of its own.
    pub fn start(connection: Connection) -> std::io::Result<Self> {
        let (begin, begins) = channel();
        let (is_done, done) = channel();
        let copying = move || {
            for () in begins {
                // A second time for what was committed during the first.
                for _ in 0..2 {
                    copy(&connection);
                }
                if is_done.send(()).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("store-checkpoint".to_owned()).spawn(copying)?;
        Ok(Self { begin, done, is_copying: false, thread })
    }

    /// The writer, whose connection that is, has just committed.
    pub fn committed(&mut self, connection: &Connection) {
        if self.is_copying {
            if self.done.try_recv().is_ok() {
                self.is_copying = false;
                copy(connection);
            }
        } else if uncopied(connection).is_ok_and(|pages| pages >= MANY) {
            // Where the thread is gone, SQLite's own checkpoint does it when the log is larger.
            self.is_copying = self.begin.send(()).is_ok();
        }
    }

    /// Ends when it copies no more.
    pub fn stop(self) {
        drop(self.begin);
        if self.thread.join().is_err() {
            tracing::error!("the checkpoint thread had panicked");
        }
    }
}

/// Copies all that can be copied now.
fn copy(connection: &Connection) {
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
        tracing::warn!(%error, "the log could not be copied into the database");
    }
}

/// Pages in the log that are not yet in the database.
fn uncopied(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("PRAGMA wal_checkpoint(NOOP)")?.query_row([], |row| {
        let (pages, copied): (i64, i64) = (row.get(1)?, row.get(2)?);
        Ok(pages - copied)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::schema;
    use std::time::{Duration, Instant};

    /// The log's pages, and how many of them are copied.
    fn log(connection: &Connection) -> (i64, i64) {
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(1)?, row.get(2)?));
        connection.query_row("PRAGMA wal_checkpoint(NOOP)", [], read).expect("the state of the log")
    }

    fn write(connection: &Connection, pages: i64) {
        connection.execute("CREATE TABLE IF NOT EXISTS large (data BLOB)", []).expect("a table");
        connection.execute("INSERT INTO large VALUES (zeroblob(?1))", [4_096 * pages]).expect("a commit");
    }

    #[test]
    fn the_log_is_copied_beside_the_writer_and_begins_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("chat.db");
        let writer = schema::open(&file).expect("a database");
        let mut checkpointer =
            Checkpointer::start(schema::open_to_copy(&file).expect("a connection")).expect("a thread");
        write(&writer, MANY / 2);
        checkpointer.committed(&writer);
        assert!(!checkpointer.is_copying, "so little is not copied yet");
        write(&writer, MANY);
        // What comes behind somebody who still reads can't be copied yet, as if it were committed meanwhile.
        let reader = schema::open_to_read(&file).expect("a connection");
        let reading = reader.unchecked_transaction().expect("a transaction");
        reading.query_row("SELECT COUNT(*) FROM chats", [], |_| Ok(())).expect("a read");
        write(&writer, 10);
        checkpointer.committed(&writer);
        let begun = Instant::now();
        while log(&writer).1 < MANY && begun.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let (pages, copied) = log(&writer);
        assert!(copied >= MANY && copied < pages, "{copied} of {pages}, and the writer did nothing for it");
        drop(reading);
        while checkpointer.is_copying && begun.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(5));
            checkpointer.committed(&writer);
        }
        let (pages, copied) = log(&writer);
        assert!(pages > MANY && copied == pages, "{copied} of {pages}");
        write(&writer, 1);
        assert!(log(&writer).0 < 100, "{:?}", log(&writer));
        checkpointer.stop();
    }
}
