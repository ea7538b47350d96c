//! Answers that wait to be taken: they lie in memory meanwhile, and for an address, and for all, not more than so much
//! at a time.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use hyper::body::Body as _;

use super::fault::Fault;
use crate::limits::Unread;
use crate::node::Node;
use crate::progress::{PORTION, Portions, SHARE};

/// When to come again where too many answers wait to be taken.
const AGAIN: Duration = Duration::from_secs(1);

/// Has a request answered, and counts the answer for as long as it waits.
pub async fn count(State(node): State<Arc<Node>>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
    // The proxy's is nobody's.
    let address = peer.filter(|_| !node.behind_proxy);
    let has_body = request.method() != Method::HEAD;
    let answer = next.run(request).await;
    let counted = match answer.body().size_hint().exact() {
        _ if !has_body => Ok(answer),
        None => made(&node, address, answer),
        Some(size) if size > PORTION as u64 => large(&node, address, answer).await,
        Some(_) => Ok(answer),
    };
    counted.unwrap_or_else(IntoResponse::into_response)
}

async fn large(node: &Node, address: Option<IpAddr>, answer: Response) -> Result<Response, Fault> {
    let (parts, body) = answer.into_parts();
    // All of it is there.
    let whole = body.collect().await.map_err(|_| Fault::Internal)?.to_bytes();
    let unread = room(node, address, whole.len())?;
    Ok(Response::from_parts(parts, Body::new(Portions::new(whole, unread))))
}

/// One that is made as it is taken has its share from its beginning to its end: once begun, it waits for nobody.
fn made(node: &Node, address: Option<IpAddr>, answer: Response) -> Result<Response, Fault> {
    let unread = room(node, address, SHARE)?;
    Ok(answer.map(|body| {
        Body::new(body.map_frame(move |frame| {
            let _counts_as_long = &unread;
            frame
        }))
    }))
}

/// So many bytes count until that is dropped, where anything is counted.
fn room(node: &Node, address: Option<IpAddr>, bytes: usize) -> Result<Option<Unread>, Fault> {
    let Some(limits) = &node.limits else { return Ok(None) };
    limits.answer(address, bytes).map(Some).ok_or(Fault::TooMuch(AGAIN))
}
