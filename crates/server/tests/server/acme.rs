//! Certificates that are ordered, from a real ACME server that checks the name as Let's Encrypt does.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use micro_chat_server::acme::Order;
use micro_chat_server::api::Origins;
use micro_chat_server::auth::Policy;
use micro_chat_server::certificate::Certificate;
use micro_chat_server::server::{Config, Reach};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::guarded::key_file;
use crate::running::{Running, own_address, timing};

/// The name that is ordered.
const NAME: &str = "chat.example.com";

/// Long enough for an order, and for one that has to be tried again.
const PATIENCE: Duration = Duration::from_secs(60);

/// Pebble, and a DNS in which every name is this machine.
struct Authority {
    management: SocketAddr,
    /// What proves its own name.
    certificate: CertificateDer<'static>,
    _processes: [Child; 2],
}

/// Addresses that nobody else takes.
fn addresses<const COUNT: usize>() -> [SocketAddr; COUNT] {
    // All at once: they are five, and not one five times.
    let listeners = [(); COUNT].map(|()| TcpListener::bind((own_address(2), 0)).expect("a port"));
    listeners.map(|listener| listener.local_addr().expect("an address"))
}

fn start(program: &str, arguments: &[&str]) -> Child {
    Command::new(program)
        .args(arguments)
        .env("PEBBLE_VA_NOSLEEP", "1")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}; on Debian it is in the package pebble"))
}

impl Authority {
    /// It takes orders at the first of these addresses, and checks names at the port of a server.
    fn start(folder: &Path, addresses: [SocketAddr; 5], checked: &str, certificate: &CertificateDer<'static>) -> Self {
        let [directory, management, http, dns, other] = addresses;
        let told = json!({ "pebble": {
            "listenAddress": directory,
            "managementListenAddress": management,
            "certificate": folder.join("pebble.pem"),
            "privateKey": folder.join("pebble.key"),
            "httpPort": http.port(),
            "tlsPort": checked.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()).expect("a port"),
        } });
        let told = key_file(folder, "pebble.json", &told.to_string());
        let names = ["-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", ""];
        let (dns, other) = (dns.to_string(), other.to_string());
        let names = [&names[..], &["-dns01", &dns, "-management", &other]].concat();
        let told = told.to_string_lossy();
        let processes =
            [start("pebble-challtestsrv", &names), start("pebble", &["-config", &told, "-dnsserver", &dns])];
        Self { management, certificate: certificate.clone(), _processes: processes }
    }

    /// What vouches for the certificates that it gives out.
    async fn root(&self) -> CertificateDer<'static> {
        let host = self.management.to_string();
        let asking = async {
            loop {
                match ask(&host, "localhost", &self.certificate, "/roots/0").await {
                    Ok(answer) if answer.contains("BEGIN CERTIFICATE") => return answer,
                    _ => sleep(Duration::from_millis(100)).await,
                }
            }
        };
        let answer = timeout(PATIENCE, asking).await.expect("an authority");
        CertificateDer::from_pem_slice(answer.as_bytes()).expect("a certificate")
    }
}

/// A call over TLS, to whoever proves that name.
async fn ask(host: &str, name: &str, trusted: &CertificateDer<'static>, path: &str) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).expect("a certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(host).await?;
    let name = name.to_owned().try_into().expect("a name");
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    let head = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    let mut answer = String::new();
    // A server that closes without a goodbye has said all the same.
    let _ = stream.read_to_string(&mut answer).await;
    Ok(answer)
}

async fn serve(folder: &Path, directory: String, trusted: &Path) -> Running {
    let order = Order {
        names: vec![NAME.to_owned()],
        contacts: vec!["ann@example.com".to_owned()],
        directory,
        trusted: Some(trusted.to_owned()),
        folder: folder.join("acme"),
    };
    Running::of(Config {
        data: folder.to_owned(),
        policy: Policy::Open,
        accounts: None,
        rates: None,
        origins: Origins::All,
        reach: Reach::Tls,
        tls: Some(Certificate::order(&order).expect("a folder")),
        timing: timing(),
        retention: micro_chat_server::chat::retention::Retention::default(),
    })
    .await
}

/// Waits until the server proves its name.
async fn proves(server: &Running, root: &CertificateDer<'static>) {
    let proving = async {
        loop {
            match ask(&server.host, NAME, root, "/healthz").await {
                Ok(answer) if answer.starts_with("HTTP/1.1 200") => return,
                _ => sleep(Duration::from_millis(200)).await,
            }
        }
    };
    timeout(PATIENCE, proving).await.expect("a certificate in time");
}

#[tokio::test]
async fn a_certificate_is_ordered_and_kept_for_the_next_start() {
    use std::os::unix::fs::PermissionsExt;
    let data = tempfile::tempdir().expect("a folder");
    let addresses = addresses();
    let directory = addresses[0];
    let names = ["localhost".to_owned(), directory.ip().to_string()];
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
    let trusted = key_file(data.path(), "pebble.pem", &made.cert.pem());
    key_file(data.path(), "pebble.key", &made.signing_key.serialize_pem());
    let address = || format!("https://{directory}/dir");
    // Its port is known when it listens, so that its first try comes too early: it tries again.
    let server = serve(data.path(), address(), &trusted).await;
    assert!(ask(&server.host, NAME, made.cert.der(), "/healthz").await.is_err(), "there is no certificate yet");
    let authority = Authority::start(data.path(), addresses, &server.host, made.cert.der());
    let root = authority.root().await;
    proves(&server, &root).await;
    let mode = std::fs::metadata(data.path().join("acme")).expect("a folder").permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "its keys are nobody else's");

    drop(authority);
    server.stop().await;
    let again = serve(data.path(), address(), &trusted).await;
    proves(&again, &root).await;
}
