//! Where an operator asks, apart from everybody else: figures, and whether the server is ready.

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use super::{CONTENT_TYPE, Metrics};
use crate::api::fault::Fault;
use crate::ready::Readiness;

/// The answer with all figures.
pub fn answer(metrics: &Metrics) -> Response {
    match metrics.text() {
        Ok(text) => {
            let content_type = (header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
            (StatusCode::OK, [content_type], text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the figures can't be written");
            Fault::Internal.into_response()
        }
    }
}

/// Answers operators until this is dropped; also while the server starts and stops.
pub async fn serve(listener: TcpListener, metrics: Metrics, readiness: Readiness) -> std::io::Result<()> {
    let router = Router::new()
        .route("/metrics", get(async move || answer(&metrics)))
        .route("/readyz", get(async move || readiness.answer().await))
        .fallback(async |request: axum::extract::Request| Fault::NotFound(request.uri().path().to_owned()))
        .method_not_allowed_fallback(async || Fault::ReadOnly);
    axum::serve(listener, router).await
}
