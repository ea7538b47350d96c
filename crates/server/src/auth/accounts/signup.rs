//! Signing up, with a code that was mailed.

use std::sync::Arc;

use super::codes::Purpose;
use super::logins::new_login;
use super::secrets::strong;
use super::user_id::check_id;
use super::{Accounts, Asker, Email, Granted, RefreshToken, Refusal, Secret, TERMS};
use crate::mail::About;
use crate::store::SignedUp;

impl Accounts {
    /// Mails a code to sign up with; to an address that has an account, that it has.
    pub async fn send_sign_up(self: &Arc<Self>, asker: Asker<'_>, email: &str) -> Result<(), Refusal> {
        if !self.take(asker.namespace) {
            return Err(Refusal::Closed);
        }
        let about = |has_account, code| if has_account { About::AlreadySignedUp } else { About::SignUp(code) };
        self.mail_code(asker, email, Purpose::SignUp, about).await
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
}
