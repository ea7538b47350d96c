//! WebSockets: one endpoint, two dialects.
//!
//! - `socket`: one connection, whatever it speaks: frames in, frames out, heartbeats, endings,
//! - `gateway`: the original's framing,
//! - `session`: ours, `micro.chat.v1`,
//! - `answers`: what a connection sent that waits for its commit,
//! - [`Connections`]: all that are open.

mod answers;
mod connections;
mod gateway;
mod session;
mod socket;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::Response;
use micro_chat_wire::endpoint::Endpoint;
use micro_chat_wire::{SUBPROTOCOL, limit};

use crate::api::Origins;
use crate::api::fault::Fault;
use crate::api::request::{self, checked_namespace};
use crate::auth::Access;
use crate::chat::Chats;
use crate::limits::Limits;
pub use connections::Connections;
use socket::Socket;

/// Read buffer of a connection: most of what an idle one costs.
const READ_BUFFER: usize = 1024;

/// What waits is written in steps of this size.
const WRITE_BUFFER: usize = 16 * 1024;

/// What calls and streams need.
#[derive(Debug)]
pub struct Streams {
    /// The chats to stream.
    pub chats: Chats,
    /// Who may.
    pub access: Access,
    /// How much; none: as much as they like.
    pub limits: Option<Arc<Limits>>,
    /// Whose pages may.
    pub origins: Origins,
    /// Whether a proxy stands before the server and says whom it speaks for.
    pub behind_proxy: bool,
    /// Those that are open: the server ends after them.
    pub connections: Connections,
    /// How long is too long.
    pub timing: Timing,
}

impl Streams {
    /// Where a request comes from, if it may come: one from there too many is refused.
    pub fn address(&self, parts: &Parts) -> Result<Option<IpAddr>, Fault> {
        let peer = || parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
        let address = if self.behind_proxy { request::forwarded_for(parts).or_else(peer) } else { peer() };
        if let (Some(limits), Some(address)) = (&self.limits, address) {
            limits.request(address).map_err(Fault::TooMuch)?;
        }
        Ok(address)
    }
}

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
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(25),
            grace: Duration::from_secs(10),
            head: Duration::from_secs(20),
            first_frame: Duration::from_secs(10),
            stalled: Duration::from_secs(5),
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
            chat_id: field("chat-id", "chat_id")?,
            user_id: field("user-id", "user_id")?,
            // Not from the query: addresses are written into logs.
            token: request::token(parts)?,
        })
    }
}

/// Turns the request into a stream, in the dialect that it asks for.
pub async fn upgrade(streams: &Arc<Streams>, endpoint: Endpoint, parts: &mut Parts) -> Result<Response, Fault> {
    let wants = parts.headers.get(header::UPGRADE).is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"));
    if !wants {
        return Err(Fault::UpgradeRequired(endpoint));
    }
    if !streams.origins.allow(&parts.headers) {
        return Err(Fault::ForbiddenOrigin);
    }
    let address = streams.address(parts)?;
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
    let place = match (&streams.limits, address) {
        (Some(limits), Some(address)) => Some(limits.stream_of_address(address).ok_or(Fault::TooManyStreams)?),
        _ => None,
    };
    let streams = streams.clone();
    Ok(upgrade.on_upgrade(async move |websocket| {
        let socket = Socket::new(websocket, streams.clone(), place);
        match (metadata, in_session) {
            (Err(fault), false) => gateway::refuse(socket, fault).await,
            (Err(fault), true) => session::refuse(socket, &streams, fault).await,
            (Ok(metadata), false) => gateway::serve(socket, streams, endpoint, metadata),
            (Ok(metadata), true) => session::serve(socket, streams, endpoint, metadata),
        }
    }))
}
