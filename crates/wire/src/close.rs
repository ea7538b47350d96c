//! The codes a WebSocket is closed with. Codes below 4000 are RFC 6455's and its registry's.

/// Done; nothing is wrong.
pub const NORMAL: u16 = 1000;

/// What was sent can't be understood or isn't allowed; the error frame before says why. Coming back alike won't help.
pub const REFUSED: u16 = 1008;

/// The link broke without a close frame. It is never sent: a client's own library reports it.
pub const BROKEN: u16 = 1006;

/// A frame over [`crate::limit::FRAME`].
pub const TOO_LARGE: u16 = 1009;

/// The server met a fault of its own. Come back later.
pub const FAULT: u16 = 1011;

/// The server is stopping or starting anew. Come back, and resume from your cursor.
pub const RESTART: u16 = 1012;

/// This reader fell behind and more waits for it than may. Come back at once, and resume from your cursor.
pub const RESUME: u16 = 4001;

/// Nothing was heard that should have been: no first frame, or no answer to a ping.
pub const SILENT: u16 = 4002;

/// Your login is over, or was never there; the error frame before says which. Come back with another token.
pub const LOGIN: u16 = 4003;

/// Whether a client whose socket closed with `code` should connect again.
///
/// A socket that broke without a close frame reports 1005 or 1006: come back.
pub const fn may_return(code: u16) -> bool {
    !matches!(code, NORMAL | REFUSED | TOO_LARGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_link_returns_and_a_refusal_does_not() {
        assert!(
            may_return(BROKEN) && may_return(RESTART) && may_return(RESUME) && may_return(FAULT) && may_return(LOGIN)
        );
        assert!(!may_return(REFUSED) && !may_return(NORMAL) && !may_return(TOO_LARGE));
    }
}
