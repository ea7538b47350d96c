//! The server's life: from an open port to a clean stop.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::api::{self, Origins};
use crate::auth::accounts::{AccountsError, Setup};
use crate::auth::{Access, Accounts, Ended, KeyError, Policy, Revocations};
use crate::certificate::{Certificate, CertificateError};
use crate::chat::Chats;
use crate::chat::retention::Retention;
use crate::door::Door;
use crate::hub::Hub;
use crate::limits::{Limits, Rates};
use crate::mail::MailError;
use crate::metrics::Metrics;
use crate::node::Node;
use crate::ready::Readiness;
use crate::store::{Committed, Store, StoreError, StoreGuard};
use crate::stream::{Connections, Timing};

/// Commits on their way to the hub.
const COMMITS: usize = 64;

/// How long open connections and requests may take to end when the server stops. Who stops servers often kills them
/// after ten seconds.
const LAST_REQUESTS: Duration = Duration::from_secs(7);

/// What a server is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder of the database.
    pub data: PathBuf,
    /// Who may.
    pub policy: Policy,
    /// Who logs in here with a password; none: nobody does.
    pub accounts: Option<Setup>,
    /// How much; none: as much as they like.
    pub rates: Option<Rates>,
    /// Whose pages may.
    pub origins: Origins,
    /// How it is reached.
    pub reach: Reach,
    /// What it proves its name with, where it does TLS itself.
    pub tls: Option<Certificate>,
    /// How long is too long.
    pub timing: Timing,
    /// For how long messages are kept.
    pub retention: Retention,
}

