//! What tests break on purpose, to show that they would notice. A release build has none of it.

use std::sync::OnceLock;

/// A promise that can be broken: `MICRO_CHAT_BREAK=resume` and so on, in a debug build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// A reader begins with what comes, wherever its cursor stands.
    Resume,
    /// A repetition is stored again.
    Dedupe,
    /// A message is acknowledged before it is committed.
    Commit,
    /// What was refused for being late is forgotten.
    Expiry,
    /// A commit does not wait for the disk.
    Sync,
    /// A reader is asked once whether it is a member, and not again when it takes its seat.
    Members,
    /// What is kept for those who come back is kept when it is deleted.
    Rings,
    /// What goes while a reader catches up goes without a word.
    Gaps,
    /// Whose deletion has begun is not asked again where a call of theirs is written.
    Deletion,
}

/// Whether this one is broken.
pub fn is(what: Broken) -> bool {
    static CHOSEN: OnceLock<Option<Broken>> = OnceLock::new();
    cfg!(debug_assertions)
        && *CHOSEN.get_or_init(|| match std::env::var("MICRO_CHAT_BREAK").ok()?.as_str() {
            "resume" => Some(Broken::Resume),
            "dedupe" => Some(Broken::Dedupe),
            "commit" => Some(Broken::Commit),
            "expiry" => Some(Broken::Expiry),
            "sync" => Some(Broken::Sync),
            "members" => Some(Broken::Members),
            "rings" => Some(Broken::Rings),
            "gaps" => Some(Broken::Gaps),
            "deletion" => Some(Broken::Deletion),
            _ => None,
        }) == Some(what)
}
