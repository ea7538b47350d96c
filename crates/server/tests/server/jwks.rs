//! Keys that an identity provider publishes: they change, and the address may say anything.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use micro_chat_server::auth::jwks::{self, Pace};
use micro_chat_server::auth::{Claims, Denied, Tokens};
use micro_chat_server::server::Reach;
use rsa::pkcs8::EncodePrivateKey;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::guarded::{Guarded, ended, seconds};
use crate::running::{PATIENCE, timing};

/// What the address answers.
#[derive(Clone, Debug)]
enum Answer {
    Keys(Value),
    Text(String),
    Status(u16),
    Redirect(String),
    /// Nothing, ever.
    Hang,
    /// A byte now and then.
    Trickle,
}

/// An identity provider, as far as its keys go.
#[derive(Clone)]
struct Provider {
    address: String,
    answer: Arc<Mutex<Answer>>,
    asked: Arc<AtomicUsize>,
}

impl Provider {
    async fn start(answer: Answer) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}/jwks.json", listener.local_addr().expect("an address"));
        let provider = Self { address, answer: Arc::new(Mutex::new(answer)), asked: Arc::default() };
        let router = Router::new().route("/jwks.json", get(Self::say)).with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    async fn say(State(provider): State<Self>) -> Response {
        provider.asked.fetch_add(1, Ordering::Relaxed);
        let answer = provider.answer.lock().expect("an answer").clone();
        match answer {
            Answer::Keys(keys) => json!({ "keys": keys }).to_string().into_response(),
            Answer::Text(text) => text.into_response(),
            Answer::Status(status) => StatusCode::from_u16(status).expect("a status").into_response(),
            Answer::Redirect(to) => Redirect::temporary(&to).into_response(),
            Answer::Hang => std::future::pending().await,
            Answer::Trickle => {
                let bytes = futures_util::stream::unfold((), |()| async {
                    sleep(Duration::from_millis(100)).await;
                    Some((Ok::<_, std::io::Error>(" "), ()))
                });
                axum::body::Body::from_stream(bytes).into_response()
            }
        }
    }

    fn says(&self, answer: Answer) {
        *self.answer.lock().expect("an answer") = answer;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// A server that believes its keys; it may ask that often, and waits for the answer however long that takes.
    async fn believed(&self, pause: Duration) -> Guarded {
        let pace = Pace { anew: Duration::from_secs(600), pause, patience: PATIENCE };
        self.believed_at(pace).await
    }

    async fn believed_at(&self, pace: Pace) -> Guarded {
        let tokens = Tokens::open(&[], Claims::default()).expect("no keys").with_jwks(self.address.clone(), pace);
        let data = tempfile::tempdir().expect("a folder");
        Guarded::checking(data, tokens, None, Reach::NoTls, timing()).await
    }
}

/// A key of the provider.
struct Signer {
    id: Option<&'static str>,
    algorithm: Algorithm,
    key: EncodingKey,
    /// What Ed25519 keys are published as: the library makes only the others' form.
    point: Option<String>,
}

impl Signer {
    fn ec(id: &'static str) -> Self {
        let key = p256::SecretKey::random(&mut rsa::rand_core::OsRng);
        let key = key.to_pkcs8_der().expect("a key");
        Self { id: Some(id), algorithm: Algorithm::ES256, key: EncodingKey::from_ec_der(key.as_bytes()), point: None }
    }

