//! The service `signup`: accounts for those who read the mail of an address.

use axum::response::Response;
use micro_chat_wire::auth::{AccountName, Empty};
use micro_chat_wire::signup::{CompleteSignupRequest, CompleteSignupResponse, SendVerificationEmailRequest};
use zeroize::Zeroizing;

use super::auth::{Visit, private};
use super::fault::Fault;
use super::request::Call;
use crate::auth::accounts::{Asker, Granted};

/// `signup.SendVerificationEmail`.
pub async fn send_verification_email(visit: Visit<'_>, call: Call) -> Result<Response, Fault> {
    let SendVerificationEmailRequest { email, namespace } = call.read_body()?;
    let namespace = &visit.namespace(&[namespace])?;
    let asker = Asker { namespace, address: visit.address };
    visit.accounts()?.send_sign_up(asker, &email).await.map_err(visit.refused())?;
    Ok(private(&Empty {}, None))
}

/// `signup.CompleteSignup`.
pub async fn complete_signup(visit: Visit<'_>, call: Call) -> Result<Response, Fault> {
    let CompleteSignupRequest { email, secret, token, namespace, id, cookie } = call.read_body()?;
    let secret = Zeroizing::new(secret);
    let namespace = &visit.namespace(&[namespace])?;
    let accounts = visit.accounts()?;
    if cookie {
        visit.may_use_cookies()?;
    }
    let asker = Asker { namespace, address: visit.address };
    let granted = accounts.sign_up(asker, &email, &token, &id, secret).await.map_err(visit.refused())?;
    let (auth_token, cookie) = visit.token(&granted, cookie);
    let Granted { namespace, user_id, .. } = granted;
    let account = AccountName { id: user_id, namespace: namespace.clone() };
    Ok(private(&CompleteSignupResponse { auth_token, namespace, account }, cookie))
}
