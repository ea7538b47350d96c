//! Who is in a chat that is open, and the words for who comes and goes.

use std::collections::BTreeSet;

use micro_chat_wire::member::MemberEvent;

/// Who is in the chat, as far as the server has said.
#[derive(Debug, Default)]
pub struct Members(BTreeSet<String>);

impl Members {
    /// Somebody came or went: the words for it. None where that was known before, or a list says who is there.
    pub fn hear(&mut self, event: MemberEvent) -> Option<String> {
        let (user_id, comes, what, by) = match event {
            MemberEvent::Members { user_ids, .. } => {
                self.0 = user_ids.into_iter().collect();
                return None;
            }
            MemberEvent::Joined { user_id } => (user_id, true, "joined", None),
            MemberEvent::Left { user_id } => (user_id, false, "left", None),
            MemberEvent::Invited { user_id, by } => (user_id, true, "was invited", by),
            MemberEvent::Kicked { user_id, by } => (user_id, false, "was kicked", by),
        };
        let by = by.map(|by| format!(" by {by}")).unwrap_or_default();
        let words = format!("{user_id} {what}{by}");
        let is_new = if comes { self.0.insert(user_id) } else { self.0.remove(&user_id) };
        is_new.then_some(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_is_told_once_and_a_list_is_not() {
        let (ann, ben) = (|| "ann".to_owned(), || "ben".to_owned());
        let mut members = Members::default();
        let list = || MemberEvent::Members { user_ids: vec![ann()], has_more: false };
        let invited = || MemberEvent::Invited { user_id: ben(), by: Some(ann()) };
        for (event, words) in [
            (list(), None),
            (MemberEvent::Joined { user_id: ann() }, None),
            (invited(), Some("ben was invited by ann")),
            (invited(), None),
            (MemberEvent::Kicked { user_id: ben(), by: None }, Some("ben was kicked")),
            (MemberEvent::Left { user_id: ben() }, None),
            (MemberEvent::Joined { user_id: ben() }, Some("ben joined")),
            (list(), None),
            (MemberEvent::Left { user_id: ann() }, Some("ann left")),
        ] {
            let name = format!("{event:?}");
            assert_eq!(members.hear(event).as_deref(), words, "{name}");
        }
    }
}
