//! Tokens: what a forged, a foreign and a late one open.

use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use micro_chat_server::auth::{Claims, Tokens, keys};
use micro_chat_server::store::KeyRing;
use serde_json::{Value, json};

use crate::guarded::{Guarded, SECRET, ended, key_file, seconds, sign, token};
use crate::running::PATIENCE;

/// Tokens that none of ours are, each with the id it is refused with.
fn bad_tokens() -> Vec<(&'static str, String, &'static str)> {
    let claims = json!({ "sub": "ann", "exp": seconds() + 3_600 });
    let with = |header: &Header, key: &[u8]| encode(header, &claims, &EncodingKey::from_secret(key)).expect("a token");
    let good = token("ann");
    let parts: Vec<&str> = good.split('.').collect();
    // {"typ":"JWT","alg":"none"} and {"alg":"None"}, with and without the signature.
    let none = "eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0";
    let none_written_otherwise = "eyJhbGciOiJOb25lIn0";
    let other_claims = sign(&json!({ "sub": "root", "exp": seconds() + 3_600 }));
    let other_body = other_claims.split('.').nth(1).expect("claims");
    vec![
        ("no token", String::new(), "auth.NoToken"),
        ("words", "words".into(), "auth.InvalidToken"),
        ("long", "x".repeat(10_000), "auth.InvalidToken"),
        ("alg none", format!("{none}.{}.", parts[1]), "auth.InvalidToken"),
        ("alg None", format!("{none_written_otherwise}.{}.", parts[1]), "auth.InvalidToken"),
        ("alg none, signed", format!("{none}.{}.{}", parts[1], parts[2]), "auth.InvalidToken"),
        ("no signature", format!("{}.{}.", parts[0], parts[1]), "auth.InvalidToken"),
        ("other claims", format!("{}.{other_body}.{}", parts[0], parts[2]), "auth.InvalidToken"),
        ("another key", with(&Header::default(), b"another secret that is long enough too"), "auth.InvalidToken"),
        ("another algorithm", with(&Header::new(Algorithm::HS512), SECRET.as_bytes()), "auth.InvalidToken"),
        ("expired", sign(&json!({ "sub": "ann", "exp": seconds() - 1 })), "auth.ExpiredToken"),
        ("for ever", sign(&json!({ "sub": "ann" })), "auth.InvalidToken"),
        (
            "tomorrow's",
            sign(&json!({ "sub": "ann", "exp": seconds() + 99_999, "nbf": seconds() + 86_400 })),
            "auth.InvalidToken",
        ),
        (
            "issued tomorrow",
            sign(&json!({ "sub": "ann", "exp": seconds() + 99_999, "iat": seconds() + 86_400 })),
            "auth.InvalidToken",
        ),
        (
            "issued in two minutes",
            sign(&json!({ "sub": "ann", "exp": seconds() + 99_999, "iat": seconds() + 120 })),
            "auth.InvalidToken",
        ),
        ("begun in words", sign(&json!({ "sub": "ann", "exp": seconds() + 60, "nbf": "now" })), "auth.InvalidToken"),
        ("issued in words", sign(&json!({ "sub": "ann", "exp": seconds() + 60, "iat": "now" })), "auth.InvalidToken"),
        ("ending in words", sign(&json!({ "sub": "ann", "exp": "never" })), "auth.InvalidToken"),
        ("nobody's", sign(&json!({ "exp": seconds() + 60 })), "auth.InvalidToken"),
        ("no name", sign(&json!({ "sub": "", "exp": seconds() + 60 })), "auth.InvalidToken"),
        ("a number's", sign(&json!({ "sub": 5, "exp": seconds() + 60 })), "auth.InvalidToken"),
        ("a long name", sign(&json!({ "sub": "x".repeat(257), "exp": seconds() + 60 })), "auth.InvalidToken"),
        (
            "for somebody else",
            sign(&json!({ "sub": "ann", "aud": "shop", "exp": seconds() + 60 })),
            "auth.InvalidToken",
        ),
        ("for a number", sign(&json!({ "sub": "ann", "aud": 5, "exp": seconds() + 60 })), "auth.InvalidToken"),
    ]
}

