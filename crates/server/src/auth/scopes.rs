//! What API keys are for.

use std::fmt;
use std::str::FromStr;

/// One thing that a key may be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Reading chats, and listening to them.
    Read,
    /// Sending, opening chats, and bringing users into groups or out of them at their own will.
    Send,
    /// Ending users' logins, removing members, and deleting groups.
    Admin,
}

const ALL: [(Scope, &str); 3] = [(Scope::Read, "read"), (Scope::Send, "send"), (Scope::Admin, "admin")];

impl Scope {
    /// As it is written.
    pub fn name(self) -> &'static str {
        ALL.iter().find(|(scope, _)| *scope == self).map_or("", |(_, name)| name)
    }
}

/// Some of them. Written as their names with commas between.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// Whether this is one of them.
    pub fn hold(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// Their names.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|scope| scope.name()).collect()
    }
}

impl FromStr for Scopes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let scope = |name: &str| {
            let known = ALL.iter().find(|(_, known)| *known == name.trim()).map(|(scope, _)| *scope);
            known.ok_or_else(|| format!("there is no scope {name:?}; there are read, send and admin"))
        };
        text.split(',').map(scope).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.names().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_read_as_they_are_written_and_hold_nothing_else() {
        let scopes: Scopes = "read, admin".parse().expect("scopes");
        assert_eq!(scopes.to_string(), "read,admin");
        assert!(scopes.hold(Scope::Read) && scopes.hold(Scope::Admin) && !scopes.hold(Scope::Send));
        assert!("".parse::<Scopes>().is_err() && "read,write".parse::<Scopes>().is_err());
    }
}
