//! The tables, and how a connection is set up.

use std::io::ErrorKind;
use std::path::Path;

use rusqlite::{Connection, MAIN_DB, OpenFlags};
use rusqlite_migration::{M, Migrations};

use super::StoreError;
use crate::broken::{self, Broken};

/// Each step once, in order; SQLite's `user_version` counts them.
const STEPS: &[M<'static>] = &[
    M::up(
        "
    CREATE TABLE chats (
        chat       INTEGER PRIMARY KEY,
        namespace  TEXT NOT NULL,
        id         TEXT NOT NULL,
        user_set   BLOB,                        -- SHA-256 of whom it was created for; groups have none
        epoch      INTEGER NOT NULL,            -- at first the milliseconds of created_at
        first_seq  INTEGER NOT NULL DEFAULT 1,
        last_seq   INTEGER NOT NULL DEFAULT 0,
        created_at INTEGER NOT NULL,            -- nanoseconds
        UNIQUE (namespace, id)
    );
    CREATE UNIQUE INDEX chats_by_user_set ON chats (namespace, user_set) WHERE user_set IS NOT NULL;

    CREATE TABLE members (
        chat    INTEGER NOT NULL REFERENCES chats,
        user_id TEXT NOT NULL,
        PRIMARY KEY (chat, user_id)
    ) WITHOUT ROWID;

    -- Clustered on (chat, seq): a page of a chat is one walk, wherever it begins.
    CREATE TABLE messages (
        chat      INTEGER NOT NULL REFERENCES chats,
        seq       INTEGER NOT NULL,
        id        TEXT NOT NULL,
        client_id TEXT NOT NULL,
        user_id   TEXT NOT NULL,
        subject   TEXT NOT NULL,
        text      TEXT NOT NULL,
        sent_at   INTEGER NOT NULL,             -- nanoseconds
        PRIMARY KEY (chat, seq)
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX messages_by_client_id ON messages (chat, user_id, client_id);
    -- Only ids that a client chose can be asked for again; those the server makes cost no entry here.
    CREATE UNIQUE INDEX messages_by_chosen_id ON messages (chat, id) WHERE id = client_id;
    ",
    ),
    M::up(
        "
    -- What was refused for being late: a copy that is still under way must not be stored behind its refusal.
    CREATE TABLE expired (
        chat      INTEGER NOT NULL REFERENCES chats,
        user_id   TEXT NOT NULL,
        client_id TEXT NOT NULL,
        PRIMARY KEY (chat, user_id, client_id)
    ) WITHOUT ROWID;
    ",
    ),
    M::up(
        "
    -- Of a key there is only what recognises it.
    CREATE TABLE api_keys (
        id         TEXT PRIMARY KEY,
        namespace  TEXT NOT NULL,
        name       TEXT NOT NULL,
        scopes     TEXT NOT NULL,
        hash       BLOB NOT NULL,               -- SHA-256
        created_at INTEGER NOT NULL             -- nanoseconds
    ) WITHOUT ROWID;

    -- Tokens that were issued up to then are good no more.
    CREATE TABLE cutoffs (
        namespace TEXT NOT NULL,
        user_id   TEXT NOT NULL,
        at        INTEGER NOT NULL,             -- seconds
        PRIMARY KEY (namespace, user_id)
    ) WITHOUT ROWID;

    -- A chat that has a name, and members that come and go.
    CREATE TABLE groups (
        chat        INTEGER PRIMARY KEY REFERENCES chats,
        namespace   TEXT NOT NULL,
        name        TEXT NOT NULL,
        description TEXT NOT NULL,
        creator     TEXT NOT NULL,              -- empty where nobody was known
        private     INTEGER NOT NULL,           -- 1: by invitation only
        members     INTEGER NOT NULL DEFAULT 0  -- how many there are
    );
    CREATE INDEX groups_by_namespace ON groups (namespace, chat);
    CREATE INDEX members_by_user ON members (user_id, chat);
    -- Deleted chats, in no namespace, that still have messages.
    CREATE INDEX chats_to_sweep ON chats (chat) WHERE namespace = '' AND first_seq <= last_seq;
    ",
    ),
    M::up(
        "
    -- Who logs in with a password. Of that there is only its argon2id hash.
    CREATE TABLE accounts (
        account    INTEGER PRIMARY KEY,
        namespace  TEXT NOT NULL,
        user_id    TEXT NOT NULL,
        email      TEXT NOT NULL,               -- in lower case
        secret     TEXT NOT NULL,
        created_at INTEGER NOT NULL,            -- nanoseconds
        UNIQUE (namespace, user_id),
        UNIQUE (namespace, email)
    );

    -- User ids of accounts that are gone. Who got one anew would get the chats that it is a member of.
    CREATE TABLE former_ids (
        namespace TEXT NOT NULL,
        user_id   TEXT NOT NULL,
        PRIMARY KEY (namespace, user_id)
    ) WITHOUT ROWID;

    -- Who is logged in: the SHA-256 of the refresh token that is good, and of the one before it.
    CREATE TABLE logins (
        login      TEXT PRIMARY KEY,
        account    INTEGER NOT NULL REFERENCES accounts,
        current    BLOB NOT NULL,
        previous   BLOB,
        rotated_at INTEGER NOT NULL,            -- seconds
        expires_at INTEGER NOT NULL             -- seconds
    ) WITHOUT ROWID;
    CREATE INDEX logins_by_account ON logins (account, rotated_at);
    CREATE INDEX logins_by_expiry ON logins (expires_at);

    -- Logins that are over while their access tokens are not.
    CREATE TABLE ended_logins (
        login TEXT PRIMARY KEY,
        until INTEGER NOT NULL                  -- seconds
    ) WITHOUT ROWID;

    -- Codes that were mailed, the newest of each kind for each address.
    CREATE TABLE codes (
        purpose    TEXT NOT NULL,
        namespace  TEXT NOT NULL,
        email      TEXT NOT NULL,
        hash       BLOB NOT NULL,               -- HMAC-SHA-256 with the server's key
        tries      INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,            -- seconds
        PRIMARY KEY (purpose, namespace, email)
    ) WITHOUT ROWID;
    CREATE INDEX codes_by_expiry ON codes (expires_at);
    ",
    ),
    M::up(
        "
    -- When something was said last, in nanoseconds: what lists of chats are in the order of.
    ALTER TABLE chats ADD COLUMN active_at INTEGER NOT NULL DEFAULT 0;
    UPDATE chats SET active_at = coalesce(
        (SELECT sent_at FROM messages WHERE messages.chat = chats.chat ORDER BY seq DESC LIMIT 1), created_at);

    -- Up to where a member has read. Nobody was asked before: what is there then is taken for read.
    ALTER TABLE members ADD COLUMN read_seq INTEGER NOT NULL DEFAULT 0;
    UPDATE members SET read_seq = (SELECT last_seq FROM chats WHERE chats.chat = members.chat);
    ",
    ),
    M::up(
        "
    -- Messages that were deleted one by one: a seq that is missing and not here was lost.
    CREATE TABLE tombstones (
        chat INTEGER NOT NULL REFERENCES chats,
        seq  INTEGER NOT NULL,
        PRIMARY KEY (chat, seq)
    ) WITHOUT ROWID;

    -- Users who are being deleted: what is left to do when the server ends meanwhile.
    CREATE TABLE erasures (
        namespace TEXT NOT NULL,
        user_id   TEXT NOT NULL,
        at        INTEGER NOT NULL,             -- nanoseconds; what was stored later is somebody's who came later
        PRIMARY KEY (namespace, user_id)
    ) WITHOUT ROWID;
    ",
    ),
    M::up(
        "
    -- Chats in which somebody has left something who is none of their members. With the members: all chats in which
    -- something of a user can be.
    CREATE TABLE traces (
        user_id TEXT NOT NULL,
        chat    INTEGER NOT NULL REFERENCES chats,
        PRIMARY KEY (user_id, chat)
    ) WITHOUT ROWID;
    CREATE INDEX traces_by_chat ON traces (chat);
    INSERT INTO traces
        SELECT user_id, chat FROM (
            SELECT DISTINCT user_id, chat FROM messages
            UNION SELECT user_id, chat FROM expired
            UNION SELECT creator, chat FROM groups WHERE creator <> '') AS known
        JOIN chats USING (chat)
        WHERE chats.namespace <> ''
        AND NOT EXISTS (SELECT 1 FROM members WHERE members.chat = known.chat AND members.user_id = known.user_id);

    -- When somebody came in, in nanoseconds; 0: before that was kept. Who comes while their name is being deleted
    -- stays.
    ALTER TABLE members ADD COLUMN joined_at INTEGER NOT NULL DEFAULT 0;
    -- When it was refused; likewise.
    ALTER TABLE expired ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
    ",
    ),
    M::up(
        "
    -- Groups that everybody may see: lists of them pass over no others.
    CREATE INDEX groups_public ON groups (namespace, private, chat) WHERE private = 0;
    ",
    ),
    M::up(
        "
    -- Nothing that a chat holds was stored before that, in nanoseconds, as far as is known; 0: nobody has looked.
    -- Retention looks only at chats where it lies far enough back. A send never changes it.
    ALTER TABLE chats ADD COLUMN oldest_at INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX chats_by_oldest ON chats (namespace, oldest_at);
    ",
    ),
    M::up("ALTER TABLE erasures RENAME TO deletions;"),
    M::up(
        "
    -- Chats that ended while retention looked at them passed for swept, with what was left of their members.
    UPDATE chats SET last_seq = max(last_seq, first_seq)
    WHERE namespace = '' AND first_seq > last_seq AND (
        EXISTS (SELECT 1 FROM members WHERE members.chat = chats.chat)
        OR EXISTS (SELECT 1 FROM traces WHERE traces.chat = chats.chat)
        OR EXISTS (SELECT 1 FROM expired WHERE expired.chat = chats.chat));
    ",
    ),
];

/// Opens the writer's connection and brings the tables up to date.
pub fn open(file: &Path) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(file)?;
    // SQLite is content to read where it may not write, as where another user has made the file.
    if connection.is_readonly(MAIN_DB)? {
        return Err(StoreError::File(file.to_owned(), ErrorKind::PermissionDenied.into()));
    }
    // A commit is durable when it returns: the log is synced each time.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", if broken::is(Broken::Sync) { "NORMAL" } else { "FULL" })?;
    // The log is copied into the database beside the writer. Where that does not keep up, at 64 MB, the writer stops
    // for it. The log is cut back where readers had held it open.
    connection.pragma_update(None, "wal_autocheckpoint", 16_000)?;
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    set_up(&connection)?;
    Migrations::from_slice(STEPS).to_latest(&mut connection)?;
    Ok(connection)
}

