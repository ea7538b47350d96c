//! What the server says.

/// A frame from the server: its numbers read, its bodies untouched. `docs/protocol.md` has each frame's meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame<B> {
    /// The hello was accepted.
    Welcome {
        /// The server is never silent for longer, in milliseconds; 0 where it did not say.
        heartbeat: u64,
        /// How much longer to wait before giving the link up, in milliseconds.
        grace: u64,
    },
    /// What follows on `handle` begins behind `after`.
    Subscribed {
        /// The subscription.
        handle: u32,
        /// The numbering in use.
        epoch: u64,
        /// The `seq` before the first that will come.
        after: u64,
    },
    /// All messages there are with `from <= seq <= to`.
    Messages {
        /// The subscription.
        handle: u32,
        /// The first `seq` covered.
        from: u64,
        /// The last `seq` covered.
        to: u64,
        /// The list of messages.
        messages: B,
    },
    /// All up to `seq` has been sent; from now on messages come as they happen.
    Live {
        /// The subscription.
        handle: u32,
        /// The chat's last `seq`.
        seq: u64,
    },
    /// Something that is no message.
    Event {
        /// The subscription.
        handle: u32,
        /// What happened.
        event: B,
    },
    /// A published message is stored.
    Ack {
        /// Which PUBLISH.
        n: u32,
        /// Its id, client_id, seq and sent_at.
        stored: B,
    },
    /// The server refused something.
    Error {
        /// What `number` names: one of `wire::op::SCOPE_…`.
        scope: u32,
        /// A handle, or the `n` of a PUBLISH.
        number: u32,
        /// Why.
        error: B,
        /// Where the refusal is not final: when to try again, in milliseconds.
        retry_after: Option<u64>,
    },
    /// Anything else: a heartbeat, an op of a later version, or what is no frame at all. The link is alive.
    Other,
}
