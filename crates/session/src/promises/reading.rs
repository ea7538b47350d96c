//! Every message once, in order, without a gap.

use super::*;
use crate::{Cursor, Gap, Reason};
use micro_chat_wire::op;

fn deliver(id: u32, after: u64, seq: u64) -> Action<Word> {
    Action::Deliver { id, messages: "messages", after, cursor: Cursor { epoch: 1, seq } }
}

#[test]
fn a_cursor_exists_before_the_first_message() {
    let mut session = Session::new(1);
    session.subscribe("chat", None, false, 0);
    session.opened(0);
    session.received(Frame::Subscribed { handle: 2, epoch: 9, after: 41 }, 1);
    let joined = Action::Subscribed { id: 1, cursor: Cursor { epoch: 9, seq: 41 } };
    assert_eq!(take(&mut session).last(), Some(&joined));
    // Nothing came, the link broke: what happens meanwhile is not missed.
    session.closed(1006, 2);
    let now = until_open(&mut session, 2);
    let sent = welcome(&mut session, now);
    assert!(matches!(sent[1], Action::Subscribe { epoch: 9, after: 41, .. }), "{sent:?}");
}

#[test]
fn messages_are_delivered_as_they_come() {
    let mut session = live();
    session.received(messages(2, 1, 3), 1);
    session.received(messages(2, 4, 4), 2);
    assert_eq!(take(&mut session), [deliver(1, 0, 3), deliver(1, 3, 4)]);
}

#[test]
fn a_reconnect_resumes_behind_the_last_message() {
    let mut session = live();
    session.received(messages(2, 1, 7), 1);
    session.closed(1006, 60_000);
    take(&mut session);
    let sent = welcome(&mut session, 60_100);
    let [Action::Hello, Action::Subscribe { handle, chat: "chat", epoch: 1, after: 7, members: false }] = sent[..]
    else {
        panic!("{sent:?}")
    };
    assert_ne!(handle, 2, "late frames of the old subscription must be nobody's");
    take(&mut session);
    session.received(messages(2, 8, 8), 60_200);
    session.received(messages(handle, 8, 9), 60_200);
    assert_eq!(take(&mut session), [deliver(1, 7, 9)]);
}

#[test]
fn what_comes_twice_is_delivered_once() {
    let mut session = live();
    session.received(messages(2, 1, 5), 1);
    session.received(messages(2, 1, 5), 2);
    session.received(messages(2, 2, 4), 2);
    session.received(messages(2, 4, 8), 3);
    assert_eq!(take(&mut session), [deliver(1, 0, 5), deliver(1, 5, 8)]);
}

#[test]
fn a_hole_is_never_delivered_over_but_asked_for() {
    let mut session = live();
    session.received(messages(2, 1, 5), 1);
    session.received(messages(2, 7, 9), 2);
    session.received(messages(2, 10, 10), 3);
    let [first, second, third] = &take(&mut session)[..] else { panic!("three steps") };
    assert_eq!((first, second), (&deliver(1, 0, 5), &Action::Unsubscribe { handle: 2 }));
    let Action::Subscribe { handle, epoch: 1, after: 5, .. } = *third else { panic!("{third:?}") };
    session.received(Frame::Subscribed { handle, epoch: 1, after: 5 }, 4);
    session.received(messages(handle, 6, 10), 5);
    assert_eq!(take(&mut session)[1..], [deliver(1, 5, 10)]);
}

#[test]
fn deleted_messages_leave_no_hole() {
    let mut session = live();
    // Of 1 to 5 the list holds what is left; 6 and 7, the chat's last, were deleted.
    session.received(messages(2, 1, 5), 1);
    session.received(Frame::Live { handle: 2, seq: 7 }, 2);
    session.received(messages(2, 8, 8), 3);
    let caught_up = Action::CaughtUp { id: 1, cursor: Cursor { epoch: 1, seq: 7 } };
    assert_eq!(take(&mut session), [deliver(1, 0, 5), caught_up, deliver(1, 7, 8)]);
}

