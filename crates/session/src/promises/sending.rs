//! Acknowledged or refused, never both, and in order.

use super::*;
use crate::{Fault, Reason};

/// What a test calls its only send.
const SEND: u32 = 7;

/// The `n`s and messages published among `actions`.
fn published(actions: &[Action<Word>]) -> Vec<(u32, Word)> {
    let publish = |action: &Action<Word>| match action {
        Action::Publish { n, message, .. } => Some((*n, *message)),
        _ => None,
    };
    actions.iter().filter_map(publish).collect()
}

fn words(actions: &[Action<Word>]) -> Vec<Word> {
    published(actions).into_iter().map(|(_, message)| message).collect()
}

/// What the engine says of a send that fails here.
fn refused(send: u32, fault: Fault, certain: bool) -> Action<Word> {
    Action::Refused { send, reason: Reason::Fault(fault), certain }
}

/// What the server says of one.
fn refuse(n: u32, retry_after: Option<u64>) -> Frame<Word> {
    Frame::Error { scope: 2, number: n, error: "no", retry_after }
}

#[test]
fn a_send_succeeds_with_its_ack() {
    let mut session = live();
    session.publish(SEND, 1, "hello", NEVER, 0);
    let [(n, "hello")] = published(&take(&mut session))[..] else { panic!("one publish") };
    session.received(Frame::Ack { n, stored: "stored" }, 1);
    session.received(Frame::Ack { n, stored: "stored" }, 2);
    session.received(refuse(n, None), 3);
    assert_eq!(take(&mut session), [Action::Stored { send: SEND, stored: "stored" }]);
}

#[test]
fn a_send_fails_with_its_refusal_and_is_not_sent_again() {
    let mut session = live();
    session.publish(SEND, 1, "hello", NEVER, 0);
    let [(n, _)] = published(&take(&mut session))[..] else { panic!("one publish") };
    session.received(refuse(n, None), 1);
    assert_eq!(take(&mut session), [Action::Refused { send: SEND, reason: Reason::Error("no"), certain: true }]);
    session.closed(1006, 60_000);
    assert_eq!(words(&welcome(&mut session, 60_000)), [] as [Word; 0]);
}

#[test]
fn what_was_not_acknowledged_goes_out_again_in_order() {
    let mut session = live();
    for (send, word) in [(1, "one"), (2, "two"), (3, "three")] {
        session.publish(send, 1, word, NEVER, 0);
    }
    let first = published(&take(&mut session));
    session.received(Frame::Ack { n: first[1].0, stored: "two" }, 1);
    session.closed(1006, 60_000);
    session.publish(4, 1, "four", NEVER, 0);
    let now = until_open(&mut session, 60_000);
    let sent = welcome(&mut session, now);
    assert_eq!(words(&sent), ["one", "three", "four"]);
    take(&mut session);
    // An answer to a number of the old socket is nobody's.
    session.received(Frame::Ack { n: first[0].0, stored: "one" }, now);
    assert_eq!(take(&mut session), []);
    for (n, word) in published(&sent) {
        session.received(Frame::Ack { n, stored: word }, now);
    }
    let stored: Vec<Word> = take(&mut session)
        .iter()
        .map(|action| if let Action::Stored { stored, .. } = action { *stored } else { panic!("{action:?}") })
        .collect();
    assert_eq!(stored, ["one", "three", "four"]);
}

#[test]
fn what_was_put_off_goes_out_later_and_nothing_overtakes_it() {
    let mut session = live();
    session.publish(SEND, 1, "one", NEVER, 0);
    let [(n, _)] = published(&take(&mut session))[..] else { panic!("one publish") };
    session.received(refuse(n, Some(2_000)), 1_000);
    session.publish(2, 1, "two", NEVER, 0);
    assert_eq!((take(&mut session), session.deadline()), (vec![], Some(3_000)));
    session.timeout(3_000);
    let again = published(&take(&mut session));
    assert_eq!(again.iter().map(|(_, word)| *word).collect::<Vec<_>>(), ["one", "two"]);
    session.received(Frame::Ack { n: again[0].0, stored: "stored" }, 3_001);
    assert_eq!(take(&mut session), [Action::Stored { send: SEND, stored: "stored" }]);
}

