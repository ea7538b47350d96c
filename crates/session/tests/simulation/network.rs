//! Links: ordered like TCP, and as unreliable.

/// One connection's name; never used again.
pub type LinkId = usize;

/// Which way something travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    ToServer,
    ToClient,
}

/// A connection between one client and the server.
#[derive(Debug)]
pub struct Link {
    /// Whose it is.
    pub client: usize,
    /// Whether the client still holds it.
    pub at_client: bool,
    /// Whether the server still holds it.
    pub at_server: bool,
    /// When the last thing sent to the server arrives: nothing overtakes it.
    to_server: u64,
    /// Likewise to the client.
    to_client: u64,
}

impl Link {
    pub fn new(client: usize, now: u64) -> Self {
        Self { client, at_client: true, at_server: false, to_server: now, to_client: now }
    }

    /// When something sent now arrives.
    pub fn arrival(&mut self, way: Way, now: u64, delay: u64) -> u64 {
        let last = match way {
            Way::ToServer => &mut self.to_server,
            Way::ToClient => &mut self.to_client,
        };
        *last = (*last).max(now + delay);
        *last
    }

    /// Nothing sent from now on arrives before `until`.
    pub fn stall(&mut self, until: u64) {
        self.to_server = self.to_server.max(until);
        self.to_client = self.to_client.max(until);
    }
}
