//! HTTP: paths, answers, errors, assets.
//!
//! - `request`: a call, read, and `reader`: what is taken as what in its JSON,
//! - `chat`, `chats`, `groups`: one file a service; `deletion`: a user goes; `export`: all
//!   of a chat or a user,
//! - `auth`, `signup`: accounts, and `cookies`: what keeps their logins,
//! - `assets`: the SDK and the pages, and `docs`: the documentation as pages,
//! - [`openapi`]: the service describes itself,
//! - [`Origins`]: whose pages may ask,
//! - `observed`: what is counted and logged of all that, under the name that `request_id` gives it,
//! - `unread`: answers that wait to be taken,
//! - [`fault`]: every error with its id and words.

pub(crate) mod answer;
mod assets;
mod auth;
mod chat;
mod chats;
mod cookies;
mod deletion;
mod docs;
mod export;
pub mod fault;
pub mod groups;
mod observed;
pub mod openapi;
mod origins;
mod reader;
pub mod request;
pub(crate) mod request_id;
mod signup;
mod unread;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use micro_chat_wire::chat::{HistoryRequest, SendRequest};
use micro_chat_wire::endpoint::Endpoint;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::CorsLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::auth::Caller;
use crate::chat::{Act, Chats, Refusal};
use crate::metrics::listener;
use crate::node::Node;
use crate::stream;
use auth::Visit;
use fault::Fault;
pub use origins::Origins;
use request::Call;

/// Everything the server answers.
pub fn router(node: Arc<Node>) -> Router {
    let headers = ["micro-namespace", "authorization", "content-type", "chat-id", "user-id", "x-request-id"];
    let cors = CorsLayer::new()
        .allow_origin(node.origins.for_calls())
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(headers.map(HeaderName::from_static))
        .allow_credentials(node.origins.have_credentials())
        .expose_headers([header::RETRY_AFTER, request_id::HEADER])
        .max_age(Duration::from_secs(24 * 60 * 60));
    Router::new()
        .route("/healthz", get(health))
        .route("/openapi.json", get(async |headers: HeaderMap| openapi::answer(&headers)))
        .route("/readyz", get(ready))
        .route("/assets/{*file}", get(assets::asset))
        .fallback(gateway)
        .method_not_allowed_fallback(|| async { Fault::ReadOnly })
        .with_state(node.clone())
        // Within all that makes an answer readable, found and counted: what it refuses is refused as all else is.
        .layer(middleware::from_fn_with_state(node.clone(), unread::count))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .layer(cors)
        .layer(CatchPanicLayer::custom(|_: Box<dyn Any + Send>| Fault::Internal.into_response()))
        .layer(middleware::from_fn_with_state(node, observed::observe))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(middleware::map_request(request_id::check))
}

async fn health(State(node): State<Arc<Node>>, request: Request) -> Response {
    let version = env!("CARGO_PKG_VERSION");
    // It asks the database, and so counts like a call.
    if let Err(fault) = node.address(&request.into_parts().0) {
        return fault.into_response();
    }
    match node.chats.probe().await {
        Ok(()) => answer::json(StatusCode::OK, &json!({ "status": "ok", "version": version })),
        Err(error) => {
            tracing::error!(%error, "the store does not answer");
            answer::json(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "store", "version": version }))
        }
    }
}

async fn ready(State(node): State<Arc<Node>>, request: Request) -> Response {
    // Likewise.
    match node.address(&request.into_parts().0) {
        Ok(_) => node.readiness.answer().await,
        Err(fault) => fault.into_response(),
    }
}

/// Methods by their path; what is no method's path may be a page's.
async fn gateway(State(node): State<Arc<Node>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    if node.shows_metrics && path == "/metrics" && *request.method() == Method::GET {
        return listener::answer(&node.metrics);
    }
    match Endpoint::from_path(&path) {
        Some(endpoint) => call(&node, endpoint, request).await.unwrap_or_else(IntoResponse::into_response),
        None => match assets::page(&path, request.headers()).or_else(|| docs::answer(&path, request.headers())) {
            Some(_) if !matches!(*request.method(), Method::GET | Method::HEAD) => Fault::ReadOnly.into_response(),
            Some(page) => page,
            None => Fault::NotFound(path).into_response(),
        },
    }
}

