//! Codes that prove that somebody reads the mail of an address.

use std::fmt::{Display, Formatter};
use std::sync::Arc;

use super::{Accounts, Asker, Email, Refusal, SigningKey, TERMS};
use crate::completion::whole;
use crate::mail::{About, Letter};
use crate::store::SealedCode;

/// How many there are: eight digits.
const CODES: u32 = 100_000_000;

/// How long one is good for, in seconds.
pub const LIFE: i64 = 15 * 60;

/// How often one may be tried.
pub const TRIES: u32 = 5;

/// What a code is for. One that is for something else is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A new account.
    SignUp,
    /// A new password.
    Reset,
}

impl Purpose {
    /// As the store names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignUp => "sign-up",
            Self::Reset => "reset",
        }
    }
}

/// A code as it is mailed. It is nowhere else: the store holds what the server's key makes of it, since eight digits
/// can be found out from a plain hash.
#[derive(Clone)]
pub struct Code(u32);

impl Code {
    /// One that nobody can guess.
    pub fn new() -> Result<Self, getrandom::Error> {
        loop {
            let number = getrandom::u32()?;
            // Each code is as likely as any other only among whole rounds.
            if number < u32::MAX / CODES * CODES {
                return Ok(Self(number % CODES));
            }
        }
    }
}

impl Display for Code {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:08}", self.0)
    }
}

/// What the store keeps of a code. It is good for this address, in this namespace, for this purpose only.
pub fn sealed(key: &SigningKey, purpose: Purpose, namespace: &str, email: &Email, code: &str) -> [u8; 32] {
    let parts = ["code", purpose.name(), namespace, email.as_str(), code];
    key.seal(&parts.map(str::as_bytes))
}

impl Accounts {
    /// Keeps a new code for an address, and mails it what `about` makes of that, and of whether it has an account.
    pub(super) async fn mail_code(
        self: &Arc<Self>,
        asker: Asker<'_>,
        email: &str,
        purpose: Purpose,
        about: impl FnOnce(bool, Code) -> About + Send + 'static,
    ) -> Result<(), Refusal> {
        let email = Email::parse(email).ok_or(Refusal::InvalidEmail)?;
        if let Some(attempts) = &self.attempts {
            let may = attempts.mail(asker.address, asker.namespace, email.as_str());
            may.map_err(Refusal::TooManyAttempts)?;
        }
        let code = Code::new()?;
        let sealed = self.seal(asker.namespace, purpose, &email, &code.to_string());
        let accounts = self.clone();
        whole(async move {
            let account = accounts.store.put_code(sealed, TERMS).await?;
            Ok(accounts.mailer.send(Letter { to: email, about: about(account.is_some(), code) })?)
        })
        .await
    }

    pub(super) fn seal(&self, namespace: &str, purpose: Purpose, email: &Email, code: &str) -> SealedCode {
        let hash = sealed(&self.key, purpose, namespace, email, code.trim());
        SealedCode { purpose: purpose.name(), namespace: namespace.to_owned(), email: email.as_str().to_owned(), hash }
    }

    pub(super) fn try_code(&self, asker: Asker<'_>) -> Result<(), Refusal> {
        let Some(attempts) = &self.attempts else { return Ok(()) };
        attempts.code(asker.address).map_err(Refusal::TooManyAttempts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_eight_digits_and_is_another_each_time() {
        let codes: Vec<String> = (0..1_000).map(|_| Code::new().expect("chance").to_string()).collect();
        assert!(codes.iter().all(|code| code.len() == 8 && code.bytes().all(|byte| byte.is_ascii_digit())));
        let mut different = codes.clone();
        different.sort_unstable();
        different.dedup();
        assert!(different.len() > 990, "{}", different.len());
        assert_eq!(Code(42).to_string(), "00000042");
    }
}
