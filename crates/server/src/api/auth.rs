//! The service `auth`: logging in, staying so, and logging out.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use micro_chat_wire::DEFAULT_NAMESPACE;
use micro_chat_wire::auth::{
    Account, AccountKind, AccountName, AuthToken, ChangeSecretRequest, DeleteRequest, Empty, InspectRequest,
    InspectResponse, Login, OptionsRequest, OptionsResponse, ResetPasswordRequest, RevokeRequest,
    SendPasswordResetEmailRequest, TokenRequest, TokenResponse,
};
use micro_chat_wire::endpoint::Endpoint;
use micro_chat_wire::limit;
use serde::Serialize;
use zeroize::Zeroizing;

use super::fault::Fault;
use super::request::{self, Call, checked_namespace};
use super::{answer, cookies};
use crate::auth::accounts::{Asker, Granted, RefreshToken, Refusal};
use crate::auth::{Accounts, Caller, Denied, Scope};
use crate::completion::whole;
use crate::node::Node;

/// What a user may.
const USERS_SCOPES: [&str; 2] = ["read", "send"];

/// A call about an account: what all of them need.
#[derive(Clone, Copy)]
pub struct Visit<'a> {
    /// The server.
    pub node: &'a Node,
    /// What is called.
    pub endpoint: Endpoint,
    /// The request but its body.
    pub parts: &'a Parts,
    /// Where it comes from.
    pub address: Option<IpAddr>,
}

impl<'a> Visit<'a> {
    /// Begins one. Pages of sites that may not would have their visitors guess passwords and mail strangers.
    pub fn begin(node: &'a Node, endpoint: Endpoint, parts: &'a Parts, address: Option<IpAddr>) -> Result<Self, Fault> {
        if node.origins.allow(&parts.headers) {
            Ok(Self { node, endpoint, parts, address })
        } else {
            Err(Fault::ForbiddenAccount)
        }
    }

    /// The accounts, where there are any.
    pub fn accounts(&self) -> Result<&'a Arc<Accounts>, Fault> {
        self.node.accounts.as_ref().ok_or(Fault::Account(self.endpoint, Refusal::Closed))
    }

    /// Says what was wrong.
    pub fn refused(&self) -> impl Fn(Refusal) -> Fault + use<> {
        let endpoint = self.endpoint;
        move |refusal| Fault::Account(endpoint, refusal)
    }

    /// The namespace that the request names, wherever it does; empty where it doesn't.
    pub fn named_namespace(&self, in_body: &[String]) -> Result<String, Fault> {
        let mut named = request::namespace(self.parts)?;
        for namespace in in_body.iter().filter(|namespace| !namespace.is_empty()) {
            if !named.is_empty() && named != *namespace {
                let detail = "it differs from the other namespace that the request names".to_owned();
                return Err(Fault::InvalidField { field: "namespace".to_owned(), detail });
            }
            named = checked_namespace(namespace.clone())?;
        }
        Ok(named)
    }

    /// The same; the default one where it doesn't.
    pub fn namespace(&self, in_body: &[String]) -> Result<String, Fault> {
        let named = self.named_namespace(in_body)?;
        Ok(if named.is_empty() { DEFAULT_NAMESPACE.to_owned() } else { named })
    }

    /// Refuses a cookie to pages that may not have one. Without this another site's page could have its visitors'
    /// cookies used, or log them in as somebody else.
    pub fn may_use_cookies(&self) -> Result<(), Fault> {
        if self.node.origins.trust(&self.parts.headers) { Ok(()) } else { Err(Fault::ForbiddenAccount) }
    }

    /// The caller's own account.
    fn caller(&self) -> Result<Caller, Fault> {
        let caller = self.accounts()?.check(&request::token(self.parts)?)?;
        let namespace = request::namespace(self.parts)?;
        if namespace.is_empty() || caller.namespace == namespace {
            Ok(caller)
        } else {
            Err(Denied::WrongNamespace.into())
        }
    }

    /// An access token and its refresh token; that in a cookie, if it is to be.
    pub fn token(&self, granted: &Granted, in_cookie: bool) -> (AuthToken, Option<HeaderValue>) {
        let refresh_token = granted.refresh_token.text();
        let (cookie, refresh_token) = if in_cookie {
            let cookie = cookies::keep(&self.parts.headers, &granted.namespace, &granted.refresh_token);
            (cookie, String::new())
        } else {
            (None, refresh_token)
        };
        let Granted { access_token, created, expiry, .. } = granted;
        let token = AuthToken { access_token: access_token.clone(), refresh_token, created: *created, expiry: *expiry };
        (token, cookie)
    }
}

