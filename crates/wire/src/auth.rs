//! Answers of the service `auth`.

use serde::{Deserialize, Serialize};

/// Answer of `auth.Options`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptionsResponse {
    /// Whether the server wants to know who calls.
    pub login: Login,
}

/// Whether a server asks for a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Login {
    /// It believes whoever is named.
    None,
    /// It believes tokens only.
    Required,
}