#[test]
fn a_thousand_may_wait_and_no_more() {
    let mut session = Session::new(1);
    let id = session.subscribe("chat", None, false, 0);
    for send in 1..=1_000 {
        session.publish(send, id, "word", NEVER, 0);
    }
    take(&mut session);
    session.publish(1_001, id, "word", NEVER, 0);
    assert_eq!(take(&mut session), [refused(1_001, Fault::OutboxFull, true)]);
    session.recover(1_002, id, "word", NEVER, 0);
    assert_eq!(take(&mut session), [refused(1_002, Fault::OutboxFull, false)], "an earlier session may have sent it");
    let sent = published(&welcome(&mut session, 0));
    session.received(Frame::Ack { n: sent[500].0, stored: "" }, 1);
    take(&mut session);
    session.publish(1_003, id, "word", NEVER, 0);
    assert_eq!(words(&take(&mut session)), ["word"]);
}

#[test]
fn closing_fails_what_waits_and_spares_the_others() {
    let mut session = live();
    let other = session.subscribe("other", None, false, 0);
    session.publish(1, 1, "mine", NEVER, 0);
    session.publish(2, other, "theirs", NEVER, 0);
    take(&mut session);
    session.unsubscribe(1);
    assert_eq!(take(&mut session), [Action::Unsubscribe { handle: 2 }, refused(1, Fault::Closed, false)]);
    session.closed(1006, 60_000);
    assert_eq!(words(&welcome(&mut session, 60_000)), ["theirs"]);
}

#[test]
fn nothing_can_be_sent_to_a_subscription_that_is_over() {
    let mut session = live();
    session.unsubscribe(1);
    session.unsubscribe(1);
    take(&mut session);
    session.publish(1, 1, "hello", NEVER, 0);
    session.publish(2, 99, "hello", NEVER, 0);
    session.recover(3, 1, "hello", NEVER, 0);
    assert_eq!(
        take(&mut session),
        [refused(1, Fault::Closed, true), refused(2, Fault::Closed, true), refused(3, Fault::Closed, false)]
    );
}

#[test]
fn what_the_server_has_when_it_ends_a_subscription_is_still_answered() {
    let mut session = live();
    session.publish(1, 1, "one", NEVER, 0);
    session.publish(2, 1, "two", NEVER, 0);
    let sent = published(&take(&mut session));
    session.received(Frame::Error { scope: 1, number: 2, error: "kicked", retry_after: None }, 1);
    assert_eq!(take(&mut session), [Action::Ended { id: 1, reason: Reason::Error("kicked") }]);
    session.received(Frame::Ack { n: sent[0].0, stored: "one" }, 2);
    assert_eq!(take(&mut session), [Action::Stored { send: 1, stored: "one" }]);
    // The other's answer is lost with the link: there is no way to ask again.
    session.closed(1006, 3);
    assert_eq!(take(&mut session), [refused(2, Fault::Closed, false)]);
    assert!(session.is_idle());
}

#[test]
fn messages_of_several_chats_keep_their_order() {
    let mut session = live();
    let other = session.subscribe("other", None, false, 0);
    session.publish(1, other, "one", NEVER, 0);
    session.publish(2, 1, "two", NEVER, 0);
    session.publish(3, other, "three", NEVER, 0);
    assert_eq!(words(&take(&mut session)), ["one", "two", "three"]);
    session.closed(1006, 60_000);
    assert_eq!(words(&welcome(&mut session, 60_000)), ["one", "two", "three"]);
}

