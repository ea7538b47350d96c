//! Logging in, staying that, and its end.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::refresh::Successors;
use super::signing::AccessClaims;
use super::{Accounts, Asker, Email, RefreshToken, Refusal, Secret, TERMS};
use crate::auth::attempts::Attempts;
use crate::completion::whole;
use crate::mail::About;
use crate::store::{Account, Issue, Named, NewLogin, Rotation, Used};

/// How long an access token is good for, in seconds.
pub(super) const ACCESS: u64 = 60 * 60;

/// Somebody is logged in.
pub struct Granted {
    /// The namespace.
    pub namespace: String,
    /// The user.
    pub user_id: String,
    /// What to call with.
    pub access_token: String,
    /// What makes the next.
    pub refresh_token: RefreshToken,
    /// Since when the access token is good, in Unix seconds.
    pub created: u64,
    /// Until when.
    pub expiry: u64,
}

impl Accounts {
    /// Logs somebody in, by their address or user id.
    pub async fn log_in(self: &Arc<Self>, asker: Asker<'_>, id: &str, secret: Secret) -> Result<Granted, Refusal> {
        if !self.hold(asker.namespace) {
            return Err(Refusal::Closed);
        }
        let Asker { namespace, address } = asker;
        if let Some(attempts) = &self.attempts {
            attempts.password(address, namespace, id).map_err(Refusal::TooManyAttempts)?;
        }
        let named = if id.contains('@') { Named::Email(id.to_ascii_lowercase()) } else { Named::UserId(id.to_owned()) };
        let account = self.store.account(namespace.to_owned(), named).await?;
        // Tried too often by its other name, it is answered like one that is not there.
        let account = account.filter(|account| {
            let may = |attempts: &Attempts| attempts.password_of(address, namespace, &account.user_id).is_ok();
            self.attempts.as_ref().is_none_or(may)
        });
        let account = self.verify(account, &secret).await?;
        if let Some(attempts) = &self.attempts {
            attempts.logged_in(address, namespace, id, &account.user_id);
        }
        let token = RefreshToken::new()?;
        let (accounts, namespace) = (self.clone(), namespace.to_owned());
        whole(async move {
            let user_id = account.user_id.clone();
            let logged_in = accounts.store.log_in(account, new_login(&token), TERMS).await?;
            accounts.end(logged_in.ok_or(Refusal::WrongCredentials)?);
            accounts.grant(namespace, user_id, token)
        })
        .await
    }

    /// Another access token, and the next refresh token. The namespace may be empty: nobody said.
    pub async fn refresh(self: &Arc<Self>, namespace: &str, token: &RefreshToken) -> Result<Granted, Refusal> {
        let login = token.login();
        let is_lost = self.answers.may_be_lost(&login);
        let used = Used { login, hash: token.hash(), is_lost };
        let (accounts, namespace, successors) = (self.clone(), namespace.to_owned(), token.successors(&self.key));
        whole(async move { accounts.rotate(namespace, used, successors).await }).await
    }

    async fn rotate(&self, namespace: String, used: Used, successors: Successors) -> Result<Granted, Refusal> {
        let login = used.login.clone();
        let next = successors.clone();
        let next = move |expires_at| next.of(expires_at).hash();
        let (account, expires_at, issue) = match self.store.rotate(namespace, used, next, TERMS).await? {
            Rotation::Unknown => return Err(Refusal::NoLogin),
            Rotation::Replayed => {
                tracing::warn!(login, "a refresh token was used twice; its login is over");
                self.end(vec![login]);
                return Err(Refusal::NoLogin);
            }
            Rotation::Renewed { account, expires_at, issue } => (account, expires_at, issue),
        };
        let successor = successors.of(expires_at);
        match issue {
            Issue::First => self.answers.give(login, successor.mark()),
            Issue::Replacement => self.answers.replace(login, successor.mark()),
            Issue::Repeated => self.answers.repeat(login, successor.mark()),
        }
        if !self.hold(&account.namespace) {
            return Err(Refusal::NoLogin);
        }
        self.grant(account.namespace, account.user_id, successor)
    }

    /// Something of an answer is used that was taken for lost: who comes with it is not who asked for it.
    pub(super) fn found(&self, login: &str) {
        tracing::warn!(login, "an access token of an answer that was lost is used; its login is over");
        self.end(vec![login.to_owned()]);
        let (store, login) = (self.store.clone(), login.to_owned());
        tokio::spawn(async move {
            if let Err(error) = store.end_login(login, TERMS).await {
                tracing::error!(%error, "a login could not be ended");
            }
        });
    }

    /// Ends a login, with all others of its user where `everywhere` says so.
    pub async fn log_out(self: &Arc<Self>, token: &RefreshToken, everywhere: bool) -> Result<(), Refusal> {
        let (accounts, login, hash) = (self.clone(), token.login(), token.hash());
        whole(async move {
            let (ended, account) = accounts.store.log_out(login, hash, everywhere, TERMS).await?;
            accounts.end(ended);
            if let Some(account) = account {
                accounts.tell_logged_out(&account);
            }
            Ok(())
        })
        .await
    }

    /// Ends all logins of a user. Not to be given up on the way: what was ended would not be told.
    pub async fn log_out_user(&self, namespace: String, user_id: String) -> Result<(), Refusal> {
        let account = self.store.account(namespace.clone(), Named::UserId(user_id.clone())).await?;
        let ended = self.store.log_out_user(namespace, user_id, TERMS).await?;
        // Whom it did not log out need not be told.
        let account = account.filter(|_| !ended.is_empty());
        self.end(ended);
        if let Some(account) = account {
            self.tell_logged_out(&account);
        }
        Ok(())
    }

    fn tell_logged_out(&self, account: &Account) {
        if let Some(email) = Email::parse(&account.email) {
            self.tell(email, About::LoggedOut);
        }
    }

    /// Tells everybody that these logins are over: their account was deleted.
    pub fn deleted(&self, logins: Vec<String>) {
        self.end(logins);
    }

    /// Tells everybody that these logins are over.
    pub(super) fn end(&self, logins: Vec<String>) {
        // A token may be on its way that was granted a moment before.
        let until = SystemTime::now() + Duration::from_secs(ACCESS + 60);
        for login in logins {
            self.revocations.end_login(login, until);
        }
    }

    pub(super) fn grant(
        &self,
        namespace: String,
        user_id: String,
        refresh_token: RefreshToken,
    ) -> Result<Granted, Refusal> {
        let created = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let expiry = created + ACCESS;
        let claims = AccessClaims::new(&user_id, &namespace, &refresh_token, created, expiry);
        let access_token = self.key.sign(&claims).map_err(|error| {
            tracing::error!(%error, "a token could not be signed");
            Refusal::Busy
        })?;
        Ok(Granted { namespace, user_id, access_token, refresh_token, created, expiry })
    }
}

pub(super) fn new_login(token: &RefreshToken) -> NewLogin {
    NewLogin { login: token.login(), hash: token.hash() }
}
