//! Acknowledged or refused, never both, and in order.

use super::*;
use crate::{Fault, Reason};

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

fn refuse(n: u32, retry_after: Option<u64>) -> Frame<Word> {
    Frame::Error { scope: 2, number: n, error: "no", retry_after }
}

#[test]
fn a_send_succeeds_with_its_ack() {
    let mut session = live();
    let send = session.publish(1, "hello", NEVER, 0).unwrap();
    let [(n, "hello")] = published(&take(&mut session))[..] else { panic!("one publish") };
    session.received(Frame::Ack { n, stored: "stored" }, 1);
    session.received(Frame::Ack { n, stored: "stored" }, 2);
    session.received(refuse(n, None), 3);
    assert_eq!(take(&mut session), [Action::Stored { send, stored: "stored" }]);
}

#[test]
fn a_send_fails_with_its_refusal_and_is_not_sent_again() {
    let mut session = live();
    let send = session.publish(1, "hello", NEVER, 0).unwrap();
    let [(n, _)] = published(&take(&mut session))[..] else { panic!("one publish") };
    session.received(refuse(n, None), 1);
    assert_eq!(take(&mut session), [Action::Refused { send, reason: Reason::Error("no"), certain: true }]);
    session.closed(1006, 60_000);
    assert_eq!(words(&welcome(&mut session, 60_000)), [] as [Word; 0]);
}

#[test]
fn what_was_not_acknowledged_goes_out_again_in_order() {
    let mut session = live();
    for word in ["one", "two", "three"] {
        session.publish(1, word, NEVER, 0).unwrap();
    }
    let first = published(&take(&mut session));
    session.received(Frame::Ack { n: first[1].0, stored: "two" }, 1);
    session.closed(1006, 60_000);
    session.publish(1, "four", NEVER, 0).unwrap();
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
    let send = session.publish(1, "one", NEVER, 0).unwrap();
    let [(n, _)] = published(&take(&mut session))[..] else { panic!("one publish") };
    session.received(refuse(n, Some(2_000)), 1_000);
    session.publish(1, "two", NEVER, 0).unwrap();
    assert_eq!((take(&mut session), session.deadline()), (vec![], Some(3_000)));
    session.timeout(3_000);
    let again = published(&take(&mut session));
    assert_eq!(again.iter().map(|(_, word)| *word).collect::<Vec<_>>(), ["one", "two"]);
    session.received(Frame::Ack { n: again[0].0, stored: "stored" }, 3_001);
    assert_eq!(take(&mut session), [Action::Stored { send, stored: "stored" }]);
}

#[test]
fn a_thousand_may_wait_and_no_more() {
    let mut session = Session::new(1);
    let id = session.subscribe("chat", None, false, 0);
    for _ in 0..1_000 {
        session.publish(id, "word", NEVER, 0).unwrap();
    }
    assert_eq!(session.publish(id, "word", NEVER, 0), Err(Fault::OutboxFull));
    session.opened(0);
    let sent = published(&take(&mut session));
    session.received(Frame::Ack { n: sent[500].0, stored: "" }, 1);
    assert!(session.publish(id, "word", NEVER, 0).is_ok());
}

#[test]
fn closing_fails_what_waits_and_spares_the_others() {
    let mut session = live();
    let other = session.subscribe("other", None, false, 0);
    let mine = session.publish(1, "mine", NEVER, 0).unwrap();
    session.publish(other, "theirs", NEVER, 0).unwrap();
    take(&mut session);
    session.unsubscribe(1);
    let reason = Reason::Fault(Fault::Closed);
    assert_eq!(
        take(&mut session),
        [Action::Unsubscribe { handle: 2 }, Action::Refused { send: mine, reason, certain: false }]
    );
    session.closed(1006, 60_000);
    assert_eq!(words(&welcome(&mut session, 60_000)), ["theirs"]);
}