/// An answer that no cache keeps.
pub fn private(body: &impl Serialize, cookie: Option<HeaderValue>) -> Response {
    let mut response = answer::json(StatusCode::OK, body);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// `auth.Options`.
pub fn options(visit: Visit<'_>, call: Call) -> Result<Response, Fault> {
    let request: OptionsRequest = call.read()?;
    let namespace = visit.namespace(&[request.namespace])?;
    let login = if visit.node.access.is_open() { Login::None } else { Login::Required };
    let accounts = visit.node.accounts.as_ref();
    let response = OptionsResponse {
        login,
        sign_up: accounts.is_some_and(|accounts| accounts.take(&namespace)),
        accounts: accounts.is_some_and(|accounts| accounts.hold(&namespace)),
    };
    Ok(answer::json(StatusCode::OK, &response))
}

/// `auth.Token`.
pub async fn token(visit: Visit<'_>, call: Call) -> Result<Response, Fault> {
    let request: TokenRequest = call.read_body()?;
    let TokenRequest { id, secret, refresh_token, options, namespace, cookie } = request;
    let secret = Zeroizing::new(secret);
    let named = visit.named_namespace(&[options.namespace, namespace])?;
    let accounts = visit.accounts()?;
    if cookie {
        visit.may_use_cookies()?;
    }
    let namespace = if named.is_empty() { DEFAULT_NAMESPACE } else { &named };
    let granted = if !id.is_empty() {
        accounts.log_in(Asker { namespace, address: visit.address }, &id, secret).await
    } else {
        // A refresh token knows its namespace; a cookie is one namespace's.
        let (token, namespace) = match refresh_token.is_empty() {
            false => (RefreshToken::parse(&refresh_token), named.as_str()),
            true if cookie => (cookies::read(&visit.parts.headers, namespace), namespace),
            true => (None, namespace),
        };
        match token {
            Some(token) => accounts.refresh(namespace, &token).await,
            None => Err(Refusal::NoLogin),
        }
    };
    let granted = granted.map_err(visit.refused())?;
    let (token, cookie) = visit.token(&granted, cookie);
    let Granted { namespace, user_id, .. } = granted;
    Ok(private(&TokenResponse { token, account: AccountName { id: user_id, namespace } }, cookie))
}

/// `auth.Inspect`.
pub async fn inspect(visit: Visit<'_>, call: Call) -> Result<Response, Fault> {
    let request: InspectRequest = call.read_body()?;
    let namespace = request::namespace(visit.parts)?;
    let token = if request.token.is_empty() { request::token(visit.parts)? } else { request.token };
    let caller = if visit.node.access.is_open() {
        // Where nobody has to log in, whoever did is known all the same.
        visit.accounts()?.check(&token)?
    } else {
        visit.node.access.admit(&token, &namespace).await?
    };
    let (id, kind, scopes) = match (caller.user(), caller.as_service()) {
        (Some(user), _) => (user.id.clone(), AccountKind::User, USERS_SCOPES.to_vec()),
        (None, Some(service)) => (service.key.clone(), AccountKind::Service, service.scopes.names()),
        (None, None) => return Err(Denied::NoToken.into()),
    };
    let scopes = scopes.into_iter().map(str::to_owned).collect();
    let account =
        Account { id, kind, issuer: caller.namespace, scopes, metadata: serde_json::Map::new(), name: String::new() };
    Ok(private(&InspectResponse { account }, None))
}

/// `auth.Revoke`.
pub async fn revoke(visit: Visit<'_>, call: Call) -> Result<Response, Fault> {
    let request: RevokeRequest = call.read_body()?;
    if !request.user_id.is_empty() {
        return revoke_user(visit, request).await;
    }
    let namespace = visit.namespace(&[request.namespace])?;
    let accounts = visit.accounts()?;
    let (token, cookie) = if request.cookie {
        visit.may_use_cookies()?;
        let headers = &visit.parts.headers;
        (cookies::read(headers, &namespace), cookies::forget(headers, &namespace))
    } else {
        (RefreshToken::parse(&request.refresh_token), None)
    };
    // Whose login is over already is as logged out as they want to be.
    if let Some(token) = token {
        accounts.log_out(&token, request.everywhere).await.map_err(visit.refused())?;
    }
    Ok(private(&Empty {}, cookie))
}

/// Ends whatever a user is logged in with, for their site's own server.
async fn revoke_user(visit: Visit<'_>, request: RevokeRequest) -> Result<Response, Fault> {
    let namespace = visit.named_namespace(&[request.namespace])?;
    let caller = visit.node.access.admit(&request::token(visit.parts)?, &namespace).await?;
    caller.may(Scope::Admin)?;
    if request.user_id.len() > limit::ID {
        return Err(Fault::Account(visit.endpoint, Refusal::InvalidId));
    }
    let (access, accounts) = (visit.node.access.clone(), visit.node.accounts.clone());
    let ended = whole(async move {
        access.end_user(caller.namespace.clone(), request.user_id.clone()).await?;
        match accounts {
            Some(accounts) => accounts.log_out_user(caller.namespace, request.user_id).await,
            None => Ok(()),
        }
    });
    ended.await.map_err(visit.refused())?;
    Ok(private(&Empty {}, None))
}

/// `auth.ChangeSecret`.
pub async fn change_secret(visit: Visit<'_>, call: Call) -> Result<Response, Fault> {
    let caller = visit.caller()?;
    let ChangeSecretRequest { old_secret, new_secret } = call.read_body()?;
    let (old, new) = (Zeroizing::new(old_secret), Zeroizing::new(new_secret));
    visit.accounts()?.change_secret(&caller, visit.address, old, new).await.map_err(visit.refused())?;
    Ok(private(&Empty {}, None))
}

/// `auth.Delete`.
pub async fn delete(visit: Visit<'_>, call: Call) -> Result<Response, Fault> {
    let caller = visit.caller()?;
    let DeleteRequest { secret } = call.read_body()?;
    visit.accounts()?.delete(&caller, visit.address, Zeroizing::new(secret)).await.map_err(visit.refused())?;
    Ok(private(&Empty {}, None))
}

/// `auth.SendPasswordResetEmail`.
pub async fn send_password_reset_email(visit: Visit<'_>, call: Call) -> Result<Response, Fault> {
    let SendPasswordResetEmailRequest { email, namespace } = call.read_body()?;
    let namespace = &visit.namespace(&[namespace])?;
    let asker = Asker { namespace, address: visit.address };
    visit.accounts()?.send_reset(asker, &email).await.map_err(visit.refused())?;
    Ok(private(&Empty {}, None))
}

/// `auth.ResetPassword`.
pub async fn reset_password(visit: Visit<'_>, call: Call) -> Result<Response, Fault> {
    let ResetPasswordRequest { email, token, secret, namespace } = call.read_body()?;
    let secret = Zeroizing::new(secret);
    let namespace = &visit.namespace(&[namespace])?;
    let asker = Asker { namespace, address: visit.address };
    visit.accounts()?.reset(asker, &email, &token, secret).await.map_err(visit.refused())?;
    Ok(private(&Empty {}, None))
}
