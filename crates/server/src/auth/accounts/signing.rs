//! The server's own key: what its tokens are signed with, and what else nobody may be able to make up.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::RefreshToken;
use crate::auth::Denied;
use crate::store::SIGNING_KEY;

/// Its length, in bytes.
const LENGTH: usize = 32;

/// Who signs.
const ISSUER: &str = "micro-chat";

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// It can't be read, or made.
    #[error("can't use the server's own key {0}: {1}")]
    File(PathBuf, std::io::Error),
    /// It is something else.
    #[error("{0} is not the key that the server made; remove it for a new one, and everybody has to log in again")]
    Broken(PathBuf),
    /// Others could read it, and give out tokens.
    #[error("others may read {0}; keep it to the server: chmod 600")]
    Readable(PathBuf),
    /// The system has no chance to give.
    #[error("can't make a key: {0}")]
    Chance(getrandom::Error),
}

/// What an access token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessClaims {
    /// Who signed it.
    pub iss: String,
    /// The user.
    pub sub: String,
    /// Their namespace.
    pub namespace: String,
    /// The login that it belongs to, and ends with.
    pub sid: String,
    /// Since when it is good, in Unix seconds.
    pub iat: u64,
    /// Until when.
    pub exp: u64,
    /// Half of the hash of the refresh token that came with it.
    #[serde(default)]
    pub rt_hash: String,
}

impl AccessClaims {
    /// For a user, by a login of theirs.
    pub fn new(user_id: &str, namespace: &str, refresh_token: &RefreshToken, created: u64, expiry: u64) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            sub: user_id.to_owned(),
            namespace: namespace.to_owned(),
            sid: refresh_token.login(),
            iat: created,
            exp: expiry,
            rt_hash: refresh_token.mark(),
        }
    }
}

/// The key.
pub struct SigningKey {
    signs: EncodingKey,
    checks: DecodingKey,
    terms: Validation,
    /// For what is no token.
    seals: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SigningKey")
    }
}

impl SigningKey {
    /// Reads the key in `folder`, which nobody else uses meanwhile, and makes it where there is none.
    pub fn open(folder: &Path) -> Result<Self, SigningError> {
        let file = folder.join(SIGNING_KEY);
        let failed = |error| SigningError::File(file.clone(), error);
        let text = match fs::read_to_string(&file).map(Zeroizing::new) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => make(folder, &file)?,
            Err(error) => return Err(failed(error)),
        };
        if fs::metadata(&file).map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(SigningError::Readable(file));
        }
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).map(Zeroizing::new);
        match bytes {
            Ok(bytes) if bytes.len() == LENGTH => Ok(Self::of(&bytes)),
            _ => Err(SigningError::Broken(file)),
        }
    }

    fn of(key: &[u8]) -> Self {
        // A key for each use: what one of them gives out says nothing about another.
        let tokens = Zeroizing::new(digest(key, &[b"access tokens"]));
        let mut terms = Validation::new(Algorithm::HS256);
        // A stream ends when its token does.
        terms.leeway = 0;
        terms.set_issuer(&[ISSUER]);
        terms.set_required_spec_claims(&["exp", "iss", "sub"]);
        Self {
            signs: EncodingKey::from_secret(&*tokens),
            checks: DecodingKey::from_secret(&*tokens),
            terms,
            seals: Zeroizing::new(digest(key, &[b"seals"])),
        }
    }

    /// A token that says so.
    pub fn sign(&self, claims: &AccessClaims) -> Result<String, jsonwebtoken::errors::Error> {
        encode(&Header::new(Algorithm::HS256), claims, &self.signs)
    }

    /// What a token says, if this key signed it and it is still good.
    pub fn check(&self, token: &str) -> Result<AccessClaims, Denied> {
        if token.len() > crate::auth::tokens::LONGEST {
            return Err(Denied::InvalidToken);
        }
        match decode::<AccessClaims>(token, &self.checks, &self.terms) {
            Ok(token) => Ok(token.claims),
            Err(error) if matches!(error.kind(), ErrorKind::ExpiredSignature) => Err(Denied::ExpiredToken),
            Err(_) => Err(Denied::InvalidToken),
        }
    }

    /// What only this server can make of these parts.
    pub fn seal(&self, parts: &[&[u8]]) -> [u8; 32] {
        digest(&*self.seals, parts)
    }
}

/// HMAC-SHA-256 of the parts, each with its length before it, so that no two lists read alike.
fn digest(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes keys of any length; without one there is nothing to be kept secret either.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    for part in parts {
        mac.update(&(part.len() as u64).to_le_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Writes a new key to `file`; whole, or not at all.
fn make(folder: &Path, file: &Path) -> Result<Zeroizing<String>, SigningError> {
    let mut bytes = Zeroizing::new([0; LENGTH]);
    getrandom::fill(&mut *bytes).map_err(SigningError::Chance)?;
    let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice()));
    let fresh = folder.join("signing.key.new");
    let write = || {
        let mut written = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        // One that was left over may have been made otherwise.
        written.set_permissions(Permissions::from_mode(0o600))?;
        written.write_all(text.as_bytes())?;
        written.sync_all()?;
        fs::rename(&fresh, file)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|error| SigningError::File(file.to_owned(), error))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(exp: u64) -> AccessClaims {
        AccessClaims::new("ann", "micro", &RefreshToken::new().expect("chance"), 1, exp)
    }

    #[test]
    fn a_key_is_made_once_for_the_server_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let token = SigningKey::open(folder.path()).map(|key| key.sign(&claims(u64::from(u32::MAX)))).expect("a key");
        let token = token.expect("a token");
        let key = SigningKey::open(folder.path()).expect("the same key");
        assert_eq!(key.check(&token).map(|claims| claims.sub), Ok("ann".to_owned()));
        let file = folder.path().join(SIGNING_KEY);
        assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
        let other = tempfile::tempdir().expect("a folder");
        let other = SigningKey::open(other.path()).expect("another key");
        assert_eq!(other.check(&token).map(|claims| claims.sub), Err(Denied::InvalidToken));
        assert_ne!(key.seal(&[b"a"]), other.seal(&[b"a"]));

        fs::set_permissions(&file, Permissions::from_mode(0o640)).expect("a mode");
        assert!(matches!(SigningKey::open(folder.path()), Err(SigningError::Readable(_))));
        fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("a mode");
        fs::write(&file, "words").expect("a file");
        assert!(matches!(SigningKey::open(folder.path()), Err(SigningError::Broken(_))));
    }

    #[test]
    fn what_is_no_token_of_this_key_is_none() {
        let key = SigningKey::of(&[1; LENGTH]);
        let expired = key.sign(&claims(1)).expect("a token");
        assert_eq!(key.check(&expired).map(|claims| claims.sub), Err(Denied::ExpiredToken));
        let foreign = AccessClaims { iss: "somebody".to_owned(), ..claims(u64::from(u32::MAX)) };
        let foreign = key.sign(&foreign).expect("a token");
        for token in ["", "a.b.c", &"x".repeat(100_000), &foreign] {
            assert_eq!(key.check(token).map(|claims| claims.sub), Err(Denied::InvalidToken), "{token:.40}");
        }
    }

    #[test]
    fn no_two_lists_of_parts_are_sealed_alike() {
        let key = SigningKey::of(&[1; LENGTH]);
        assert_eq!(key.seal(&[b"ab", b"c"]), key.seal(&[b"ab", b"c"]));
        assert_ne!(key.seal(&[b"ab", b"c"]), key.seal(&[b"a", b"bc"]));
    }
}
