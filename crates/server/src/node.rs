//! What every call and every stream of this server needs.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::ConnectInfo;
use axum::http::request::Parts;

use crate::api::Origins;
use crate::api::fault::Fault;
use crate::api::request;
use crate::auth::{Access, Accounts, Caller};
use crate::chat::Chats;
use crate::limits::Limits;
use crate::metrics::{Metrics, Standing};
use crate::ready::Readiness;
use crate::stream::{Connections, Timing};

/// A running server.
#[derive(Debug)]
pub struct Node {
    /// Its chats.
    pub chats: Chats,
    /// Who may.
    pub access: Access,
    /// Who logs in here; none: nobody does.
    pub accounts: Option<Arc<Accounts>>,
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
    /// What is counted.
    pub metrics: Metrics,
    /// Whether it takes traffic.
    pub readiness: Readiness,
    /// Whether whoever asks may see the figures.
    pub shows_metrics: bool,
}

impl Node {
    /// How things stand.
    pub fn standing(&self) -> Standing {
        self.chats.standing(self.connections.standing())
    }

    /// Where a request comes from, if it may come: one from there too many is refused.
    pub fn address(&self, parts: &Parts) -> Result<Option<IpAddr>, Fault> {
        let peer = || parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
        let address = if self.behind_proxy { request::forwarded_for(parts).or_else(peer) } else { peer() };
        if let (Some(limits), Some(address)) = (&self.limits, address) {
            limits.request(address).map_err(Fault::TooMuch)?;
        }
        Ok(address)
    }

    /// Counts bytes that come from there and from a caller, where there is one.
    pub fn meter(&self, address: Option<IpAddr>, caller: Option<&Caller>) -> impl Fn(usize) -> Result<(), Fault> {
        move |count| match &self.limits {
            Some(limits) => limits.bytes(address, caller, count).map_err(Fault::TooMuch),
            None => Ok(()),
        }
    }
}
