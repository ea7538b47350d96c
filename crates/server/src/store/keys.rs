//! API keys, and from when on a user's tokens are good.

use std::path::Path;

use rusqlite::{Connection, Row, params};

use super::folder::{Folder, database};
use super::{DATABASE, Nanos, Store, StoreError, now, schema};

/// An API key, without what would let somebody use it.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Its name in lists.
    pub id: String,
    /// The namespace it belongs to.
    pub namespace: String,
    /// What its owner calls it.
    pub name: String,
    /// What it is for: names with commas between.
    pub scopes: String,
    /// SHA-256 of the key.
    pub hash: [u8; 32],
    /// When it was made.
    pub created_at: Nanos,
}

/// Tokens of a user that were issued up to some moment are good no more.
#[derive(Clone, Debug)]
pub struct Cutoff {
    /// The namespace.
    pub namespace: String,
    /// The user.
    pub user_id: String,
    /// That moment, in Unix seconds.
    pub at: u64,
}

fn api_key(row: &Row<'_>) -> rusqlite::Result<ApiKey> {
    Ok(ApiKey {
        id: row.get(0)?,
        namespace: row.get(1)?,
        name: row.get(2)?,
        scopes: row.get(3)?,
        hash: row.get(4)?,
        created_at: row.get(5)?,
    })
}

fn api_keys(connection: &Connection) -> rusqlite::Result<Vec<ApiKey>> {
    connection
        .prepare_cached("SELECT id, namespace, name, scopes, hash, created_at FROM api_keys ORDER BY created_at")?
        .query_map([], api_key)?
        .collect()
}

impl Store {
    /// All keys, the oldest first.
    pub async fn api_keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        self.look(api_keys).await
    }

    /// All cutoffs.
    pub async fn cutoffs(&self) -> Result<Vec<Cutoff>, StoreError> {
        self.look(|connection| {
            let cutoff = |row: &Row<'_>| Ok(Cutoff { namespace: row.get(0)?, user_id: row.get(1)?, at: row.get(2)? });
            connection.prepare("SELECT namespace, user_id, at FROM cutoffs")?.query_map([], cutoff)?.collect()
        })
        .await
    }

    /// One more, or a later one.
    pub async fn cut_off(&self, cutoff: Cutoff) -> Result<(), StoreError> {
        self.change(move |connection| cut_off(connection, &cutoff)).await
    }
}

/// One more, or a later one.
pub fn cut_off(connection: &Connection, cutoff: &Cutoff) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO cutoffs (namespace, user_id, at) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET at = max(at, excluded.at)",
        )?
        .execute(params![cutoff.namespace, cutoff.user_id, cutoff.at])
        .map(drop)
}

/// The keys of a database, for the command line: a server may be running on it.
#[derive(Debug)]
pub struct KeyRing(Connection);

impl KeyRing {
    /// Opens the database in `folder`, making both where they are missing. The tables are brought up to date only where
    /// no server runs on them, which would go on writing as it knows them.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        match Folder::take(folder) {
            Ok(folder) => Ok(Self(schema::open(&folder.file(DATABASE))?)),
            Err(StoreError::InUse(_)) => Ok(Self(schema::open_beside(&folder.join(DATABASE))?)),
            Err(error) => Err(error),
        }
    }

    /// Opens the database in `folder`, which has to be there.
    pub fn of(folder: &Path) -> Result<Self, StoreError> {
        database(folder)?;
        Self::open(folder)
    }

    /// Keeps a new key.
    pub fn add(&self, key: &ApiKey) -> Result<(), StoreError> {
        self.0.execute(
            "INSERT INTO api_keys (id, namespace, name, scopes, hash, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![key.id, key.namespace, key.name, key.scopes, key.hash, now()],
        )?;
        Ok(())
    }

    /// All, the oldest first.
    pub fn list(&self) -> Result<Vec<ApiKey>, StoreError> {
        Ok(api_keys(&self.0)?)
    }

    /// Forgets the key of that id, if there is one.
    pub fn remove(&self, id: &str) -> Result<bool, StoreError> {
        Ok(self.0.execute("DELETE FROM api_keys WHERE id = ?1", [id])? > 0)
    }
}
