//! The folder with the database in it, which one process has at a time.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use super::StoreError;

/// A folder that is ours until this is dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Holds the lock.
    lock: File,
}

impl Folder {
    /// Takes the folder, making it where it is missing.
    pub fn take(path: &Path) -> Result<Self, StoreError> {
        let refused = |error| StoreError::Folder(path.to_owned(), error);
        fs::create_dir_all(path).map_err(refused)?;
        let lock = File::create(path.join("lock")).map_err(refused)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), lock }),
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

impl Drop for Folder {
    /// Not left to the closing of the file: a program that another thread is just starting has a copy of it for a
    /// moment, and the lock with it.
    fn drop(&mut self) {
        // What can't be given back goes with the file.
        let _ = self.lock.unlock();
    }
}

/// Where the database in a folder is, which has to be there.
pub fn database(folder: &Path) -> Result<PathBuf, StoreError> {
    let file = folder.join(DATABASE);
    match file.try_exists() {
        Ok(true) => Ok(file),
        Ok(false) => Err(StoreError::NoDatabase(folder.to_owned())),
        Err(error) => Err(StoreError::Folder(folder.to_owned(), error)),
    }
}

/// The database in a folder.
pub const DATABASE: &str = "chat.db";

/// The server's own key beside it.
pub const SIGNING_KEY: &str = "signing.key";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_free_once_it_is_given_back_whoever_still_has_a_copy_of_its_lock() {
        let data = tempfile::tempdir().expect("a folder");
        let folder = Folder::take(data.path()).expect("nobody else has it");
        // As a program has it that is just being started.
        let _copy = folder.lock.try_clone().expect("a copy");
        assert!(matches!(Folder::take(data.path()), Err(StoreError::InUse(_))), "it is taken");
        drop(folder);
        assert!(Folder::take(data.path()).is_ok());
    }
}
