//! A certificate that somebody gives out to whoever answers under a name, and that is ordered anew in time (RFC 8555,
//! TLS-ALPN-01).

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::StreamExt;
use rustls_acme::caches::DirCache;
use rustls_acme::{AcmeConfig, AcmeState};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore, ServerConfig};

use crate::certificate::CertificateError;

/// Where certificates are ordered, where nothing else is said.
pub const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// What is asked of those who check a name on a connection of their own.
const CHALLENGE: &[u8] = b"acme-tls/1";

/// A certificate that is wanted.
#[derive(Clone, Debug)]
pub struct Order {
    /// The names that it is for.
    pub names: Vec<String>,
    /// Mail addresses of whoever runs the server.
    pub contacts: Vec<String>,
    /// Where to order.
    pub directory: String,
    /// What proves that directory's name, in PEM, where no well-known authority does.
    pub trusted: Option<PathBuf>,
    /// The folder in which account and certificate are kept.
    pub folder: PathBuf,
}

/// Orders, and answers those who check.
pub struct Orders(AcmeState<io::Error, io::Error>);

impl Order {
    /// What does TLS with it, and what has to be run so that there is one.
    pub fn open(&self) -> Result<(ServerConfig, Orders), CertificateError> {
        let failed = |error| CertificateError::Folder(self.folder.clone(), error);
        // Private keys are in it.
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder).map_err(failed)?;
        let contacts = self.contacts.iter().map(|address| format!("mailto:{address}"));
        let config = AcmeConfig::new(&self.names).contact(contacts).directory(&self.directory);
        let config = match &self.trusted {
            Some(file) => config.client_tls_config(Arc::new(trusting(file)?)),
            None => config,
        };
        let state = config.cache(DirCache::new(self.folder.clone())).state();
        let unusable = |error| CertificateError::Unusable(self.folder.clone(), error);
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(unusable)?.with_no_client_auth();
        let mut tls = builder.with_cert_resolver(state.resolver());
        tls.alpn_protocols = vec![b"http/1.1".to_vec(), CHALLENGE.to_vec()];
        Ok((tls, Orders(state)))
    }
}

impl Orders {
    /// Orders whenever it is time to.
    pub async fn run(mut self) {
        while let Some(event) = self.0.next().await {
            match event {
                Ok(event) => tracing::info!(?event, "the certificate"),
                Err(error) => tracing::error!(%error, "no certificate; it will be tried again"),
            }
        }
    }
}

/// A client that believes only what this file vouches for.
fn trusting(file: &Path) -> Result<ClientConfig, CertificateError> {
    let failed = |error| CertificateError::File(file.to_owned(), error);
    let unusable = |error: rustls::Error| CertificateError::Unusable(file.to_owned(), error);
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(failed)? {
        roots.add(certificate.map_err(failed)?).map_err(unusable)?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(unusable)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
