//! The state machine.

mod reply;

use crate::backoff::Backoff;
use crate::link::{Link, Phase, Silence};
use crate::outbox::{Entry, Outbox};
use crate::subscription::Subscription;
use crate::{Action, Cursor, Fault, Reason};
use micro_chat_wire::close;
use std::collections::VecDeque;

/// One user's connection to one server, with everything that should outlive any single socket.
///
/// Inputs never block and never call back; what follows from them waits in [`Session::poll_action`]. Times are
/// milliseconds of any clock that does not go back. Take all actions, then set one timer for [`Session::deadline`].
pub struct Session<B> {
    /// The connection.
    link: Link,
    /// When to come back after it broke.
    backoff: Backoff,
    /// There is no network: waiting ends with [`Session::wake`], not by time.
    paused: bool,
    /// What the server refused the connection with, before it closed it.
    refusal: Option<B>,
    /// What the application reads.
    subscriptions: Vec<Subscription<B>>,
    /// What the application sent.
    outbox: Outbox<B>,
    /// What the shell has not yet taken.
    actions: VecDeque<Action<B>>,
    /// The last number given out. Subscriptions, handles and PUBLISHes all draw from it, so none is used twice.
    last: u32,
}

impl<B: Clone> Session<B> {
    /// A session that needs no connection yet. `seed` should be random: it spreads reconnects.
    pub fn new(seed: u32) -> Self {
        Self {
            link: Link::new(),
            backoff: Backoff::new(seed),
            paused: false,
            refusal: None,
            subscriptions: Vec::new(),
            outbox: Outbox::new(),
            actions: VecDeque::new(),
            last: 0,
        }
    }

    /// What the shell is to do next.
    pub fn poll_action(&mut self) -> Option<Action<B>> {
        self.actions.pop_front()
    }

    /// When to call [`Session::timeout`], if nothing else happens before.
    pub fn deadline(&self) -> Option<u64> {
        let link = match self.link.phase {
            Phase::Idle | Phase::Over => None,
            Phase::Waiting if self.paused => None,
            Phase::Waiting | Phase::Opening => Some(self.link.until),
            Phase::Greeting | Phase::Live => {
                let retries = self.subscriptions.iter().filter_map(|subscription| subscription.retry_at);
                retries.chain(self.outbox.held_until).chain([self.link.until]).min()
            }
        };
        link.into_iter().chain(self.outbox.expiry()).min()
    }

    /// Whether nothing is subscribed and nothing waits: dropping the session loses nothing.
    pub fn is_idle(&self) -> bool {
        matches!(self.link.phase, Phase::Idle | Phase::Over)
    }

    // What the application wants.

    /// Reads `chat` from a cursor on, or from now on, and with `members` who is in it. Returns what names the
    /// subscription.
    pub fn subscribe(&mut self, chat: B, after: Option<Cursor>, members: bool, now: u64) -> u32 {
        let id = self.number();
        if self.link.phase == Phase::Over {
            self.actions.push_back(Action::Ended { id, reason: Reason::Fault(Fault::Closed) });
            return id;
        }
        let subscription =
            Subscription { id, handle: 0, chat, members, cursor: after, confirmed: false, retry_at: None };
        self.subscriptions.push(subscription);
        if self.link.phase == Phase::Idle {
            self.connect(now);
        }
        self.transmit(now);
        id
    }

    /// Reads the chat of a subscription from another place on, or from now on, and with `members` who is in it. What
    /// was sent to it waits for its ack all the same.
    pub fn seek(&mut self, id: u32, after: Option<Cursor>, members: bool, now: u64) {
        let Some(subscription) = self.subscriptions.iter_mut().find(|one| one.id == id) else { return };
        let handle = subscription.handle;
        if handle != 0 {
            subscription.detach();
            self.actions.push_back(Action::Unsubscribe { handle });
        }
        (subscription.cursor, subscription.members) = (after, members);
        self.transmit(now);
    }

    /// Reads a chat no longer. What was sent to it and has no ack yet fails: nobody is left to be told.
    pub fn unsubscribe(&mut self, id: u32) {
        let Some(at) = self.subscriptions.iter().position(|subscription| subscription.id == id) else { return };
        let subscription = self.subscriptions.remove(at);
        if subscription.handle != 0 {
            self.actions.push_back(Action::Unsubscribe { handle: subscription.handle });
        }
        self.outbox.fail(&mut self.actions, &Reason::Fault(Fault::Closed), &|entry| entry.subscription == id);
        self.rest();
    }

