//! How many of each are there at a time.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// How many of each may be there at a time.
#[derive(Debug)]
pub struct Crowd<K> {
    most: usize,
    there: Arc<Mutex<HashMap<K, usize>>>,
}

/// One of them, or several; left when it is dropped.
#[derive(Debug)]
pub struct Place<K: Eq + Hash> {
    key: K,
    count: usize,
    there: Arc<Mutex<HashMap<K, usize>>>,
}

impl<K: Clone + Eq + Hash> Crowd<K> {
    /// Nobody is there yet.
    pub fn new(most: usize) -> Self {
        Self { most, there: Arc::default() }
    }

    /// One more; none, where there are too many.
    pub fn enter(&self, key: K) -> Option<Place<K>> {
        self.enter_with(key, 1)
    }

    /// So many at once, or none of them. Who is alone always has room.
    pub fn enter_with(&self, key: K, count: usize) -> Option<Place<K>> {
        let mut all = self.there.lock().unwrap_or_else(PoisonError::into_inner);
        let there = all.entry(key.clone()).or_default();
        let sum = there.saturating_add(count);
        if sum > self.most && (*there > 0 || count == 1) {
            return None;
        }
        *there = sum;
        Some(Place { key, count, there: self.there.clone() })
    }
}

impl<K: Eq + Hash> Place<K> {
    /// Whose it is.
    pub fn key(&self) -> &K {
        &self.key
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut there = self.there.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = there.get_mut(&self.key) {
            *count = count.saturating_sub(self.count);
            if *count == 0 {
                there.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_takes_so_many_and_forgets_who_left() {
        let crowd = Crowd::new(2);
        let places = [crowd.enter("ann"), crowd.enter("ann")];
        assert!(crowd.enter("ann").is_none() && crowd.enter("ben").is_some());
        drop(places);
        assert!(crowd.there.lock().is_ok_and(|there| there.is_empty()));
        assert!(crowd.enter("ann").is_some());
    }

    #[test]
    fn a_crowd_counts_what_each_brings_and_one_alone_always_has_room() {
        let crowd = Crowd::new(100);
        let large = crowd.enter_with("ann", 1_000);
        assert!(large.is_some() && crowd.enter_with("ann", 2).is_none() && crowd.enter_with("ben", 60).is_some());
        drop(large);
        let places = [crowd.enter_with("ann", 60), crowd.enter_with("ann", 40)];
        assert!(crowd.enter_with("ann", 2).is_none());
        drop(places);
        assert!(crowd.there.lock().is_ok_and(|there| there.is_empty()));
    }
}
