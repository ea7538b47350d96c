//! The client: does what the session decides, and tells it what happens.

use crate::clock::Clock;
use crate::error::{CodedError, of_reason};
use crate::frame::{read, write};
use crate::page::Page;
use crate::socket::Socket;
use crate::timer::Timer;
use micro_chat_session::{Action, Cursor, Gap, Session};
use micro_chat_wire::op;
use std::cell::{Cell, RefCell};
use wasm_bindgen::prelude::*;

/// The connection of one user of one namespace to one server.
///
/// Every method takes `&self`, and no borrow of the session is held while the page's code runs: the page may call any
/// method from within any of its handlers.
#[wasm_bindgen]
pub struct Client {
    /// Decides everything.
    session: RefCell<Session<JsValue>>,
    /// The connection, while there is one.
    socket: Socket,
    /// Where to.
    url: JsValue,
    /// Who speaks: the body of HELLO, as the page gave it with this connection.
    hello: RefCell<JsValue>,
    /// The page was asked to open a socket, and has not yet.
    is_asked: Cell<bool>,
    /// Whom to tell.
    page: Page,
    /// When to look again.
    timer: Timer,
    /// What time it is.
    clock: Clock,
    /// Actions are being taken further up the stack: whoever comes second leaves its own to the first, or messages
    /// would overtake each other.
    running: Cell<bool>,
}

#[wasm_bindgen]
impl Client {
    /// A client that connects to `url` once it is needed, and tells `page`.
    #[wasm_bindgen(constructor)]
    pub fn new(url: JsValue, page: Page) -> Self {
        let seed = (js_sys::Math::random() * f64::from(u32::MAX)) as u32;
        let timer = Timer::new(page.ontimer());
        let session = RefCell::new(Session::new(seed));
        let (socket, clock, running) = (Socket::default(), Clock::default(), Cell::new(false));
        let (hello, is_asked) = (RefCell::default(), Cell::new(false));
        Self { session, socket, url, hello, is_asked, page, timer, clock, running }
    }

    /// Reads a chat, and with `members` who is in it: from behind `after` on, or from now on if that is negative.
    /// Nothing follows before `run` is called: the page first has to know the number that this returns.
    pub fn subscribe(&self, chat_id: JsValue, epoch: f64, after: f64, members: bool) -> u32 {
        let cursor = (after >= 0.0).then_some(Cursor { epoch: epoch as u64, seq: after as u64 });
        let now = self.clock.now();
        self.session.borrow_mut().subscribe(chat_id, cursor, members, now)
    }

    /// Reads it no longer.
    pub fn unsubscribe(&self, id: u32) {
        self.tell(|session, _| session.unsubscribe(id));
    }

    /// Sends a message to the chat of a subscription, one that an earlier page may have sent if it is sent `again`. It
    /// expires in so many milliseconds. `stored` or `refused` will name it as the page does.
    pub fn publish(&self, send: u32, id: u32, message: JsValue, again: bool, expires_in: f64) {
        let publish = if again { Session::recover } else { Session::publish };
        self.tell(|session, now| publish(session, send, id, message, now.saturating_add(expires_in as u64), now));
    }

    /// The page woke up, or the network came back.
    pub fn wake(&self) {
        self.tell(Session::wake);
    }

    /// The network went away.
    pub fn pause(&self) {
        self.tell(|session, _| session.pause());
    }

    /// Opens the socket that the page was asked for, and says `hello` there. Whoever answers too late is not heard.
    pub fn open(&self, hello: JsValue) {
        if self.is_asked.take() {
            *self.hello.borrow_mut() = hello;
            if self.socket.open(&self.url, &self.page).is_err() {
                self.tell(|session, _| session.fail(CodedError::BAD_ADDRESS.into()));
            }
        }
    }

    /// The page has another token: `renewal` says it to the server now, if there is a link. The page has put it into
    /// the hello that it passed, for the next one.
    pub fn renew(&self, renewal: JsValue) {
        self.tell(|session, _| session.renew(renewal));
    }

