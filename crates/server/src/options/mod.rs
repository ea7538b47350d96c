//! What the program is told: by the command line, the environment, and a file.
//!
//! - [`Serve`] and [`Running`]: a server's options; [`limits`]: how much each may do,
//! - `sources`: where options come from, and which of them holds; `file`: the configuration file,
//! - [`accounts`]: who logs in with a password; [`keys`]: API keys; `retain`: for how long messages are kept.

pub mod accounts;
mod file;
pub mod keys;
pub mod limits;
mod retain;
mod sources;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::HeaderValue;
use clap::{Args, Parser, Subcommand};

use crate::acme::{LETS_ENCRYPT, Order};
use crate::api::Origins;
use crate::auth::{Claims, jwks};
use crate::chat::retention::{Retention, Rule};
use crate::limits::Rates;
use crate::logging::LogFormat;
use crate::server::ServerError;
use crate::stream::Timing;
pub use limits::Limiting;
pub use sources::{Mistake, Sources, Told, command, log_format, read};

/// The companion server of Micro Chat.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// For developing: open to all, believes every user name, listens on loopback only.
    Dev(Running),
    /// For real use: believes only tokens, and lets users into their own chats only.
    Serve(Box<Serve>),
    /// API keys, for sites' own servers.
    Keys(keys::Keys),
    /// Copies the database to a new file; the server may be running.
    Backup(Copy),
    /// Puts such a copy in the place of the database; the server has to be stopped. Keeps what it replaces.
    Restore(Copy),
    /// Looks whether the database is sound; the server may be running. Prints what is wrong in a line each.
    Check(Check),
}

/// What every running server is told.
#[derive(Debug, Args)]
pub struct Running {
    #[command(flatten)]
    sources: Sources,
    /// Where to listen, such as 127.0.0.1:8080; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = address)]
    listen: Option<SocketAddr>,
    /// The port to listen on, where --listen is not given.
    #[arg(long, env = "PORT", default_value_t = 8080)]
    port: u16,
    /// The folder of the database; made where it is missing.
    #[arg(long, default_value = "data")]
    pub data: PathBuf,
    /// Seconds between two signs of life on a stream.
    #[arg(long, value_name = "SECONDS", default_value = "25", value_parser = seconds)]
    heartbeat: Duration,
    /// Seconds that a client should wait for one that is late.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    grace: Duration,
    /// For how long messages are kept, such as 90d for all, or NAMESPACE=90d; off keeps everything. At least 2d.
    #[arg(long, value_name = "TERM", value_delimiter = ',')]
    retain: Vec<Rule>,
    /// Where to show figures for Prometheus at /metrics, and /readyz, such as 127.0.0.1:9090. Whoever can connect there
    /// sees them. `dev` shows them where it listens, too.
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = address)]
    pub metrics_listen: Option<SocketAddr>,
    /// Seconds for which a server that was told to stop goes on, while /readyz says that it stops already: as long as
    /// a load balancer takes to notice.
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = delay)]
    stop_delay: Duration,
    /// How the log looks: for people, or an object a line for programs. RUST_LOG says how much is logged.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub log_format: LogFormat,
}

impl Command {
    /// How the log looks.
    pub fn log_format(&self) -> LogFormat {
        match self {
            Self::Dev(running) => running.log_format,
            Self::Serve(serve) => serve.running.log_format,
            _ => LogFormat::default(),
        }
    }
}

impl Running {
    /// Where to listen: on loopback, where nothing else is said.
    pub fn address(&self) -> SocketAddr {
        self.listen.unwrap_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), self.port))
    }

    /// For how long messages are kept.
    pub fn retention(&self) -> Retention {
        Retention::of(&self.retain)
    }

    /// How long is too long.
    pub fn timing(&self) -> Timing {
        Timing { heartbeat: self.heartbeat, grace: self.grace, stop_delay: self.stop_delay, ..Timing::default() }
    }
}

