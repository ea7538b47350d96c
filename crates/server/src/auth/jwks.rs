//! The keys that an identity provider publishes, and changes: a JSON Web Key Set at an address.

use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use axum::http::Uri;
use axum::http::uri::Scheme;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use ureq::Agent;

use super::tokens::Key;
use super::{Claims, Denied};
use crate::completion::whole;

/// The largest answer, in bytes.
const LARGEST: u64 = 256 * 1024;

/// Keys that are looked at: whoever signs has a few.
const KEYS: usize = 32;

/// An RSA key is as long in base64: 2,048 to 8,192 bits. Shorter ones can be broken, and longer ones are slow.
const MODULUS: std::ops::RangeInclusive<usize> = 341..=1366;

/// How often the keys are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Without a reason: a key that was withdrawn is good for so long.
    pub anew: Duration,
    /// At most, where a token has an unknown key, which anybody can send, and where they did not come.
    pub pause: Duration,
    /// How long one question may take, its answer included.
    pub patience: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { anew: seconds(10 * 60), pause: seconds(10), patience: seconds(5) }
    }
}

/// Keys at an address.
pub struct Jwks {
    address: String,
    claims: Claims,
    pace: Pace,
    agent: Agent,
    /// The last that came; none before the first.
    keys: RwLock<Option<Arc<[Key]>>>,
    /// When they were asked for last. Held while they are.
    asked: Arc<Mutex<Option<Instant>>>,
}

impl std::fmt::Debug for Jwks {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Jwks").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Why no keys came.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// It can't be reached, does not prove its name, takes too long, or sends too much.
    #[error(transparent)]
    Http(#[from] ureq::Error),
    /// Also where it sends one elsewhere: whoever answers there would be believed.
    #[error("it answers with status {0}")]
    Status(u16),
    /// Something else than a key set.
    #[error("it is no JSON Web Key Set: {0}")]
    Form(#[from] serde_json::Error),
    /// None that may sign.
    #[error("no key in it is one of RSA (RS256), P-256 or Ed25519 that signs")]
    Empty,
}

/// An address that keys may be at: nobody on the way could put others there.
pub fn address(text: &str) -> Result<String, String> {
    let form = || "it looks like https://login.example.com/jwks.json; http only on this machine".to_owned();
    let uri: Uri = text.parse().map_err(|_| form())?;
    let host = uri.host().unwrap_or_default();
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_here = host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback());
    let is_plain = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTPS && is_plain && !host.is_empty() => Ok(text.to_owned()),
        Some(scheme) if *scheme == Scheme::HTTP && is_plain && is_here => Ok(text.to_owned()),
        _ => Err(form()),
    }
}