#[tokio::test]
async fn a_token_that_is_none_of_ours_opens_no_door() {
    let guarded = Guarded::start().await;
    let chat_id = guarded.chat().await;
    for (name, token, id) in bad_tokens() {
        for path in ["/chat/New", "/chat/Send", "/chat/History", "/chats/CreateChat", "/chats/ListMessages"] {
            let (status, answer) = guarded.call(&token, "", path, json!({ "chat_id": chat_id })).await;
            assert_eq!((status, &answer["Id"]), (401, &json!(id)), "{name}, {path}");
        }
        let mut session = guarded.session(json!({ "token": token })).await;
        assert_eq!(ended(&mut session).await, (id.to_owned(), 4003), "{name}");
        let first = json!({ "chat_id": chat_id, "token": token });
        assert_eq!(guarded.gateway("/chat/Connect", &first).await, (id.to_owned(), 4003), "{name}");
    }
    // A good one in an address is none: addresses are written into logs.
    let path = format!("/chat/Connect?chat_id={chat_id}&user_id=ann&token={}", token("ann"));
    let refused = guarded.gateway(&path, &json!({ "text": "hello" })).await;
    assert_eq!(refused, ("auth.NoToken".to_owned(), 4003));
}

#[tokio::test]
async fn a_clock_may_be_half_a_minute_ahead_where_tokens_are_signed_and_what_they_opened_ends_all_the_same() {
    let guarded = Guarded::start().await;
    let ahead = seconds() + 30;
    let token = sign(&json!({ "sub": "ann", "exp": ahead + 3_600, "iat": ahead, "nbf": ahead }));
    guarded.ask(&token, "/chat/New", json!({ "user_ids": ["ann"] })).await;
    let mut session = guarded.session(json!({ "token": token })).await;
    assert_eq!(session.json().await[0], 20);
    // Whatever it says, it was there by now: what ends all tokens of now ends it for whoever was let in by it.
    let keys = [key_file(guarded.folder(), "the same", SECRET)];
    let caller = Tokens::open(&keys, Claims::default()).expect("keys").check_now(&token).expect("a caller");
    assert!(caller.user().expect("a user").issued_at.expect("a time") <= SystemTime::now());
    // Fractions are times, too, and what is null is not said.
    let token = sign(&json!({ "sub": "ann", "exp": ahead, "iat": seconds() as f64 + 0.5, "nbf": null }));
    guarded.ask(&token, "/chat/New", json!({ "user_ids": ["ann"] })).await;

    let (kept, admin) = keys::create("micro".to_owned(), String::new(), &"admin".parse().expect("scopes"));
    KeyRing::open(guarded.folder()).expect("the database").add(&kept).expect("a key");
    let begun = Instant::now();
    // The server reads keys now and then.
    while guarded.call(&admin, "", "/auth/Revoke", json!({ "user_id": "ann" })).await.0 != 200 {
        assert!(begun.elapsed() < PATIENCE, "it does not know its keys");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(ended(&mut session).await, ("auth.RevokedToken".to_owned(), 4003));
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let guarded = Guarded::start().await;
    let chat_id = guarded.chat().await;
    // Both are open long before that, also on a machine that stands still for a while.
    let expires = seconds() + 6;
    let short = || sign(&json!({ "sub": "ann", "exp": expires }));
    let mut session = guarded.session(json!({ "token": short() })).await;
    assert_eq!(session.json().await[0], 20);
    session.send(json!([2, 1, chat_id, 0, -1])).await;
    assert_eq!((session.json().await[0].clone(), session.json().await[0].clone()), (json!(21), json!(23)));
    let mut gateway = guarded.server.stream("/chat/Connect", &[]).await;
    gateway.send(json!({ "chat_id": chat_id, "token": short() })).await;
    assert_eq!(ended(&mut session).await, ("auth.ExpiredToken".to_owned(), 4003));
    assert_eq!(gateway.json().await["Id"], "auth.ExpiredToken");
    assert_eq!(gateway.closed().await, 4003);
    assert!(seconds() >= expires, "their tokens are still good");
}

/// A private key, and its public one, in PEM.
type Pair = (String, String);

fn rsa_pair() -> Pair {
    use rsa::pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding};
    let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).expect("a key");
    let public = key.to_public_key().to_public_key_pem(LineEnding::LF).expect("PEM");
    (key.to_pkcs8_pem(LineEnding::LF).expect("PEM").to_string(), public)
}

fn ec_pair() -> Pair {
    use p256::pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding};
    let key = p256::SecretKey::random(&mut rsa::rand_core::OsRng);
    let public = key.public_key().to_public_key_pem(LineEnding::LF).expect("PEM");
    (key.to_pkcs8_pem(LineEnding::LF).expect("PEM").to_string(), public)
}

fn ed_pair() -> Pair {
    use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
    use ed25519_dalek::pkcs8::{EncodePrivateKey, EncodePublicKey};
    let key = ed25519_dalek::SigningKey::generate(&mut rsa::rand_core::OsRng);
    let public = key.verifying_key().to_public_key_pem(LineEnding::LF).expect("PEM");
    (key.to_pkcs8_pem(LineEnding::LF).expect("PEM").to_string(), public)
}

