//! Answers as JSON.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;

/// Marks an answer whose status is that of a failure, though nothing failed: nobody has to look at the log for it.
#[derive(Clone, Copy, Debug)]
pub struct Expected;

/// An answer with that status.
pub fn json(status: StatusCode, body: &impl Serialize) -> Response {
    // Our answers hold strings, numbers and lists: they always serialise.
    let text = serde_json::to_vec(body).unwrap_or_default();
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
