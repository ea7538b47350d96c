//! The folder with the database in it, which one process has at a time.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use super::StoreError;

/// A folder that is ours until this is dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Holds the lock.
    _lock: File,
}

impl Folder {
    /// Takes the folder, making it where it is missing.
    pub fn take(path: &Path) -> Result<Self, StoreError> {
        let refused = |error| StoreError::Folder(path.to_owned(), error);
        fs::create_dir_all(path).map_err(refused)?;
        let lock = File::create(path.join("lock")).map_err(refused)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => Err(refused(error)),
        }
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Makes sure that files that were made, named anew or removed in it stay so.
    pub fn sync(&self) -> Result<(), StoreError> {
        let synced = File::open(&self.path).and_then(|folder| folder.sync_all());
        synced.map_err(|error| StoreError::Folder(self.path.clone(), error))
    }
}

/// The database in a folder.
pub const DATABASE: &str = "chat.db";

/// The server's own key beside it.
pub const SIGNING_KEY: &str = "signing.key";