#[test]
fn nothing_can_be_sent_to_a_subscription_that_is_over() {
    let mut session = live();
    session.unsubscribe(1);
    session.unsubscribe(1);
    assert_eq!(session.publish(1, "hello", NEVER, 0), Err(Fault::Closed));
    assert_eq!(session.publish(99, "hello", NEVER, 0), Err(Fault::Closed));
}

#[test]
fn what_the_server_has_when_it_ends_a_subscription_is_still_answered() {
    let mut session = live();
    let first = session.publish(1, "one", NEVER, 0).unwrap();
    let second = session.publish(1, "two", NEVER, 0).unwrap();
    let sent = published(&take(&mut session));
    session.received(Frame::Error { scope: 1, number: 2, error: "kicked", retry_after: None }, 1);
    assert_eq!(take(&mut session), [Action::Ended { id: 1, reason: Reason::Error("kicked") }]);
    session.received(Frame::Ack { n: sent[0].0, stored: "one" }, 2);
    assert_eq!(take(&mut session), [Action::Stored { send: first, stored: "one" }]);
    // The other's answer is lost with the link: there is no way to ask again.
    session.closed(1006, 3);
    assert_eq!(
        take(&mut session),
        [Action::Refused { send: second, reason: Reason::Fault(Fault::Closed), certain: false }]
    );
    assert!(session.is_idle());
}

#[test]
fn messages_of_several_chats_keep_their_order() {
    let mut session = live();
    let other = session.subscribe("other", None, false, 0);
    session.publish(other, "one", NEVER, 0).unwrap();
    session.publish(1, "two", NEVER, 0).unwrap();
    session.publish(other, "three", NEVER, 0).unwrap();
    assert_eq!(words(&take(&mut session)), ["one", "two", "three"]);
    session.closed(1006, 60_000);
    assert_eq!(words(&welcome(&mut session, 60_000)), ["one", "two", "three"]);
}

#[test]
fn only_what_was_never_transmitted_is_certainly_not_stored_when_its_handle_closes() {
    for (transmitted, certain) in [(false, true), (true, false)] {
        let mut session = Session::new(1);
        let id = session.subscribe("chat", None, false, 0);
        let send = session.publish(id, "word", NEVER, 0).unwrap();
        if transmitted {
            welcome(&mut session, 0);
            // The link is gone, but the word may have arrived.
            session.closed(1006, 0);
        }
        take(&mut session);
        session.unsubscribe(id);
        let refused = Action::Refused { send, reason: Reason::Fault(Fault::Closed), certain };
        assert!(take(&mut session).contains(&refused), "transmitted: {transmitted}");
    }
}

#[test]
fn what_an_earlier_session_may_have_sent_only_the_server_refuses_for_good() {
    let mut session = Session::new(1);
    let id = session.subscribe("chat", None, false, 0);
    let lost = session.recover(id, "one", NEVER, 0).unwrap();
    session.unsubscribe(id);
    let refused = Action::Refused { send: lost, reason: Reason::Fault(Fault::Closed), certain: false };
    assert!(take(&mut session).contains(&refused));

    let mut session = live();
    let send = session.recover(1, "two", NEVER, 0).unwrap();
    let [(n, "two")] = published(&take(&mut session))[..] else { panic!("one publish") };
    session.received(refuse(n, None), 1);
    assert_eq!(take(&mut session), [Action::Refused { send, reason: Reason::Error("no"), certain: true }]);
}

/// What an expired message was published with, and what was not.
fn expired(actions: &[Action<Word>]) -> Vec<(Word, bool)> {
    let publish = |action: &Action<Word>| match action {
        Action::Publish { message, expired, .. } => Some((*message, *expired)),
        _ => None,
    };
    actions.iter().filter_map(publish).collect()
}

