//! People who log in here, with a password.
//!
//! - `signup`: a new account, and `user_id`: what its user may be called,
//! - `logins`: [`Granted`], renewed, and ended, and `answers`: whether what was renewed has arrived,
//! - `secrets`: who knows the password of an account, and another one,
//! - [`Email`]: where their mail goes,
//! - `Passwords`: argon2id, and not too much of it at a time,
//! - [`Code`]: what proves that somebody reads the mail of an address,
//! - [`RefreshToken`]: what keeps somebody logged in,
//! - [`SigningKey`]: what access tokens are signed with,
//! - [`Namespaces`]: where all that is,
//! - [`Refusal`]: what can be wrong.
//!
//! Nothing that is answered, and no time that it takes, says whether an address has an account: each step does the same
//! work for those that have one and those that haven't.

mod answers;
mod codes;
mod email;
mod logins;
mod namespaces;
mod passwords;
mod refresh;
mod refusal;
mod secrets;
mod signing;
mod signup;
mod user_id;

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use time::OffsetDateTime;

use answers::Answers;
pub use codes::Code;
pub use email::Email;
use logins::ACCESS;
pub use logins::Granted;
pub use namespaces::Namespaces;
use passwords::Passwords;
pub use passwords::Secret;
pub use refresh::RefreshToken;
pub use refusal::Refusal;
pub(crate) use refusal::RefusalKind;
pub use signing::{SigningError, SigningKey};

use super::attempts::{AttemptRates, Attempts};
use super::{Caller, Denied, Revocations, User};
use crate::completion::whole;
use crate::mail::{About, Letter, Mailer, Route};
use crate::store::{Store, StoreError, Terms};

/// How long a login is, that nobody uses, in seconds.
pub const LOGIN: i64 = 30 * 24 * 60 * 60;

pub(crate) const TERMS: Terms =
    Terms { code: codes::LIFE, tries: codes::TRIES, login: LOGIN, grace: 60, access: ACCESS as i64, logins: 100 };

/// What a server is told of accounts.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where people log in with a password: these namespaces belong to accounts, and nobody else's tokens are good
    /// there.
    pub accounts: Namespaces,
    /// Where strangers may sign up; they are among the others.
    pub sign_up: Namespaces,
    /// How mail goes out.
    pub mail: Route,
    /// How often is too often; none: nothing is.
    pub rates: Option<AttemptRates>,
}

/// Who acts, and from where.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The namespace.
    pub namespace: &'a str,
    /// Where that is.
    pub address: Option<IpAddr>,
}

/// The accounts of a server.
#[derive(Debug)]
pub struct Accounts {
    store: Store,
    key: SigningKey,
    passwords: Passwords,
    mailer: Mailer,
    accounts: Namespaces,
    sign_up: Namespaces,
    attempts: Option<Attempts>,
    answers: Answers,
    revocations: Arc<Revocations>,
}

impl Accounts {
    /// The accounts in `store`, with the key in `folder`. What ends is told to `revocations`, from which streams hear
    /// it.
    pub async fn open(
        setup: Setup,
        store: &Store,
        folder: &Path,
        revocations: Arc<Revocations>,
    ) -> Result<Self, AccountsError> {
        let Setup { accounts, sign_up, mail, rates } = setup;
        for (login, until) in store.ended_logins().await? {
            revocations.end_login(login, UNIX_EPOCH + Duration::from_secs(until));
        }
        Ok(Self {
            store: store.clone(),
            key: SigningKey::open(folder)?,
            passwords: Passwords::new()?,
            mailer: Mailer::new(mail),
            accounts,
            sign_up,
            attempts: rates.as_ref().map(Attempts::new),
            answers: Answers::new(),
            revocations,
        })
    }

    /// Mails an account's owner what has just been done to it. It is done, whether that can be mailed or not.
    fn tell(&self, to: Email, about: impl FnOnce(OffsetDateTime) -> About) {
        let about = about(OffsetDateTime::now_utc());
        if self.mailer.send(Letter { to, about }).is_err() {
            tracing::error!("too many mails wait; somebody is not told of a change to their account");
        }
    }

    /// Ends when all mail has gone out.
    pub async fn stop(&self) {
        self.mailer.stop().await;
    }

    /// Whether people log in with a password in this namespace. Then only tokens of theirs are good in it.
    pub fn hold(&self, namespace: &str) -> bool {
        self.accounts.hold(namespace)
    }

    /// Whether strangers may sign up in this namespace.
    pub fn take(&self, namespace: &str) -> bool {
        self.sign_up.hold(namespace)
    }

    /// Whose access token this is. It may have been ended.
    pub fn identify(&self, token: &str) -> Result<Caller, Denied> {
        let claims = self.key.check(token)?;
        if !self.hold(&claims.namespace) {
            return Err(Denied::InvalidToken);
        }
        if !self.answers.arrive(&claims.sid, &claims.rt_hash) {
            self.found(&claims.sid);
        }
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let user =
            User { id: claims.sub, issued_at: Some(at(claims.iat)), until: at(claims.exp), login: Some(claims.sid) };
        Ok(Caller::known(claims.namespace, user))
    }

    /// The same, if it has not been.
    pub fn check(&self, token: &str) -> Result<Caller, Denied> {
        if token.is_empty() {
            return Err(Denied::NoToken);
        }
        let caller = self.identify(token)?;
        if self.revocations.hold(&caller) { Err(Denied::RevokedToken) } else { Ok(caller) }
    }

    /// Removes an account, for who knows its password. What it sent stays in its chats; `chats.DeleteUser` takes that,
    /// too.
    pub async fn delete(
        self: &Arc<Self>,
        caller: &Caller,
        address: Option<IpAddr>,
        secret: Secret,
    ) -> Result<(), Refusal> {
        let (account, _) = self.own(caller, address, &secret).await?;
        let accounts = self.clone();
        whole(async move {
            let ended = accounts.store.delete_account(account, TERMS).await?;
            accounts.end(ended.ok_or(Refusal::WrongCredentials)?);
            Ok(())
        })
        .await
    }
}

/// Why accounts can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// The server's own key.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// The system has no chance to give.
    #[error("can't hash passwords: {0}")]
    Chance(#[from] getrandom::Error),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}
