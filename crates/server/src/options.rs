//! The command line.

pub mod keys;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::HeaderValue;
use clap::{Args, Parser, Subcommand};
use micro_chat_server::api::Origins;
use micro_chat_server::auth::Claims;
use micro_chat_server::stream::Timing;

/// The companion server of Micro Chat.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// For developing: open to all, believes every user name, listens on loopback only.
    Dev(Running),
    /// For real use: believes only tokens, and lets users into their own chats only.
    Serve(Serve),
    /// API keys, for sites' own servers.
    Keys(keys::Keys),
    /// Copies the database to a new file; the server may be running.
    Backup(Copy),
    /// Puts such a copy in the place of the database; the server has to be stopped. Keeps what it replaces.
    Restore(Copy),
}

/// What every running server is told.
#[derive(Debug, Args)]
pub struct Running {
    /// Where to listen, such as 127.0.0.1:8080; port 0 takes a free one.
    #[arg(long, env = "MICRO_CHAT_LISTEN", value_name = "ADDRESS:PORT", value_parser = address)]
    listen: Option<SocketAddr>,
    /// The port to listen on, where --listen is not given.
    #[arg(long, env = "PORT", default_value_t = 8080)]
    port: u16,
    /// The folder of the database; made where it is missing.
    #[arg(long, env = "MICRO_CHAT_DATA", default_value = "data")]
    pub data: PathBuf,
    /// Seconds between two signs of life on a stream.
    #[arg(long, env = "MICRO_CHAT_HEARTBEAT", value_name = "SECONDS", default_value = "25", value_parser = seconds)]
    heartbeat: Duration,
    /// Seconds that a client should wait for one that is late.
    #[arg(long, env = "MICRO_CHAT_GRACE", value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    grace: Duration,
}

impl Running {
    /// Where to listen: on loopback, where nothing else is said.
    pub fn address(&self) -> SocketAddr {
        self.listen.unwrap_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), self.port))
    }

    pub fn timing(&self) -> Timing {
        Timing { heartbeat: self.heartbeat, grace: self.grace, ..Timing::default() }
    }
}

#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    pub running: Running,
    /// A proxy before this server does TLS. Without it and without a certificate the server listens on loopback only.
    #[arg(long, env = "MICRO_CHAT_BEHIND_PROXY")]
    pub behind_proxy: bool,
    /// The server's certificate, with those that vouch for it, in PEM: then it does TLS itself. SIGHUP reads it anew.
    #[arg(
        long,
        env = "MICRO_CHAT_TLS_CERT",
        value_name = "FILE",
        requires = "tls_key",
        conflicts_with = "behind_proxy"
    )]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM.
    #[arg(long, env = "MICRO_CHAT_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// A site whose pages may use the server, such as https://example.com; `*` is all. Its own pages always may.
    #[arg(long, env = "MICRO_CHAT_ORIGIN", value_name = "ORIGIN", value_delimiter = ',', value_parser = origin)]
    origin: Vec<String>,
    /// A file with a key that tokens are signed with: a public key in PEM (RS256, ES256, EdDSA), or a secret of at least
    /// 32 bytes (HS256). May be given more than once, so that keys can be changed.
    #[arg(long, env = "MICRO_CHAT_TOKEN_KEY", value_name = "FILE", value_delimiter = ',')]
    pub token_key: Vec<PathBuf>,
    /// Who has to have issued a token: its `iss`.
    #[arg(long, env = "MICRO_CHAT_TOKEN_ISSUER", value_name = "NAME")]
    token_issuer: Option<String>,
    /// For whom a token has to be: its `aud`. Without this, tokens that are for somebody are refused.
    #[arg(long, env = "MICRO_CHAT_TOKEN_AUDIENCE", value_name = "NAME")]
    token_audience: Option<String>,
    /// The claim that names the user.
    #[arg(long, env = "MICRO_CHAT_USER_CLAIM", value_name = "CLAIM", default_value = "sub")]
    user_claim: String,
    /// The claim that names the namespace; a token without it belongs to `micro`.
    #[arg(long, env = "MICRO_CHAT_NAMESPACE_CLAIM", value_name = "CLAIM", default_value = "namespace")]
    namespace_claim: String,
}

impl Serve {
    /// Whose pages may.
    pub fn origins(&self) -> Origins {
        if self.origin.iter().any(|origin| origin == "*") {
            return Origins::All;
        }
        Origins::Listed(self.origin.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect())
    }

    /// The files of the certificate and its key.
    pub fn tls(&self) -> Option<(&Path, &Path)> {
        self.tls_cert.as_deref().zip(self.tls_key.as_deref())
    }

    /// What tokens have to say.
    pub fn claims(&self) -> Claims {
        Claims {
            user: self.user_claim.clone(),
            namespace: self.namespace_claim.clone(),
            issuer: self.token_issuer.clone(),
            audience: self.token_audience.clone(),
        }
    }
}

#[derive(Debug, Args)]
pub struct Copy {
    /// The copy.
    pub file: PathBuf,
    /// The folder of the database.
    #[arg(long, env = "MICRO_CHAT_DATA", default_value = "data")]
    pub data: PathBuf,
}

/// An origin as browsers write it.
fn origin(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_host =
        |host: &str| !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic()) && !host.contains('/');
    if text == "*" || host.is_some_and(is_host) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("it looks like https://example.com, without a path".to_owned())
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "it looks like 25 or 0.5".to_owned())?;
    if (0.1..=3_600.0).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("it lies between 0.1 and 3600".to_owned())
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let mut found = text.to_socket_addrs().map_err(|error| format!("{error}; it looks like 127.0.0.1:8080"))?;
    found.next().ok_or_else(|| "this name has no address".to_owned())
}
