//! Requests and answers of the service `auth`.

use serde::{Deserialize, Serialize};

/// Request of `auth.Options`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = auth::OptionsRequest))]
pub struct OptionsRequest {
    /// The namespace that is asked about.
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    pub namespace: String,
}

/// Answer of `auth.Options`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = auth::OptionsResponse))]
pub struct OptionsResponse {
    /// Whether the server wants to know who calls.
    pub login: Login,
    /// Whether strangers may sign up in this namespace.
    pub sign_up: bool,
    /// Whether people can log in with a password in this namespace.
    pub accounts: bool,
}

/// Whether a server asks for a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = auth::Login))]
pub enum Login {
    /// It believes whoever is named.
    None,
    /// It believes tokens only.
    Required,
}

/// Request of `auth.Token`: a password, a refresh token, or `cookie` alone for the refresh token in the cookie.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = auth::TokenRequest))]
pub struct TokenRequest {
    /// Who logs in: an e-mail address or a user id.
    pub id: String,
    /// Their password.
    pub secret: String,
    /// Instead of both: a refresh token. It is used up.
    pub refresh_token: String,
    /// More about it.
    pub options: TokenOptions,
    /// The same as `options.namespace`.
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    pub namespace: String,
    /// Whether the refresh token is to come, and is to be found, in a cookie that no script can read.
    pub cookie: bool,
}

/// More about a login.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = auth::TokenOptions))]
pub struct TokenOptions {
    /// The namespace.
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    pub namespace: String,
}

/// Answer of `auth.Token`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = auth::TokenResponse))]
pub struct TokenResponse {
    /// What to call with from here on.
    pub token: AuthToken,
    /// Who that is.
    pub account: AccountName,
}

/// An access token, with what makes the next one.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = auth::AuthToken))]
pub struct AuthToken {
    /// For `authorization: Bearer`, hello frames and first frames.
    pub access_token: String,
    /// Good for one `auth.Token`; empty where it is in a cookie.
    pub refresh_token: String,
    /// Since when the access token is good, in Unix seconds.
    pub created: u64,
    /// Until when.
    pub expiry: u64,
}

/// Who somebody is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = auth::AccountName))]
pub struct AccountName {
    /// The user id.
    pub id: String,
    /// Their namespace.
    pub namespace: String,
}

/// Request of `auth.Inspect`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = auth::InspectRequest))]
pub struct InspectRequest {
    /// What to look at; the caller's own token where it is empty.
    pub token: String,
}

/// Answer of `auth.Inspect`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = auth::InspectResponse))]
pub struct InspectResponse {
    /// Whose token that is.
    pub account: Account,
}

/// Whose a token is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = auth::Account))]
pub struct Account {
    /// The user id, or the API key's id.
    pub id: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: AccountKind,
    /// The namespace.
    pub issuer: String,
    /// What the token is for.
    pub scopes: Vec<String>,
    /// Nothing is kept here.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// Nor here.
    pub name: String,
}

/// What an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = auth::AccountKind))]
pub enum AccountKind {
    /// Somebody.
    User,
    /// A site's own server.
    Service,
}

/// Request of `auth.Revoke`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = auth::RevokeRequest))]
pub struct RevokeRequest {
    /// Whose login ends.
    pub refresh_token: String,
    /// The same, with the refresh token in the cookie.
    pub cookie: bool,
    /// Whether all logins of that user end.
    pub everywhere: bool,
    /// With an API key: whose logins and tokens end.
    pub user_id: String,
    /// The namespace.
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    pub namespace: String,
}

/// Request of `auth.ChangeSecret`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = auth::ChangeSecretRequest))]
pub struct ChangeSecretRequest {
    /// The password so far.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub old_secret: String,
    /// The one from here on.
    #[cfg_attr(feature = "openapi", schema(required, min_length = 8, max_length = 256))]
    pub new_secret: String,
}

/// Request of `auth.Delete`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = auth::DeleteRequest))]
pub struct DeleteRequest {
    /// The account's password.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub secret: String,
}

/// Request of `auth.SendPasswordResetEmail`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = auth::SendPasswordResetEmailRequest))]
pub struct SendPasswordResetEmailRequest {
    /// The account's address.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub email: String,
    /// The namespace.
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    pub namespace: String,
}

/// Request of `auth.ResetPassword`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = auth::ResetPasswordRequest))]
pub struct ResetPasswordRequest {
    /// The account's address.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub email: String,
    /// The code that came by mail.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub token: String,
    /// The password from here on.
    #[cfg_attr(feature = "openapi", schema(required, min_length = 8, max_length = 256))]
    pub secret: String,
    /// The namespace.
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    pub namespace: String,
}

/// Answer where there is nothing to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = auth::Empty))]
pub struct Empty {}
