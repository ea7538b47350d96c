//! A call's user and tenant.

use std::time::{Duration, SystemTime};

use super::Denied;

/// Who calls.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Their tenant.
    pub namespace: String,
    /// What is known of them; nothing where the server believes whoever is named.
    known: Option<Known>,
}

/// What a token proves.
#[derive(Clone, Debug)]
struct Known {
    user_id: String,
    until: SystemTime,
}

impl Caller {
    /// Somebody who is believed.
    pub fn open(namespace: &str) -> Self {
        Self { namespace: namespace.to_owned(), known: None }
    }

    /// Somebody who has proved who they are, until then.
    pub(super) fn known(namespace: String, user_id: String, until: SystemTime) -> Self {
        Self { namespace, known: Some(Known { user_id, until }) }
    }

    /// Who acts: the user that is known, whoever is named.
    pub fn acts_as(&self, named: String) -> String {
        self.known.as_ref().map_or(named, |known| known.user_id.clone())
    }

    /// The same for a connection that was opened for a user, if it was: nobody may be named wrongly.
    pub fn connects_as(&self, named: String) -> Result<String, Denied> {
        match &self.known {
            Some(known) if !named.is_empty() && known.user_id != named => Err(Denied::WrongUser),
            _ => Ok(self.acts_as(named)),
        }
    }

    /// The user whose membership is asked for; none: nobody's is.
    pub fn must_be_member(&self) -> Option<&str> {
        self.known.as_ref().map(|known| known.user_id.as_str())
    }

    /// For how much longer they are known; for ever, where nobody is.
    pub fn remaining(&self) -> Option<Duration> {
        let until = self.known.as_ref()?.until;
        Some(until.duration_since(SystemTime::now()).unwrap_or_default())
    }
}
