//! What a user may be called.

use micro_chat_wire::limit;

use super::{Email, Refusal};

/// A user id is a line of text. Whose looks like an address is that address's owner's, so that nobody can be taken for
/// another, and whoever logs in by an address means that one.
pub(super) fn check_id(user_id: &str, email: &Email) -> Result<(), Refusal> {
    if user_id.len() > limit::ID || user_id.trim() != user_id || user_id.chars().any(is_deceptive) {
        return Err(Refusal::InvalidId);
    }
    if user_id.contains('@') && user_id != email.as_str() { Err(Refusal::IdTaken) } else { Ok(()) }
}

/// Whether a character is none to see, or another in disguise: with it one name looks like another.
fn is_deceptive(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fe6b}' | '\u{ff20}' | '\u{e0000}'..='\u{e0fff}')
}
