//! What the program keeps beside its configuration file: lists that only their owner reads, and one program at a time
//! changes.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::marker::PhantomData;
use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure::Failure;
use crate::file::{make_folder, private, replace};
use crate::place::Place;

/// A list, in a file of its own.
#[derive(Debug)]
pub struct Kept<T> {
    folder: PathBuf,
    /// What the file is called, without its ending.
    name: &'static str,
    /// What to do where it can't be read or written.
    remedy: &'static str,
    what: PhantomData<T>,
}

impl<T: Serialize + DeserializeOwned> Kept<T> {
    /// The list of that name, beside the configuration file.
    pub fn at(place: &Place, name: &'static str, remedy: &'static str) -> Self {
        Self { folder: place.folder.clone(), name, remedy, what: PhantomData }
    }

    /// All of it; what was never written is empty.
    pub fn read(&self) -> Result<Vec<T>, Failure> {
        match fs::read_to_string(self.file()) {
            // What is wrong with it may quote it.
            Ok(text) => serde_json::from_str(&text).map_err(|_| self.wrong("it is not what was written into it")),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(self.wrong(error)),
        }
    }

    /// Puts another in its place.
    pub fn write(&self, list: &[T]) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(list).map_err(|error| self.wrong(error))?;
        replace(&self.file(), |file| file.write_all(text.as_bytes())).map_err(|error: io::Error| self.wrong(error))
    }

    /// Nobody else changes it until this is dropped.
    pub fn lock(&self) -> Result<File, Failure> {
        let open = || {
            make_folder(&self.folder)?;
            let file = private().create(true).open(self.folder.join(self.name).with_extension("lock"))?;
            file.lock()?;
            Ok(file)
        };
        open().map_err(|error: io::Error| self.wrong(error))
    }

    fn file(&self) -> PathBuf {
        self.folder.join(self.name).with_extension("json")
    }

    fn wrong(&self, why: impl Display) -> Failure {
        Failure::Usage(format!("{}: {why}; {}", self.file().display(), self.remedy))
    }
}
