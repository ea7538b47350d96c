//! What the session dialect tells of a chat's members.

use serde::{Deserialize, Serialize};

/// An event of a chat's members: the body of [`op::EVENT`](crate::op::EVENT). A type that you don't know is of a later
/// version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum MemberEvent {
    /// Who is in the chat: replaces what was known before.
    Members {
        /// In the order of their names.
        user_ids: Vec<String>,
        /// More of them follow in the next event of this type, which then replaces nothing.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        has_more: bool,
    },
    /// Somebody came in by themselves.
    Joined {
        /// Who.
        user_id: String,
    },
    /// Somebody went by themselves.
    Left {
        /// Who.
        user_id: String,
    },
    /// Somebody was brought in.
    Invited {
        /// Who.
        user_id: String,
        /// By whom, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// Somebody was put out.
    Kicked {
        /// Who.
        user_id: String,
        /// By whom, where that is known: not where a site's own server did it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_one_object_whose_type_says_what_they_are() {
        let ann = || "ann".to_owned();
        for (event, text) in [
            (
                MemberEvent::Members { user_ids: vec![ann()], has_more: false },
                r#"{"type":"members","user_ids":["ann"]}"#,
            ),
            (
                MemberEvent::Members { user_ids: vec![], has_more: true },
                r#"{"type":"members","user_ids":[],"has_more":true}"#,
            ),
            (MemberEvent::Joined { user_id: ann() }, r#"{"type":"joined","user_id":"ann"}"#),
            (MemberEvent::Left { user_id: ann() }, r#"{"type":"left","user_id":"ann"}"#),
            (
                MemberEvent::Invited { user_id: ann(), by: Some("ben".to_owned()) },
                r#"{"type":"invited","user_id":"ann","by":"ben"}"#,
            ),
            (MemberEvent::Kicked { user_id: ann(), by: None }, r#"{"type":"kicked","user_id":"ann"}"#),
        ] {
            assert_eq!(serde_json::to_string(&event).ok().as_deref(), Some(text));
            assert_eq!(serde_json::from_str(text).ok(), Some(event));
        }
        assert!(serde_json::from_str::<MemberEvent>(r#"{"type":"typing","user_id":"ann"}"#).is_err());
    }
}
