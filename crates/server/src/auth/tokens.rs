//! Tokens that somebody else gives out: a site's own back end, or its identity provider.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use micro_chat_wire::{DEFAULT_NAMESPACE, limit};
use serde_json::{Map, Value};

use super::jwks::{Jwks, Pace};
use super::{Caller, Denied, User};

/// The shortest secret, in bytes: shorter ones can be guessed.
const SECRET: usize = 32;

/// Tokens that are longer are not looked at, in bytes.
pub(super) const LONGEST: usize = 8 * 1024;

/// How much the clock of who signs may be ahead of ours.
const AHEAD: Duration = Duration::from_secs(60);

/// What tokens say, and in which claims.
#[derive(Clone, Debug)]
pub struct Claims {
    /// Who the user is.
    pub user: String,
    /// Which namespace they belong to; a token without it belongs to `micro`.
    pub namespace: String,
    /// Who has to have signed it (`iss`), where that is checked.
    pub issuer: Option<String>,
    /// For whom it has to be (`aud`). Without one, tokens for somebody are refused.
    pub audience: Option<String>,
}

impl Default for Claims {
    fn default() -> Self {
        Self { user: "sub".to_owned(), namespace: "namespace".to_owned(), issuer: None, audience: None }
    }
}

impl Claims {
    /// As the library checks them.
    pub(super) fn terms(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        // A stream ends when its token does, so there is no leeway; for the beginning there is, below.
        validation.leeway = 0;
        if let Some(issuer) = &self.issuer {
            validation.set_issuer(&[issuer]);
            validation.required_spec_claims.insert("iss".to_owned());
        }
        if let Some(audience) = &self.audience {
            validation.set_audience(&[audience]);
            validation.required_spec_claims.insert("aud".to_owned());
        }
        validation
    }
}

/// Why a key can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file can't be read.
    #[error("can't read the key {0}: {1}")]
    File(PathBuf, std::io::Error),
    /// It is a private key: whoever can read it could give out tokens.
    #[error("{0} is a private key; the server needs the public one, and nobody else should have this")]
    Private(PathBuf),
    /// Some other kind of key.
    #[error("{0} is no public key of RSA, P-256 or Ed25519 in PEM, and no secret of one line without spaces")]
    Unknown(PathBuf),
    /// A secret that is too short.
    #[error("the secret in {0} is shorter than {SECRET} bytes; make one with: openssl rand -base64 48")]
    Short(PathBuf),
}

/// A key, and the one algorithm that it is for: whoever signs can't choose another.
pub(super) struct Key {
    /// Its name, where it has one.
    pub id: Option<String>,
    pub algorithm: Algorithm,
    pub key: DecodingKey,
    /// What tokens have to say.
    pub terms: Validation,
}

/// Checks tokens.
pub struct Tokens {
    /// From files.
    keys: Vec<Key>,
    /// From an identity provider.
    jwks: Option<Arc<Jwks>>,
    claims: Claims,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the keys.
        formatter.debug_struct("Tokens").field("claims", &self.claims).finish_non_exhaustive()
    }
}

impl Tokens {
    /// Reads the keys: each file holds a public key in PEM (RS256, ES256, EdDSA), or a secret (HS256).
    pub fn open(files: &[PathBuf], claims: Claims) -> Result<Self, KeyError> {
        let key = |file: &PathBuf| {
            let (algorithm, key) = read(file)?;
            Ok(Key { id: None, algorithm, key, terms: claims.terms(algorithm) })
        };
        let keys = files.iter().map(key).collect::<Result<_, KeyError>>()?;
        Ok(Self { keys, jwks: None, claims })
    }

    /// Believes the keys at this address, too; see [`jwks::address`](super::jwks::address).
    pub fn with_jwks(self, address: String, pace: Pace) -> Self {
        let jwks = Some(Arc::new(Jwks::new(address, self.claims.clone(), pace)));
        Self { jwks, ..self }
    }

    /// Keeps keys that come from elsewhere new, for as long as there is somebody who checks with them.
    pub(super) fn watch(&self) {
        if let Some(jwks) = &self.jwks {
            tokio::spawn(Jwks::watch(Arc::downgrade(jwks)));
        }
    }

    /// Who a token says its bearer is. Asks for new keys where they may tell.
    pub async fn check(&self, token: &str) -> Result<Caller, Denied> {
        match (self.check_now(token), &self.jwks) {
            (Err(Denied::InvalidToken), Some(jwks)) => {
                let header = header(token)?;
                if !jwks.may_know(header.alg, header.kid.as_deref()) {
                    return Err(Denied::InvalidToken);
                }
                jwks.ask().await?;
                self.check_now(token)
            }
            (decided, _) => decided,
        }
    }

