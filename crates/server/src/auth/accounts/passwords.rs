//! Passwords, and what is kept of them: argon2id.

use std::sync::Arc;
use std::thread::available_parallelism;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{self, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// KiB that one hash fills; with the two below it is what OWASP asks for.
const MEMORY: u32 = 19 * 1024;

/// How often it goes over them.
const PASSES: u32 = 2;

/// How many threads it takes.
const LANES: u32 = 1;

/// How many may wait for their turn: a second or two.
const LINE: usize = 32;

/// A password as it came. Gone from memory when it is dropped.
pub type Secret = Zeroizing<String>;

/// Too many wait already, or the machine failed.
#[derive(Debug)]
pub struct Busy;

/// Hashes and compares passwords. That is slow and takes much memory, as it should be: at most half of the machine does
/// it at a time, so that a flood of logins does not stop the chats.
#[derive(Debug)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    line: Arc<Semaphore>,
    /// A hash that is nobody's.
    nobodys: String,
}

impl Passwords {
    /// Ready to hash.
    pub fn new() -> Result<Self, getrandom::Error> {
        // No password has it: it was not made of any. To compare one with it takes as long as with any other.
        let (mut salt, mut hash) = ([0; 16], [0; 32]);
        getrandom::fill(&mut salt)?;
        getrandom::fill(&mut hash)?;
        let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
        let nobodys = format!("$argon2id$v=19$m={MEMORY},t={PASSES},p={LANES}${salt}${hash}");
        let turns = available_parallelism().map_or(1, |cores| cores.get() / 2).clamp(1, 4);
        Ok(Self { turns: Arc::new(Semaphore::new(turns)), line: Arc::new(Semaphore::new(LINE + turns)), nobodys })
    }

    /// What is kept of a password: another each time.
    pub async fn hash(&self, secret: &Secret) -> Result<String, Busy> {
        let secret = secret.clone();
        let hashed = self.run(move || hasher()?.hash_password(secret.as_bytes()).map(|hash| hash.to_string())).await?;
        hashed.map_err(|_| Busy)
    }

    /// Whether it is the password that this was made of. Where there is none it takes as long.
    pub async fn verify(&self, secret: &Secret, kept: Option<String>) -> Result<bool, Busy> {
        let is_somebodys = kept.is_some();
        let kept = kept.unwrap_or_else(|| self.nobodys.clone());
        let secret = secret.clone();
        let is_right = self
            .run(move || {
                let kept = PasswordHash::new(&kept).map_err(|_| password_hash::Error::EncodingInvalid)?;
                hasher()?.verify_password(secret.as_bytes(), &kept)
            })
            .await?;
        Ok(is_right.is_ok() && is_somebodys)
    }

    /// Does it on a thread of its own when it has its turn.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let place = self.line.clone().try_acquire_owned().map_err(|_| Busy)?;
        let turn = self.turns.clone().acquire_owned().await.map_err(|_| Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            // Not before: who asked may have gone away meanwhile.
            drop((turn, place));
            done
        });
        done.await.map_err(|_| Busy)
    }
}

fn hasher() -> password_hash::Result<Argon2<'static>> {
    let params = Params::new(MEMORY, PASSES, LANES, None).map_err(|_| password_hash::Error::ParamsInvalid)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Zeroizing::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_is_known_again_and_its_hash_says_nothing() {
        let passwords = Passwords::new().expect("hashes");
        let right = secret("correct horse");
        let hash = passwords.hash(&right).await.expect("a hash");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(passwords.hash(&right).await.expect("another"), hash);
        assert!(passwords.verify(&right, Some(hash.clone())).await.expect("an answer"));
        assert!(!passwords.verify(&secret("correct hors"), Some(hash)).await.expect("an answer"));
        assert!(!passwords.verify(&right, None).await.expect("an answer"));
        assert!(!passwords.verify(&right, Some("no hash".to_owned())).await.expect("an answer"));
    }

    #[tokio::test]
    async fn a_flood_is_refused_before_it_costs_memory() {
        let passwords = Arc::new(Passwords::new().expect("hashes"));
        let tries: Vec<_> = (0..200)
            .map(|_| {
                let passwords = passwords.clone();
                tokio::spawn(async move { passwords.verify(&secret("a guess"), None).await.is_ok() })
            })
            .collect();
        let mut answered = 0;
        for tried in tries {
            answered += usize::from(tried.await.expect("an answer"));
        }
        assert!((LINE..=2 * LINE).contains(&answered), "{answered}");
        assert!(passwords.verify(&secret("a guess"), None).await.is_ok(), "and then it goes on");
    }
}
