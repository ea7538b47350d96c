//! What one subscription tells of a chat's members: who is there first, and then who comes and goes.
//!
//! Who is there is read a page at a time, once the subscription has its seat. What changes meanwhile comes to the seat,
//! is kept, and goes out behind the last page: a page may know of it already or not, and to a set it is the same.

use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use micro_chat_wire::limit;
use micro_chat_wire::member::MemberEvent;

use super::frame;
use crate::store::{MemberChange, MemberPage, Membership};

/// How far it is.
#[derive(Debug, PartialEq, Eq)]
enum Stage {
    /// The page behind that name has to be read.
    Due { after: String },
    /// It is being read.
    Reading,
    /// All has been told.
    Told,
}

/// A chat's members, as far as a subscription has told of them.
#[derive(Debug)]
pub struct Members {
    stage: Stage,
    /// What changed since the first page was asked for.
    early: Vec<Arc<MemberChange>>,
    /// More changed than is kept: once the last page is told, the first one is due again. Never before: who hears of a
    /// first page knows by it that there are no more of the last ones.
    is_stale: bool,
}

impl Members {
    /// Nothing is told yet.
    pub fn new() -> Self {
        Self { stage: Stage::Due { after: String::new() }, early: Vec::new(), is_stale: false }
    }

    /// Whether a page has to be read.
    pub fn are_due(&self) -> bool {
        matches!(self.stage, Stage::Due { .. })
    }

    /// Whether a page is being read.
    pub fn are_being_read(&self) -> bool {
        self.stage == Stage::Reading
    }

    /// The name behind which a page is to be read now, if one is.
    pub fn read(&mut self) -> Option<String> {
        match std::mem::replace(&mut self.stage, Stage::Reading) {
            Stage::Due { after } => Some(after),
            other => {
                self.stage = other;
                None
            }
        }
    }

    /// A page was read.
    pub fn list(&mut self, handle: u32, page: MemberPage, frames: &mut Vec<Utf8Bytes>) {
        if self.stage != Stage::Reading {
            // It was read for an earlier subscription of this handle.
            return;
        }
        let MemberPage { user_ids, has_more } = page;
        let last = user_ids.last().cloned();
        frames.push(frame::event(handle, &MemberEvent::Members { user_ids, has_more }));
        self.stage = match last.filter(|_| has_more) {
            Some(after) => Stage::Due { after },
            None if std::mem::take(&mut self.is_stale) => Stage::Due { after: String::new() },
            None => Stage::Told,
        };
        if self.stage == Stage::Told {
            frames.extend(std::mem::take(&mut self.early).iter().filter_map(|change| event(handle, change)));
        }
    }

    /// Somebody came, or went.
    pub fn change(&mut self, handle: u32, change: &Arc<MemberChange>, frames: &mut Vec<Utf8Bytes>) {
        match &self.stage {
            Stage::Told => frames.extend(event(handle, change)),
            // The page that will be read knows of it.
            Stage::Due { after } if after.is_empty() => {}
            Stage::Due { .. } | Stage::Reading if self.is_stale => {}
            Stage::Due { .. } | Stage::Reading if self.early.len() < limit::QUEUE_EVENTS => {
                self.early.push(change.clone());
            }
            Stage::Due { .. } | Stage::Reading => self.renew(),
        }
    }

    /// Something may have been missed: all of it has to be read again.
    pub fn renew(&mut self) {
        self.early = Vec::new();
        match &self.stage {
            Stage::Told => self.stage = Stage::Due { after: String::new() },
            Stage::Due { after } if after.is_empty() => {}
            Stage::Due { .. } | Stage::Reading => self.is_stale = true,
        }
    }
}

/// A change as a frame; none, where that is told otherwise.
fn event(handle: u32, change: &MemberChange) -> Option<Utf8Bytes> {
    let event = match change.membership.clone() {
        Membership::Joined(user_id) => MemberEvent::Joined { user_id },
        Membership::Invited(user_id, by) => MemberEvent::Invited { user_id, by },
        Membership::Left(user_id) => MemberEvent::Left { user_id },
        Membership::Kicked(user_id, by) => MemberEvent::Kicked { user_id, by },
        Membership::Ended => return None,
    };
    Some(frame::event(handle, &event))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(user_ids: &[&str], has_more: bool) -> MemberPage {
        MemberPage { user_ids: user_ids.iter().map(|user_id| (*user_id).to_owned()).collect(), has_more }
    }

    /// What becomes frames of it, each as its text.
    struct Told(Members, Vec<Utf8Bytes>);

    impl Told {
        fn new() -> Self {
            Self(Members::new(), Vec::new())
        }

        fn joined(&mut self, user_id: &str) {
            let membership = Membership::Joined(user_id.to_owned());
            self.0.change(7, &Arc::new(MemberChange { chat: 1, membership }), &mut self.1);
        }

        fn listed(&mut self, user_ids: &[&str], has_more: bool) {
            self.0.list(7, page(user_ids, has_more), &mut self.1);
        }

        fn frames(&mut self) -> Vec<String> {
            self.1.drain(..).map(|frame| frame.to_string()).collect()
        }
    }

    const ANN: &str = r#"[27,7,{"type":"members","user_ids":["ann"]}]"#;

    fn joined(user_id: &str) -> String {
        format!(r#"[27,7,{{"type":"joined","user_id":"{user_id}"}}]"#)
    }

    #[test]
    fn what_changes_while_a_page_is_read_is_told_behind_the_last_one() {
        let mut told = Told::new();
        told.joined("before anything was read");
        assert_eq!(told.0.read().as_deref(), Some(""));
        assert_eq!(told.0.read(), None, "one page is read at a time");
        told.joined("ben");
        told.listed(&["ann"], true);
        told.joined("cat");
        assert_eq!(told.frames(), [r#"[27,7,{"has_more":true,"type":"members","user_ids":["ann"]}]"#]);
        assert_eq!(told.0.read().as_deref(), Some("ann"));
        told.listed(&["ben"], false);
        let last = r#"[27,7,{"type":"members","user_ids":["ben"]}]"#.to_owned();
        assert_eq!(told.frames(), [last, joined("ben"), joined("cat")]);
        told.joined("dan");
        assert_eq!((told.frames(), told.0.are_due()), (vec![joined("dan")], false));
    }

    #[test]
    fn where_too_much_changed_all_is_read_again_but_what_was_begun_is_ended() {
        let mut told = Told::new();
        told.0.read();
        told.listed(&["ann"], true);
        for number in 0..1_000 {
            told.joined(&number.to_string());
        }
        assert!(told.0.early.is_empty(), "nothing is kept that the next read knows");
        assert_eq!(told.0.read().as_deref(), Some("ann"));
        told.listed(&["ben"], false);
        assert_eq!(told.frames().len(), 2);
        told.joined("known to the next read");
        assert_eq!(told.0.read().as_deref(), Some(""));
        told.listed(&["ann"], false);
        assert_eq!((told.frames(), told.0.are_due()), (vec![ANN.to_owned()], false));
    }

    #[test]
    fn what_may_have_been_missed_is_read_once_more_and_a_page_for_nobody_is_nothing() {
        let mut told = Told::new();
        told.0.read();
        told.listed(&["ann"], false);
        assert_eq!(told.frames(), [ANN]);
        told.0.renew();
        told.0.renew();
        told.listed(&["eve"], false);
        assert_eq!(told.frames(), [""; 0]);
        assert_eq!(told.0.read().as_deref(), Some(""));
        told.0.renew();
        told.listed(&["ann"], false);
        assert!(told.0.are_due(), "it was read before that");
    }
}