    /// The same with the keys that are there.
    pub fn check_now(&self, token: &str) -> Result<Caller, Denied> {
        let header = header(token)?;
        // A key that is named is the only one; one without a name may be meant by any.
        let is_meant = |key: &&Key| {
            let names = key.id.as_deref().zip(header.kid.as_deref());
            key.algorithm == header.alg && names.is_none_or(|(key, token)| key == token)
        };
        let fetched = self.jwks.as_ref().and_then(|jwks| jwks.keys());
        let mut denied = Denied::InvalidToken;
        for key in self.keys.iter().chain(fetched.iter().flat_map(|keys| keys.iter())).filter(is_meant) {
            match decode::<Map<String, Value>>(token, &key.key, &key.terms) {
                Ok(token) => return self.caller(&token.claims),
                // It was signed by one of ours.
                Err(error) if matches!(error.kind(), ErrorKind::ExpiredSignature) => denied = Denied::ExpiredToken,
                Err(_) => {}
            }
        }
        Err(denied)
    }

    fn caller(&self, claims: &Map<String, Value>) -> Result<Caller, Denied> {
        let id = |claim: &str| match claims.get(claim) {
            None => Ok(None),
            Some(Value::String(id)) if !id.is_empty() && id.len() <= limit::ID => Ok(Some(id.clone())),
            Some(_) => Err(Denied::InvalidToken),
        };
        // The library knows names and lists of them: another `aud` would be none for it.
        if self.claims.audience.is_none() && claims.get("aud").is_some_and(|audience| !audience.is_null()) {
            return Err(Denied::InvalidToken);
        }
        let time = |claim: &str| match claims.get(claim) {
            None | Some(Value::Null) => Ok(None),
            Some(time) => {
                let seconds = time.as_f64().ok_or(Denied::InvalidToken)? as u64;
                Ok(Some(UNIX_EPOCH + Duration::from_secs(seconds.min(u64::from(u32::MAX)))))
            }
        };
        let now = SystemTime::now();
        let (begins, issued_at) = (time("nbf")?, time("iat")?);
        // One from the future would outlive the end of all tokens that its user has by now.
        if [begins, issued_at].into_iter().flatten().any(|at| at > now + AHEAD) {
            return Err(Denied::InvalidToken);
        }
        let user_id = id(&self.claims.user)?.ok_or(Denied::InvalidToken)?;
        let namespace = id(&self.claims.namespace)?.unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned());
        let until = time("exp")?.unwrap_or(UNIX_EPOCH);
        // Whatever the clock of who signed it says, it was there by now.
        let issued_at = issued_at.map(|at| at.min(now));
        Ok(Caller::known(namespace, User { id: user_id, issued_at, until, login: None }))
    }
}

/// What a token says of itself.
fn header(token: &str) -> Result<Header, Denied> {
    if token.len() > LONGEST {
        return Err(Denied::InvalidToken);
    }
    decode_header(token).map_err(|_| Denied::InvalidToken)
}

/// A key, and what it is for.
fn read(file: &Path) -> Result<(Algorithm, DecodingKey), KeyError> {
    let content = std::fs::read(file).map_err(|error| KeyError::File(file.to_owned(), error))?;
    let text = content.trim_ascii();
    let holds = |words: &[u8]| text.windows(words.len()).any(|part| part == words);
    if holds(b"PRIVATE KEY") {
        return Err(KeyError::Private(file.to_owned()));
    }
    if !holds(b"-----BEGIN ") {
        // Public keys come in other forms, too. Taken for a secret, everybody would know it.
        let is_secret = text.iter().all(u8::is_ascii_graphic) && !text.starts_with(b"{") && !text.starts_with(b"[");
        return match text.len() {
            _ if !is_secret => Err(KeyError::Unknown(file.to_owned())),
            0..SECRET => Err(KeyError::Short(file.to_owned())),
            _ => Ok((Algorithm::HS256, DecodingKey::from_secret(text))),
        };
    }
    let kinds = [
        (Algorithm::RS256, DecodingKey::from_rsa_pem(text)),
        (Algorithm::ES256, DecodingKey::from_ec_pem(text)),
        (Algorithm::EdDSA, DecodingKey::from_ed_pem(text)),
    ];
    let found = kinds.into_iter().find_map(|(algorithm, key)| Some((algorithm, key.ok()?)));
    found.ok_or_else(|| KeyError::Unknown(file.to_owned()))
}