impl Jwks {
    /// The keys at an address that [`address`] takes, for tokens with these claims. None has been asked for yet.
    pub fn new(address: String, claims: Claims, pace: Pace) -> Self {
        let agent = Agent::config_builder()
            .timeout_global(Some(pace.patience))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("micro-chat-server/", env!("CARGO_PKG_VERSION")));
        // What is on this machine is not behind a proxy.
        let agent = if address.starts_with("http:") { agent.proxy(None) } else { agent.https_only(true) };
        Self { address, claims, pace, agent: agent.build().into(), keys: RwLock::default(), asked: Arc::default() }
    }

    /// Those that are known; none before the first came.
    pub(super) fn keys(&self) -> Option<Arc<[Key]>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether keys that are not known yet may check a token that those which are do not.
    pub(super) fn may_know(&self, algorithm: Algorithm, id: Option<&str>) -> bool {
        let is_ours = matches!(algorithm, Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA);
        let is_known = |keys: Arc<[Key]>| id.is_some() && keys.iter().any(|key| key.id.as_deref() == id);
        is_ours && !self.keys().is_some_and(is_known)
    }

    /// Asks for the keys, unless that was just done; who comes meanwhile waits with it.
    pub(super) async fn ask(self: &Arc<Self>) -> Result<(), Denied> {
        let mut asked = self.asked.clone().lock_owned().await;
        if asked.is_none_or(|at| at.elapsed() >= self.pace.pause) {
            let jwks = self.clone();
            // Otherwise whoever hangs up meanwhile would have the next one ask again.
            whole(async move {
                jwks.fetch().await;
                *asked = Some(Instant::now());
            })
            .await;
        }
        if self.keys().is_some() { Ok(()) } else { Err(Denied::KeysUnavailable) }
    }

    /// Keeps the keys new for as long as somebody has them.
    pub(super) async fn watch(this: Weak<Self>) {
        loop {
            let Some(jwks) = this.upgrade() else { return };
            let mut asked = jwks.asked.lock().await;
            let came = jwks.fetch().await;
            *asked = Some(Instant::now());
            drop(asked);
            let wait = if came { jwks.pace.anew } else { jwks.pace.pause };
            drop(jwks);
            sleep(wait).await;
        }
    }

    /// Asks; where that fails, the old ones stay.
    async fn fetch(self: &Arc<Self>) -> bool {
        let jwks = self.clone();
        // Nobody waits for a thread that hangs: the library bounds its time.
        let fetched = tokio::task::spawn_blocking(move || jwks.get()).await;
        let address = &self.address;
        match fetched {
            Ok(Ok(keys)) => {
                let mut known = self.keys.write().unwrap_or_else(PoisonError::into_inner);
                if known.is_none() {
                    tracing::info!(%address, keys = keys.len(), "keys for tokens have come");
                }
                *known = Some(keys.into());
                true
            }
            Ok(Err(error)) if self.keys().is_some() => {
                tracing::warn!(%address, %error, "no new keys for tokens; the old ones stay in use");
                false
            }
            Ok(Err(error)) => {
                tracing::warn!(%address, %error, "no keys for tokens; nobody is let in with one until they come");
                false
            }
            // The runtime ends.
            Err(_) => false,
        }
    }

    fn get(&self) -> Result<Vec<Key>, Failure> {
        let mut answer = self.agent.get(&self.address).header("accept", "application/json").call()?;
        if answer.status() != 200 {
            return Err(Failure::Status(answer.status().as_u16()));
        }
        let content = answer.body_mut().with_config().limit(LARGEST).read_to_vec()?;
        let keys = read(&content, &self.claims)?;
        if keys.is_empty() { Err(Failure::Empty) } else { Ok(keys) }
    }
}

/// A key set; what is no key for us may be one for somebody else.
#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

/// What the keys of a set that may check tokens are for.
pub fn algorithms(content: &[u8]) -> Result<Vec<Algorithm>, serde_json::Error> {
    Ok(read(content, &Claims::default())?.iter().map(|key| key.algorithm).collect())
}

/// The keys of a set that may check tokens.
pub(super) fn read(content: &[u8], claims: &Claims) -> Result<Vec<Key>, serde_json::Error> {
    let set: Set = serde_json::from_slice(content)?;
    let usable = set.keys.into_iter().filter_map(|key| usable(key, claims));
    Ok(usable.take(KEYS).collect())
}

/// A public key for signatures. Secrets are none: whoever can read the set would know them.
fn usable(key: Value, claims: &Claims) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(key).ok()?;
    let (algorithm, named) = match &jwk.algorithm {
        AlgorithmParameters::RSA(key) if MODULUS.contains(&key.n.len()) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        _ => return None,
    };
    let common = jwk.common.clone();
    let signs = common.public_key_use.is_none_or(|for_what| for_what == PublicKeyUse::Signature)
        && common.key_operations.is_none_or(|operations| operations.contains(&KeyOperations::Verify))
        && common.key_algorithm.is_none_or(|algorithm| algorithm == named);
    let key = DecodingKey::from_jwk(&jwk).ok().filter(|_| signs)?;
    Some(Key { id: common.key_id, algorithm, key, terms: claims.terms(algorithm) })
}
