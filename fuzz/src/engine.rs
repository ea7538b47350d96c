//! A server that says anything at any time, to the engine that each page runs.

use std::collections::{BTreeMap, BTreeSet};

use micro_chat_client::frame;
use micro_chat_session::{Action, Cursor, Session};
use serde_json::{Value, json};

/// Steps that are taken at most: the engine's promises do not depend on more.
const STEPS: usize = 400;

/// One step a line: `[` begins a frame of the server, `o` opens the socket, `c` closes it with a code, `t` lets time
/// pass, `s` subscribes, `k` reads on elsewhere, `u` unsubscribes, `p` publishes; `w`, `z`, `l`, `r` wake, pause,
/// leave, and bring another token.
pub fn engine(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut page = Page::default();
    let mut session = Session::<Value>::new(7);
    for line in text.lines().take(STEPS) {
        let (step, rest) = line.split_at_checked(1).unwrap_or(("", ""));
        let number = rest.trim().parse::<u64>().unwrap_or(0);
        match step {
            "[" => session.received(frame::read(line), page.now),
            "o" if page.is_opening => {
                page.is_opening = false;
                session.opened(page.now);
            }
            "c" => session.closed(number as u16, page.now),
            "t" => {
                page.now = page.now.saturating_add(number.min(1 << 40));
                if session.deadline().is_some_and(|deadline| deadline <= page.now) {
                    session.timeout(page.now);
                }
            }
            "s" => {
                let after = (number > 0).then_some(Cursor { epoch: number % 3, seq: number });
                let id = session.subscribe(json!("chat"), after, number % 2 == 1, page.now);
                page.stands.insert(id, None);
            }
            "u" => {
                session.unsubscribe(number as u32);
                page.stands.remove(&(number as u32));
            }
            "k" => {
                // Which, and where to.
                let (id, seq) = ((number % 16) as u32, number / 16);
                let after = (seq > 0).then_some(Cursor { epoch: seq % 3, seq });
                session.seek(id, after, seq % 2 == 1, page.now);
                page.stands.entry(id).and_modify(|stand| *stand = None);
            }
            "p" => {
                page.sends += 1;
                page.unanswered.insert(page.sends);
                session.publish(page.sends, number as u32, json!({}), page.now.saturating_add(60_000), page.now);
            }
            "w" => session.wake(page.now),
            "z" => session.pause(),
            "l" => session.leave(page.now),
            "r" => session.renew(json!("token")),
            _ => {}
        }
        while let Some(action) = session.poll_action() {
            page.takes(action);
        }
    }
}

/// What a page was told.
#[derive(Default)]
struct Page {
    now: u64,
    is_opening: bool,
    /// Where each subscription stands, once it does.
    stands: BTreeMap<u32, Option<Cursor>>,
    /// The last send.
    sends: u32,
    /// Sends that nothing has been heard of.
    unanswered: BTreeSet<u32>,
    actions: usize,
}

impl Page {
    fn takes(&mut self, action: Action<Value>) {
        self.actions += 1;
        assert!(self.actions < 1_000 * STEPS, "it goes in circles");
        match action {
            Action::Open => self.is_opening = true,
            Action::Subscribed { id, cursor } => {
                let before =
                    self.stands.insert(id, Some(cursor)).expect("a subscription").filter(|it| it.epoch == cursor.epoch);
                assert!(before.is_none_or(|before| before.seq <= cursor.seq), "it goes back");
            }
            Action::CaughtUp { id, cursor } => {
                let before = self.stands.insert(id, Some(cursor)).flatten().expect("a subscription that stands");
                assert!(before.epoch == cursor.epoch && before.seq <= cursor.seq, "it goes back");
            }
            Action::Deliver { id, after, cursor, .. } => {
                let before = self.stands.insert(id, Some(cursor)).flatten().expect("a subscription that stands");
                assert!(
                    before.epoch == cursor.epoch && before.seq <= after && after < cursor.seq,
                    "twice, or not in order"
                );
            }
            Action::Event { id, .. } => {
                assert!(self.stands.get(&id).is_some_and(Option::is_some), "an event of nobody's")
            }
            Action::Gap { id, gap } => assert!(self.stands.contains_key(&id) && gap.from <= gap.to.saturating_add(1)),
            Action::Ended { id, .. } => drop(self.stands.remove(&id).expect("a subscription")),
            Action::Stored { send, .. } | Action::Refused { send, .. } => {
                assert!(self.unanswered.remove(&send), "a send is answered once");
            }
            _ => {}
        }
    }
}
