//! Requests and answers of the service `signup`.

use serde::{Deserialize, Serialize};

use crate::auth::{AccountName, AuthToken};

/// Request of `signup.SendVerificationEmail`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = signup::SendVerificationEmailRequest))]
pub struct SendVerificationEmailRequest {
    /// Where the code is to go.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub email: String,
    /// The namespace.
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    pub namespace: String,
}

/// Request of `signup.CompleteSignup`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = signup::CompleteSignupRequest))]
pub struct CompleteSignupRequest {
    /// The address that the code went to.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub email: String,
    /// The password from here on.
    #[cfg_attr(feature = "openapi", schema(required, min_length = 8, max_length = 256))]
    pub secret: String,
    /// The code that came by mail.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub token: String,
    /// The namespace.
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    pub namespace: String,
    /// The user id that is wanted; the address where it is empty.
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    pub id: String,
    /// Whether the refresh token is to come in a cookie that no script can read.
    pub cookie: bool,
}

/// Answer of `signup.CompleteSignup`: the new user is logged in.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = signup::CompleteSignupResponse))]
pub struct CompleteSignupResponse {
    /// What to call with from here on.
    pub auth_token: AuthToken,
    /// The namespace.
    pub namespace: String,
    /// Who that is.
    pub account: AccountName,
}
