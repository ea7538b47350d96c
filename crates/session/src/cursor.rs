//! Where in a chat a reader stands.

/// Everything up to `seq` has been received. It exists from the moment of joining, before the first message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Which numbering `seq` belongs to; 0 stands for "whichever is in use".
    pub epoch: u64,
    /// The last message's place; 0 is the start of the chat.
    pub seq: u64,
}