#[test]
fn a_reader_has_caught_up_when_the_server_says_so_and_anew_after_each_connection() {
    let mut session = live();
    session.received(messages(2, 1, 3), 1);
    assert_eq!(take(&mut session), [deliver(1, 0, 3)], "more may be stored");
    let caught_up = Action::CaughtUp { id: 1, cursor: Cursor { epoch: 1, seq: 3 } };
    session.received(Frame::Live { handle: 2, seq: 3 }, 2);
    assert_eq!(take(&mut session).last(), Some(&caught_up));
    session.closed(1006, 60_000);
    welcome(&mut session, 60_000);
    take(&mut session);
    session.received(Frame::Live { handle: 2, seq: 3 }, 60_001);
    assert_eq!(take(&mut session), [], "the old subscription's word");
    session.received(Frame::Live { handle: 3, seq: 3 }, 60_002);
    assert_eq!(take(&mut session), [caught_up]);
}

#[test]
fn what_the_server_has_no_more_is_a_gap_and_nothing_is_skipped_in_silence() {
    // Asked for from the start, and in a cursor that is older than what is kept.
    for (asked, epoch) in [(0, 0), (4, 1), (4, 0)] {
        let mut session = Session::new(1);
        session.subscribe("chat", Some(Cursor { epoch, seq: asked }), false, 0);
        session.opened(0);
        take(&mut session);
        session.received(Frame::Subscribed { handle: 2, epoch: 1, after: 9 }, 1);
        session.received(messages(2, 10, 10), 2);
        let cursor = Cursor { epoch: 1, seq: 9 };
        let gap = Gap { from: asked + 1, to: 9, restored: false };
        assert_eq!(
            take(&mut session),
            [Action::Subscribed { id: 1, cursor }, Action::Gap { id: 1, gap }, deliver(1, 9, 10)]
        );
    }
}

#[test]
fn who_asks_for_what_comes_from_now_on_misses_nothing() {
    let mut session = Session::new(1);
    session.subscribe("chat", None, false, 0);
    session.opened(0);
    take(&mut session);
    session.received(Frame::Subscribed { handle: 2, epoch: 1, after: 9 }, 1);
    assert_eq!(take(&mut session), [Action::Subscribed { id: 1, cursor: Cursor { epoch: 1, seq: 9 } }]);
}

#[test]
fn two_subscriptions_to_one_chat_each_see_everything() {
    let mut session = live();
    let second = session.subscribe("chat", Some(Cursor { epoch: 1, seq: 3 }), false, 1);
    let [Action::Subscribe { handle, after: 3, .. }] = take(&mut session)[..] else { panic!("one subscribe") };
    session.received(Frame::Subscribed { handle, epoch: 1, after: 3 }, 2);
    take(&mut session);
    session.received(messages(2, 1, 4), 3);
    session.received(messages(handle, 4, 4), 3);
    assert_eq!(take(&mut session), [deliver(1, 0, 4), deliver(second, 3, 4)]);
    session.unsubscribe(1);
    session.received(messages(2, 5, 5), 4);
    session.received(messages(handle, 5, 5), 4);
    assert_eq!(take(&mut session), [Action::Unsubscribe { handle: 2 }, deliver(second, 4, 5)]);
}

#[test]
fn a_refused_subscription_ends_alone() {
    let mut session = live();
    let second = session.subscribe("nowhere", None, false, 1);
    let [Action::Subscribe { handle, .. }] = take(&mut session)[..] else { panic!("one subscribe") };
    let error =
        Frame::Error { scope: op::SCOPE_SUBSCRIPTION, number: handle, error: "no such chat", retry_after: None };
    session.received(error, 2);
    assert_eq!(take(&mut session), [Action::Ended { id: second, reason: Reason::Error("no such chat") }]);
    session.received(messages(2, 1, 1), 3);
    assert_eq!(take(&mut session), [deliver(1, 0, 1)]);
}

#[test]
fn the_last_subscription_refused_leaves_no_socket() {
    let mut session = live();
    session.received(Frame::Error { scope: 1, number: 2, error: "kicked", retry_after: None }, 1);
    assert_eq!(take(&mut session), [Action::Ended { id: 1, reason: Reason::Error("kicked") }, Action::Close]);
    assert_eq!(session.deadline(), None);
}