    /// Sends `message` to the chat of a subscription: now, or as soon as there is a connection, and again on each new
    /// one until the server has answered. `send` is any number that names no other send: one [`Action::Stored`] or
    /// [`Action::Refused`] of that name follows, whatever happens.
    ///
    /// From `expires_at` on it is not to be stored any more. If it was never transmitted it then fails here; otherwise
    /// the server decides: it has it, or refuses it for good.
    pub fn publish(&mut self, send: u32, subscription: u32, message: B, expires_at: u64, now: u64) {
        let entry = Entry { send, subscription, n: 0, transmitted: false, doubtful: false, expires_at, message };
        self.enter(entry, now);
    }

    /// Like [`Session::publish`], for a message that an earlier session may have transmitted: only the server can
    /// refuse it for good.
    pub fn recover(&mut self, send: u32, subscription: u32, message: B, expires_at: u64, now: u64) {
        let entry = Entry { send, subscription, n: 0, transmitted: true, doubtful: true, expires_at, message };
        self.enter(entry, now);
    }

    /// Puts a message into the outbox.
    fn enter(&mut self, entry: Entry<B>, now: u64) {
        if !self.subscriptions.iter().any(|one| one.id == entry.subscription) {
            self.actions.push_back(entry.refused(Reason::Fault(Fault::Closed)));
        } else if self.outbox.is_full() {
            self.actions.push_back(entry.refused(Reason::Fault(Fault::OutboxFull)));
        } else {
            self.outbox.entries.push(entry);
            self.transmit(now);
        }
    }

    /// The application has another token: tells the server on the link that stands. Before there is one, and after it
    /// broke, the shell's hello says it.
    pub fn renew(&mut self, renewal: B) {
        if self.link.is_open() {
            self.actions.push_back(Action::Renew { renewal });
        }
    }

    // What happens to the shell.

    /// The socket is open.
    pub fn opened(&mut self, now: u64) {
        if self.link.phase != Phase::Opening {
            return;
        }
        self.link.phase = Phase::Greeting;
        self.actions.push_back(Action::Hello);
        // Saves a round trip: the server reads these after the hello.
        self.transmit(now);
    }

    /// The socket closed, failed to open, or could not be made, with the WebSocket's close code.
    pub fn closed(&mut self, code: u16, now: u64) {
        if !matches!(self.link.phase, Phase::Opening | Phase::Greeting | Phase::Live) {
            return;
        }
        if close::may_return(code) {
            self.lose(code == close::RESUME, now);
        } else {
            let reason = self.refusal.take().map_or(Reason::Fault(Fault::Dismissed), Reason::Error);
            self.end(&reason);
        }
    }

    /// Time passed. Handle frames that have already arrived first: they may prove the link alive.
    pub fn timeout(&mut self, now: u64) {
        self.expire(now);
        match self.link.phase {
            Phase::Idle | Phase::Over => {}
            Phase::Waiting => {
                if !self.paused && now >= self.link.until {
                    self.connect(now);
                }
            }
            Phase::Opening | Phase::Greeting | Phase::Live => match self.link.silence(now) {
                Silence::Bearable => self.retry(now),
                Silence::Doubtful if self.link.phase == Phase::Live => self.actions.push_back(Action::Probe),
                Silence::Doubtful => {}
                Silence::Dead => {
                    self.actions.push_back(Action::Close);
                    self.lose(false, now);
                }
            },
        }
    }

    /// The page became visible, the network came back: find out at once whether the link lives, or make one.
    pub fn wake(&mut self, now: u64) {
        let was_paused = std::mem::take(&mut self.paused);
        if self.link.phase == Phase::Waiting {
            self.link.until = self.backoff.earliest(now);
            self.timeout(now);
            if was_paused {
                self.tell_waiting(now);
            }
        } else if self.link.doubt(now) {
            self.actions.push_back(Action::Probe);
        }
    }

    /// There is no network: what stands is left alone, and nothing new is tried before [`Session::wake`].
    pub fn pause(&mut self) {
        if !std::mem::replace(&mut self.paused, true) {
            self.tell_waiting(0);
        }
    }

    /// The application goes away for a while, without its socket, and somebody else may send what waits here meanwhile.
    /// It comes back with [`Session::wake`].
    pub fn leave(&mut self, now: u64) {
        self.outbox.share();
        self.pause();
        self.closed(close::BROKEN, now);
    }

    /// The shell can't go on: ends everything with `error`.
    pub fn fail(&mut self, error: B) {
        if self.link.phase != Phase::Over {
            self.actions.push_back(Action::Close);
            self.end(&Reason::Error(error));
        }
    }

    // What follows from it.