#[test]
fn only_what_was_never_transmitted_is_certainly_not_stored_when_its_handle_closes() {
    for (transmitted, certain) in [(false, true), (true, false)] {
        let mut session = Session::new(1);
        let id = session.subscribe("chat", None, false, 0);
        session.publish(SEND, id, "word", NEVER, 0);
        if transmitted {
            welcome(&mut session, 0);
            // The link is gone, but the word may have arrived.
            session.closed(1006, 0);
        }
        take(&mut session);
        session.unsubscribe(id);
        assert!(take(&mut session).contains(&refused(SEND, Fault::Closed, certain)), "transmitted: {transmitted}");
    }
}

#[test]
fn what_an_earlier_session_may_have_sent_only_the_server_refuses_for_good() {
    let mut session = Session::new(1);
    let id = session.subscribe("chat", None, false, 0);
    session.recover(SEND, id, "one", NEVER, 0);
    session.unsubscribe(id);
    assert!(take(&mut session).contains(&refused(SEND, Fault::Closed, false)));

    let mut session = live();
    session.recover(SEND, 1, "two", NEVER, 0);
    let [(n, "two")] = published(&take(&mut session))[..] else { panic!("one publish") };
    session.received(refuse(n, None), 1);
    assert_eq!(take(&mut session), [Action::Refused { send: SEND, reason: Reason::Error("no"), certain: true }]);
}

/// What an expired message was published with, and what was not.
fn expired(actions: &[Action<Word>]) -> Vec<(Word, bool)> {
    let publish = |action: &Action<Word>| match action {
        Action::Publish { message, expired, .. } => Some((*message, *expired)),
        _ => None,
    };
    actions.iter().filter_map(publish).collect()
}

#[test]
fn what_was_never_transmitted_expires_wherever_the_connection_is() {
    // Opening, waiting, offline, and held back by the server.
    let opening = |_: &mut Session<Word>| {};
    let waiting = |session: &mut Session<Word>| session.closed(1006, 0);
    let offline = |session: &mut Session<Word>| {
        session.closed(1006, 0);
        session.pause();
    };
    let held = |session: &mut Session<Word>| {
        session.publish(1, 1, "held", NEVER, 0);
        let [(n, _)] = published(&welcome(session, 0))[..] else { panic!("one publish") };
        session.received(refuse(n, Some(900_000)), 0);
    };
    for (name, bring) in [
        ("opening", &opening as &dyn Fn(&mut Session<Word>)),
        ("waiting", &waiting),
        ("offline", &offline),
        ("held", &held),
    ] {
        let mut session = Session::new(1);
        let id = session.subscribe("chat", None, false, 0);
        bring(&mut session);
        session.publish(SEND, id, "late", 10_000, 0);
        take(&mut session);
        let mut now = 0;
        while now < 10_000 {
            assert!(!take(&mut session).contains(&refused(SEND, Fault::Expired, true)), "{name}: expired at {now}");
            now = session.deadline().unwrap_or_else(|| panic!("{name}: nobody looks again"));
            session.timeout(now);
        }
        assert!(take(&mut session).contains(&refused(SEND, Fault::Expired, true)), "{name}");
        // It never goes out.
        let now = if name == "offline" { now } else { until_open(&mut session, now) };
        session.wake(now);
        assert!(!words(&welcome(&mut session, now)).contains(&"late"), "{name}");
    }
}

#[test]
fn what_was_transmitted_only_the_server_lets_expire() {
    let mut session = live();
    session.publish(SEND, 1, "word", 10_000, 0);
    let [("word", false)] = expired(&take(&mut session))[..] else { panic!("one publish, in time") };
    session.closed(1006, 5_000);
    session.pause();
    session.timeout(20_000);
    assert!(!take(&mut session).contains(&refused(SEND, Fault::Expired, true)), "the server may have it");
    session.wake(30_000);
    let now = until_open(&mut session, 30_000);
    let sent = welcome(&mut session, now);
    assert_eq!(expired(&sent), [("word", true)], "the server is asked, and told that it is too late");
    take(&mut session);
    session.received(refuse(published(&sent)[0].0, None), now);
    assert_eq!(take(&mut session), [Action::Refused { send: SEND, reason: Reason::Error("no"), certain: true }]);
}

