//! Tokens: forged ones, and claims that their signer did not think about.

use std::sync::LazyLock;
use std::time::SystemTime;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use micro_chat_server::auth::{Claims, Tokens, jwks};
use micro_chat_wire::{DEFAULT_NAMESPACE, limit};
use serde_json::{Map, Value};

const SECRET: &str = "a secret that whoever searches does not know";

/// Everybody may have this one.
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";

/// What a server with both keys goes by.
static TOKENS: LazyLock<Tokens> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, content: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, content).expect("a file");
        file
    };
    let files = [file("secret", &SECRET.replace(' ', "-")), file("public", PUBLIC)];
    Tokens::open(&files, Claims::default()).expect("keys")
});

/// A token as it is, and claims that were signed.
pub fn token(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    assert!(TOKENS.check_now(text).is_err(), "nobody can forge one");
    let Ok(claims) = serde_json::from_str::<Map<String, Value>>(text) else { return };
    let sign = |algorithm, key: &EncodingKey| encode(&Header::new(algorithm), &claims, key).expect("a token");
    // Key confusion: the public key as a secret, and ours for another algorithm.
    let secret = EncodingKey::from_secret(SECRET.replace(' ', "-").as_bytes());
    assert!(TOKENS.check_now(&sign(Algorithm::HS256, &EncodingKey::from_secret(PUBLIC.as_bytes()))).is_err());
    assert!(TOKENS.check_now(&sign(Algorithm::HS256, &EncodingKey::from_secret(PUBLIC.trim().as_bytes()))).is_err());
    assert!(TOKENS.check_now(&sign(Algorithm::HS384, &secret)).is_err());
    let Ok(caller) = TOKENS.check_now(&sign(Algorithm::HS256, &secret)) else { return };
    let user = caller.user().expect("a user");
    let claim = |name: &str| claims.get(name).and_then(Value::as_str);
    assert!(claim("sub") == Some(user.id.as_str()) && (1..=limit::ID).contains(&user.id.len()));
    assert_eq!(caller.namespace, claim("namespace").unwrap_or(DEFAULT_NAMESPACE));
    assert!(!caller.namespace.is_empty() && caller.namespace.len() <= limit::ID);
    assert!(user.until >= SystemTime::now() && claims.contains_key("exp"));
    assert!(claims.get("aud").is_none_or(Value::is_null), "for somebody else");
}

/// What is at the address of an identity provider's keys: nothing in it is a secret to sign with.
pub fn keys(data: &[u8]) {
    for algorithm in jwks::algorithms(data).unwrap_or_default() {
        assert!(matches!(algorithm, Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA));
    }
}
