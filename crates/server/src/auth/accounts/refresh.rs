//! Refresh tokens: `mcr_<id>.<secret>`. Each use of one makes its successor.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::SigningKey;

/// What they begin with, so that whoever finds one knows what it is.
const PREFIX: &str = "mcr_";

/// A refresh token.
pub struct RefreshToken {
    /// The same for all of a login. Only who had one of its tokens knows it: the login's name elsewhere is its hash.
    id: [u8; 16],
    secret: Zeroizing<[u8; 32]>,
}

impl RefreshToken {
    /// The first of a login.
    pub fn new() -> Result<Self, getrandom::Error> {
        let mut token = Self { id: [0; 16], secret: Zeroizing::new([0; 32]) };
        getrandom::fill(&mut token.id)?;
        getrandom::fill(&mut *token.secret)?;
        Ok(token)
    }

    /// Reads one; nothing where it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('.')?;
        let mut token = Self { id: [0; 16], secret: Zeroizing::new([0; 32]) };
        let is_whole = |text: &str, bytes: &mut [u8]| URL_SAFE_NO_PAD.decode_slice(text, bytes) == Ok(bytes.len());
        (is_whole(id, &mut token.id) && is_whole(secret, &mut *token.secret)).then_some(token)
    }

    /// As its bearer keeps it.
    pub fn text(&self) -> String {
        format!("{PREFIX}{}.{}", URL_SAFE_NO_PAD.encode(self.id), URL_SAFE_NO_PAD.encode(*self.secret))
    }

    /// The login's name, in access tokens and in the store.
    pub fn login(&self) -> String {
        URL_SAFE_NO_PAD.encode(&Sha256::digest(self.id)[..16])
    }

    /// What the store keeps of it.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(*self.secret).into()
    }

    /// What access tokens bear that come with it, from which nobody can tell it.
    pub fn mark(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.hash()[..16])
    }

    /// Those that may come after it.
    pub fn successors(&self, key: &SigningKey) -> Successors {
        let base = Zeroizing::new(key.seal(&[b"refresh", &self.id, &*self.secret]));
        Successors { id: self.id, base }
    }
}

/// What may come after a refresh token.
#[derive(Clone)]
pub struct Successors {
    id: [u8; 16],
    /// Of the token, by the server's key.
    base: Zeroizing<[u8; 32]>,
}

impl Successors {
    /// The one of the rotation after which the login ends then. It is the same each time, so that whoever lost the
    /// answer gets it again, and two pages that ask at once get one token. Of another rotation, it is another.
    pub fn of(&self, expires_at: i64) -> RefreshToken {
        // Both have a length of their own: no two read alike.
        let digest = Sha256::new().chain_update(*self.base).chain_update(expires_at.to_le_bytes()).finalize();
        RefreshToken { id: self.id, secret: Zeroizing::new(digest.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_as_it_was_written_and_nothing_else_does() {
        let token = RefreshToken::new().expect("chance");
        let text = token.text();
        let read = RefreshToken::parse(&text).expect("a token");
        assert_eq!((read.text(), read.login(), read.hash()), (text.clone(), token.login(), token.hash()));
        assert!(!text.contains(&token.login()));
        for other in ["", "mcr_", "mcr_.", "mcr_a.b", &text[4..], &text[..text.len() - 1], &format!("{text}A")] {
            assert!(RefreshToken::parse(other).is_none(), "{other}");
        }
    }
}
