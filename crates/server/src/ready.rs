//! Whether the server is ready for traffic: it has started, does not stop, and can store what it is sent.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use micro_chat_wire::error::ErrorBody;
use serde_json::json;
use tokio::time::{Instant, timeout};

use crate::api::answer::{self, Expected};
use crate::completion::whole;
use crate::store::Store;

/// With less room than this on its disk it takes no more traffic: the database's log alone may take 64 MB.
const LEAST_ROOM: u64 = 128 * 1024 * 1024;

/// What was found out is good for so long, however many ask: finding it out is a commit.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// How long a commit may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// What it answers then.
const UNREADY: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

/// Why it is not ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumIter)]
pub enum Unready {
    /// The database is being opened.
    Starting,
    /// It was told to stop.
    Stopping,
    /// A commit failed, or takes too long.
    NotWritable,
    /// The disk is nearly full.
    NoRoom,
}

impl Unready {
    /// The last part of its id, and what to say of it.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Starting => ("Starting", "The server is starting."),
            Self::Stopping => ("Stopping", "The server is stopping; go to another, or come back."),
            Self::NotWritable => ("NotWritable", "The message store takes no writes; its log says why."),
            Self::NoRoom => ("NoRoom", "The disk of the message store is nearly full; make room."),
        }
    }

    /// As it is answered.
    pub fn body(self) -> ErrorBody {
        let (id, detail) = self.words();
        ErrorBody {
            id: format!("ready.{id}"),
            code: UNREADY.as_u16(),
            detail: detail.to_owned(),
            status: UNREADY.canonical_reason().unwrap_or_default().to_owned(),
            retry_after: Some(1_000),
        }
    }
}

/// Whether it is ready. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<State>);

#[derive(Debug, Default)]
struct State {
    phase: Mutex<Phase>,
    /// What was found out last. Whoever finds it out anew holds it meanwhile, and the others wait.
    found: Arc<tokio::sync::Mutex<Option<Found>>>,
}

/// When it was found out, and what.
type Found = (Instant, Result<(), Unready>);

#[derive(Clone, Debug, Default)]
enum Phase {
    #[default]
    Starting,
    /// With the store, and the folder that it is in.
    Serving(Store, PathBuf),
    Stopping,
}

impl Readiness {
    fn set(&self, phase: Phase) {
        *self.0.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    fn phase(&self) -> Phase {
        self.0.phase.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on it takes traffic.
    pub fn start(&self, store: Store, folder: &Path) {
        self.set(Phase::Serving(store, folder.to_owned()));
    }

    /// From now on it takes no more.
    pub fn stop(&self) {
        self.set(Phase::Stopping);
    }

    /// Whether it is ready now, or was a moment ago.
    pub async fn check(&self) -> Result<(), Unready> {
        let (store, folder) = match self.phase() {
            Phase::Starting => return Err(Unready::Starting),
            Phase::Stopping => return Err(Unready::Stopping),
            Phase::Serving(store, folder) => (store, folder),
        };
        let mut found = self.0.found.clone().lock_owned().await;
        let result = match *found {
            Some((when, result)) if when.elapsed() < GOOD_FOR => result,
            // Apart from who asks: they may hang up, and the next one would begin anew.
            _ => {
                let looking = whole(async move {
                    let result = look(&store, &folder).await;
                    *found = Some((Instant::now(), result));
                    result
                });
                looking.await
            }
        };
        // It may have been told to stop meanwhile.
        if matches!(self.phase(), Phase::Stopping) { Err(Unready::Stopping) } else { result }
    }

    /// The same as an answer.
    pub async fn answer(&self) -> Response {
        let Err(unready) = self.check().await else {
            return answer::json(StatusCode::OK, &json!({ "status": "ready" }));
        };
        let mut response = answer::json(UNREADY, &unready.body());
        if matches!(unready, Unready::Starting | Unready::Stopping) {
            response.extensions_mut().insert(Expected);
        }
        response
    }
}

async fn look(store: &Store, folder: &Path) -> Result<(), Unready> {
    if !has_room(folder, LEAST_ROOM) {
        return Err(Unready::NoRoom);
    }
    match timeout(PATIENCE, store.touch()).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            tracing::error!(%error, "the store takes no writes");
            Err(Unready::NotWritable)
        }
        Err(_) => Err(Unready::NotWritable),
    }
}

/// Whether the folder's disk has so many bytes left. Where that can't be known, a commit will tell.
fn has_room(folder: &Path, bytes: u64) -> bool {
    rustix::fs::statvfs(folder).map_or(true, |disk| disk.f_bavail.saturating_mul(disk.f_frsize) >= bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_what_the_disk_has() {
        let folder = std::env::temp_dir();
        assert!(has_room(&folder, 1));
        assert!(!has_room(&folder, u64::MAX / 2), "no disk has that much");
        assert!(has_room(Path::new("/nowhere/at/all"), u64::MAX), "that can't be known");
    }
}
