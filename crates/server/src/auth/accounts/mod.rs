//! People who log in here, with a password.
//!
//! - [`Email`]: where their mail goes,
//! - `Passwords`: argon2id, and not too much of it at a time,
//! - [`Code`]: what proves that somebody reads the mail of an address,
//! - [`RefreshToken`]: what keeps somebody logged in,
//! - [`SigningKey`]: what access tokens are signed with,
//! - [`Refusal`]: what can be wrong.
//!
//! Nothing that is answered, and no time that it takes, says whether an address has an account: each step does the same
//! work for those that have one and those that haven't.

mod codes;
mod email;
mod passwords;
mod refresh;
mod refusal;
mod signing;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use micro_chat_wire::limit;

pub use codes::Code;
use codes::Purpose;
pub use email::Email;
use passwords::Passwords;
pub use passwords::Secret;
pub use refresh::RefreshToken;
pub use refusal::Refusal;
pub(crate) use refusal::RefusalKind;
pub use signing::{SigningError, SigningKey};

use super::attempts::{AttemptRates, Attempts};
use super::{Caller, Denied, Revocations, User};
use crate::mail::{About, Letter, Mailer, Route};
use crate::store::{Account, Named, NewLogin, Rotation, SealedCode, SignedUp, Store, StoreError, Terms};

/// How long an access token is good for, in seconds.
const ACCESS: u64 = 60 * 60;

/// How long a login is, that nobody uses, in seconds.
pub const LOGIN: i64 = 30 * 24 * 60 * 60;

pub(crate) const TERMS: Terms =
    Terms { code: codes::LIFE, tries: codes::TRIES, login: LOGIN, grace: 60, access: ACCESS as i64, logins: 100 };

/// How long a password is, in characters.
const SECRET: std::ops::RangeInclusive<usize> = 8..=256;

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

/// What a server is told of accounts.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where people log in with a password: these namespaces belong to accounts, and nobody else's tokens are good there.
    pub accounts: Namespaces,
    /// Where strangers may sign up; they are among the others.
    pub sign_up: Namespaces,
    /// How mail goes out.
    pub mail: Route,
    /// How often is too often; none: nothing is.
    pub rates: Option<AttemptRates>,
}

/// Somebody is logged in.
pub struct Granted {
    /// The tenant.
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

/// Who acts, and from where.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The tenant.
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
    revocations: Arc<Revocations>,
}

