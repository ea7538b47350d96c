//! The subscriptions of a session by their handles.

use super::subscription::Subscription;

/// Most sessions have one or a few: a sorted list is smaller than a map, and faster.
#[derive(Default)]
pub struct Subscriptions(Vec<(u32, Subscription)>);

impl Subscriptions {
    fn position(&self, handle: u32) -> Result<usize, usize> {
        self.0.binary_search_by_key(&handle, |(handle, _)| *handle)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The one with that handle.
    pub fn get(&self, handle: u32) -> Option<&Subscription> {
        self.position(handle).ok().map(|at| &self.0[at].1)
    }

    /// The one with that handle.
    pub fn get_mut(&mut self, handle: u32) -> Option<&mut Subscription> {
        self.position(handle).ok().map(|at| &mut self.0[at].1)
    }

    /// One more; another with that handle ends.
    pub fn insert(&mut self, handle: u32, subscription: Subscription) {
        match self.position(handle) {
            Ok(at) => self.0[at].1 = subscription,
            Err(at) => {
                // Most sessions have one: no room for others is kept.
                if self.0.is_empty() {
                    self.0.reserve_exact(1);
                }
                self.0.insert(at, (handle, subscription));
            }
        }
    }

    /// The one with that handle ends.
    pub fn remove(&mut self, handle: u32) {
        if let Ok(at) = self.position(handle) {
            self.0.remove(at);
        }
    }
}
