//! What the server proves its name with.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

use crate::acme::{Order, Orders};

/// A certificate and its key: read from files, and anew when they have changed; or ordered.
#[derive(Clone, Debug)]
pub struct Certificate {
    source: Source,
    /// What came last.
    config: Arc<RwLock<Arc<ServerConfig>>>,
}

#[derive(Clone)]
enum Source {
    /// The certificate with those that vouch for it, and its key.
    Files(PathBuf, PathBuf),
    /// What has to be run, until it is.
    Orders(Arc<Mutex<Option<Orders>>>),
}

impl std::fmt::Debug for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Files(chain, key) => formatter.debug_tuple("Files").field(chain).field(key).finish(),
            Self::Orders(_) => formatter.write_str("Orders"),
        }
    }
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The file can't be read, or holds something else.
    #[error("can't read a certificate or its key from {0}: {1}")]
    File(PathBuf, pem::Error),
    /// The folder for ordered ones can't be used.
    #[error("can't use the folder for certificates {0}: {1}")]
    Folder(PathBuf, std::io::Error),
    /// The two don't belong together, or aren't for servers.
    #[error("the certificate in {0} and its key can't be used: {1}")]
    Unusable(PathBuf, rustls::Error),
}

impl Certificate {
    /// Reads the certificate `chain` and its `key`, both in PEM.
    pub fn open(chain: &Path, key: &Path) -> Result<Self, CertificateError> {
        let config = Arc::new(RwLock::new(Arc::new(read(chain, key)?)));
        Ok(Self { source: Source::Files(chain.to_owned(), key.to_owned()), config })
    }

    /// Orders one, as soon as `Certificate::keep` runs. Before it has come, nobody can do TLS with us.
    pub fn order(order: &Order) -> Result<Self, CertificateError> {
        let (config, orders) = order.open()?;
        let source = Source::Orders(Arc::new(Mutex::new(Some(orders))));
        Ok(Self { source, config: Arc::new(RwLock::new(Arc::new(config))) })
    }

    /// Orders what has to be ordered, for as long as it runs.
    pub(crate) async fn keep(self) {
        let Source::Orders(orders) = &self.source else { return };
        let orders = orders.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(orders) = orders {
            orders.run().await;
        }
    }

    /// Reads both anew: connections that are open go on as they are. If they can't be used, the old ones stay.
    pub fn renew(&self) -> Result<(), CertificateError> {
        // Who orders them does so in time.
        let Source::Files(chain, key) = &self.source else { return Ok(()) };
        let fresh = Arc::new(read(chain, key)?);
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// What does TLS for new connections.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.config.read().unwrap_or_else(PoisonError::into_inner).clone().into()
    }
}

fn read(chain: &Path, key: &Path) -> Result<ServerConfig, CertificateError> {
    let failed = |file: &Path| {
        let file = file.to_owned();
        move |error| CertificateError::File(file, error)
    };
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_file_iter(chain).map_err(failed(chain))?.collect();
    let certificates = certificates.map_err(failed(chain))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(failed(key))?;
    let unusable = |error| CertificateError::Unusable(chain.to_owned(), error);
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(unusable)?.with_no_client_auth();
    let mut config = builder.with_single_cert(certificates, private).map_err(unusable)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
