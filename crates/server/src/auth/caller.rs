//! A call's user and namespace.

use std::time::{Duration, SystemTime};

use super::{Denied, Scope, Scopes};

/// Who calls.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Their namespace.
    pub namespace: String,
    /// What is known of them.
    who: Who,
}

#[derive(Clone, Debug)]
enum Who {
    /// The server believes whoever is named.
    Anybody,
    /// A token proves it.
    User(User),
    /// A site's own server, with an API key: it may act for each user of its namespace.
    Service(Service),
}

/// What a token proves.
#[derive(Clone, Debug)]
pub struct User {
    /// Their name.
    pub id: String,
    /// When the token was issued, where it says so.
    pub issued_at: Option<SystemTime>,
    /// When it expires.
    pub until: SystemTime,
    /// Which login it belongs to, where it is of an account of this server.
    pub login: Option<String>,
}

/// What an API key proves.
#[derive(Clone, Debug)]
pub struct Service {
    /// The key's name.
    pub key: String,
    /// What it is for.
    pub scopes: Scopes,
}

impl Caller {
    /// Somebody who is believed.
    pub fn open(namespace: &str) -> Self {
        Self { namespace: namespace.to_owned(), who: Who::Anybody }
    }

    /// Somebody who has proved who they are.
    pub fn known(namespace: String, user: User) -> Self {
        Self { namespace, who: Who::User(user) }
    }

    /// A site's own server.
    pub fn service(namespace: String, service: Service) -> Self {
        Self { namespace, who: Who::Service(service) }
    }

    /// Who acts: the user that is known, whoever is named; a service acts for whom it names.
    pub fn acts_as(&self, named: String) -> String {
        self.user().map_or(named, |user| user.id.clone())
    }

    /// The same for a connection that was opened for a user, if it was: nobody may be named wrongly.
    pub fn connects_as(&self, named: String) -> Result<String, Denied> {
        match self.user() {
            Some(user) if !named.is_empty() && user.id != named => Err(Denied::WrongUser),
            _ => Ok(self.acts_as(named)),
        }
    }

    /// The user whose membership is asked for, where this one is named; none: nobody's is. A service that names nobody
    /// reads for its namespace.
    pub fn must_be_member<'a>(&'a self, named: &'a str) -> Option<&'a str> {
        match &self.who {
            Who::Anybody => None,
            Who::User(user) => Some(&user.id),
            Who::Service(_) => Some(named).filter(|named| !named.is_empty()),
        }
    }

    /// Whether anything is known of them.
    pub fn is_known(&self) -> bool {
        !matches!(self.who, Who::Anybody)
    }

    /// The user that a token proves.
    pub fn user(&self) -> Option<&User> {
        match &self.who {
            Who::User(user) => Some(user),
            Who::Anybody | Who::Service(_) => None,
        }
    }

    /// The service that a key proves.
    pub fn as_service(&self) -> Option<&Service> {
        match &self.who {
            Who::Service(service) => Some(service),
            Who::Anybody | Who::User(_) => None,
        }
    }

    /// Refuses what a key is not for. Users may all but what is an administrator's; whoever is believed may everything.
    pub fn may(&self, scope: Scope) -> Result<(), Denied> {
        let may = match &self.who {
            Who::Anybody => true,
            Who::User(_) => scope != Scope::Admin,
            Who::Service(service) => service.scopes.hold(scope),
        };
        if may { Ok(()) } else { Err(Denied::NoScope(scope)) }
    }

    /// For how much longer they are known; for ever, where that does not end by itself.
    pub fn remaining(&self) -> Option<Duration> {
        Some(self.user()?.until.duration_since(SystemTime::now()).unwrap_or_default())
    }
}