    fn rsa(id: &'static str, bits: usize) -> Self {
        let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, bits).expect("a key");
        let key = key.to_pkcs8_pem(rsa::pkcs8::LineEnding::LF).expect("PEM").to_string();
        let key = EncodingKey::from_rsa_pem(key.as_bytes()).expect("a key");
        Self { id: Some(id), algorithm: Algorithm::RS256, key, point: None }
    }

    fn ed(id: &'static str) -> Self {
        let key = ed25519_dalek::SigningKey::generate(&mut rsa::rand_core::OsRng);
        let point = Some(URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes()));
        let key = ed25519_dalek::pkcs8::EncodePrivateKey::to_pkcs8_der(&key).expect("a key");
        Self { id: Some(id), algorithm: Algorithm::EdDSA, key: EncodingKey::from_ed_der(key.as_bytes()), point }
    }

    /// As the provider publishes it.
    fn public(&self) -> Value {
        if let Some(point) = &self.point {
            return json!({ "kty": "OKP", "crv": "Ed25519", "x": point, "kid": self.id });
        }
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).expect("a key");
        jwk.common.key_id = self.id.map(str::to_owned);
        serde_json::to_value(jwk).expect("JSON")
    }

    /// A token of Ann's.
    fn token(&self) -> String {
        self.named(self.id)
    }

    /// The same, with another key's name or none.
    fn named(&self, id: Option<&str>) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = id.map(str::to_owned);
        encode(&header, &json!({ "sub": "ann", "exp": seconds() + 60 }), &self.key).expect("a token")
    }
}

/// What a call with this token gets: a status, and an error's id.
async fn call(guarded: &Guarded, token: &str) -> (u16, String) {
    let (status, answer) = guarded.call(token, "", "/chat/New", json!({ "user_ids": ["ann"] })).await;
    (status, answer["Id"].as_str().unwrap_or_default().to_owned())
}

fn good() -> (u16, String) {
    (200, String::new())
}

fn invalid() -> (u16, String) {
    (401, "auth.InvalidToken".to_owned())
}

#[tokio::test]
async fn each_kind_of_published_key_lets_its_tokens_in_and_those_without_a_name_too() {
    let signers = [Signer::ec("one"), Signer::ed("two"), Signer::rsa("three", 2048)];
    let provider = Provider::start(Answer::Keys(signers.iter().map(Signer::public).collect())).await;
    let guarded = provider.believed(Duration::from_secs(60)).await;
    for signer in &signers {
        assert_eq!(call(&guarded, &signer.token()).await, good(), "{:?}", signer.algorithm);
        assert_eq!(call(&guarded, &signer.named(None)).await, good(), "{:?}", signer.algorithm);
        assert_eq!(call(&guarded, &signer.named(Some("one"))).await.0 == 200, signer.id == Some("one"));
    }
    assert_eq!(call(&guarded, &Signer::ec("one").token()).await, invalid(), "another's of that name");
}

#[tokio::test]
async fn a_new_key_is_asked_for_and_an_old_one_is_good_no_more() {
    let (old, new) = (Signer::ec("old"), Signer::ed("new"));
    let provider = Provider::start(Answer::Keys(json!([old.public()]))).await;
    let guarded = provider.believed(Duration::from_millis(200)).await;
    assert_eq!(call(&guarded, &old.token()).await, good());
    let before = provider.asked();
    assert_eq!(call(&guarded, &old.token()).await, good());
    assert_eq!(provider.asked(), before, "what is known is not asked for");
    provider.says(Answer::Keys(json!([new.public()])));
    sleep(Duration::from_millis(250)).await;
    assert_eq!(call(&guarded, &new.token()).await, good());
    assert_eq!(call(&guarded, &old.token()).await, invalid());
}

