//! Whoever asks hears of members, on every socket, and nobody by a handle that is over.

use super::*;

/// A session that is connected and has `chat` subscribed with its members, as id 1 with handle 2.
fn watching() -> Session<Word> {
    let mut session = Session::new(1);
    session.subscribe("chat", None, true, 0);
    welcome(&mut session, 0);
    take(&mut session);
    session
}

/// The handle of the only SUBSCRIBE, and whether it asks for members.
fn subscribed(actions: &[Action<Word>]) -> (u32, bool) {
    let mut all = actions.iter().filter_map(|action| match action {
        Action::Subscribe { handle, members, .. } => Some((*handle, *members)),
        _ => None,
    });
    let first = all.next().expect("a subscribe");
    assert_eq!(all.next(), None);
    first
}

#[test]
fn each_subscription_asks_for_what_it_wants_on_every_socket() {
    for members in [false, true] {
        let mut session = Session::new(1);
        session.subscribe("chat", None, members, 0);
        let mut now = 0;
        for _ in 0..3 {
            assert_eq!(subscribed(&welcome(&mut session, now)).1, members);
            session.closed(1006, now + 1);
            now = until_open(&mut session, now + 1);
        }
    }
}

#[test]
fn one_that_is_put_off_or_has_a_hole_asks_again() {
    let mut session = watching();
    session.received(Frame::Error { scope: 1, number: 2, error: "busy", retry_after: Some(3_000) }, 1_000);
    session.timeout(4_000);
    let (handle, members) = subscribed(&take(&mut session));
    assert!(members);
    session.received(Frame::Subscribed { handle, epoch: 1, after: 0 }, 4_001);
    session.received(messages(handle, 5, 5), 4_002);
    assert!(subscribed(&take(&mut session)).1);
}

#[test]
fn an_event_goes_to_its_subscription_in_its_place_among_messages() {
    let mut session = watching();
    let other = session.subscribe("other", None, true, 1);
    let (handle, _) = subscribed(&take(&mut session));
    session.received(Frame::Subscribed { handle, epoch: 1, after: 0 }, 2);
    take(&mut session);
    session.received(Frame::Event { handle: 2, event: "ann joined" }, 3);
    session.received(messages(2, 1, 1), 3);
    session.received(Frame::Event { handle, event: "ben left" }, 3);
    let actions = take(&mut session);
    assert_eq!(actions[0], Action::Event { id: 1, event: "ann joined" });
    assert!(matches!(actions[1], Action::Deliver { id: 1, .. }));
    assert_eq!(actions[2..], [Action::Event { id: other, event: "ben left" }]);
}

#[test]
fn events_of_a_handle_that_is_over_or_not_confirmed_are_nobodys() {
    let mut session = watching();
    session.closed(1006, 60_000);
    let now = until_open(&mut session, 60_000);
    session.opened(now);
    let (handle, _) = subscribed(&take(&mut session));
    session.received(Frame::Event { handle: 2, event: "late" }, now);
    session.received(Frame::Event { handle, event: "early" }, now);
    assert_eq!(take(&mut session), []);
    session.received(Frame::Subscribed { handle, epoch: 1, after: 0 }, now);
    session.received(Frame::Event { handle, event: "in time" }, now);
    assert_eq!(take(&mut session).last(), Some(&Action::Event { id: 1, event: "in time" }));
    session.unsubscribe(1);
    session.received(Frame::Event { handle, event: "late" }, now);
    assert!(!take(&mut session).iter().any(|action| matches!(action, Action::Event { .. })));
}