impl Accounts {
    /// The accounts in `store`, with the key in `folder`. What ends is told to `revocations`, from which streams hear it.
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
            revocations,
        })
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

    /// Mails a code to sign up with; to an address that has an account, that it has.
    pub async fn send_sign_up(&self, asker: Asker<'_>, email: &str) -> Result<(), Refusal> {
        if !self.take(asker.namespace) {
            return Err(Refusal::Closed);
        }
        let (account, email, code) = self.prepare(asker, email, Purpose::SignUp).await?;
        let about = if account.is_some() { About::AlreadySignedUp } else { About::SignUp(code) };
        Ok(self.mailer.send(Letter { to: email, about })?)
    }

    /// Makes an account for the code that was mailed, and logs it in.
    pub async fn sign_up(
        &self,
        asker: Asker<'_>,
        email: &str,
        code: &str,
        user_id: &str,
        secret: Secret,
    ) -> Result<Granted, Refusal> {
        if !self.take(asker.namespace) {
            return Err(Refusal::Closed);
        }
        let email = Email::parse(email).ok_or(Refusal::InvalidEmail)?;
        strong(&secret, &email)?;
        let user_id = if user_id.is_empty() { email.as_str() } else { user_id };
        check_id(user_id, &email)?;
        self.try_code(asker)?;
        let kept = self.passwords.hash(&secret).await?;
        let token = RefreshToken::new()?;
        let sealed = self.seal(asker.namespace, Purpose::SignUp, &email, code);
        match self.store.sign_up(sealed, user_id.to_owned(), kept, new_login(&token), TERMS).await? {
            SignedUp::Done => {}
            SignedUp::WrongCode => return Err(Refusal::WrongCode),
            SignedUp::IdTaken => return Err(Refusal::IdTaken),
        }
        self.grant(asker.namespace.to_owned(), user_id.to_owned(), token)
    }

    /// Logs somebody in, by their address or user id.
    pub async fn log_in(&self, asker: Asker<'_>, id: &str, secret: Secret) -> Result<Granted, Refusal> {
        if !self.hold(asker.namespace) {
            return Err(Refusal::Closed);
        }
        self.try_password(asker, id)?;
        let named = if id.contains('@') { Named::Email(id.to_ascii_lowercase()) } else { Named::UserId(id.to_owned()) };
        let account = self.store.account(asker.namespace.to_owned(), named).await?;
        let account = self.verify(account, &secret).await?;
        if let Some(attempts) = &self.attempts {
            attempts.logged_in(asker.address, asker.namespace, id);
        }
        let token = RefreshToken::new()?;
        let user_id = account.user_id.clone();
        let logged_in = self.store.log_in(account, new_login(&token), TERMS).await?;
        self.end(logged_in.ok_or(Refusal::WrongCredentials)?);
        self.grant(asker.namespace.to_owned(), user_id, token)
    }

    /// Another access token, and the next refresh token. The namespace may be empty: nobody said.
    pub async fn refresh(&self, namespace: &str, token: &RefreshToken) -> Result<Granted, Refusal> {
        let successor = token.successor(&self.key);
        let (login, used, next) = (token.login(), token.hash(), successor.hash());
        match self.store.rotate(namespace.to_owned(), login.clone(), used, next, TERMS).await? {
            Rotation::Renewed(account) if self.hold(&account.namespace) => {
                self.grant(account.namespace, account.user_id, successor)
            }
            Rotation::Renewed(_) | Rotation::Unknown => Err(Refusal::NoLogin),
            Rotation::Replayed => {
                tracing::warn!(login, "a refresh token was used twice; its login is over");
                self.end(vec![login]);
                Err(Refusal::NoLogin)
            }
        }
    }

    /// Ends a login, with all others of its user where `everywhere` says so.
    pub async fn log_out(&self, token: &RefreshToken, everywhere: bool) -> Result<(), Refusal> {
        self.end(self.store.log_out(token.login(), token.hash(), everywhere, TERMS).await?);
        Ok(())
    }

    /// Ends all logins of a user.
    pub async fn log_out_user(&self, namespace: String, user_id: String) -> Result<(), Refusal> {
        self.end(self.store.log_out_user(namespace, user_id, TERMS).await?);
        Ok(())
    }

    /// Another password, for who knows the one so far. All other logins end.
    pub async fn change_secret(
        &self,
        caller: &Caller,
        address: Option<IpAddr>,
        old: Secret,
        new: Secret,
    ) -> Result<(), Refusal> {
        let (account, login) = self.own(caller, address, &old).await?;
        let email = Email::parse(&account.email).ok_or(Refusal::InvalidEmail)?;
        strong(&new, &email)?;
        let kept = self.passwords.hash(&new).await?;
        let ended = self.store.change_secret(account, kept, login, TERMS).await?;
        self.end(ended.ok_or(Refusal::WrongCredentials)?);
        Ok(())
    }

    /// Refuses who does not know the password of the caller's own account.
    pub async fn confirm(&self, caller: &Caller, address: Option<IpAddr>, secret: Secret) -> Result<(), Refusal> {
        self.own(caller, address, &secret).await.map(drop)
    }

    /// Tells everybody that these logins are over: their account was deleted.
    pub fn deleted(&self, logins: Vec<String>) {
        self.end(logins);
    }

    /// Removes an account, for who knows its password. What it sent stays in its chats; `chats.DeleteUser` takes that,
    /// too.
    pub async fn delete(&self, caller: &Caller, address: Option<IpAddr>, secret: Secret) -> Result<(), Refusal> {
        let (account, _) = self.own(caller, address, &secret).await?;
        let ended = self.store.delete_account(account, TERMS).await?;
        self.end(ended.ok_or(Refusal::WrongCredentials)?);
        Ok(())
    }

    /// Mails a code for another password; to an address that has no account, that it has none.
    pub async fn send_reset(&self, asker: Asker<'_>, email: &str) -> Result<(), Refusal> {
        if !self.hold(asker.namespace) {
            return Err(Refusal::Closed);
        }
        let (account, email, code) = self.prepare(asker, email, Purpose::Reset).await?;
        let about = if account.is_some() { About::Reset(code) } else { About::NothingToReset };
        Ok(self.mailer.send(Letter { to: email, about })?)
    }

    /// Another password for the code that was mailed. All logins end.
    pub async fn reset(&self, asker: Asker<'_>, email: &str, code: &str, secret: Secret) -> Result<(), Refusal> {
        if !self.hold(asker.namespace) {
            return Err(Refusal::Closed);
        }
        let email = Email::parse(email).ok_or(Refusal::InvalidEmail)?;
        strong(&secret, &email)?;
        self.try_code(asker)?;
        let kept = self.passwords.hash(&secret).await?;
        let sealed = self.seal(asker.namespace, Purpose::Reset, &email, code);
        let ended = self.store.reset_secret(sealed, kept, TERMS).await?;
        self.end(ended.ok_or(Refusal::WrongCode)?);
        Ok(())
    }

    /// Keeps a new code for an address; the account, where it has one.
    async fn prepare(
        &self,
        asker: Asker<'_>,
        email: &str,
        purpose: Purpose,
    ) -> Result<(Option<Account>, Email, Code), Refusal> {
        let email = Email::parse(email).ok_or(Refusal::InvalidEmail)?;
        if let Some(attempts) = &self.attempts {
            let may = attempts.mail(asker.address, asker.namespace, email.as_str());
            may.map_err(Refusal::TooManyAttempts)?;
        }
        let code = Code::new()?;
        let sealed = self.seal(asker.namespace, purpose, &email, &code.to_string());
        Ok((self.store.put_code(sealed, TERMS).await?, email, code))
    }

    fn seal(&self, namespace: &str, purpose: Purpose, email: &Email, code: &str) -> SealedCode {
        let hash = codes::sealed(&self.key, purpose, namespace, email, code.trim());
        SealedCode { purpose: purpose.name(), namespace: namespace.to_owned(), email: email.as_str().to_owned(), hash }
    }

    fn try_password(&self, asker: Asker<'_>, id: &str) -> Result<(), Refusal> {
        let Some(attempts) = &self.attempts else { return Ok(()) };
        attempts.password(asker.address, asker.namespace, id).map_err(Refusal::TooManyAttempts)
    }

    fn try_code(&self, asker: Asker<'_>) -> Result<(), Refusal> {
        let Some(attempts) = &self.attempts else { return Ok(()) };
        attempts.code(asker.address).map_err(Refusal::TooManyAttempts)
    }

    /// The account, if there is one and that is its password.
    async fn verify(&self, account: Option<Account>, secret: &Secret) -> Result<Account, Refusal> {
        let is_right = self.passwords.verify(secret, account.as_ref().map(|account| account.secret.clone())).await?;
        account.filter(|_| is_right).ok_or(Refusal::WrongCredentials)
    }

    /// The caller's own account, and which login they come with, if that is their password.
    async fn own(
        &self,
        caller: &Caller,
        address: Option<IpAddr>,
        secret: &Secret,
    ) -> Result<(Account, Option<String>), Refusal> {
        let user = caller.user().ok_or(Denied::InvalidToken)?;
        self.try_password(Asker { namespace: &caller.namespace, address }, &user.id)?;
        let account = self.store.account(caller.namespace.clone(), Named::UserId(user.id.clone())).await?;
        Ok((self.verify(account, secret).await?, user.login.clone()))
    }

    /// Tells everybody that these logins are over.
    fn end(&self, logins: Vec<String>) {
        // A token may be on its way that was granted a moment before.
        let until = SystemTime::now() + Duration::from_secs(ACCESS + 60);
        for login in logins {
            self.revocations.end_login(login, until);
        }
    }

    fn grant(&self, namespace: String, user_id: String, refresh_token: RefreshToken) -> Result<Granted, Refusal> {
        let created = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let expiry = created + ACCESS;
        let claims = signing::AccessClaims::new(&user_id, &namespace, &refresh_token.login(), created, expiry);
        let access_token = self.key.sign(&claims).map_err(|error| {
            tracing::error!(%error, "a token could not be signed");
            Refusal::Busy
        })?;
        Ok(Granted { namespace, user_id, access_token, refresh_token, created, expiry })
    }
}

fn new_login(token: &RefreshToken) -> NewLogin {
    NewLogin { login: token.login(), hash: token.hash() }
}

fn strong(secret: &Secret, email: &Email) -> Result<(), Refusal> {
    let is_strong = SECRET.contains(&secret.chars().count()) && !secret.trim().eq_ignore_ascii_case(email.as_str());
    if is_strong { Ok(()) } else { Err(Refusal::WeakSecret) }
}

/// A user id is a line of text. Whose looks like an address is that address's owner's, so that nobody can be taken for
/// another, and whoever logs in by an address means that one.
fn check_id(user_id: &str, email: &Email) -> Result<(), Refusal> {
    if user_id.len() > limit::ID || user_id.trim() != user_id || user_id.chars().any(is_deceptive) {
        return Err(Refusal::InvalidId);
    }
    if user_id.contains('@') && user_id != email.as_str() { Err(Refusal::IdTaken) } else { Ok(()) }
}

/// Whether a character is none to see, or another in disguise: with it one name looks like another.
fn is_deceptive(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fe6b}' | '\u{ff20}' | '\u{e0000}'..='\u{e0fff}')
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
