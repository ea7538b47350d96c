//! What will never be delivered.

/// The messages `from..=to`, which the server has no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The first that is missing.
    pub from: u64,
    /// The last that is missing; below `from` if none is.
    pub to: u64,
    /// The chat counts anew, since it was restored from a backup. `from` and `to` are of the new numbering, in which
    /// nobody knows what had been received: what was may be missing there, be among these, or come again.
    pub restored: bool,
}
