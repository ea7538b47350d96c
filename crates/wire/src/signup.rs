//! Requests and answers of the service `signup`.

use serde::{Deserialize, Serialize};

use crate::auth::{AccountName, AuthToken};

/// Request of `signup.sendVerificationEmail`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SendVerificationEmailRequest {
    /// Where the code is to go.
    pub email: String,
    /// The tenant.
    pub namespace: String,
}

/// Request of `signup.completeSignup`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CompleteSignupRequest {
    /// The address that the code went to.
    pub email: String,
    /// The password from here on.
    pub secret: String,
    /// The code that came by mail.
    pub token: String,
    /// The tenant.
    pub namespace: String,
    /// The user id that is wanted; the address where it is empty.
    pub id: String,
    /// Whether the refresh token is to come in a cookie that no script can read.
    pub cookie: bool,
}

/// Answer of `signup.completeSignup`: the new user is logged in.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CompleteSignupResponse {
    /// What to call with from here on.
    pub auth_token: AuthToken,
    /// The tenant.
    pub namespace: String,
    /// Who that is.
    pub account: AccountName,
}