fn expiry(send: u32) -> Action<Word> {
    Action::Refused { send, reason: Reason::Fault(Fault::Expired), certain: true }
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
        session.publish(1, "held", NEVER, 0).unwrap();
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
        let send = session.publish(id, "late", 10_000, 0).unwrap();
        take(&mut session);
        let mut now = 0;
        while now < 10_000 {
            assert!(!take(&mut session).contains(&expiry(send)), "{name}: expired at {now}");
            now = session.deadline().unwrap_or_else(|| panic!("{name}: nobody looks again"));
            session.timeout(now);
        }
        assert!(take(&mut session).contains(&expiry(send)), "{name}");
        // It never goes out.
        let now = if name == "offline" { now } else { until_open(&mut session, now) };
        session.wake(now);
        assert!(!words(&welcome(&mut session, now)).contains(&"late"), "{name}");
    }
}

#[test]
fn what_was_transmitted_only_the_server_lets_expire() {
    let mut session = live();
    let send = session.publish(1, "word", 10_000, 0).unwrap();
    let [("word", false)] = expired(&take(&mut session))[..] else { panic!("one publish, in time") };
    session.closed(1006, 5_000);
    session.pause();
    session.timeout(20_000);
    assert!(!take(&mut session).contains(&expiry(send)), "the server may have it");
    session.wake(30_000);
    let now = until_open(&mut session, 30_000);
    let sent = welcome(&mut session, now);
    assert_eq!(expired(&sent), [("word", true)], "the server is asked, and told that it is too late");
    take(&mut session);
    session.received(refuse(published(&sent)[0].0, None), now);
    assert_eq!(take(&mut session), [Action::Refused { send, reason: Reason::Error("no"), certain: true }]);
}

#[test]
fn an_earlier_sessions_message_that_expired_is_asked_for() {
    let mut session = live();
    let send = session.recover(1, "word", 0, 1).unwrap();
    let sent = take(&mut session);
    assert_eq!(expired(&sent), [("word", true)]);
    session.received(Frame::Ack { n: published(&sent)[0].0, stored: "stored" }, 1);
    assert_eq!(take(&mut session), [Action::Stored { send, stored: "stored" }]);
}

#[test]
fn an_expiry_lets_the_others_be_and_frees_a_place() {
    let mut session = Session::new(1);
    let id = session.subscribe("chat", None, false, 0);
    for at in 0..1_000 {
        session.publish(id, "word", if at == 500 { 5_000 } else { NEVER }, 0).unwrap();
    }
    session.timeout(4_999);
    assert_eq!(session.publish(id, "word", NEVER, 4_999), Err(Fault::OutboxFull));
    session.timeout(5_000);
    assert!(session.publish(id, "word", NEVER, 5_000).is_ok());
    take(&mut session);
    assert_eq!(words(&welcome(&mut session, 5_000)).len(), 1_000);
}

#[test]
fn what_others_may_have_sent_meanwhile_only_the_server_refuses() {
    let mut session = Session::new(1);
    let id = session.subscribe("chat", None, false, 0);
    let send = session.publish(id, "word", 10_000, 0).unwrap();
    session.leave(1_000);
    session.wake(20_000);
    let now = until_open(&mut session, 20_000);
    let sent = welcome(&mut session, now);
    assert_eq!(expired(&sent), [("word", true)], "it does not expire by itself");
    session.unsubscribe(id);
    let refused = Action::Refused { send, reason: Reason::Fault(Fault::Closed), certain: false };
    assert!(take(&mut session).contains(&refused), "nor is it certain when its handle closes");
}

#[test]
fn a_refused_subscription_says_nothing_of_what_an_earlier_socket_sent() {
    for (before, certain) in [(true, false), (false, true)] {
        let mut session = live();
        let mut now = 60_000;
        let mut send = 0;
        if before {
            send = session.publish(1, "word", NEVER, 0).unwrap();
            take(&mut session);
        }
        session.closed(1006, now);
        if !before {
            send = session.publish(1, "word", NEVER, now).unwrap();
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
        let refused = Action::Refused { send, reason: Reason::Error("no"), certain };
        assert!(take(&mut session).contains(&refused), "sent before: {before}");
    }
}