/// Why a server could not start, or not go on.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address is taken, or isn't this machine's.
    #[error("can't listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// `dev` believes everybody, so nobody else may reach it.
    #[error("dev is open to all and so only listens on loopback, not on {0}; choose an address such as 127.0.0.1:8080")]
    NotLoopback(IpAddr),
    /// Tokens and messages would go over the network as they are.
    #[error(
        "there is no TLS on {0}; name a certificate with --tls-cert and --tls-key, order one with --acme-domain, or put a proxy with TLS before the server and say --behind-proxy, or listen on 127.0.0.1"
    )]
    NoTls(IpAddr),
    /// A certificate without its key, or the other way round.
    #[error("{0} needs {1}: TLS takes a certificate and its key")]
    HalfCertificate(&'static str, &'static str),
    /// Two certificates.
    #[error("--acme-domain and --tls-cert both give the server a certificate; leave one of them out")]
    TwoCertificates,
    /// Two are to do TLS.
    #[error(
        "--tls-cert or --acme-domain says that this server does TLS, and --behind-proxy that a proxy does; leave one of them out"
    )]
    TlsTwice,
    /// What it should prove its name with.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A key to check tokens with.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Who logs in here.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// How mail goes out.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// What accounts can't do without.
    #[error("accounts need mail: {0}")]
    NoMail(&'static str),
    /// It would answer nobody.
    #[error(
        "nobody could log in; name the key of your tokens with --token-key, open a namespace with --sign-up, or make an API key with micro-chat-server keys create"
    )]
    NoLogin,
    /// A key that is to end.
    #[error("there is no key {0}; micro-chat-server keys list prints them")]
    UnknownKey(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing can be counted.
    #[error("the server's figures can't be kept: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The system failed.
    #[error("the server failed: {0}")]
    System(#[from] std::io::Error),
    /// The server did.
    #[error("the server failed: {0}")]
    Serve(#[from] JoinError),
}

/// Who can reach the server, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Whoever develops with it.
    Developer,
    /// Whoever is on this machine: there is no TLS.
    NoTls,
    /// Everybody, through a proxy that does TLS.
    BehindProxy,
    /// Everybody: the server does TLS itself.
    Tls,
}

/// Whether the address may be reached so.
pub fn check_reach(address: SocketAddr, reach: Reach) -> Result<(), ServerError> {
    match reach {
        Reach::Developer if !address.ip().is_loopback() => Err(ServerError::NotLoopback(address.ip())),
        Reach::NoTls if !address.ip().is_loopback() => Err(ServerError::NoTls(address.ip())),
        _ => Ok(()),
    }
}

/// Opens the port, if the address may be reached so.
pub async fn listen(address: SocketAddr, reach: Reach) -> Result<TcpListener, ServerError> {
    check_reach(address, reach)?;
    TcpListener::bind(address).await.map_err(|error| ServerError::Listen(address, error))
}

/// A server with its database open.
#[derive(Debug)]
pub struct Server {
    store: Store,
    guard: StoreGuard,
    /// What was committed and has to be published.
    commits: mpsc::Receiver<Vec<Committed>>,
    config: Config,
    metrics: Metrics,
    readiness: Readiness,
}

impl Server {
    /// Opens the database.
    pub fn open(config: &Config) -> Result<Self, ServerError> {
        Self::open_and_tell(config, Metrics::new()?, Readiness::default())
    }

    /// The same; what it counts, and whether it is ready, can be seen from outside, also before it is open.
    pub fn open_and_tell(config: &Config, metrics: Metrics, readiness: Readiness) -> Result<Self, ServerError> {
        let (committed, commits) = mpsc::channel(COMMITS);
        let (store, guard) = Store::open(&config.data, committed, metrics.clone())?;
        Ok(Self { store, guard, commits, config: config.clone(), metrics, readiness })
    }

    /// Refuses to run where nobody could log in.
    pub async fn check(&self) -> Result<(), ServerError> {
        match self.config.policy {
            Policy::Login { tokens: None }
                if self.config.accounts.is_none() && self.store.api_keys().await?.is_empty() =>
            {
                Err(ServerError::NoLogin)
            }
            _ => Ok(()),
        }
    }

    /// Its database.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Serves until `stopping` is cancelled, then ends cleanly: sockets are told to come back, requests are answered,
    /// and all that was accepted is committed.
    pub async fn run(self, listener: TcpListener, stopping: CancellationToken) -> Result<(), ServerError> {
        let Self { store, guard, commits, config, metrics, readiness } = self;
        let shows_metrics = matches!(config.policy, Policy::Open);
        let hub = Hub::default();
        let publishing = tokio::spawn(hub.clone().run(commits));
        let connections = Connections::default();
        let (revocations, ended) = Revocations::new(store.cutoffs().await?);
        let revocations = Arc::new(revocations);
        let accounts = match config.accounts {
            Some(setup) => Some(Arc::new(Accounts::open(setup, &store, &config.data, revocations.clone()).await?)),
            None => None,
        };
        let access = Access::open(config.policy, &store, accounts.clone(), revocations).await?;
        let ending = tokio::spawn(end_streams(ended, connections.clone()));
        let limits = config.rates.as_ref().map(|rates| Arc::new(Limits::new(rates, metrics.clone())));
        let is_proxied = config.reach == Reach::BehindProxy;
        let chats = Chats::new(store.clone(), hub, limits.clone());
        tokio::spawn({
            let chats = chats.clone();
            async move { chats.resume_deletions().await }
        });
        tokio::spawn({
            let chats = chats.clone();
            async move {
                chats.sweep().await;
                chats.retain(config.retention).await;
            }
        });
        let node = Arc::new(Node {
            chats,
            access,
            accounts: accounts.clone(),
            limits: limits.clone(),
            origins: config.origins,
            behind_proxy: is_proxied,
            connections: connections.clone(),
            timing: config.timing,
            metrics: metrics.clone(),
            readiness: readiness.clone(),
            shows_metrics,
        });
        metrics.look_at(&node);
        let patience = config.timing.head;
        let keeping = config.tls.clone().map(|certificate| tokio::spawn(certificate.keep()));
        let door = Door { listener, tls: config.tls, limits, behind_proxy: is_proxied, patience, metrics };
        let closing = CancellationToken::new();
        readiness.start(store, &config.data);
        let mut serving = tokio::spawn(door.serve(api::router(node), closing.clone()));
        let stopped = async {
            stopping.cancelled().await;
            // Before anything else: whoever sends traffic here may send it elsewhere meanwhile.
            readiness.stop();
            tokio::time::sleep(config.timing.stop_delay).await;
        };
        tokio::select! {
            () = stopped => closing.cancel(),
            // It only ends by itself where it failed.
            served = &mut serving => return Ok(served?),
        }
        let deadline = Instant::now() + LAST_REQUESTS;
        if timeout_at(deadline, connections.stop()).await.is_err() {
            tracing::warn!("some connections did not end in time");
        }
        match timeout_at(deadline, &mut serving).await {
            Ok(served) => served?,
            Err(_) => {
                tracing::warn!("some requests did not end in time");
                serving.abort();
            }
        }
        if let Some(accounts) = accounts {
            // Whoever waits for a code need not ask for another.
            if timeout_at(deadline, accounts.stop()).await.is_err() {
                tracing::warn!("some mail did not go out in time");
            }
        }
        // Whoever still holds the store is told that it is closed.
        if tokio::task::spawn_blocking(move || guard.close()).await.is_err() {
            tracing::error!("the database did not close well");
        }
        publishing.abort();
        keeping.iter().for_each(JoinHandle::abort);
        ending.abort();
        Ok(())
    }
}

/// Ends the streams of those who are let in no more.
async fn end_streams(mut ended: mpsc::UnboundedReceiver<Ended>, connections: Connections) {
    while let Some(ended) = ended.recv().await {
        connections.end(&ended);
    }
}
