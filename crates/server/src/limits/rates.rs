//! How much is too much.

use super::Rate;

const MEBIBYTE: u32 = 1 << 20;

/// How much is too much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Calls and handshakes of an address.
    pub requests: Rate,
    /// Bytes of calls' bodies and streams' frames of an address.
    pub bytes_of_address: Rate,
    /// The same of a user.
    pub bytes_of_user: Rate,
    /// Messages of a user.
    pub sends: Rate,
    /// Messages of all users of a namespace.
    pub sends_of_namespace: Rate,
    /// Chats that a user asks for.
    pub chats: Rate,
    /// Subscriptions that a user begins.
    pub subscribes: Rate,
    /// Connections that an address opens. Behind a proxy they are the proxy's, and aren't counted.
    pub connects: Rate,
    /// Connections of an address that are open at a time, whatever comes on them. Behind a proxy they are the proxy's,
    /// and aren't counted.
    pub connections: usize,
    /// Bytes of answers that an address has asked for and not taken yet. Likewise.
    pub unread_of_address: usize,
    /// Bytes of answers that all together have not taken yet.
    pub unread: usize,
    /// Exports of a user, or of an API key, that run at a time.
    pub exports: usize,
    /// Streams of an address that are open at a time.
    pub streams_of_address: usize,
    /// Streams of a user that are open at a time.
    pub streams_of_user: usize,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            requests: Rate::new(100, 500),
            bytes_of_address: Rate::new(8 * MEBIBYTE, 128 * MEBIBYTE),
            bytes_of_user: Rate::new(MEBIBYTE, 32 * MEBIBYTE),
            sends: Rate::new(20, 200),
            sends_of_namespace: Rate::new(5_000, 20_000),
            chats: Rate::new(2, 60),
            // A page that comes back subscribes to all that it had: a thousand, where a connection has as many as it
            // may.
            subscribes: Rate::new(100, 5_000),
            connects: Rate::new(50, 1_000),
            connections: 1_000,
            unread_of_address: 64 << 20,
            unread: 512 << 20,
            exports: 4,
            streams_of_address: 1_000,
            streams_of_user: 50,
        }
    }
}
