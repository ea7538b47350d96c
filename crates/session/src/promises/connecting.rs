//! When there is a connection, and when there is another.

use super::*;
use crate::{Fault, Reason};
use micro_chat_wire::{close, op};

#[test]
fn nobody_needs_a_connection_before_the_first_subscription_nor_after_the_last() {
    let mut session = Session::new(1);
    assert_eq!((take(&mut session), session.deadline(), session.is_idle()), (vec![], None, true));
    let id = session.subscribe("chat", None, false, 0);
    assert_eq!(take(&mut session), [Action::Open]);
    welcome(&mut session, 0);
    take(&mut session);
    session.unsubscribe(id);
    assert_eq!(take(&mut session), [Action::Unsubscribe { handle: 2 }, Action::Close]);
    assert_eq!((session.deadline(), session.is_idle()), (None, true));
}

#[test]
fn whoever_leaves_while_it_connects_leaves_no_socket() {
    let mut session = Session::new(1);
    let id = session.subscribe("chat", None, false, 0);
    session.unsubscribe(id);
    assert_eq!(take(&mut session), [Action::Open, Action::Close]);
    session.opened(0);
    session.closed(1006, 5);
    assert_eq!((take(&mut session), session.deadline()), (vec![], None));
}

#[test]
fn one_of_two_leaves_while_it_connects_and_the_other_stays() {
    let mut session = Session::new(1);
    let first = session.subscribe("one", None, false, 0);
    session.subscribe("two", None, false, 0);
    session.unsubscribe(first);
    session.opened(0);
    let sent = take(&mut session);
    assert_eq!(sent[..2], [Action::Open, Action::Hello]);
    assert!(matches!(sent[2..], [Action::Subscribe { chat: "two", .. }]), "{sent:?}");
}

#[test]
fn hello_subscriptions_and_messages_leave_together() {
    let mut session = Session::new(1);
    let id = session.subscribe("chat", None, false, 0);
    session.publish(1, id, "hello", NEVER, 0);
    session.opened(0);
    let sent = take(&mut session);
    assert!(
        matches!(sent[..], [Action::Open, Action::Hello, Action::Subscribe { .. }, Action::Publish { .. }]),
        "{sent:?}"
    );
}

#[test]
fn another_token_is_told_on_the_link_that_stands_and_costs_no_reconnect() {
    let mut session = live();
    session.renew("token");
    assert_eq!(take(&mut session), [Action::Renew { renewal: "token" }]);
    assert_eq!(session.deadline(), Some(35_000), "nor is it a sign of life from the server");
}

#[test]
fn another_token_follows_a_hello_that_has_left_with_the_old_one() {
    let mut session = Session::new(1);
    session.subscribe("chat", None, false, 0);
    session.opened(0);
    session.renew("token");
    let sent = take(&mut session);
    assert_eq!(sent[..2], [Action::Open, Action::Hello]);
    assert_eq!(sent.last(), Some(&Action::Renew { renewal: "token" }));
}

#[test]
fn without_a_link_another_token_waits_for_nobody_and_the_hello_tells_it() {
    let mut session = Session::new(1);
    session.renew("before anybody needs a connection");
    session.subscribe("chat", None, false, 0);
    session.renew("while it opens");
    assert_eq!(take(&mut session), [Action::Open]);
    session.opened(0);
    session.closed(1006, 0);
    take(&mut session);
    session.renew("while it waits");
    assert_eq!(take(&mut session), []);
    let now = until_open(&mut session, 0);
    let sent = welcome(&mut session, now);
    assert!(matches!(sent[..], [Action::Hello, Action::Subscribe { .. }]), "{sent:?}");
}

#[test]
fn a_link_that_stood_is_replaced_at_once_and_then_with_growing_waits() {
    let mut session = live();
    session.closed(1006, 60_000);
    assert_eq!(take(&mut session), [Action::Open]);
    let mut now = 60_000;
    for ceiling in [500, 1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000, 20_000, 20_000] {
        session.closed(1006, now);
        let [Action::Waiting { delay }] = take(&mut session)[..] else { panic!("it should wait") };
        assert!(delay <= ceiling, "{delay} of {ceiling}");
        now += delay;
        assert_eq!(session.deadline(), Some(now));
        session.timeout(now);
        assert_eq!(take(&mut session), [Action::Open]);
    }
}

#[test]
fn a_server_that_welcomes_and_drops_is_not_hammered() {
    let mut session = live();
    session.closed(1011, 10);
    assert!(matches!(take(&mut session)[..], [Action::Waiting { .. }]));
}

#[test]
fn whoever_fell_behind_comes_back_at_once() {
    let mut session = live();
    session.closed(close::RESUME, 10);
    assert_eq!(take(&mut session), [Action::Open]);
}

#[test]
fn the_servers_wish_to_be_left_alone_is_respected() {
    let mut session = live();
    let error = Frame::Error { scope: op::SCOPE_CONNECTION, number: 0, error: "busy", retry_after: Some(7_000) };
    session.received(error, 60_000);
    session.closed(close::RESTART, 60_001);
    assert_eq!(take(&mut session), [Action::Waiting { delay: 6_999 }]);
    session.wake(61_000);
    assert_eq!((take(&mut session), session.deadline()), (vec![], Some(67_000)));
    session.timeout(67_000);
    assert_eq!(take(&mut session), [Action::Open]);
}

