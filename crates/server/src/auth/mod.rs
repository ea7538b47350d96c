//! Who calls, and how that is known.
//!
//! - [`Caller`]: a call's user and tenant,
//! - [`Tokens`]: the keys that tokens are checked with.

mod caller;
mod tokens;

use std::sync::Arc;

use micro_chat_wire::DEFAULT_NAMESPACE;

pub use caller::Caller;
pub use tokens::{Claims, KeyError, Tokens};

/// How the server knows who calls.
#[derive(Clone, Debug)]
pub enum Access {
    /// It believes whoever is named: `dev`.
    Open,
    /// By their token: `serve`.
    Tokens(Arc<Tokens>),
}

/// Why nobody is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// There is no token.
    NoToken,
    /// The token is none of ours: another key, another audience, changed, or not valid yet.
    InvalidToken,
    /// It was ours.
    ExpiredToken,
    /// It belongs to another tenant than the call names.
    WrongNamespace,
    /// It belongs to another user than the connection names, whose messages would go out under this one's name.
    WrongUser,
}

impl Access {
    /// Who calls with this token and says that they belong to this namespace; empty: they don't say.
    pub fn admit(&self, token: &str, namespace: &str) -> Result<Caller, Denied> {
        let named = if namespace.is_empty() { DEFAULT_NAMESPACE } else { namespace };
        match self {
            Self::Open => Ok(Caller::open(named)),
            Self::Tokens(_) if token.is_empty() => Err(Denied::NoToken),
            Self::Tokens(tokens) => {
                let caller = tokens.check(token)?;
                if namespace.is_empty() || caller.namespace == namespace {
                    Ok(caller)
                } else {
                    Err(Denied::WrongNamespace)
                }
            }
        }
    }

    /// Whether callers need a token.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }
}
