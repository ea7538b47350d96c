//! The configuration file: TOML whose keys are the names of the options.

use std::any::TypeId;
use std::path::PathBuf;

use clap::{Arg, ArgAction};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The least likeness of a misspelt name to the one that was meant; 1 is the same.
const LIKENESS: f64 = 0.8;

/// What a file says.
#[derive(Debug)]
pub struct File {
    /// What it is called in words to people.
    name: String,
    entries: Vec<Entry>,
}

/// What it says of an option.
#[derive(Debug)]
pub struct Entry {
    /// The option's name.
    pub key: String,
    /// Where that stands.
    pub line: usize,
    /// What it would say on the command line; a list has any number of them.
    pub values: Vec<String>,
}

/// What an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Yes or no.
    Switch,
    Number,
    Text,
    /// Something with a form of its own, such as a time, which may look like a number.
    Other,
}

impl Kind {
    pub(super) fn of(option: &Arg) -> Self {
        let is = |types: &[TypeId]| types.iter().any(|id| option.get_value_parser().type_id() == *id);
        if is(&[TypeId::of::<bool>()]) {
            Self::Switch
        } else if is(&[TypeId::of::<u16>(), TypeId::of::<u32>(), TypeId::of::<u64>(), TypeId::of::<usize>()]) {
            Self::Number
        } else if is(&[TypeId::of::<String>(), TypeId::of::<PathBuf>()]) {
            Self::Text
        } else {
            Self::Other
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Switch => "true or false",
            Self::Number => "a number",
            Self::Text => "a text, in quotes",
            Self::Other => "a text, in quotes, or a number",
        }
    }

    /// The value as the command line has it, if it is one of this kind.
    fn text(self, value: &DeValue<'_>) -> Option<String> {
        match (self, value) {
            (Self::Switch, DeValue::Boolean(value)) => Some(value.to_string()),
            (Self::Number | Self::Other, DeValue::Integer(value)) => {
                i64::from_str_radix(value.as_str(), value.radix()).ok().map(|value| value.to_string())
            }
            (Self::Other, DeValue::Float(value)) => Some(value.as_str().to_owned()),
            (Self::Text | Self::Other, DeValue::String(value)) => Some(value.to_string()),
            _ => None,
        }
    }
}

impl File {
    /// Reads a file in which these options may be; or says in a line each what is wrong with it.
    pub(super) fn read(name: String, content: &str, options: &[&Arg]) -> Result<Self, Vec<String>> {
        let line = |at: usize| 1 + content.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count();
        let table = DeTable::parse(content).map_err(|error| {
            let line = line(error.span().map_or(0, |span| span.start));
            vec![format!("{name}:{line}: this is no TOML: {}", error.message().replace('\n', ", "))]
        })?;
        let mut entries = Vec::new();
        let mut faults = Vec::new();
        for (key, value) in table.get_ref() {
            let line = line(key.span().start);
            match entry(key.get_ref(), value, options) {
                Ok(values) => entries.push(Entry { key: key.get_ref().to_string(), line, values }),
                Err(fault) => faults.push((line, fault)),
            }
        }
        entries.sort_by_key(|entry| entry.line);
        faults.sort();
        if faults.is_empty() {
            Ok(Self { name, entries })
        } else {
            Err(faults.into_iter().map(|(line, fault)| format!("{name}:{line}: {fault}")).collect())
        }
    }

    /// What it says of an option.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// Where it says that, for people.
    pub(super) fn place(&self, entry: &Entry) -> String {
        format!("{}:{}", self.name, entry.line)
    }
}

/// Whether an option may have more than one value.
pub(super) fn is_list(option: &Arg) -> bool {
    matches!(option.get_action(), ArgAction::Append)
}

/// What is said of an option, or what is wrong with that.
fn entry(key: &str, value: &Spanned<DeValue<'_>>, options: &[&Arg]) -> Result<Vec<String>, String> {
    let Some(option) = options.iter().find(|option| option.get_long() == Some(key)) else {
        return Err(unknown(key, options));
    };
    let kind = Kind::of(option);
    let is_list = is_list(option);
    let wrong = || {
        let list = if is_list { ", or a list of such" } else { "" };
        format!("{key} takes {}{list}", kind.words())
    };
    let text = |value: &DeValue<'_>| kind.text(value).ok_or_else(wrong);
    match value.get_ref() {
        DeValue::Array(values) if is_list => values.iter().map(|value| text(value.get_ref())).collect(),
        value => Ok(vec![text(value)?]),
    }
}

/// What to say of a name that no option has.
fn unknown(key: &str, options: &[&Arg]) -> String {
    let names = options.iter().filter_map(|option| option.get_long());
    let likeness = names.map(|name| (strsim::jaro_winkler(key, name), name));
    let nearest = likeness.max_by(|(one, _), (other, _)| one.total_cmp(other));
    match nearest {
        Some((likeness, name)) if likeness >= LIKENESS => format!("there is no option {key:?}; did you mean {name}?"),
        _ => format!("there is no option {key:?}; micro-chat-server serve --help lists them all"),
    }
}