#[test]
fn a_refusal_ends_everything_with_the_servers_reason() {
    let mut session = live();
    session.publish(1, 1, "hello", NEVER, 0);
    take(&mut session);
    session.received(Frame::Error { scope: 0, number: 0, error: "no such user", retry_after: None }, 5);
    assert_eq!(take(&mut session), [], "the close decides");
    session.closed(close::REFUSED, 6);
    let reason = Reason::Error("no such user");
    assert_eq!(
        take(&mut session),
        [Action::Refused { send: 1, reason: reason.clone(), certain: false }, Action::Ended { id: 1, reason }]
    );
    let reason = Reason::Fault(Fault::Closed);
    session.publish(2, 1, "again", NEVER, 0);
    assert_eq!(take(&mut session), [Action::Refused { send: 2, reason: reason.clone(), certain: true }]);
    let id = session.subscribe("chat", None, false, 7);
    assert_eq!(take(&mut session), [Action::Ended { id, reason }]);
    assert_eq!(session.deadline(), None);
}

#[test]
fn a_fault_of_the_server_is_no_refusal() {
    let mut session = live();
    session.received(Frame::Error { scope: 0, number: 0, error: "disk full", retry_after: None }, 60_000);
    session.closed(close::FAULT, 60_000);
    assert_eq!(take(&mut session), [Action::Open]);
}

#[test]
fn a_shell_that_cannot_go_on_ends_everything() {
    let mut session = live();
    session.fail("no sockets here");
    let reason = Reason::Error("no sockets here");
    assert_eq!(take(&mut session), [Action::Close, Action::Ended { id: 1, reason }]);
    session.fail("again");
    assert_eq!(take(&mut session), []);
}

#[test]
fn a_socket_that_never_opens_is_given_up() {
    let mut session = Session::new(1);
    session.subscribe("chat", None, false, 0);
    assert_eq!((take(&mut session), session.deadline()), (vec![Action::Open], Some(20_000)));
    session.timeout(20_000);
    assert!(matches!(take(&mut session)[..], [Action::Close, Action::Waiting { .. }]));
}

#[test]
fn a_server_that_accepts_and_never_answers_is_given_up() {
    let mut session = Session::new(1);
    session.subscribe("chat", None, false, 0);
    session.opened(0);
    take(&mut session);
    session.received(Frame::Other, 15_000);
    session.timeout(20_000);
    assert!(matches!(take(&mut session)[..], [Action::Close, Action::Waiting { .. }]));
}

#[test]
fn a_silent_link_is_given_up_after_a_heartbeat_and_its_grace() {
    let mut session = live();
    session.received(Frame::Other, 25_000);
    session.timeout(35_000);
    assert_eq!((take(&mut session), session.deadline()), (vec![], Some(60_000)));
    session.timeout(60_000);
    assert_eq!(take(&mut session), [Action::Close, Action::Open]);
}

#[test]
fn after_a_sleep_the_link_is_asked_before_it_is_given_up() {
    let mut session = live();
    session.timeout(3_600_000);
    assert_eq!((take(&mut session), session.deadline()), (vec![Action::Probe], Some(3_605_000)));
    session.received(messages(2, 1, 1), 3_600_100);
    take(&mut session);
    session.timeout(3_605_000);
    assert_eq!((take(&mut session), session.deadline()), (vec![], Some(3_635_100)));
}

#[test]
fn a_wake_up_probes_a_live_link_and_replaces_one_that_does_not_answer() {
    let mut session = live();
    session.wake(1_000);
    session.wake(1_001);
    assert_eq!((take(&mut session), session.deadline()), (vec![Action::Probe], Some(6_000)));
    session.timeout(6_000);
    assert_eq!(take(&mut session), [Action::Close, Action::Open]);
}

#[test]
fn a_wake_up_ends_the_waiting() {
    let mut session = Session::new(1);
    session.subscribe("chat", None, false, 0);
    for _ in 0..8 {
        session.closed(1006, 0);
        session.wake(0);
    }
    let opened = take(&mut session).iter().filter(|action| **action == Action::Open).count();
    assert_eq!(opened, 9);
}

#[test]
fn without_a_network_nothing_is_tried_until_there_is_one() {
    let mut session = live();
    session.pause();
    assert_eq!(session.deadline(), Some(35_000), "a link that stands is still watched");
    assert_eq!(take(&mut session), [], "nor is it called offline");
    session.closed(1006, 5_000);
    assert_eq!(take(&mut session), [Action::Offline]);
    assert_eq!(session.deadline(), None);
    session.timeout(1_000_000);
    assert_eq!(take(&mut session), []);
    session.wake(1_000_000);
    assert_eq!(take(&mut session), [Action::Open]);
}

#[test]
fn a_network_that_goes_while_it_waits_is_told_once_and_ends_the_countdown() {
    let mut session = Session::new(1);
    session.subscribe("chat", None, false, 0);
    session.closed(1006, 0);
    let [Action::Open, Action::Waiting { .. }] = take(&mut session)[..] else { panic!("it should wait") };
    session.pause();
    session.pause();
    assert_eq!((take(&mut session), session.deadline()), (vec![Action::Offline], None));
}

#[test]
fn a_network_that_comes_back_before_the_server_wants_us_says_how_long_that_is() {
    let mut session = live();
    session.received(Frame::Error { scope: 0, number: 0, error: "busy", retry_after: Some(7_000) }, 60_000);
    session.pause();
    session.closed(close::RESTART, 60_000);
    session.wake(61_000);
    assert_eq!(take(&mut session), [Action::Offline, Action::Waiting { delay: 6_000 }]);
    assert_eq!(session.deadline(), Some(67_000));
}

#[test]
fn a_late_word_of_a_socket_that_is_gone_changes_nothing() {
    let mut session = live();
    session.closed(1006, 60_000);
    take(&mut session);
    session.received(messages(2, 1, 3), 60_001);
    session.received(Frame::Welcome { heartbeat: 1, grace: 1 }, 60_001);
    assert_eq!((take(&mut session), session.deadline()), (vec![], Some(80_000)));
}