async fn call(node: &Arc<Node>, endpoint: Endpoint, request: Request) -> Result<Response, Fault> {
    if !matches!(*request.method(), Method::GET | Method::POST) {
        return Err(Fault::MethodNotAllowed);
    }
    if endpoint.changes_much() && *request.method() == Method::GET {
        return Err(Fault::BodyOnly);
    }
    let (mut parts, body) = request.into_parts();
    let is_upgrade = parts.headers.contains_key(header::SEC_WEBSOCKET_KEY);
    if endpoint.streams() || (endpoint == Endpoint::ChatJoin && is_upgrade) {
        return stream::upgrade(node, endpoint, &mut parts).await;
    }
    if is_upgrade {
        return Err(Fault::NotAStream(endpoint));
    }
    // Before the body: who isn't let in costs hardly more.
    let address = match node.address(&parts) {
        Ok(address) => address,
        Err(fault) => return Err(request::discard(body, fault).await),
    };
    if endpoint.is_about_accounts() {
        return match Visit::begin(node, endpoint, &parts, address) {
            Ok(visit) => account(visit, body).await,
            Err(fault) => Err(request::discard(body, fault).await),
        };
    }
    let caller = match admit(node, &parts).await {
        Ok(caller) => caller,
        Err(fault) => return Err(request::discard(body, fault).await),
    };
    let call = Call::receive(&parts, body, node.meter(address, Some(&caller))).await?;
    // A body may take its time, and a login end meanwhile.
    node.access.still(&caller)?;
    let chats = &node.chats;
    match endpoint {
        Endpoint::ChatNew => run(endpoint, chats, &caller, call, chat::new).await,
        Endpoint::ChatSend => match call.read::<SendRequest>()? {
            request if request.group_id.is_empty() => done(endpoint, chat::send(chats, &caller, request).await),
            request => done(Endpoint::GroupSend, groups::send(chats, &caller, request).await),
        },
        Endpoint::ChatHistory => match call.read::<HistoryRequest>()? {
            request if request.group_id.is_empty() => done(endpoint, chat::history(chats, &caller, request).await),
            request => done(Endpoint::GroupHistory, groups::history(chats, &caller, request).await),
        },
        Endpoint::ChatCreate => run(endpoint, chats, &caller, call, groups::create).await,
        Endpoint::ChatList => run(endpoint, chats, &caller, call, groups::list).await,
        Endpoint::ChatDelete => act(endpoint, chats, &caller, call, Act::Delete).await,
        Endpoint::ChatInvite => act(endpoint, chats, &caller, call, Act::Invite).await,
        Endpoint::ChatKick => act(endpoint, chats, &caller, call, Act::Kick).await,
        Endpoint::ChatLeave => act(endpoint, chats, &caller, call, Act::Leave).await,
        Endpoint::ChatJoin => act(endpoint, chats, &caller, call, Act::Join).await,
        Endpoint::ChatsCreateChat => run(endpoint, chats, &caller, call, chats::create).await,
        Endpoint::ChatsSendMessage => run(endpoint, chats, &caller, call, chats::send).await,
        Endpoint::ChatsListMessages => run(endpoint, chats, &caller, call, chats::list).await,
        Endpoint::ChatsListChats => run(endpoint, chats, &caller, call, chats::list_chats).await,
        Endpoint::ChatsMarkRead => run(endpoint, chats, &caller, call, chats::mark_read).await,
        Endpoint::ChatsExportChat => export::chat(node, &caller, call).await,
        Endpoint::ChatsExportUser => export::user(node, &caller, call),
        Endpoint::ChatsDeleteUser => deletion::delete_user(node, &caller, address, call).await,
        _ => Err(Fault::UpgradeRequired(endpoint)),
    }
}

/// Who calls.
async fn admit(node: &Node, parts: &Parts) -> Result<Caller, Fault> {
    Ok(node.access.admit(&request::token(parts)?, &request::namespace(parts)?).await?)
}

/// The services `auth` and `signup`, which is how one gets a token.
async fn account(visit: Visit<'_>, body: Body) -> Result<Response, Fault> {
    let call = Call::receive(visit.parts, body, visit.node.meter(visit.address, None)).await?;
    match visit.endpoint {
        Endpoint::AuthOptions => auth::options(visit, call),
        Endpoint::AuthToken => auth::token(visit, call).await,
        Endpoint::AuthInspect => auth::inspect(visit, call).await,
        Endpoint::AuthRevoke => auth::revoke(visit, call).await,
        Endpoint::AuthChangeSecret => auth::change_secret(visit, call).await,
        Endpoint::AuthDelete => auth::delete(visit, call).await,
        Endpoint::AuthSendPasswordResetEmail => auth::send_password_reset_email(visit, call).await,
        Endpoint::AuthResetPassword => auth::reset_password(visit, call).await,
        Endpoint::SignupSendVerificationEmail => signup::send_verification_email(visit, call).await,
        Endpoint::SignupCompleteSignup => signup::complete_signup(visit, call).await,
        _ => Err(Fault::UpgradeRequired(visit.endpoint)),
    }
}

/// Reads the request, has it done, and answers.
async fn run<Q: DeserializeOwned, A: Serialize>(
    endpoint: Endpoint,
    chats: &Chats,
    caller: &Caller,
    call: Call,
    method: impl AsyncFnOnce(&Chats, &Caller, Q) -> Result<A, Refusal>,
) -> Result<Response, Fault> {
    done(endpoint, method(chats, caller, call.read()?).await)
}

/// Changes a group.
async fn act(endpoint: Endpoint, chats: &Chats, caller: &Caller, call: Call, act: Act) -> Result<Response, Fault> {
    run(endpoint, chats, caller, call, async |chats: &Chats, caller: &Caller, request| {
        groups::act(chats, caller, act, request).await
    })
    .await
}

/// The answer to what was done.
fn done<A: Serialize>(endpoint: Endpoint, answer: Result<A, Refusal>) -> Result<Response, Fault> {
    let answer = answer.map_err(|refusal| Fault::Refused(endpoint, refusal))?;
    Ok(answer::json(StatusCode::OK, &answer))
}
