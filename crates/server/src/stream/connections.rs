//! The open connections: told when the server stops, and waited for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use slab::Slab;
use tokio::sync::Notify;

use crate::auth::{Caller, Ended};
use crate::hub::{End, Outlet};
use crate::metrics::{Dialect, Standing};

/// All connections that are open. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Connections(Arc<State>);

#[derive(Debug, Default)]
struct State {
    list: Mutex<List>,
    /// The last one has left.
    empty: Notify,
}

#[derive(Debug, Default)]
struct List {
    open: Slab<Open>,
    /// How many there were when the server was told to stop, once it was.
    stopped: Option<usize>,
}

/// One of them.
#[derive(Debug)]
struct Open {
    outlet: Arc<Outlet>,
    dialect: Dialect,
    /// Who was let in by it, where that is known. Boxed: in `dev` nobody is.
    caller: Option<Box<Caller>>,
}

/// A connection's place in the list; left when it is dropped.
#[derive(Debug)]
pub struct Place {
    connections: Connections,
    key: usize,
}

impl Place {
    /// Says who was let in.
    pub fn admit(&self, caller: Caller) {
        if let Some(open) = self.connections.list().open.get_mut(self.key) {
            open.caller = caller.is_known().then(|| Box::new(caller));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut list = self.connections.list();
        list.open.try_remove(self.key);
        if list.open.is_empty() {
            self.connections.0.empty.notify_one();
        }
    }
}

impl Connections {
    fn list(&self) -> MutexGuard<'_, List> {
        // Nothing panics while it is held.
        self.0.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more.
    pub fn enter(&self, outlet: Arc<Outlet>, dialect: Dialect) -> Place {
        let mut list = self.list();
        if list.stopped.is_some() {
            outlet.end(End::Stopping);
        }
        Place { connections: self.clone(), key: list.open.insert(Open { outlet, dialect, caller: None }) }
    }

    /// Ends those that were let in by what has ended.
    pub fn end(&self, ended: &Ended) {
        let list = self.list();
        let is_of = |open: &&Open| open.caller.as_ref().is_some_and(|caller| ended.is_of(caller));
        list.open.iter().map(|(_, open)| open).filter(is_of).for_each(|open| open.outlet.end(End::Revoked));
    }

    /// How many there are, and what waits for them.
    pub fn standing(&self) -> Standing {
        let mut standing = Standing::default();
        for (_, open) in &self.list().open {
            match open.dialect {
                Dialect::Gateway => standing.gateways += 1,
                Dialect::Session => standing.sessions += 1,
            }
            let depth = open.outlet.depth();
            standing.waiting.messages += depth.messages;
            standing.waiting.bytes += depth.bytes;
            standing.most.messages = standing.most.messages.max(depth.messages);
            standing.most.bytes = standing.most.bytes.max(depth.bytes);
        }
        standing
    }

    /// How many there were when the server was told to stop.
    pub fn stopped(&self) -> usize {
        self.list().stopped.unwrap_or_default()
    }

    /// Tells all to end, and ends when they have.
    pub async fn stop(&self) {
        {
            let mut list = self.list();
            list.stopped = Some(list.open.len());
            list.open.iter().for_each(|(_, open)| open.outlet.end(End::Stopping));
        }
        while !self.list().open.is_empty() {
            self.0.empty.notified().await;
        }
    }
}
