//! An account's password: who knows it, and another one.

use std::net::IpAddr;
use std::sync::Arc;

use super::codes::Purpose;
use super::{Accounts, Asker, Email, Refusal, Secret, TERMS};
use crate::auth::{Caller, Denied};
use crate::completion::whole;
use crate::mail::About;
use crate::store::{Account, Named};

/// How long a password is, in characters.
const SECRET: std::ops::RangeInclusive<usize> = 8..=256;

impl Accounts {
    /// Another password, for who knows the one so far. All other logins end.
    pub async fn change_secret(
        self: &Arc<Self>,
        caller: &Caller,
        address: Option<IpAddr>,
        old: Secret,
        new: Secret,
    ) -> Result<(), Refusal> {
        let (account, login) = self.own(caller, address, &old).await?;
        let email = Email::parse(&account.email).ok_or(Refusal::InvalidEmail)?;
        strong(&new, &email)?;
        let kept = self.passwords.hash(&new).await?;
        let accounts = self.clone();
        whole(async move {
            let ended = accounts.store.change_secret(account, kept, login, TERMS).await?;
            accounts.end(ended.ok_or(Refusal::WrongCredentials)?);
            accounts.tell(email, About::PasswordChanged);
            Ok(())
        })
        .await
    }

    /// Refuses who does not know the password of the caller's own account.
    pub async fn confirm(&self, caller: &Caller, address: Option<IpAddr>, secret: Secret) -> Result<(), Refusal> {
        self.own(caller, address, &secret).await.map(drop)
    }

    /// Mails a code for another password; to an address that has no account, that it has none.
    pub async fn send_reset(self: &Arc<Self>, asker: Asker<'_>, email: &str) -> Result<(), Refusal> {
        if !self.hold(asker.namespace) {
            return Err(Refusal::Closed);
        }
        let about = |has_account, code| if has_account { About::Reset(code) } else { About::NothingToReset };
        self.mail_code(asker, email, Purpose::Reset, about).await
    }

    /// Another password for the code that was mailed. All logins end.
    pub async fn reset(
        self: &Arc<Self>,
        asker: Asker<'_>,
        email: &str,
        code: &str,
        secret: Secret,
    ) -> Result<(), Refusal> {
        if !self.hold(asker.namespace) {
            return Err(Refusal::Closed);
        }
        let email = Email::parse(email).ok_or(Refusal::InvalidEmail)?;
        strong(&secret, &email)?;
        self.try_code(asker)?;
        let kept = self.passwords.hash(&secret).await?;
        let sealed = self.seal(asker.namespace, Purpose::Reset, &email, code);
        let (accounts, address, namespace) = (self.clone(), asker.address, asker.namespace.to_owned());
        whole(async move {
            let reset = accounts.store.reset_secret(sealed, kept, TERMS).await?;
            let (account, ended) = reset.ok_or(Refusal::WrongCode)?;
            accounts.end(ended);
            // Others' guesses are no reason to refuse the new one.
            if let Some(attempts) = &accounts.attempts {
                attempts.logged_in(address, &namespace, email.as_str(), &account.user_id);
            }
            accounts.tell(email, About::PasswordReset);
            Ok(())
        })
        .await
    }

    /// The account, if there is one and that is its password.
    pub(super) async fn verify(&self, account: Option<Account>, secret: &Secret) -> Result<Account, Refusal> {
        let is_right = self.passwords.verify(secret, account.as_ref().map(|account| account.secret.clone())).await?;
        account.filter(|_| is_right).ok_or(Refusal::WrongCredentials)
    }

    /// The caller's own account, and which login they come with, if that is their password.
    pub(super) async fn own(
        &self,
        caller: &Caller,
        address: Option<IpAddr>,
        secret: &Secret,
    ) -> Result<(Account, Option<String>), Refusal> {
        let user = caller.user().ok_or(Denied::InvalidToken)?;
        if let Some(attempts) = &self.attempts {
            // Whoever is logged in may learn whose account it is.
            let may = attempts.password(address, &caller.namespace, &user.id);
            may.and_then(|()| attempts.password_of(address, &caller.namespace, &user.id))
                .map_err(Refusal::TooManyAttempts)?;
        }
        let account = self.store.account(caller.namespace.clone(), Named::UserId(user.id.clone())).await?;
        Ok((self.verify(account, secret).await?, user.login.clone()))
    }
}

pub(super) fn strong(secret: &Secret, email: &Email) -> Result<(), Refusal> {
    let is_strong = SECRET.contains(&secret.chars().count()) && !secret.trim().eq_ignore_ascii_case(email.as_str());
    if is_strong { Ok(()) } else { Err(Refusal::WeakSecret) }
}
