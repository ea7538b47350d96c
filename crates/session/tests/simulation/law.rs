//! What the world around the engine holds to.

/// The law in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// Everything is as docs/protocol.md says.
    Kept,
    /// The server stores a `client_id` as often as it comes.
    NoDedupe,
    /// The server begins each subscription with what comes from now on.
    NoResume,
    /// The server acknowledges what a kill can still take from it.
    AckBeforeCommit,
    /// The shell hands on messages that the engine said were known.
    NoFilter,
    /// The server stores what it refuses.
    StoreRefused,
    /// The server forgets what it refused for being late.
    ForgetExpired,
    /// The application's messages expire earlier than its engine was told.
    Impatient,
    /// The server says nothing of what is removed while somebody reads.
    HushGaps,
    /// The shell keeps gaps to itself.
    HideGaps,
    /// The server tells who comes and goes, and not who is there.
    NoMembers,
    /// The server tells who is there, and not who comes and goes.
    NoChanges,
    /// The shell's timer never fires.
    NoTimer,
}
