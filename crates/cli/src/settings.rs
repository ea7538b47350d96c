//! The configuration file: TOML, one text for each of its keys.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use toml_edit::DocumentMut;

use crate::failure::Failure;
use crate::file;

/// What the file may say.
pub const KEYS: [&str; 5] = ["api", "namespace", "token", "token-file", "output"];

/// The file.
#[derive(Debug)]
pub struct Settings {
    pub path: PathBuf,
    document: DocumentMut,
}

/// A key, spelled either way.
fn known(key: &str) -> Result<String, Failure> {
    let dashed = key.replace('_', "-");
    if KEYS.contains(&dashed.as_str()) {
        return Ok(dashed);
    }
    Err(Failure::Usage(format!("{key} is no setting; there are {}", KEYS.join(", "))))
}

impl Settings {
    /// Reads the file, and sees that it says what it may.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let settings = Self::read(path)?;
        let wrong = |why: String| Failure::Usage(format!("{}: {why}", path.display()));
        for (key, value) in settings.document.iter() {
            known(key).map_err(|failure| wrong(failure.to_string()))?;
            if value.as_str().is_none_or(str::is_empty) {
                return Err(wrong(format!("{key} has to be a text in quotation marks, and not an empty one")));
            }
        }
        Ok(settings)
    }

    /// Reads the file, whatever it says; one that isn't there says nothing.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let wrong = |why: String| Failure::Usage(format!("{}: {why}", path.display()));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(wrong(error.to_string())),
        };
        // The parser's own words quote the line, which may have a token in it.
        let document: DocumentMut =
            text.parse().map_err(|error: toml_edit::TomlError| wrong(format!("it is no TOML: {}", error.message())))?;
        Ok(Self { path: path.to_owned(), document })
    }

    /// What it says of a key.
    pub fn get(&self, key: &str) -> Result<Option<&str>, Failure> {
        let key = known(key)?;
        let value = self.document.get(&key).or_else(|| self.document.get(&key.replace('-', "_")));
        Ok(value.and_then(|value| value.as_str()))
    }

    /// Writes it into the file, or takes it out. What else is there stays as it is.
    pub fn set(&mut self, key: &str, value: Option<&str>) -> Result<(), Failure> {
        let key = known(key)?;
        // Spelled the other way it would count as well. What is spelled this way keeps its place.
        let other = key.replace('-', "_");
        if other != key {
            self.document.remove(&other);
        }
        match value {
            Some(value) => self.document[key.as_str()] = toml_edit::value(value),
            None => drop(self.document.remove(&key)),
        }
        let text = self.document.to_string();
        file::replace(&self.path, |file| file.write_all(text.as_bytes()))
            .map_err(|error: std::io::Error| Failure::Usage(format!("{}: {error}", self.path.display())))
    }
}
