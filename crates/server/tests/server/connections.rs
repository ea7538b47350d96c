//! What comes before a request: TLS, and clients that take their time.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use micro_chat_server::api::Origins;
use micro_chat_server::auth::Policy;
use micro_chat_server::certificate::Certificate;
use micro_chat_server::server::{Config, Reach};
use micro_chat_server::stream::Timing;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::guarded::Guarded;
use crate::running::{PATIENCE, Running, timing};

/// A certificate for `localhost`, in files; and what a client has to trust.
pub fn certificate(folder: &Path) -> (PathBuf, PathBuf, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let (chain, key) = (folder.join("chain.pem"), folder.join("key.pem"));
    std::fs::write(&chain, made.cert.pem()).expect("a file");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("a file");
    (chain, key, made.cert.der().clone())
}

async fn connect(host: &str, trusted: &CertificateDer<'static>) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).expect("a certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(host).await?;
    TlsConnector::from(Arc::new(config)).connect("localhost".try_into().expect("a name"), stream).await
}

/// What it says of itself to who trusts that certificate.
pub async fn health(host: &str, trusted: &CertificateDer<'static>) -> std::io::Result<String> {
    let mut stream = connect(host, trusted).await?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    // A server that closes without a goodbye has said all the same.
    let _ = stream.read_to_string(&mut answer).await;
    Ok(answer)
}

#[tokio::test]
async fn it_does_tls_itself_for_calls_and_streams_and_takes_a_new_certificate() {
    let data = tempfile::tempdir().expect("a folder");
    let (chain, key, first) = certificate(data.path());
    let tls = Certificate::open(&chain, &key).expect("a certificate");
    let server = Running::of(Config {
        data: data.path().to_owned(),
        policy: Policy::Open,
        accounts: None,
        rates: None,
        origins: Origins::All,
        reach: Reach::Tls,
        tls: Some(tls.clone()),
        timing: timing(),
        retention: micro_chat_server::chat::retention::Retention::default(),
    })
    .await;
    assert!(health(&server.host, &first).await.expect("an answer").starts_with("HTTP/1.1 200"));
    // Without TLS there is no answer.
    let mut plain = TcpStream::connect(&server.host).await.expect("a connection");
    plain.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("it takes it");
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, plain.read_to_end(&mut answer)).await.expect("it closes");
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");

    let stream = connect(&server.host, &first).await.expect("TLS");
    let (mut socket, _) =
        tokio_tungstenite::client_async("ws://localhost/chat/Connect", stream).await.expect("a WebSocket");
    // A certificate is renewed while streams are open; they go on.
    let (_, _, second) = certificate(data.path());
    tls.renew().expect("a certificate");
    assert!(health(&server.host, &second).await.expect("an answer").starts_with("HTTP/1.1 200"));
    assert!(health(&server.host, &first).await.is_err());
    use futures_util::{SinkExt, StreamExt};
    socket.send("{}".into()).await.expect("it takes it");
    let answer = timeout(PATIENCE, socket.next()).await.expect("in time").expect("a frame").expect("text");
    let error: Value = serde_json::from_str(answer.to_text().expect("text")).expect("JSON");
    assert_eq!(error["Id"], "chat.Connect.MissingUserID");
    // One that can't be used changes nothing.
    std::fs::write(&key, "no key").expect("a file");
    assert!(tls.renew().is_err());
    assert!(health(&server.host, &second).await.is_ok());
}

#[tokio::test]
async fn whoever_sends_a_request_bit_by_bit_or_none_at_all_is_let_go() {
    let timing = Timing { head: Duration::from_millis(500), ..timing() };
    let server = Running::with(timing).await;
    let begun = Instant::now();
    let drip = async {
        let mut stream = TcpStream::connect(&server.host).await.expect("a connection");
        let head = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-drip: ";
        let mut sent = stream.write_all(head).await;
        // Each byte comes in time, the head does not.
        while sent.is_ok() && begun.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(20)).await;
            sent = stream.write_all(b"x").await;
        }
        begun.elapsed()
    };
    let silent = async {
        let mut stream = TcpStream::connect(&server.host).await.expect("a connection");
        let mut nothing = Vec::new();
        let _ = stream.read_to_end(&mut nothing).await;
        begun.elapsed()
    };
    let idle = async {
        let mut stream = TcpStream::connect(&server.host).await.expect("a connection");
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("it takes it");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.starts_with(b"HTTP/1.1 200"));
        begun.elapsed()
    };
    let (drip, silent, idle) = tokio::join!(drip, silent, idle);
    for (name, lasted) in [("drip", drip), ("silent", silent), ("idle", idle)] {
        assert!((Duration::from_millis(400)..PATIENCE).contains(&lasted), "{name}: {lasted:?}");
    }
}

/// Proxies write head and body one after the other, and call a server broken that hangs up between them.
#[tokio::test]
async fn who_is_refused_by_the_head_may_still_send_a_small_body_and_ask_again() {
    let server = Guarded::start().await.server;
    let mut stream = TcpStream::connect(&server.host).await.expect("a connection");
    for _ in 0..3 {
        stream
            .write_all(b"POST /chat/New HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n")
            .await
            .expect("a head");
        tokio::time::sleep(Duration::from_millis(50)).await;
        stream.write_all(b"{}").await.expect("a body");
        let mut answer = vec![0; 4_096];
        let length = timeout(PATIENCE, stream.read(&mut answer)).await.expect("in time").expect("an answer");
        let answer = String::from_utf8_lossy(&answer[..length]);
        assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("auth.NoToken"), "{answer}");
    }
}