#[test]
fn a_subscription_that_was_put_off_is_asked_for_again() {
    let mut session = live();
    session.received(Frame::Error { scope: 1, number: 2, error: "busy", retry_after: Some(3_000) }, 1_000);
    assert_eq!((take(&mut session), session.deadline()), (vec![], Some(4_000)));
    session.timeout(4_000);
    assert!(matches!(take(&mut session)[..], [Action::Subscribe { chat: "chat", after: 0, .. }]));
    assert_eq!(session.deadline(), Some(36_000));
}

#[test]
fn after_a_restore_the_new_numbering_counts() {
    let mut session = live();
    session.received(messages(2, 1, 9), 1);
    session.closed(1006, 60_000);
    session.opened(0);
    session.received(Frame::Welcome { heartbeat: 0, grace: 0 }, 60_000);
    let handle = 3;
    take(&mut session);
    session.received(Frame::Subscribed { handle, epoch: 2, after: 4 }, 60_001);
    let gap = Gap { from: 1, to: 4, restored: true };
    assert_eq!(take(&mut session)[1..], [Action::Gap { id: 1, gap }]);
    session.received(messages(handle, 5, 6), 60_002);
    let cursor = Cursor { epoch: 2, seq: 6 };
    assert_eq!(take(&mut session), [Action::Deliver { id: 1, messages: "messages", after: 4, cursor }]);
}

#[test]
fn frames_for_nobody_change_nothing() {
    let mut session = live();
    for handle in [0, 1, 77, u32::MAX] {
        session.received(messages(handle, 1, 1), 1);
        session.received(Frame::Subscribed { handle, epoch: 1, after: 1 }, 1);
        session.received(Frame::Live { handle, seq: 1 }, 1);
        session.received(Frame::Event { handle, event: "" }, 1);
        session.received(Frame::Ack { n: handle, stored: "" }, 1);
        for scope in [1, 2, 3, u32::MAX] {
            session.received(Frame::Error { scope, number: handle, error: "", retry_after: None }, 1);
            session.received(Frame::Error { scope, number: handle, error: "", retry_after: Some(u64::MAX) }, 1);
        }
    }
    assert_eq!(take(&mut session), []);
}

#[test]
fn a_reader_goes_on_where_it_wants_and_what_was_on_its_way_is_nobodys() {
    let mut session = live();
    session.received(messages(2, 1, 9), 1);
    take(&mut session);
    session.seek(1, Some(Cursor { epoch: 1, seq: 4 }), true, 2);
    let sent = take(&mut session);
    let [
        Action::Unsubscribe { handle: 2 },
        Action::Subscribe { handle, chat: "chat", epoch: 1, after: 4, members: true },
    ] = sent[..]
    else {
        panic!("{sent:?}")
    };
    session.received(messages(2, 10, 10), 3);
    session.received(messages(handle, 5, 10), 3);
    assert_eq!(take(&mut session), [], "nothing counts before the server has confirmed");
    session.received(Frame::Subscribed { handle, epoch: 1, after: 4 }, 4);
    session.received(messages(handle, 5, 10), 4);
    assert_eq!(take(&mut session)[1..], [deliver(1, 4, 10)]);
    session.seek(7, None, false, 5);
    assert_eq!(take(&mut session), [], "nobody's");
}

#[test]
fn a_reader_that_moves_without_a_link_or_while_the_server_puts_it_off_asks_when_it_may() {
    let mut session = live();
    session.received(Frame::Error { scope: 1, number: 2, error: "busy", retry_after: Some(3_000) }, 1_000);
    session.seek(1, Some(Cursor { epoch: 1, seq: 4 }), false, 1_001);
    assert_eq!(take(&mut session), []);
    session.timeout(4_000);
    assert!(matches!(take(&mut session)[..], [Action::Subscribe { after: 4, .. }]));
    session.closed(1006, 60_000);
    session.seek(1, Some(Cursor { epoch: 1, seq: 2 }), false, 60_001);
    take(&mut session);
    let sent = welcome(&mut session, 60_100);
    assert!(matches!(sent[..], [Action::Hello, Action::Subscribe { after: 2, .. }]), "{sent:?}");
}
