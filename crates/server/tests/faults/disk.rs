//! A disk whose power may be cut, which forgets what was not synced, and which may be full.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A folder on that disk.
pub struct Disk {
    /// What programs see.
    pub data: PathBuf,
    /// What a power cut leaves.
    kept: PathBuf,
    /// There while it is full.
    full: PathBuf,
    library: PathBuf,
    /// Holds all three; removed with this.
    _folder: TempDir,
}

impl Disk {
    /// An empty folder. Builds the disk with the C compiler that SQLite was built with.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("its path");
        let (data, kept, full, library) =
            (root.join("data"), root.join("kept"), root.join("full"), root.join("disk.so"));
        for folder in [&data, &kept] {
            fs::create_dir(folder).expect("a folder");
        }
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/disk.c");
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
        let built =
            Command::new(compiler).args(["-shared", "-fPIC", "-o"]).args([&library, &source]).arg("-ldl").status();
        assert!(built.expect("a C compiler").success());
        Self { data, kept, full, library, _folder: folder }
    }

    /// What a program needs to write to it.
    pub fn env(&self) -> Vec<(&'static str, PathBuf)> {
        let all = [("LD_PRELOAD", &self.library), ("DISK_LIES", &self.data), ("DISK_FULL", &self.full)];
        all.map(|(name, path)| (name, path.clone())).to_vec()
    }

    /// The same where its power will be cut.
    pub fn env_without_power(&self) -> Vec<(&'static str, PathBuf)> {
        [self.env(), vec![("DISK_KEEPS", self.kept.clone())]].concat()
    }

    /// From now on it takes no more.
    pub fn fill(&self) {
        fs::write(&self.full, "").expect("it is full");
    }

    /// It has room again.
    pub fn make_room(&self) {
        fs::remove_file(&self.full).expect("it has room");
    }

    /// Forgets what was not synced. Nobody may be using it.
    pub fn cut_power(&self) {
        for file in files(&self.data) {
            fs::remove_file(file).expect("it goes");
        }
        for file in files(&self.kept) {
            let name = file.file_name().expect("a name");
            // A copy that was being made when the power went is none.
            if !name.to_string_lossy().ends_with(|end: char| end.is_ascii_digit()) {
                fs::copy(&file, self.data.join(name)).expect("it stays");
            }
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("its files");
    entries.map(|entry| entry.expect("a file").path()).collect()
}