#[tokio::test]
async fn each_kind_of_key_checks_its_own_tokens_and_no_others() {
    let data = tempfile::tempdir().expect("a folder");
    let [(rsa, public_rsa), (ec, public_ec), (ed, public_ed)] = [rsa_pair(), ec_pair(), ed_pair()];
    let files = [("rsa", &public_rsa), ("ec", &public_ec), ("ed", &public_ed)];
    let files = files.map(|(name, public)| key_file(data.path(), name, public));
    let claims = Claims {
        user: "email".into(),
        namespace: "org".into(),
        issuer: Some("https://login.example.com".into()),
        audience: Some("chat".into()),
    };
    let guarded = Guarded::with(data, &files, claims).await;
    let good = json!({
        "iss": "https://login.example.com", "aud": ["chat", "shop"], "exp": seconds() + 60,
        "email": "ann@example.com", "org": "acme", "sub": "17",
    });
    let keys = [
        (Algorithm::RS256, EncodingKey::from_rsa_pem(rsa.as_bytes()).expect("a key")),
        (Algorithm::ES256, EncodingKey::from_ec_pem(ec.as_bytes()).expect("a key")),
        (Algorithm::EdDSA, EncodingKey::from_ed_pem(ed.as_bytes()).expect("a key")),
    ];
    let new = |token: String| async {
        let body = json!({ "user_ids": ["ann@example.com"] });
        let token = token;
        guarded.call(&token, "acme", "/chat/New", body).await
    };
    for (algorithm, key) in &keys {
        let header = Header::new(*algorithm);
        let (status, answer) = new(encode(&header, &good, key).expect("a token")).await;
        assert_eq!(status, 200, "{algorithm:?}: {answer}");
        for (claim, value) in [
            ("iss", json!("https://evil.example.com")),
            ("aud", json!("shop")),
            ("iss", Value::Null),
            ("aud", Value::Null),
        ] {
            let mut bad = good.clone();
            match value {
                Value::Null => drop(bad.as_object_mut().expect("claims").remove(claim)),
                value => bad[claim] = value,
            }
            let (status, answer) = new(encode(&header, &bad, key).expect("a token")).await;
            assert_eq!((status, &answer["Id"]), (401, &json!("auth.InvalidToken")), "{algorithm:?}, {claim}");
        }
    }
    // Key confusion: the public key, which everybody may have, as the secret of another algorithm.
    let confused =
        encode(&Header::default(), &good, &EncodingKey::from_secret(public_rsa.as_bytes())).expect("a token");
    assert_eq!(new(confused).await.0, 401);
}

#[tokio::test]
async fn a_key_that_can_not_be_one_is_refused_in_words() {
    let data = tempfile::tempdir().expect("a folder");
    let private = key_file(data.path(), "private", &ed_pair().0);
    let short = key_file(data.path(), "short", "hunter2");
    let other = key_file(data.path(), "other", "-----BEGIN CERTIFICATE-----\nMAo=\n-----END CERTIFICATE-----\n");
    // Public keys in other forms are no secrets, and a key with words before it is one all the same.
    let public = ed_pair().1;
    let worded = key_file(data.path(), "worded", &format!("Bag Attributes\n{}", ed_pair().0));
    let set = key_file(data.path(), "set", r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg"}]}"#);
    let ssh = key_file(data.path(), "ssh", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5l0yBq1V3K ann@example.com");
    let worded_public = key_file(data.path(), "public", &format!("Public-Key: (256 bit)\n{public}"));
    assert!(Tokens::open(&[worded_public], Claims::default()).is_ok());
    for (file, said) in [
        (worded, "is a private key"),
        (set, "is no public key"),
        (ssh, "is no public key"),
        (private, "is a private key"),
        (short, "shorter than 32 bytes"),
        (other, "is no public key"),
        (data.path().join("none"), "can't read the key"),
    ] {
        let refused = Tokens::open(&[file], Claims::default()).expect_err("no key").to_string();
        assert!(refused.contains(said), "{refused}");
        assert!(!refused.contains("hunter2"));
    }
}

#[test]
fn serve_does_not_start_where_it_would_be_open() {
    let data = tempfile::tempdir().expect("a folder");
    let secret = key_file(data.path(), "secret", SECRET);
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_micro-chat-server"));
        let output = command.arg("serve").args(arguments).arg("--data").arg(data.path()).output().expect("it runs");
        assert!(!output.status.success());
        String::from_utf8(output.stderr).expect("text")
    };
    let said = run(&["--listen", "127.0.0.1:0"]);
    assert!(said.contains("--token-key"), "{said}");
    let said = run(&["--listen", "0.0.0.0:0", "--token-key", secret.to_str().expect("a name")]);
    assert!(said.contains("there is no TLS on 0.0.0.0") && said.contains("--behind-proxy"), "{said}");
}
