//! How much each may do, as options.

use clap::Args;

use crate::limits::{Most, Rate, Rates};

/// What an address, a user and a namespace may do. A rate looks like `20/s:200`: so many a second, and so many at once.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Limits (`off`: none)")]
pub struct Limiting {
    /// Calls and WebSocket handshakes of an address.
    #[arg(long, value_name = "RATE", default_value = "100/s:500")]
    limit_requests: Rate,
    /// Connections that an address opens. Behind a proxy they are the proxy's, and not counted.
    #[arg(long, value_name = "RATE", default_value = "50/s:1000")]
    limit_connects: Rate,
    /// Open connections of an address. Likewise.
    #[arg(long, value_name = "NUMBER", default_value = "1000")]
    limit_connections: Most,
    /// Bytes of answers that an address has asked for and not taken. Likewise.
    #[arg(long, value_name = "BYTES", default_value = "64MiB")]
    limit_unread: Most,
    /// The same of all addresses together.
    #[arg(long, value_name = "BYTES", default_value = "512MiB")]
    limit_unread_of_all: Most,
    /// Exports of a user, or of an API key, that run at a time.
    #[arg(long, value_name = "NUMBER", default_value = "4")]
    limit_exports: Most,
    /// Open streams of an address.
    #[arg(long, value_name = "NUMBER", default_value = "1000")]
    limit_streams: Most,
    /// Open streams of a user.
    #[arg(long, value_name = "NUMBER", default_value = "50")]
    limit_streams_of_user: Most,
    /// Bytes that come from an address: bodies of calls, and frames, each of them 256 at least.
    #[arg(long, value_name = "RATE", default_value = "8MiB/s:128MiB")]
    limit_bytes: Rate,
    /// Bytes that come from a user.
    #[arg(long, value_name = "RATE", default_value = "1MiB/s:32MiB")]
    limit_bytes_of_user: Rate,
    /// Messages of a user.
    #[arg(long, value_name = "RATE", default_value = "20/s:200")]
    limit_sends: Rate,
    /// Messages of all users of a namespace.
    #[arg(long, value_name = "RATE", default_value = "5000/s:20000")]
    limit_sends_of_namespace: Rate,
    /// Chats that a user asks for.
    #[arg(long, value_name = "RATE", default_value = "2/s:60")]
    limit_chats: Rate,
    /// Subscriptions that a user begins; those of a page that comes back count.
    #[arg(long, value_name = "RATE", default_value = "100/s:5000")]
    limit_subscribes: Rate,
}

impl Limiting {
    /// How much is too much.
    pub fn rates(&self) -> Rates {
        Rates {
            requests: self.limit_requests,
            bytes_of_address: self.limit_bytes,
            bytes_of_user: self.limit_bytes_of_user,
            sends: self.limit_sends,
            sends_of_namespace: self.limit_sends_of_namespace,
            chats: self.limit_chats,
            subscribes: self.limit_subscribes,
            connects: self.limit_connects,
            connections: self.limit_connections.0,
            unread_of_address: self.limit_unread.0,
            unread: self.limit_unread_of_all.0,
            exports: self.limit_exports.0,
            streams_of_address: self.limit_streams.0,
            streams_of_user: self.limit_streams_of_user.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        limiting: Limiting,
    }

    #[test]
    fn the_options_begin_where_the_rates_do() {
        assert_eq!(Cli::parse_from(["test"]).limiting.rates(), Rates::default());
    }
}
