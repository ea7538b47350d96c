//! How much each may do, as options.

use std::str::FromStr;

use clap::Args;

use crate::limits::{Rate, Rates};

/// What an address, a user and a tenant may do. A rate looks like `20/s:200`: so many a second, and so many at once.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Limits (`off`: none)")]
pub struct Limiting {
    /// Calls and WebSocket handshakes of an address.
    #[arg(long, value_name = "RATE", default_value = "100/s:500")]
    limit_requests: Rate,
    /// Open connections of an address. Behind a proxy they are the proxy's, and not counted.
    #[arg(long, value_name = "NUMBER", default_value = "1000")]
    limit_connections: Most,
    /// Open streams of an address.
    #[arg(long, value_name = "NUMBER", default_value = "1000")]
    limit_streams: Most,
    /// Open streams of a user.
    #[arg(long, value_name = "NUMBER", default_value = "50")]
    limit_streams_of_user: Most,
    /// Bytes that come from an address: bodies of calls, and frames.
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
            connections: self.limit_connections.0,
            streams_of_address: self.limit_streams.0,
            streams_of_user: self.limit_streams_of_user.0,
        }
    }
}

/// How many there may be at a time.
#[derive(Clone, Copy, Debug)]
struct Most(usize);

impl FromStr for Most {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" | "0" => Ok(Self(usize::MAX)),
            number => number.parse().map(Self).map_err(|_| "it is a number, or off"),
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
