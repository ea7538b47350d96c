//! What is kept of logins: a file that only its owner reads.

use std::time::{SystemTime, UNIX_EPOCH};

use micro_chat_wire::auth::{AuthToken, TokenRequest, TokenResponse};
use serde::{Deserialize, Serialize};

use crate::api::Api;
use crate::failure::Failure;
use crate::kept::Kept;
use crate::place::Place;

/// A token is replaced so many seconds before its end: what is called with it has to arrive before that.
const EARLY: u64 = 120;

/// A login at one server in one namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    pub api: String,
    pub namespace: String,
    pub user_id: String,
    pub access_token: String,
    /// Good once: its answer has the next one.
    pub refresh_token: String,
    /// When the access token ends, in Unix seconds of this machine's clock.
    pub until: u64,
}

/// The logins, and which of them is meant.
#[derive(Debug)]
pub struct Logins {
    kept: Kept<Login>,
    api: String,
    namespace: String,
}

impl Logins {
    /// That of a place.
    pub fn of(place: &Place) -> Self {
        let api = place.api.value.to_string();
        let kept = Kept::at(place, "logins", "where it can't be mended, remove it and log in again");
        Self { kept, api, namespace: place.namespace().to_owned() }
    }

    /// The login, if there is one.
    pub fn find(&self) -> Result<Option<Login>, Failure> {
        Ok(self.kept.read()?.into_iter().find(|login| self.is_meant(login)))
    }

    /// Keeps a login, or its next tokens.
    pub fn keep(&self, response: &TokenResponse) -> Result<Login, Failure> {
        let _alone = self.kept.lock()?;
        self.store(response)
    }

    /// Forgets the login.
    pub fn forget(&self) -> Result<(), Failure> {
        let _alone = self.kept.lock()?;
        self.remove()
    }

    /// An access token that is good for a while, and another than the one that was refused.
    pub fn token(&self, api: &Api, refused: Option<&str>) -> Result<String, Failure> {
        let is_good = |login: &Login| login.until > now() + EARLY && refused != Some(login.access_token.as_str());
        if let Some(login) = self.find()?.filter(is_good) {
            return Ok(login.access_token);
        }
        // A refresh token is good once: of several programs one renews, and the others take what it got.
        let _alone = self.kept.lock()?;
        let none = || Failure::Login(format!("nobody is logged in at {}; log in with micro login", self.api));
        let login = self.find()?.ok_or_else(none)?;
        if is_good(&login) {
            return Ok(login.access_token);
        }
        let request = TokenRequest {
            refresh_token: login.refresh_token,
            namespace: self.namespace.clone(),
            ..TokenRequest::default()
        };
        match api.ask::<TokenResponse>("auth/Token", &request, None) {
            Ok(response) => Ok(self.store(&response)?.access_token),
            Err(Failure::Refused(error)) if error.code == 401 => {
                self.remove()?;
                Err(Failure::Login(format!("{} ({}); log in with micro login", error.detail, error.id)))
            }
            Err(failure) => Err(failure),
        }
    }

    fn is_meant(&self, login: &Login) -> bool {
        login.api == self.api && login.namespace == self.namespace
    }

    fn store(&self, response: &TokenResponse) -> Result<Login, Failure> {
        let AuthToken { access_token, refresh_token, created, expiry } = response.token.clone();
        let login = Login {
            api: self.api.clone(),
            namespace: self.namespace.clone(),
            user_id: response.account.id.clone(),
            access_token,
            refresh_token,
            // The server's clock may be another.
            until: now().saturating_add(expiry.saturating_sub(created)),
        };
        let mut logins = self.kept.read()?;
        logins.retain(|login| !self.is_meant(login));
        logins.push(login.clone());
        self.kept.write(&logins)?;
        Ok(login)
    }

    fn remove(&self) -> Result<(), Failure> {
        let mut logins = self.kept.read()?;
        logins.retain(|login| !self.is_meant(login));
        self.kept.write(&logins)
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
