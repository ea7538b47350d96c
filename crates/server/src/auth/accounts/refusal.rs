//! What can be wrong with what somebody wants of an account.

use super::passwords::Busy;
use crate::auth::Denied;
use crate::limits::Wait;
use crate::mail::Full;
use crate::store::StoreError;

/// Why something about an account is refused. The API gives each its id and its words.
#[derive(Debug, thiserror::Error, strum::EnumDiscriminants)]
#[strum_discriminants(name(RefusalKind), derive(strum::EnumIter), vis(pub(crate)), doc = "Its kinds.")]
pub enum Refusal {
    /// Nobody logs in with a password in that namespace, or strangers can't sign up in it.
    #[error("closed")]
    Closed,
    /// What should be an address isn't.
    #[error("no e-mail address")]
    InvalidEmail,
    /// A password that is too short, too long, or the address.
    #[error("a weak password")]
    WeakSecret,
    /// A user id that can't be one.
    #[error("no user id")]
    InvalidId,
    /// Somebody has that user id.
    #[error("the user id is taken")]
    IdTaken,
    /// The code is wrong, expired, or used up.
    #[error("the code is wrong")]
    WrongCode,
    /// There is no such account, or it has another password.
    #[error("the password is wrong")]
    WrongCredentials,
    /// The refresh token is none that is good.
    #[error("nobody is logged in by that")]
    NoLogin,
    /// Too many tries; less in so much time.
    #[error("too many attempts")]
    TooManyAttempts(Wait),
    /// Too many others try, or too many mails wait.
    #[error("too much is going on")]
    Busy,
    /// The access token is none that is good.
    #[error("the token is refused")]
    Denied(Denied),
    /// The database did not do it.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        error.log();
        Self::Store(error)
    }
}

impl From<Busy> for Refusal {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}

impl From<Full> for Refusal {
    fn from(_: Full) -> Self {
        Self::Busy
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<getrandom::Error> for Refusal {
    fn from(error: getrandom::Error) -> Self {
        tracing::error!(%error, "the system has no chance to give");
        Self::Busy
    }
}