#[tokio::test]
async fn keys_are_asked_for_in_the_background_before_they_are_old() {
    let (old, new) = (Signer::ec("same"), Signer::ec("same"));
    let provider = Provider::start(Answer::Keys(json!([old.public()]))).await;
    let pace = Pace { anew: Duration::from_millis(200), pause: Duration::from_secs(60), patience: PATIENCE };
    let guarded = provider.believed_at(pace).await;
    assert_eq!(call(&guarded, &old.token()).await, good());
    // The same name: no token can tell that the key has changed.
    provider.says(Answer::Keys(json!([new.public()])));
    let deadline = Instant::now() + PATIENCE;
    while call(&guarded, &new.token()).await != good() {
        assert!(Instant::now() < deadline, "the new key has not come");
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(call(&guarded, &old.token()).await, invalid());
}

#[tokio::test]
async fn forged_names_of_keys_make_nobody_ask_often() {
    let signer = Signer::ec("one");
    let provider = Provider::start(Answer::Keys(json!([signer.public()]))).await;
    let guarded = provider.believed(Duration::from_secs(60)).await;
    assert_eq!(call(&guarded, &signer.token()).await, good());
    let mallory = Signer::ec("none");
    for number in 0..50 {
        assert_eq!(call(&guarded, &mallory.named(Some(&format!("forged-{number}")))).await, invalid());
    }
    assert_eq!(provider.asked(), 1);
}

#[tokio::test]
async fn who_hangs_up_while_keys_are_asked_for_has_nobody_ask_again() {
    let provider = Provider::start(Answer::Hang).await;
    let seconds = Duration::from_secs;
    let pace = Pace { anew: seconds(600), pause: seconds(60), patience: seconds(3) };
    let tokens = Tokens::open(&[], Claims::default()).expect("no keys").with_jwks(provider.address.clone(), pace);
    let mallory = Signer::ec("none");
    for number in 0..20 {
        let token = mallory.named(Some(&format!("forged-{number}")));
        let hung_up = tokio::time::timeout(Duration::from_millis(30), tokens.check(&token)).await;
        assert!(hung_up.is_err(), "it did not wait");
    }
    // Whoever waits hears of the one question, and whatever was asked has reached the provider by then.
    let denied = tokens.check(&mallory.token()).await;
    assert!(matches!(denied, Err(Denied::KeysUnavailable)), "{denied:?}");
    assert_eq!(provider.asked(), 1);
}

#[tokio::test]
async fn an_address_that_says_anything_else_keeps_the_old_keys() {
    let (signer, other) = (Signer::ec("one"), Signer::ec("two"));
    let elsewhere = Provider::start(Answer::Keys(json!([other.public()]))).await;
    let huge = json!({ "keys": [other.public()], "padding": "x".repeat(10 << 20) }).to_string();
    let bad = [
        Answer::Text("<html>Sorry</html>".into()),
        Answer::Text(String::new()),
        Answer::Text("[".repeat(100_000)),
        Answer::Text(huge),
        Answer::Status(500),
        Answer::Status(404),
        Answer::Redirect(elsewhere.address.clone()),
        Answer::Keys(json!([])),
        Answer::Hang,
        Answer::Trickle,
    ];
    let provider = Provider::start(Answer::Keys(json!([signer.public()]))).await;
    // It does not wait for ever, and asks whenever it does not know a key.
    let pace = Pace { anew: Duration::from_secs(600), pause: Duration::ZERO, patience: Duration::from_secs(2) };
    let guarded = provider.believed_at(pace).await;
    let deadline = Instant::now() + PATIENCE;
    while call(&guarded, &signer.token()).await != good() {
        assert!(Instant::now() < deadline, "the keys have not come");
    }
    for answer in bad {
        let said = format!("{answer:?}").chars().take(60).collect::<String>();
        provider.says(answer);
        let (before, begun) = (provider.asked(), Instant::now());
        assert_eq!(call(&guarded, &other.token()).await, invalid(), "{said}");
        assert!(begun.elapsed() < PATIENCE / 2, "{said}");
        while provider.asked() == before {
            assert!(begun.elapsed() < PATIENCE, "{said}");
            sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(call(&guarded, &signer.token()).await, good(), "{said}");
    }
    assert_eq!(elsewhere.asked(), 0, "nobody is followed elsewhere");
}

#[tokio::test]
async fn before_the_keys_come_callers_are_told_to_come_again() {
    let signer = Signer::ec("one");
    let provider = Provider::start(Answer::Status(503)).await;
    let guarded = provider.believed(Duration::from_millis(200)).await;
    assert_eq!(call(&guarded, &signer.token()).await, (503, "auth.KeysUnavailable".to_owned()));
    let mut session = guarded.session(json!({ "token": signer.token() })).await;
    assert_eq!(ended(&mut session).await, ("auth.KeysUnavailable".to_owned(), 1011), "it may come back");
    assert_eq!(call(&guarded, "words").await, invalid(), "no key would make one of this");
    provider.says(Answer::Keys(json!([signer.public()])));
    sleep(Duration::from_millis(250)).await;
    assert_eq!(call(&guarded, &signer.token()).await, good());
}

#[tokio::test]
async fn what_is_no_public_key_for_signatures_is_none() {
    let signers = || [Signer::ec("one"), Signer::ed("two"), Signer::rsa("three", 2048)];
    let with = |signer: &Signer, field: &str, value: Value| {
        let mut key = signer.public();
        key[field] = value;
        key
    };
    let [ec, ed, rsa] = signers();
    let weak = Signer::rsa("weak", 1024);
    // base64url of the secret.
    let secret = Signer {
        id: Some("secret"),
        algorithm: Algorithm::HS256,
        key: EncodingKey::from_secret(b"a secret that everybody can read here"),
        point: None,
    };
    let oct = "YSBzZWNyZXQgdGhhdCBldmVyeWJvZHkgY2FuIHJlYWQgaGVyZQ";
    let good_one = Signer::ec("good");
    let provider = Provider::start(Answer::Keys(json!([
        { "kty": "oct", "k": oct, "kid": "secret", "alg": "HS256" },
        { "kty": "oct", "k": oct, "kid": "secret" },
        with(&ec, "use", json!("enc")),
        with(&ed, "key_ops", json!(["encrypt"])),
        with(&rsa, "alg", json!("RS512")),
        weak.public(),
        { "kty": "RSA", "n": "!", "e": "AQAB", "kid": "broken" },
        { "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "broken" },
        { "kty": "new" },
        5,
        good_one.public(),
    ])))
    .await;
    let guarded = provider.believed(Duration::from_secs(60)).await;
    assert_eq!(call(&guarded, &good_one.token()).await, good(), "the others are no reason to refuse this one");
    for signer in [&secret, &ec, &ed, &rsa, &weak] {
        assert_eq!(call(&guarded, &signer.token()).await, invalid(), "{:?}", signer.id);
        assert_eq!(call(&guarded, &signer.named(None)).await, invalid(), "{:?}", signer.id);
    }
    // Key confusion: what is published, as the secret of another algorithm.
    let published = good_one.public();
    for text in [published["x"].as_str().expect("a number").to_owned(), published.to_string()] {
        let confused = Signer {
            id: Some("good"),
            algorithm: Algorithm::HS256,
            key: EncodingKey::from_secret(text.as_bytes()),
            point: None,
        };
        assert_eq!(call(&guarded, &confused.token()).await, invalid());
    }
    // A name that leads to a key of another kind.
    assert_eq!(call(&guarded, &Signer::ed("good").token()).await, invalid());
}

#[tokio::test]
async fn a_server_that_can_not_prove_its_name_is_not_believed() {
    let signer = Signer::ec("one");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![made.cert.der().clone()],
            PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key"),
        )
        .expect("a certificate");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("https://localhost:{}/jwks.json", listener.local_addr().expect("an address").port());
    let refused = Arc::new(AtomicUsize::new(0));
    let (count, keys) = (refused.clone(), json!({ "keys": [signer.public()] }).to_string());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            match acceptor.accept(stream).await {
                Err(_) => drop(count.fetch_add(1, Ordering::Relaxed)),
                Ok(mut stream) => {
                    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{keys}", keys.len());
                    let _ = stream.write_all(head.as_bytes()).await;
                }
            }
        }
    });
    let tokens = Tokens::open(&[], Claims::default()).expect("no keys").with_jwks(address, Pace::default());
    let denied = tokens.check(&signer.token()).await;
    assert!(matches!(denied, Err(Denied::KeysUnavailable)), "{denied:?}");
    let begun = Instant::now();
    while refused.load(Ordering::Relaxed) == 0 {
        assert!(begun.elapsed() < PATIENCE, "it was asked, and broke off");
        sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn an_address_is_one_that_nobody_on_the_way_could_change() {
    for good in ["https://login.example.com/jwks", "http://127.0.0.1:8000/jwks", "http://[::1]/x", "http://localhost/x"]
    {
        assert!(jwks::address(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "login.example.com",
        "http://login.example.com/jwks",
        "http://127.0.0.1.example.com/",
        "http://localhost@example.com/",
        "https://user:password@example.com/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "http://10.0.0.1/",
        "https://",
    ] {
        assert!(jwks::address(bad).is_err(), "{bad}");
    }
}