#[test]
fn an_earlier_sessions_message_that_expired_is_asked_for() {
    let mut session = live();
    session.recover(SEND, 1, "word", 0, 1);
    let sent = take(&mut session);
    assert_eq!(expired(&sent), [("word", true)]);
    session.received(Frame::Ack { n: published(&sent)[0].0, stored: "stored" }, 1);
    assert_eq!(take(&mut session), [Action::Stored { send: SEND, stored: "stored" }]);
}

#[test]
fn an_expiry_lets_the_others_be_and_frees_a_place() {
    let mut session = Session::new(1);
    let id = session.subscribe("chat", None, false, 0);
    for send in 1..=1_000 {
        session.publish(send, id, "word", if send == 500 { 5_000 } else { NEVER }, 0);
    }
    take(&mut session);
    session.timeout(4_999);
    session.publish(1_001, id, "word", NEVER, 4_999);
    assert_eq!(take(&mut session), [refused(1_001, Fault::OutboxFull, true)]);
    session.timeout(5_000);
    session.publish(1_002, id, "word", NEVER, 5_000);
    assert_eq!(take(&mut session), [refused(500, Fault::Expired, true)]);
    assert_eq!(words(&welcome(&mut session, 5_000)).len(), 1_000);
}

#[test]
fn what_others_may_have_sent_meanwhile_only_the_server_refuses() {
    let mut session = Session::new(1);
    let id = session.subscribe("chat", None, false, 0);
    session.publish(SEND, id, "word", 10_000, 0);
    session.leave(1_000);
    session.wake(20_000);
    let now = until_open(&mut session, 20_000);
    let sent = welcome(&mut session, now);
    assert_eq!(expired(&sent), [("word", true)], "it does not expire by itself");
    session.unsubscribe(id);
    let refused = refused(SEND, Fault::Closed, false);
    assert!(take(&mut session).contains(&refused), "nor is it certain when its handle closes");
}

#[test]
fn a_refused_subscription_says_nothing_of_what_an_earlier_socket_sent() {
    for (before, certain) in [(true, false), (false, true)] {
        let mut session = live();
        let mut now = 60_000;
        if before {
            session.publish(SEND, 1, "word", NEVER, 0);
            take(&mut session);
        }
        session.closed(1006, now);
        if !before {
            session.publish(SEND, 1, "word", NEVER, now);
        }
        now = until_open(&mut session, now);
        session.opened(now);
        let sent = take(&mut session);
        let handle = sent.iter().find_map(|action| match action {
            Action::Subscribe { handle, .. } => Some(*handle),
            _ => None,
        });
        session.received(Frame::Error { scope: 1, number: handle.unwrap(), error: "too many", retry_after: None }, now);
        session.received(refuse(published(&sent)[0].0, None), now);
        let refused = Action::Refused { send: SEND, reason: Reason::Error("no"), certain };
        assert!(take(&mut session).contains(&refused), "sent before: {before}");
    }
}

#[test]
fn what_is_sent_to_a_chat_that_is_read_elsewhere_from_now_on_is_still_answered_once_and_in_order() {
    let mut session = live();
    session.publish(1, 1, "before", NEVER, 0);
    let [(before, _)] = published(&take(&mut session))[..] else { panic!("one publish") };
    session.seek(1, None, false, 1);
    session.publish(2, 1, "behind", NEVER, 2);
    let sent = take(&mut session);
    assert_eq!(words(&sent), ["behind"], "{sent:?}");
    session.received(Frame::Ack { n: before, stored: "stored" }, 3);
    assert_eq!(take(&mut session), [Action::Stored { send: 1, stored: "stored" }]);
    // What has no answer goes out again on the next link, by the handle that is new there.
    session.closed(1006, 60_000);
    take(&mut session);
    assert_eq!(words(&welcome(&mut session, 60_100)), ["behind"]);
}