    /// Takes up what the server had put off until now.
    fn retry(&mut self, now: u64) {
        let is_due = |time: &mut u64| *time <= now;
        for subscription in &mut self.subscriptions {
            subscription.retry_at.take_if(is_due);
        }
        self.outbox.held_until.take_if(is_due);
        self.transmit(now);
    }

    /// Fails what is too old and was never transmitted.
    fn expire(&mut self, now: u64) {
        if self.outbox.expiry().is_some_and(|at| at <= now) {
            let is_lost = |entry: &Entry<B>| !entry.transmitted && entry.expires_at <= now;
            self.outbox.fail(&mut self.actions, &Reason::Fault(Fault::Expired), &is_lost);
            self.rest();
        }
    }

    /// Sends all that has not been sent on this socket, in order.
    fn transmit(&mut self, now: u64) {
        self.expire(now);
        if !self.link.is_open() {
            return;
        }
        let (last, actions) = (&mut self.last, &mut self.actions);
        for subscription in &mut self.subscriptions {
            if subscription.handle == 0 && subscription.retry_at.is_none() {
                let (epoch, after) = subscription.resume();
                subscription.handle = next(last);
                let (handle, chat) = (subscription.handle, subscription.chat.clone());
                let members = subscription.members;
                actions.push_back(Action::Subscribe { handle, chat, epoch, after, members });
            }
        }
        if self.outbox.held_until.is_some() {
            return;
        }
        for entry in &mut self.outbox.entries {
            let subscription = self.subscriptions.iter().find(|one| one.id == entry.subscription && one.handle != 0);
            if let (0, Some(subscription)) = (entry.n, subscription) {
                entry.n = next(last);
                entry.transmitted = true;
                let (handle, message, expired) = (subscription.handle, entry.message.clone(), entry.expires_at <= now);
                actions.push_back(Action::Publish { n: entry.n, handle, message, expired });
            }
        }
    }

    /// Opens a socket.
    fn connect(&mut self, now: u64) {
        self.link.open(now);
        self.actions.push_back(Action::Open);
    }

    /// The socket is gone: comes back at once or later, if there is something to come back for.
    fn lose(&mut self, at_once: bool, now: u64) {
        let was_steady = self.link.was_steady(now);
        if was_steady {
            self.backoff.reset();
        }
        let delay = if at_once || was_steady { 0 } else { self.backoff.next() };
        self.link.phase = Phase::Waiting;
        self.link.until = self.backoff.earliest(now.saturating_add(delay));
        self.refusal = None;
        self.subscriptions.iter_mut().for_each(Subscription::detach);
        self.outbox.detach();
        // What is left of a subscription that ended has no handle to be sent to again.
        let is_lost = |entry: &Entry<B>| !self.subscriptions.iter().any(|one| one.id == entry.subscription);
        self.outbox.fail(&mut self.actions, &Reason::Fault(Fault::Closed), &is_lost);
        if !self.rest() {
            self.timeout(now);
            self.tell_waiting(now);
        }
    }

    /// Tells what the next try waits for, if it waits.
    fn tell_waiting(&mut self, now: u64) {
        if self.link.phase == Phase::Waiting {
            let delay = self.link.until.saturating_sub(now);
            self.actions.push_back(if self.paused { Action::Offline } else { Action::Waiting { delay } });
        }
    }

    /// Lets go of the connection once nobody needs it; true if so.
    fn rest(&mut self) -> bool {
        let rests = self.subscriptions.is_empty() && self.outbox.entries.is_empty();
        if rests && !self.is_idle() {
            if self.link.phase != Phase::Waiting {
                self.actions.push_back(Action::Close);
            }
            self.link.phase = Phase::Idle;
        }
        rests
    }

    /// Nothing more will happen: tells everybody.
    fn end(&mut self, reason: &Reason<B>) {
        self.link.phase = Phase::Over;
        self.outbox.fail(&mut self.actions, reason, &|_| true);
        for subscription in self.subscriptions.drain(..) {
            self.actions.push_back(Action::Ended { id: subscription.id, reason: reason.clone() });
        }
    }

    /// The subscription that `handle` names on this socket.
    fn by_handle(&mut self, handle: u32) -> Option<&mut Subscription<B>> {
        self.subscriptions.iter_mut().find(|one| one.handle == handle && handle != 0)
    }

    /// A number that was not used before.
    fn number(&mut self) -> u32 {
        next(&mut self.last)
    }
}

/// The number after `last`: positive and below 2³¹, as handles have to be.
fn next(last: &mut u32) -> u32 {
    *last = (*last % 0x7fff_ffff) + 1;
    *last
}
