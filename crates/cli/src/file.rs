//! Files that are there when all of them is.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// How a file is opened that only its owner reads.
pub fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes a folder that only its owner reads, unless it is there.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Puts a file into the place of another, at once and only for its owner: whoever reads it sees one or the other, also
/// after a crash. A link still leads to it afterwards; a pipe or a device is written to, and stays what it is. The
/// folder is made where it is missing.
pub fn replace<T, E: From<io::Error>>(path: &Path, write: impl FnOnce(&mut File) -> Result<T, E>) -> Result<T, E> {
    let make = |draft: &Path| match draft.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => make_folder(folder),
        _ => Ok(()),
    };
    replace_after(path, make, write)
}

/// The same for a file that somebody named, in a folder that is there. Writing it takes so long that they may give it
/// up: they find no half of it.
pub fn replace_slowly<T, E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut File) -> Result<T, E>,
) -> Result<T, E> {
    #[cfg(unix)]
    let begin = |draft: &Path| {
        let draft = draft.to_owned();
        crate::signals::before_end(move || drop(fs::remove_file(draft)))
    };
    #[cfg(not(unix))]
    let begin = |_: &Path| Ok(());
    replace_after(path, begin, write)
}

fn replace_after<T, E: From<io::Error>>(
    path: &Path,
    begin: impl FnOnce(&Path) -> io::Result<()>,
    write: impl FnOnce(&mut File) -> Result<T, E>,
) -> Result<T, E> {
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return write(&mut private().open(path)?);
    }
    let path = behind_links(path)?;
    let draft = draft(&path);
    begin(&draft)?;
    let mut file = private().create_new(true).open(&draft)?;
    let written = write(&mut file).and_then(|written| {
        file.sync_all()?;
        fs::rename(&draft, &path)?;
        Ok(written)
    });
    if written.is_err() {
        // What is not all of it is not to be taken for it.
        let _ = fs::remove_file(&draft);
    }
    written
}

/// Where a file is that links lead to, whether or not it is there.
fn behind_links(path: &Path) -> io::Result<PathBuf> {
    if path.exists() {
        return fs::canonicalize(path);
    }
    // A link to a file that is to be made; what is none leads to itself.
    let Ok(target) = fs::read_link(path) else { return Ok(path.to_owned()) };
    Ok(path.parent().unwrap_or(Path::new("")).join(target))
}

/// What a file is called until all of it is there.
fn draft(path: &Path) -> PathBuf {
    let mut name: OsString = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{:016x}.part", fastrand::u64(..)));
    path.with_file_name(name)
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::symlink;

    use super::*;

    fn put(path: &Path, text: &str) {
        replace(path, |file| file.write_all(text.as_bytes())).expect("it is written");
    }

    #[test]
    fn a_link_leads_to_the_new_file_as_it_did_to_the_old_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let (kept, link, chain) =
            (folder.path().join("kept/file"), folder.path().join("link"), folder.path().join("chain"));
        symlink("kept/file", &link).expect("a link");
        symlink(&link, &chain).expect("a link");
        // At first it leads nowhere.
        for (name, text) in [(&link, "one"), (&link, "two"), (&chain, "three"), (&kept, "four")] {
            put(name, text);
            assert_eq!(fs::read_to_string(&kept).expect("a file"), text);
        }
        for name in [&link, &chain] {
            assert!(fs::symlink_metadata(name).expect("it is there").is_symlink());
        }
        let left = fs::read_dir(folder.path().join("kept")).expect("a folder").count();
        assert_eq!(left, 1, "no draft is left");
    }

    #[test]
    fn what_is_no_file_is_written_to_and_stays_what_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
        let reading = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read_to_string(pipe)
        });
        put(&pipe, "through it");
        assert_eq!(reading.join().expect("it reads").expect("a pipe"), "through it");
        assert!(!fs::metadata(&pipe).expect("it is there").is_file());
        assert!(replace(folder.path(), |_| io::Result::Ok(())).is_err(), "a folder is none to write to");
    }

    #[test]
    fn what_was_there_stays_where_not_all_of_it_is_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        put(&path, "before");
        let failed: io::Result<()> = replace(&path, |file| {
            file.write_all(b"half")?;
            Err(io::Error::other("the rest is missing"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_to_string(&path).expect("a file"), "before");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }
}
