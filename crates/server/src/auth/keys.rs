//! API keys: what a site's own server calls with.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::Mutex;
use tokio::time::Instant;
use uuid::Uuid;

use super::caller::Service;
use super::{Caller, Denied, Revocations, Scopes};
use crate::completion::whole;
use crate::store::{ApiKey, Store, StoreError};

/// What each key begins with.
const PREFIX: &str = "mck_";

/// How often the keys are read anew: `keys create` and `keys revoke` run beside the server.
const ANEW: Duration = Duration::from_millis(250);

/// How long there is between two reads for keys that are not known.
const PAUSE: Duration = Duration::from_millis(20);

/// A new key: what to keep of it, and what only its owner has.
pub fn create(namespace: String, name: String, scopes: &Scopes) -> (ApiKey, String) {
    let id = Uuid::new_v4().simple().to_string();
    let secret = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let key = format!("{PREFIX}{id}.{secret}");
    (ApiKey { id, namespace, name, scopes: scopes.to_string(), hash: hash(&key), created_at: 0 }, key)
}

/// A key has 244 bits of chance: nobody tries them all, so that a slow hash would gain nothing.
fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

/// The keys that are good.
#[derive(Debug)]
pub struct ApiKeys {
    store: Store,
    /// Who is told of those that end.
    revocations: Arc<Revocations>,
    /// By their ids.
    good: RwLock<HashMap<String, Good>>,
    /// When they were read.
    read_at: Arc<Mutex<Instant>>,
}

#[derive(Debug)]
struct Good {
    namespace: String,
    scopes: Scopes,
    hash: [u8; 32],
}

impl ApiKeys {
    /// Those in the store.
    pub async fn open(store: Store, revocations: Arc<Revocations>) -> Result<Self, StoreError> {
        let read_at = Arc::new(Mutex::new(Instant::now()));
        let keys = Self { store, revocations, good: RwLock::default(), read_at };
        keys.read().await?;
        Ok(keys)
    }

    /// Whether this looks like one.
    pub fn is_one(token: &str) -> bool {
        token.starts_with(PREFIX)
    }

    /// Whose server a key proves its bearer to be. One that is not known may have been made a moment ago.
    pub async fn check(self: &Arc<Self>, key: &str) -> Result<Caller, Denied> {
        if let Ok(caller) = self.recognise(key) {
            return Ok(caller);
        }
        let asked_at = Instant::now();
        let mut read_at = self.read_at.clone().lock_owned().await;
        // One read is for all who ask at a time, and whoever tries keys that are none makes nobody read all the time.
        if *read_at <= asked_at {
            let keys = self.clone();
            // Those who wait for it have it, though whoever began it hangs up.
            whole(async move {
                tokio::time::sleep_until(*read_at + PAUSE).await;
                *read_at = Instant::now();
                keys.renew().await;
            })
            .await;
        }
        self.recognise(key)
    }

    /// Whether the key of that id is still good.
    pub fn holds(&self, id: &str) -> bool {
        self.good.read().unwrap_or_else(PoisonError::into_inner).contains_key(id)
    }

    fn recognise(&self, key: &str) -> Result<Caller, Denied> {
        let id = key.strip_prefix(PREFIX).and_then(|rest| rest.split_once('.')).map_or("", |(id, _)| id);
        let good = self.good.read().unwrap_or_else(PoisonError::into_inner);
        let found = good.get(id).filter(|good| good.hash == hash(key)).ok_or(Denied::InvalidToken)?;
        let service = Service { key: id.to_owned(), scopes: found.scopes.clone() };
        Ok(Caller::service(found.namespace.clone(), service))
    }

    /// Reads them anew; what comes with a key that is good no more ends.
    async fn read(&self) -> Result<(), StoreError> {
        let stored = self.store.api_keys().await?;
        let is_good = |key: ApiKey| {
            let scopes = key.scopes.parse().ok()?;
            Some((key.id, Good { namespace: key.namespace, scopes, hash: key.hash }))
        };
        let read = stored.into_iter().filter_map(is_good).collect();
        let ended: Vec<_> = {
            let mut good = self.good.write().unwrap_or_else(PoisonError::into_inner);
            let before = std::mem::replace(&mut *good, read);
            before.into_keys().filter(|id| !good.contains_key(id)).collect()
        };
        ended.into_iter().for_each(|key| self.revocations.end_key(key));
        Ok(())
    }

    async fn renew(&self) {
        if let Err(error) = self.read().await {
            tracing::error!(%error, "the keys can't be read");
        }
    }

    /// Keeps them as they are in the store, for as long as somebody needs them.
    pub async fn watch(keys: Weak<Self>) {
        loop {
            tokio::time::sleep(ANEW).await;
            let Some(keys) = keys.upgrade() else { return };
            keys.renew().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;
    use crate::store::KeyRing;

    #[tokio::test]
    async fn who_hangs_up_while_keys_are_read_costs_nobody_who_waits_a_new_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let (committed, _commits) = tokio::sync::mpsc::channel(64);
        let (store, _guard) =
            Store::open(folder.path(), committed, Metrics::new().expect("names")).expect("the database opens");
        let keys = ApiKeys::open(store.clone(), Arc::new(Revocations::new(Vec::new()).0)).await.expect("keys");
        let keys = Arc::new(keys);
        let (kept, new) = create("micro".to_owned(), String::new(), &"read".parse().expect("scopes"));
        KeyRing::open(folder.path()).expect("the database").add(&kept).expect("a key");
        // All connections are in use.
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let ended = Arc::new(std::sync::Mutex::new(ended));
        let before = store.reads();
        for _ in 0..100 {
            let (store, ended) = (store.clone(), ended.clone());
            let hold = move |_: &_| {
                let _ = ended.lock().map(|ended| ended.recv());
                Ok(())
            };
            tokio::spawn(async move { store.look(hold).await });
        }
        while store.reads() < before + 100 {
            tokio::task::yield_now().await;
        }
        let check = |key: String| {
            let keys = keys.clone();
            tokio::spawn(async move { keys.check(&key).await.map(drop) })
        };
        let (none, waiting) = (check(format!("{PREFIX}none.none")), check(new));
        while store.reads() < before + 101 {
            tokio::time::sleep(PAUSE).await;
        }
        none.abort();
        drop(end);
        assert_eq!(waiting.await.expect("it ends"), Ok(()));
    }
}