    /// The page goes away for a while, and others may send what it has not.
    pub fn leave(&self) {
        self.socket.close();
        self.tell(Session::leave);
    }

    /// The socket opened.
    pub fn opened(&self) {
        self.tell(Session::opened);
    }

    /// A frame arrived.
    pub fn received(&self, text: &JsValue) {
        let frame = read(text);
        self.tell(|session, now| session.received(frame, now));
    }

    /// The socket closed.
    pub fn closed(&self, code: u16) {
        self.socket.close();
        self.tell(|session, now| session.closed(code, now));
    }

    /// The timer fired.
    pub fn timeout(&self) {
        self.timer.fired();
        self.tell(Session::timeout);
    }

    /// Takes all actions there are, one after the other.
    pub fn run(&self) {
        if self.running.replace(true) {
            return;
        }
        while let Some(action) = self.next() {
            self.take(action);
        }
        self.running.set(false);
        let deadline = self.session.borrow().deadline();
        self.timer.arm(deadline, &self.clock);
    }
}

impl Client {
    /// Tells the session something, and does what follows.
    fn tell(&self, input: impl FnOnce(&mut Session<JsValue>, u64)) {
        // The page may have a clock of its own.
        let now = self.clock.now();
        input(&mut self.session.borrow_mut(), now);
        self.run();
    }

    /// The next action. The borrow ends here.
    fn next(&self) -> Option<Action<JsValue>> {
        self.session.borrow_mut().poll_action()
    }

    /// Takes one action.
    fn take(&self, action: Action<JsValue>) {
        let page = &self.page;
        match action {
            Action::Open => {
                page.state("connecting", None);
                self.is_asked.set(true);
                page.open();
            }
            Action::Close => {
                self.is_asked.set(false);
                self.socket.close();
            }
            Action::Hello => {
                let hello = self.hello.borrow().clone();
                self.send(op::HELLO, &[&hello]);
            }
            Action::Subscribe { handle, chat, epoch, after, members } => {
                let (epoch, after) = (epoch as f64, after as f64);
                let elements = [&handle.into(), &chat, &epoch.into(), &after.into(), &JsValue::TRUE];
                self.send(op::SUBSCRIBE, &elements[..4 + usize::from(members)]);
            }
            Action::Unsubscribe { handle } => self.send(op::UNSUBSCRIBE, &[&handle.into()]),
            Action::Publish { n, handle, message, expired } => {
                let elements = [&n.into(), &handle.into(), &message, &JsValue::TRUE];
                self.send(op::PUBLISH, &elements[..3 + usize::from(expired)]);
            }
            Action::Probe => self.send(op::PROBE, &[]),
            Action::Renew { renewal } => self.send(op::RENEW, &[&renewal]),
            Action::Waiting { delay } => page.state("waiting", Some(delay as f64)),
            Action::Offline => page.state("offline", None),
            Action::Gap { id, gap: Gap { from, to, restored } } => page.gap(id, from as f64, to as f64, restored),
            Action::CaughtUp { id, cursor } => page.caughtup(id, cursor.seq as f64),
            Action::Subscribed { id, cursor } => page.subscribed(id, cursor.epoch as f64, cursor.seq as f64),
            Action::Deliver { id, messages, after, cursor } => {
                page.deliver(id, messages, after as f64, cursor.epoch as f64, cursor.seq as f64);
            }
            Action::Event { id, event } => page.event(id, event),
            Action::Stored { send, stored } => page.stored(send, stored),
            Action::Refused { send, reason, certain } => page.refused(send, of_reason(reason), certain),
            Action::Ended { id, reason } => page.ended(id, of_reason(reason)),
        }
    }

    /// Sends a frame.
    fn send(&self, op: u32, elements: &[&JsValue]) {
        self.socket.send(&write(op, elements));
    }
}