/// What a server for real use is told.
#[derive(Debug, Args)]
pub struct Serve {
    /// What every server is told.
    #[command(flatten)]
    pub running: Running,
    /// A proxy before this server does TLS. Without it and without a certificate the server listens on loopback only.
    #[arg(long)]
    pub behind_proxy: bool,
    /// The server's certificate, with those that vouch for it, in PEM: then it does TLS itself. SIGHUP reads it anew.
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM.
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// A name that the server is reached under, on port 443: a certificate for it is ordered, and anew in time. Whoever
    /// names one agrees to the terms of those who give it out.
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = host)]
    acme_domain: Vec<String>,
    /// Whom they may write to.
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    acme_contact: Vec<String>,
    /// Where certificates are ordered.
    #[arg(long, value_name = "URL", default_value = LETS_ENCRYPT)]
    acme_directory: String,
    /// A file with what proves that directory's name, in PEM, where no well-known authority does.
    #[arg(long, value_name = "FILE")]
    acme_ca: Option<PathBuf>,
    /// A site whose pages may use the server, such as `https://example.com`; `*` is all. Its own pages always may.
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',', value_parser = origin)]
    origin: Vec<String>,
    /// Who logs in with a password.
    #[command(flatten)]
    pub accounts: accounts::Accounts,
    /// A file with a key that tokens are signed with: a public key in PEM (RS256, ES256, EdDSA), or a secret of at
    /// least 32 bytes (HS256). May be given more than once, so that keys can be changed.
    #[arg(long, value_name = "FILE", value_delimiter = ',')]
    pub token_key: Vec<PathBuf>,
    /// Where an identity provider publishes its keys, as a JSON Web Key Set: they are asked for, and anew when they
    /// have changed.
    #[arg(long, value_name = "URL", value_parser = jwks::address)]
    pub token_jwks: Option<String>,
    /// Who has to have issued a token: its `iss`.
    #[arg(long, value_name = "NAME")]
    token_issuer: Option<String>,
    /// For whom a token has to be: its `aud`. Without this, tokens that are for somebody are refused.
    #[arg(long, value_name = "NAME")]
    token_audience: Option<String>,
    /// The claim that names the user.
    #[arg(long, value_name = "CLAIM", default_value = "sub")]
    user_claim: String,
    /// The claim that names the namespace; a token without it belongs to `micro`.
    #[arg(long, value_name = "CLAIM", default_value = "namespace")]
    namespace_claim: String,
    /// How often passwords and codes may be tried.
    #[command(flatten)]
    pub trying: accounts::Trying,
    #[command(flatten)]
    limits: Limiting,
}

impl Serve {
    /// Whose pages may.
    pub fn origins(&self) -> Origins {
        if self.origin.iter().any(|origin| origin == "*") {
            return Origins::All;
        }
        Origins::Listed(self.origin.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect())
    }

    /// Whether TLS is asked for.
    pub fn names_certificate(&self) -> bool {
        self.tls_cert.is_some() || self.tls_key.is_some() || !self.acme_domain.is_empty()
    }

    /// The files of the certificate and its key.
    pub fn tls(&self) -> Result<Option<(&Path, &Path)>, ServerError> {
        match (self.tls_cert.as_deref(), self.tls_key.as_deref()) {
            (None, None) => Ok(None),
            (Some(_), None) => Err(ServerError::HalfCertificate("--tls-cert", "--tls-key")),
            (None, Some(_)) => Err(ServerError::HalfCertificate("--tls-key", "--tls-cert")),
            (Some(_), Some(_)) if self.behind_proxy => Err(ServerError::TlsTwice),
            (Some(chain), Some(key)) => Ok(Some((chain, key))),
        }
    }

    /// What is to be ordered.
    pub fn order(&self) -> Result<Option<Order>, ServerError> {
        if self.acme_domain.is_empty() {
            return Ok(None);
        }
        if self.behind_proxy {
            return Err(ServerError::TlsTwice);
        }
        if self.tls_cert.is_some() {
            return Err(ServerError::TwoCertificates);
        }
        Ok(Some(Order {
            names: self.acme_domain.clone(),
            contacts: self.acme_contact.clone(),
            directory: self.acme_directory.clone(),
            trusted: self.acme_ca.clone(),
            folder: self.running.data.join("acme"),
        }))
    }

    /// Whether there are keys to check tokens with.
    pub fn names_keys(&self) -> bool {
        !self.token_key.is_empty() || self.token_jwks.is_some()
    }

    /// How much is too much.
    pub fn rates(&self) -> Rates {
        self.limits.rates()
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

/// What copying a database needs.
#[derive(Debug, Args)]
pub struct Copy {
    /// The copy.
    pub file: PathBuf,
    /// The folder of the database.
    #[arg(long, env = "MICRO_CHAT_DATA", default_value = "data")]
    pub data: PathBuf,
}

/// What looking at a database needs.
#[derive(Debug, Args)]
pub struct Check {
    /// The folder of the database.
    #[arg(long, env = "MICRO_CHAT_DATA", default_value = "data")]
    pub data: PathBuf,
}

/// A name that a certificate can be for.
fn host(text: &str) -> Result<String, String> {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if text.len() <= 253 && text.contains('.') && text.split('.').all(is_label) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("it looks like chat.example.com".to_owned())
    }
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

fn delay(text: &str) -> Result<Duration, String> {
    if text == "0" { Ok(Duration::ZERO) } else { seconds(text) }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let mut found = text.to_socket_addrs().map_err(|error| format!("{error}; it looks like 127.0.0.1:8080"))?;
    found.next().ok_or_else(|| "this name has no address".to_owned())
}
