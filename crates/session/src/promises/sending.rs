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
    let send = session.publish(1, "hello").unwrap();
    let [(n, "hello")] = published(&take(&mut session))[..] else { panic!("one publish") };
    session.received(Frame::Ack { n, stored: "stored" }, 1);
    session.received(Frame::Ack { n, stored: "stored" }, 2);
    session.received(refuse(n, None), 3);
    assert_eq!(take(&mut session), [Action::Stored { send, stored: "stored" }]);
}

#[test]
fn a_send_fails_with_its_refusal_and_is_not_sent_again() {
    let mut session = live();
    let send = session.publish(1, "hello").unwrap();
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
        session.publish(1, word).unwrap();
    }
    let first = published(&take(&mut session));
    session.received(Frame::Ack { n: first[1].0, stored: "two" }, 1);
    session.closed(1006, 60_000);
    session.publish(1, "four").unwrap();
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
    let send = session.publish(1, "one").unwrap();
    let [(n, _)] = published(&take(&mut session))[..] else { panic!("one publish") };
    session.received(refuse(n, Some(2_000)), 1_000);
    session.publish(1, "two").unwrap();
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
    let id = session.subscribe("chat", None, 0);
    for _ in 0..1_000 {
        session.publish(id, "word").unwrap();
    }
    assert_eq!(session.publish(id, "word"), Err(Fault::OutboxFull));
    session.opened();
    let sent = published(&take(&mut session));
    session.received(Frame::Ack { n: sent[500].0, stored: "" }, 1);
    assert!(session.publish(id, "word").is_ok());
}

#[test]
fn closing_fails_what_waits_and_spares_the_others() {
    let mut session = live();
    let other = session.subscribe("other", None, 0);
    let mine = session.publish(1, "mine").unwrap();
    session.publish(other, "theirs").unwrap();
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
    assert_eq!(session.publish(1, "hello"), Err(Fault::Closed));
    assert_eq!(session.publish(99, "hello"), Err(Fault::Closed));
}

#[test]
fn what_the_server_has_when_it_ends_a_subscription_is_still_answered() {
    let mut session = live();
    let first = session.publish(1, "one").unwrap();
    let second = session.publish(1, "two").unwrap();
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
    let other = session.subscribe("other", None, 0);
    session.publish(other, "one").unwrap();
    session.publish(1, "two").unwrap();
    session.publish(other, "three").unwrap();
    assert_eq!(words(&take(&mut session)), ["one", "two", "three"]);
    session.closed(1006, 60_000);
    assert_eq!(words(&welcome(&mut session, 60_000)), ["one", "two", "three"]);
}

#[test]
fn only_what_was_never_transmitted_is_certainly_not_stored_when_its_handle_closes() {
    for (transmitted, certain) in [(false, true), (true, false)] {
        let mut session = Session::new(1);
        let id = session.subscribe("chat", None, 0);
        let send = session.publish(id, "word").unwrap();
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
    let id = session.subscribe("chat", None, 0);
    let lost = session.recover(id, "one").unwrap();
    session.unsubscribe(id);
    let refused = Action::Refused { send: lost, reason: Reason::Fault(Fault::Closed), certain: false };
    assert!(take(&mut session).contains(&refused));

    let mut session = live();
    let send = session.recover(1, "two").unwrap();
    let [(n, "two")] = published(&take(&mut session))[..] else { panic!("one publish") };
    session.received(refuse(n, None), 1);
    assert_eq!(take(&mut session), [Action::Refused { send, reason: Reason::Error("no"), certain: true }]);
}
