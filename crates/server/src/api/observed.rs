//! What is counted and logged of a request: nothing that came with it but its id.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use micro_chat_wire::endpoint::Endpoint;
use tracing::Instrument;

use super::answer::Expected;
use super::fault::ErrorId;
use super::request_id;
use crate::node::Node;

/// Has a request answered, counts it, and logs a line of it.
pub async fn observe(State(node): State<Arc<Node>>, request: Request, next: Next) -> Response {
    let (begun, endpoint) = (Instant::now(), name(request.uri().path()));
    // At the highest level: whatever is logged meanwhile is logged with it.
    let span = tracing::error_span!(
        "request",
        request_id = &*request_id::of(request.extensions()),
        method = method(request.method()),
        endpoint,
    );
    async {
        let response = next.run(request).await;
        let (status, took) = (response.status().as_u16(), begun.elapsed());
        let error = response.extensions().get::<ErrorId>().map(|ErrorId(id)| id.as_str());
        node.metrics.answered(endpoint, status, took);
        error.into_iter().for_each(|id| node.metrics.error(id));
        let milliseconds = took.as_secs_f64() * 1_000.0;
        if status >= 500 && response.extensions().get::<Expected>().is_none() {
            tracing::warn!(status, error, milliseconds, "a request failed");
        } else {
            tracing::debug!(status, error, milliseconds, "a request was answered");
        }
        response
    }
    .instrument(span)
    .await
}

/// What was asked for, in words of ours.
fn name(path: &str) -> &'static str {
    match path {
        "/healthz" => "healthz",
        "/readyz" => "readyz",
        "/metrics" => "metrics",
        _ if path.starts_with("/assets/") => "assets",
        _ => Endpoint::from_path(path).map_or("other", Endpoint::operation),
    }
}

fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
