//! What the server's frames mean for the session.

use super::Session;
use crate::outbox::Entry;
use crate::subscription::Verdict;
use crate::{Action, Fault, Frame, Reason};
use micro_chat_wire::op;

impl<B: Clone> Session<B> {
    /// A frame arrived.
    pub fn received(&mut self, frame: Frame<B>, now: u64) {
        if !self.link.is_open() {
            return;
        }
        self.link.heard(now);
        match frame {
            Frame::Welcome { heartbeat, grace } => self.link.welcome(heartbeat.saturating_add(grace), now),
            Frame::Subscribed { handle, epoch, after } => {
                if let Some(subscription) = self.by_handle(handle) {
                    let (id, (cursor, gap)) = (subscription.id, subscription.confirm(epoch, after));
                    self.actions.push_back(Action::Subscribed { id, cursor });
                    self.actions.extend(gap.map(|gap| Action::Gap { id, gap }));
                }
            }
            Frame::Messages { handle, from, to, messages } => self.messages(handle, from, to, messages, now),
            Frame::Live { handle, seq } => {
                if let Some(subscription) = self.by_handle(handle) {
                    // The server vouches that nothing is missing: what it did not send was deleted.
                    subscription.accept(0, seq);
                    let id = subscription.id;
                    if let (true, Some(cursor)) = (subscription.confirmed, subscription.cursor) {
                        self.actions.push_back(Action::CaughtUp { id, cursor });
                    }
                }
            }
            Frame::Event { handle, event } => {
                if let Some(subscription) = self.by_handle(handle).filter(|one| one.confirmed) {
                    let id = subscription.id;
                    self.actions.push_back(Action::Event { id, event });
                }
            }
            Frame::Ack { n, stored } => {
                if let Some(entry) = self.outbox.take(n) {
                    self.actions.push_back(Action::Stored { send: entry.send, stored });
                    self.rest();
                }
            }
            Frame::Error { scope, number, error, retry_after } => {
                let retry_at = retry_after.map(|delay| now.saturating_add(delay));
                self.refused(scope, number, error, retry_at);
            }
            Frame::Other => {}
        }
    }

    /// Messages came for a handle.
    fn messages(&mut self, handle: u32, from: u64, to: u64, messages: B, now: u64) {
        let Some(subscription) = self.by_handle(handle) else { return };
        match subscription.accept(from, to) {
            Verdict::Old => {}
            Verdict::New { after, cursor } => {
                let id = subscription.id;
                self.actions.push_back(Action::Deliver { id, messages, after, cursor });
            }
            Verdict::Hole => {
                subscription.detach();
                self.actions.push_back(Action::Unsubscribe { handle });
                self.transmit(now);
            }
        }
    }

    /// The server refused something, for good or until `retry_at`.
    fn refused(&mut self, scope: u32, number: u32, error: B, retry_at: Option<u64>) {
        match (scope, retry_at) {
            // A close follows, and its code decides.
            (op::SCOPE_CONNECTION, Some(time)) => self.backoff.hold(time),
            (op::SCOPE_CONNECTION, None) => self.refusal = Some(error),
            (op::SCOPE_SUBSCRIPTION, Some(_)) => {
                if let Some(subscription) = self.by_handle(number) {
                    subscription.detach();
                    subscription.retry_at = retry_at;
                }
            }
            (op::SCOPE_SUBSCRIPTION, None) => {
                let Some(at) = self.subscriptions.iter().position(|one| one.handle == number && number != 0) else {
                    return;
                };
                let id = self.subscriptions.remove(at).id;
                self.actions.push_back(Action::Ended { id, reason: Reason::Error(error) });
                // What has been sent is still answered, one by one.
                let is_lost = |entry: &Entry<B>| entry.subscription == id && entry.n == 0;
                self.outbox.fail(&mut self.actions, &Reason::Fault(Fault::Closed), &is_lost);
                self.rest();
            }
            (op::SCOPE_PUBLISH, Some(_)) => {
                if let Some(at) = self.outbox.position(number) {
                    self.outbox.entries[at].n = 0;
                    self.outbox.held_until = self.outbox.held_until.max(retry_at);
                }
            }
            (op::SCOPE_PUBLISH, None) => {
                if let Some(entry) = self.outbox.take(number) {
                    // Where the subscription was refused, so is what was sent to it, whether it is stored or not.
                    let is_known = self.subscriptions.iter().any(|one| one.id == entry.subscription);
                    self.actions.push_back(Action::Refused {
                        send: entry.send,
                        reason: Reason::Error(error),
                        certain: is_known || !entry.doubtful,
                    });
                    self.rest();
                }
            }
            _ => {}
        }
    }
}