/// Opens a connection that writes now and then beside a server, of whose version the tables have to be.
pub fn open_beside(file: &Path) -> Result<Connection, StoreError> {
    let connection =
        Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    set_up(&connection)?;
    let version: usize = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version == STEPS.len() { Ok(connection) } else { Err(StoreError::OtherVersion) }
}

/// Opens a connection that copies the log into the database.
pub fn open_to_copy(file: &Path) -> Result<Connection, StoreError> {
    let connection =
        Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    // The log is synced before it is copied, and the database after it.
    connection.pragma_update(None, "synchronous", "FULL")?;
    set_up(&connection)?;
    Ok(connection)
}

/// Opens a connection that only reads.
pub fn open_to_read(file: &Path) -> Result<Connection, StoreError> {
    let connection =
        Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    set_up(&connection)?;
    Ok(connection)
}

fn set_up(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "cache_size", -16 * 1024)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::groups;

    #[test]
    fn the_steps_build_on_each_other() {
        assert!(Migrations::from_slice(STEPS).validate().is_ok());
    }

    #[test]
    fn what_retention_has_left_of_ended_chats_goes_after_all() {
        let mut connection = Connection::open_in_memory().expect("a database");
        let steps = Migrations::from_slice(STEPS);
        steps.to_version(&mut connection, 10).expect("as it was");
        let sql = "INSERT INTO chats (chat, namespace, id, epoch, first_seq, last_seq, created_at, active_at)
                VALUES (1, '', 1, 1, 3, 2, 1, 1), (2, '', 2, 1, 3, 2, 1, 1), (3, '', 3, 1, 3, 2, 1, 1),
                       (4, '', 4, 1, 3, 2, 1, 1), (5, 'micro', 5, 1, 3, 2, 1, 1);
            INSERT INTO members (chat, user_id) VALUES (1, 'ann'), (5, 'ann');
            INSERT INTO traces VALUES ('ann', 2);
            INSERT INTO expired (chat, user_id, client_id) VALUES (3, 'ann', 'a');";
        connection.execute_batch(sql).expect("chats");
        steps.to_latest(&mut connection).expect("as it is");
        let all = |sql: &str| -> Vec<i64> {
            let mut select = connection.prepare(sql).expect("a query");
            let rows = select.query_map([], |row| row.get(0)).expect("rows");
            rows.collect::<rusqlite::Result<_>>().expect("rows")
        };
        assert_eq!(all("SELECT chat FROM chats WHERE first_seq <= last_seq ORDER BY chat"), [1, 2, 3]);
        while groups::sweep(&connection).expect("it is written") {}
        assert_eq!(all("SELECT chat FROM members UNION SELECT chat FROM traces UNION SELECT chat FROM expired"), [5]);
    }
}
