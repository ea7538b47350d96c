//! Reads that many want at once, done once.

use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashlink::LruCache;
use tokio::sync::OnceCell;

/// Filled by the first who asks; the others wait for that. Where it fails, the next one tries.
type Cell<V> = Arc<OnceCell<Arc<V>>>;

/// What was read last, at most so many of them: the one that was not asked for the longest goes first.
#[derive(Debug)]
pub struct Shared<K, V>(Mutex<LruCache<K, Cell<V>>>);

impl<K: Clone + Eq + Hash, V> Shared<K, V> {
    /// Nothing yet.
    pub fn new(capacity: usize) -> Self {
        Self(Mutex::new(LruCache::new(capacity)))
    }

    fn kept(&self) -> MutexGuard<'_, LruCache<K, Cell<V>>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is kept for `key`, or what `read` brings: once, however many ask meanwhile. A failure is not kept.
    pub async fn get<E>(&self, key: K, read: impl Future<Output = Result<V, E>>) -> Result<Arc<V>, E> {
        let cell = {
            let mut kept = self.kept();
            match kept.get(&key) {
                Some(cell) => cell.clone(),
                None => {
                    let cell = Cell::default();
                    kept.insert(key.clone(), cell.clone());
                    cell
                }
            }
        };
        let value = cell.get_or_try_init(|| async { read.await.map(Arc::new) }).await.cloned();
        if value.is_err() {
            let mut kept = self.kept();
            // Whoever still waits tries to fill this one, so that there is one of each.
            let is_last = |there: &Cell<V>| Arc::ptr_eq(there, &cell) && Arc::strong_count(there) == 2;
            if kept.peek(&key).is_some_and(is_last) {
                kept.remove(&key);
            }
        }
        value
    }

    /// Who asks from now on reads anew.
    pub fn forget(&self, key: &K) {
        self.kept().remove(key);
    }

    /// The same for all that are meant.
    pub fn forget_all(&self, is_meant: impl Fn(&K) -> bool) {
        self.kept().retain(|key, _| !is_meant(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    /// Takes a while, counts, and answers how often it was asked so far.
    async fn read(count: &AtomicU64, fails: bool) -> Result<u64, u64> {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let count = count.fetch_add(1, Ordering::Relaxed) + 1;
        if fails { Err(count) } else { Ok(count) }
    }

    #[tokio::test]
    async fn many_who_ask_at_once_and_those_who_ask_later_share_one_read() {
        let (shared, count) = (Shared::new(2), AtomicU64::new(0));
        let answers = futures_util::future::join_all((0..100).map(|_| shared.get(1, read(&count, false)))).await;
        assert!(answers.into_iter().all(|answer| answer == Ok(Arc::new(1))));
        assert_eq!(shared.get(1, read(&count, false)).await, Ok(Arc::new(1)));
        shared.forget(&1);
        assert_eq!(shared.get(1, read(&count, false)).await, Ok(Arc::new(2)));
    }

    #[tokio::test]
    async fn a_failure_is_everyones_own_and_takes_no_place() {
        let (shared, count) = (Shared::<u64, u64>::new(2), AtomicU64::new(0));
        let answers = futures_util::future::join_all((0..3).map(|_| shared.get(1, read(&count, true)))).await;
        assert_eq!(answers, [Err(1), Err(2), Err(3)]);
        assert_eq!(shared.kept().len(), 0);
        assert_eq!(shared.get(1, read(&count, false)).await, Ok(Arc::new(4)));
    }

    #[tokio::test(start_paused = true)]
    async fn who_goes_away_while_it_reads_leaves_it_to_the_next() {
        let (shared, count) = (Shared::new(2), AtomicU64::new(0));
        let gone = tokio::time::timeout(Duration::from_millis(2), shared.get(1, read(&count, false)));
        let (gone, next) = tokio::join!(gone, shared.get(1, read(&count, false)));
        assert!(gone.is_err());
        assert_eq!(next, Ok(Arc::new(1)));
    }

    #[tokio::test]
    async fn the_one_not_asked_for_the_longest_makes_room() {
        let (shared, count) = (Shared::new(2), AtomicU64::new(0));
        for (key, answer) in [(1, 1), (2, 2), (1, 1), (3, 3), (1, 1), (2, 4)] {
            assert_eq!(shared.get(key, read(&count, false)).await, Ok(Arc::new(answer)), "{key}");
        }
    }
}
