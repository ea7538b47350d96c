//! Where people log in with a password.

use std::collections::BTreeSet;

/// Some namespaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Namespaces {
    /// Each, whatever its name: `dev`.
    All,
    /// These.
    Named(BTreeSet<String>),
}

impl Namespaces {
    /// Whether this is one of them.
    pub fn hold(&self, namespace: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(named) => named.contains(namespace),
        }
    }
}
