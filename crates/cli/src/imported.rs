//! Files that were imported, so that the same one is known again, and another is not taken for it.
//!
//! No file says by itself which one it is. By what is in it, two that begin alike are one, and messages are lost. By
//! where it is, a file that was moved is another, and messages are doubled; and what was written anew in its place is
//! the same, and messages are lost. So it is remembered here what was imported from where. Where it can't be known, as
//! of a copy, it is another file: what is there twice can be seen, and what is missing can not.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::failure::Failure;
use crate::kept::Kept;
use crate::place::Place;

/// Files that are remembered; those that were not imported for the longest time are forgotten.
const MOST: usize = 1_000;

/// A file, as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Imported {
    /// What its lines are named after.
    name: String,
    /// Where it was.
    path: PathBuf,
    /// What the file system calls it wherever it moves it; none where it does not say.
    inode: Option<String>,
    /// When it was changed, in nanoseconds: what moves it to another disk keeps that.
    modified: Option<u64>,
    /// How many of its bytes were imported, as far as is known: more of them where the program was ended from outside.
    length: u64,
    /// The SHA-256 of these.
    hash: String,
}

/// A file that is being imported.
#[derive(Debug)]
pub struct Importing {
    kept: Kept<Imported>,
    file: Imported,
    /// Another that was imported from its place.
    pub is_rewritten: bool,
    /// It begins as what was imported from its place, and the file system has another there now: it may have been saved
    /// by an editor, and may be another file.
    pub is_replaced: bool,
}

impl Importing {
    /// Knows a file again, or remembers it. This is before anything of it is sent: whatever ends the program, it is
    /// known the next time.
    pub fn begin(place: &Place, path: &Path) -> Result<Self, Failure> {
        let kept = Kept::<Imported>::at(place, "imports", "without it, --name says which file it is");
        let wrong = |error: io::Error| Failure::Usage(format!("{}: {error}", path.display()));
        let _alone = kept.lock()?;
        let mut list = kept.read()?;
        let path = fs::canonicalize(path).map_err(wrong)?;
        let mut lengths: Vec<u64> = list.iter().map(|known| known.length).chain([0]).collect();
        lengths.sort_unstable();
        lengths.dedup();
        let mut input = File::open(&path).map_err(wrong)?;
        let metadata = input.metadata().map_err(wrong)?;
        let beginnings = beginnings(&mut input, &lengths).map_err(wrong)?;
        let (length, hash) = beginnings.last().cloned().unwrap_or_default();
        let mut file = Imported {
            name: first_name(&path, &hash),
            inode: inode(&metadata),
            modified: modified(&metadata),
            path,
            length,
            hash,
        };
        let is_same = |known: &&Imported| {
            let is_beginning = |(length, hash): &(u64, String)| *length == known.length && *hash == known.hash;
            beginnings.iter().any(is_beginning) && file.is_after(known)
        };
        let same = list.iter().filter(is_same).max_by_key(|known| known.length).cloned();
        let is_rewritten = same.is_none() && list.iter().any(|known| known.path == file.path);
        let is_replaced = |same: &Imported| same.length > 0 && same.path == file.path && same.inode != file.inode;
        let is_replaced = same.as_ref().is_some_and(is_replaced);
        // Nothing of it is imported yet but what was: until then, the rest may be changed.
        (file.length, file.hash) = beginnings.first().cloned().unwrap_or_default();
        if let Some(same) = same {
            list.retain(|known| known.name != same.name);
            (file.name, file.length, file.hash) = (same.name, same.length, same.hash);
        }
        // One that was like it was here before, and is elsewhere now.
        while list.iter().any(|known| known.name == file.name) {
            file.name = first_name(&file.path, &file.name);
        }
        list.push(file.clone());
        list.drain(..list.len().saturating_sub(MOST));
        kept.write(&list)?;
        Ok(Self { kept, file, is_rewritten, is_replaced })
    }

    /// What its lines are named after.
    pub fn name(&self) -> &str {
        &self.file.name
    }

    /// It was imported up to there: what is behind that may be mended, and it is the same file still.
    pub fn end(mut self, sent: u64) -> Result<(), Failure> {
        let wrong = |error: io::Error| Failure::Usage(format!("{}: {error}", self.file.path.display()));
        let mut input = File::open(&self.file.path).map_err(wrong)?.take(sent);
        let beginnings = beginnings(&mut input, &[]).map_err(wrong)?;
        (self.file.length, self.file.hash) = beginnings.last().cloned().unwrap_or_default();
        let _alone = self.kept.lock()?;
        let mut list = self.kept.read()?;
        // Another program may have come further with it, or come later.
        if list.iter().any(|known| known.name == self.file.name && known.length >= self.file.length) {
            return Ok(());
        }
        list.retain(|known| known.name != self.file.name);
        list.push(self.file);
        self.kept.write(&list)
    }
}

impl Imported {
    /// Whether this may be that one, where it begins with all of it: it was not moved, the file system moved it, or
    /// something did that left nothing behind. A copy is none of these.
    fn is_after(&self, known: &Self) -> bool {
        let is_left = || {
            fs::metadata(&known.path)
                .is_ok_and(|there| inode(&there) == known.inode && modified(&there) == known.modified)
        };
        let has_its_name = || known.length > 0 && self.path.file_name() == known.path.file_name();
        self.path == known.path
            || self.inode.is_some() && self.inode == known.inode
            || self.modified.is_some() && self.modified == known.modified && has_its_name() && !is_left()
    }
}

/// Of an input, the lengths and hashes of its beginnings that are so long, and at last of all of it.
fn beginnings(input: &mut impl Read, lengths: &[u64]) -> io::Result<Vec<(u64, String)>> {
    let (mut hash, mut length, mut found) = (Hashing(Sha256::new()), 0, Vec::new());
    for end in lengths.iter().copied().chain([u64::MAX]) {
        length += io::copy(&mut input.by_ref().take(end.saturating_sub(length)), &mut hash)?;
        if length == end || end == u64::MAX {
            found.push((length, hex(&hash.0.clone().finalize())));
        }
    }
    Ok(found)
}

/// What is written into it is hashed.
struct Hashing(Sha256);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a file's lines are named after that was never seen: the same where all was forgotten, and nothing changed.
fn first_name(path: &Path, hash: &str) -> String {
    let mut name = Sha256::new();
    name.update(path.as_os_str().as_encoded_bytes());
    // No path has this in it.
    name.update([0]);
    name.update(hash);
    hex(&name.finalize())
}

/// A number of a file that is gone is given to another: when it was made tells them apart.
#[cfg(unix)]
fn inode(metadata: &Metadata) -> Option<String> {
    let created = nanoseconds(metadata.created().ok()?)?;
    Some(format!("{}:{created}", std::os::unix::fs::MetadataExt::ino(metadata)))
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> Option<String> {
    None
}

fn modified(metadata: &Metadata) -> Option<u64> {
    nanoseconds(metadata.modified().ok()?)
}

fn nanoseconds(time: SystemTime) -> Option<u64> {
    u64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_nanos()).ok()
}

/// Bytes as text.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
