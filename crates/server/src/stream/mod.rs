//! WebSockets: one endpoint, two dialects.
//!
//! - `socket`: one connection, whatever it speaks: frames in, frames out, heartbeats, endings,
//! - `gateway`: the original's framing,
//! - `session`: ours, `micro.chat.v1`,
//! - `slowed`: what it sent before its turn,
//! - `answers`: what a connection sent that waits for its commit,
//! - [`Connections`]: all that are open.

mod answers;
mod connections;
mod gateway;
mod session;
mod slowed;
mod socket;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::header;
use axum::http::request::Parts;
use axum::response::Response;
use micro_chat_wire::endpoint::Endpoint;
use micro_chat_wire::{SUBPROTOCOL, limit};

use crate::api::fault::Fault;
use crate::api::request::{self, checked_namespace};
use crate::api::request_id;
use crate::metrics::Dialect;
use crate::node::Node;
pub use connections::Connections;
use socket::Socket;

/// Read buffer of a connection: most of what an idle one costs.
const READ_BUFFER: usize = 1024;

/// What waits is written in steps of this size.
const WRITE_BUFFER: usize = 16 * 1024;

/// How long is too long.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// How often the server says that it lives.
    pub heartbeat: Duration,
    /// How much longer a client should wait for that.
    pub grace: Duration,
    /// How long the head of a request may take, and how long a connection may wait for the next one.
    pub head: Duration,
    /// How long the first frame may take.
    pub first_frame: Duration,
    /// How long a reader that takes nothing may hold up the end of its connection.
    pub stalled: Duration,
    /// How long a server that was told to stop goes on as before, while it says that it is not ready any more.
    pub stop_delay: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(25),
            grace: Duration::from_secs(10),
            head: Duration::from_secs(20),
            first_frame: Duration::from_secs(10),
            stalled: Duration::from_secs(5),
            stop_delay: Duration::ZERO,
        }
    }
}

/// What headers and query say of a stream; empty: nothing.
#[derive(Clone, Default)]
struct Metadata {
    namespace: String,
    chat_id: String,
    user_id: String,
    token: String,
}

impl Metadata {
    fn of(parts: &Parts) -> Result<Self, Fault> {
        let query = request::pairs(parts.uri.query().unwrap_or_default())?;
        let field = |name: &str, parameter: &str| -> Result<String, Fault> {
            let from_query = || query.iter().find(|(name, _)| name == parameter).map(|(_, value)| value.clone());
            Ok(request::header(parts, name)?.or_else(from_query).unwrap_or_default())
        };
        Ok(Self {
            namespace: checked_namespace(field("micro-namespace", "namespace")?)?,
            // As in calls, a group before a chat.
            chat_id: match field("group-id", "group_id")? {
                none if none.is_empty() => field("chat-id", "chat_id")?,
                group_id => group_id,
            },
            user_id: field("user-id", "user_id")?,
            // Not from the query: addresses are written into logs.
            token: request::token(parts)?,
        })
    }
}

/// Turns the request into a stream, in the dialect that it asks for.
pub async fn upgrade(node: &Arc<Node>, endpoint: Endpoint, parts: &mut Parts) -> Result<Response, Fault> {
    let wants = parts.headers.get(header::UPGRADE).is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"));
    if !wants {
        return Err(Fault::UpgradeRequired(endpoint));
    }
    if !node.origins.allow(&parts.headers) {
        return Err(Fault::ForbiddenOrigin);
    }
    let address = node.address(parts)?;
    // What is wrong with it can't be said before the upgrade: a page does not see a refused handshake.
    let metadata = Metadata::of(parts);
    let upgrade =
        WebSocketUpgrade::from_request_parts(parts, &()).await.map_err(|_| Fault::InvalidUpgrade(endpoint))?;
    let upgrade = upgrade
        .protocols([SUBPROTOCOL])
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_frame_size(limit::FRAME)
        .max_message_size(limit::FRAME);
    let in_session = upgrade.selected_protocol().is_some();
    let place = match (&node.limits, address) {
        (Some(limits), Some(address)) => Some(limits.stream_of_address(address).ok_or(Fault::TooManyStreams)?),
        _ => None,
    };
    let node = node.clone();
    let request_id = request_id::of(&parts.extensions);
    Ok(upgrade.on_upgrade(async move |websocket| {
        let dialect = if in_session { Dialect::Session } else { Dialect::Gateway };
        let socket = Socket::new(websocket, node.clone(), place, dialect, request_id);
        match (metadata, in_session) {
            (Err(fault), false) => gateway::refuse(socket, fault).await,
            (Err(fault), true) => session::refuse(socket, &node, fault).await,
            (Ok(metadata), false) => gateway::serve(socket, node, endpoint, metadata),
            (Ok(metadata), true) => session::serve(socket, node, endpoint, metadata),
        }
    }))
}
