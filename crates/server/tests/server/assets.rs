//! The SDK and the pages, as a browser asks for them.
//!
//! What is embedded depends on whether the SDK was built before: these tests look at the pages, which always are.

use crate::running::Running;

#[tokio::test]
async fn a_page_is_asked_about_before_each_use_and_not_sent_twice() {
    let server = Running::start().await;
    let first = server.http.get(server.url("/")).send().await.expect("an answer");
    assert_eq!(first.status(), 200);
    assert_eq!(first.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(first.headers()["cache-control"], "no-cache");
    assert_eq!(first.headers()["x-content-type-options"], "nosniff");
    let policy = first.headers()["content-security-policy"].to_str().expect("text");
    assert!(policy.starts_with("default-src 'none'; script-src 'self' 'wasm-unsafe-eval';"), "{policy}");
    assert!(!policy.contains("unsafe-inline"), "{policy}");
    let etag = first.headers()["etag"].clone();
    let again = server.http.get(server.url("/")).header("if-none-match", etag).send().await.expect("an answer");
    assert_eq!(again.status(), 304);
    let head = server.http.head(server.url("/")).send().await.expect("an answer");
    assert_eq!(head.status(), 200);
}

#[tokio::test]
async fn nothing_outside_is_served() {
    let server = Running::start().await;
    for path in ["/../Cargo.toml", "/%2e%2e/Cargo.toml", "/assets/../../Cargo.toml", "/assets/%2e%2e%2fCargo.toml"] {
        // A client would tidy the path up: the bytes are written by hand.
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut link = tokio::net::TcpStream::connect(&server.host).await.expect("a link");
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        link.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        link.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
        assert!(answer.contains("gateway.NotFound"), "{path}");
    }
}
