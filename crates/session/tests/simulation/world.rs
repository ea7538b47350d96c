//! The world: time, links, clients, the server, and what goes wrong.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use fastrand::Rng;
use micro_chat_session::{Action, Cursor, Frame};
use micro_chat_wire::close;

use crate::client::{Client, Fate, Reading, Sending};
use crate::law::Law;
use crate::network::{Link, LinkId, Way};
use crate::server::{Body, Entry, Reply, Request, Server};

const CLIENTS: usize = 3;
const CHATS: usize = 2;

/// Who may come and go in a chat.
const USERS: u32 = 6;

/// How long everything may take to settle once nothing goes wrong any more, in milliseconds.
const SETTLING: u64 = 10 * 60 * 1_000;

/// Something that happens at its time.
#[derive(Debug)]
enum Event {
    /// A link opens.
    Opened(LinkId),
    /// The client learns that its link is gone.
    Closed(LinkId, u16),
    /// The server learns that a link is gone.
    Lost(LinkId),
    ToServer(LinkId, Request),
    ToClient(LinkId, Frame<Body>),
    /// The server, of that incarnation, commits.
    Commit(u32),
    /// The server sends what is new.
    Publish(u32),
    Heartbeat,
    /// The server starts again.
    Restart,
}

/// Everything.
pub struct World {
    law: Law,
    rng: Rng,
    now: u64,
    server: Server,
    /// How often the server has died: what it had planned is void then.
    incarnation: u32,
    clients: Vec<Client>,
    links: Vec<Link>,
    /// Times, in order; what happens at them is in `events`.
    agenda: BinaryHeap<Reverse<(u64, usize)>>,
    events: BTreeMap<usize, Event>,
    last_event: usize,
    last_client_id: u64,
    /// Nothing goes wrong any more.
    is_calm: bool,
}

impl World {
    pub fn new(seed: u64, law: Law) -> Self {
        let mut rng = Rng::with_seed(seed);
        let clients = (0..CLIENTS).map(|_| Client::new(rng.u32(..))).collect();
        Self {
            law,
            rng,
            now: 0,
            server: Server::new(law, CHATS),
            incarnation: 0,
            clients,
            links: Vec::new(),
            agenda: BinaryHeap::new(),
            events: BTreeMap::new(),
            last_event: 0,
            last_client_id: 0,
            is_calm: false,
        }
    }

    /// Lets so many things happen, then lets all settle; says what broke.
    pub fn run(mut self, events: usize) -> Result<(), String> {
        self.at(25_000, Event::Heartbeat);
        for client in 0..CLIENTS {
            for chat in 0..CHATS {
                let start = [None, Some(Cursor { epoch: 0, seq: 0 })][self.rng.usize(..2)];
                self.subscribe(client, chat, start)?;
            }
        }
        for _ in 0..events {
            self.mischief()?;
            let until = self.now + self.rng.u64(..1_500) * self.rng.u64(..3);
            self.pass(until)?;
        }
        self.is_calm = true;
        self.server.is_up = true;
        for client in 0..CLIENTS {
            let now = self.now;
            self.clients[client].session.wake(now);
            self.act(client)?;
        }
        let end = self.now + SETTLING;
        while !self.clients.iter().all(|client| client.is_settled(&self.server.lasts(), &self.server.members)) {
            if self.now >= end {
                let what = self.judge_members().err().unwrap_or_default();
                return Err(format!("not settled ten minutes after the last fault: {what}"));
            }
            self.pass(self.now + 1_000)?;
        }
        self.judge()
    }

    /// One thing that an application does, or that goes wrong.
    fn mischief(&mut self) -> Result<(), String> {
        let client = self.rng.usize(..CLIENTS);
        let link = self.clients[client].link;
        match (self.rng.u32(..100), link) {
            (0..50, _) => {
                for _ in 0..self.rng.u32(1..4) {
                    self.send(client)?;
                }
            }
            // The link breaks, and both ends learn of it, sooner or later.
            (50..62, Some(link)) => self.cut(link, 1006),
            // It breaks, and the client never learns: only silence tells.
            (62..66, Some(link)) => self.lose(link),
            (66..74, Some(link)) => {
                let until = self.now + self.rng.u64(..40_000);
                self.links[link].stall(until);
            }
            (74..80, Some(link)) => {
                let which = self.rng.usize(..8);
                let again = self.server.double(link, which);
                self.reply(again);
                let messages = self.rng.u64(..5);
                self.server.overlap(link, messages);
            }
            // The server cuts off who falls behind.
            (80..84, Some(link)) => self.cut(link, close::RESUME),
            (84..88, _) if self.server.is_up => self.kill(),
            (88..90, _) => {
                let (chat, messages) = (self.rng.usize(..CHATS), self.rng.u64(..4));
                self.server.retire(chat, messages);
            }
            (90..92, _) => self.clients[client].session.pause(),
            (92..94, _) if self.server.is_up => {
                for _ in 0..self.rng.u32(1..4) {
                    let (chat, user) = (self.rng.usize(..CHATS), self.rng.u32(..USERS));
                    let events = self.server.turn(chat, user);
                    self.reply(events);
                }
            }
            (94..97, _) => {
                let now = self.now;
                self.clients[client].session.wake(now);
                self.act(client)?;
            }
            // The machine sleeps: its timer fires late.
            (97..100, _) => {
                let late = self.now + self.rng.u64(..120_000);
                if let Some(timer) = &mut self.clients[client].timer {
                    *timer = (*timer).max(late);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn subscribe(&mut self, client: usize, chat: usize, start: Option<Cursor>) -> Result<(), String> {
        let reading = Reading {
            chat,
            start: start.map(|cursor| cursor.seq),
            seen: Vec::new(),
            missing: 0,
            caught_up: false,
            cursor: None,
            members: self.rng.bool().then(BTreeSet::new),
            is_listing: false,
        };
        let (now, members) = (self.now, reading.members.is_some());
        let id = self.clients[client].session.subscribe(Body::Chat(chat), start, members, now);
        self.clients[client].readings.insert(id, reading);
        self.act(client)
    }

    fn send(&mut self, client: usize) -> Result<(), String> {
        self.last_client_id += 1;
        let client_id = self.last_client_id;
        let offends = self.rng.u32(..20) == 0;
        let one = &mut self.clients[client];
        let Some((id, chat)) =
            one.readings.iter().nth(self.rng.usize(..CHATS)).map(|(id, reading)| (*id, reading.chat))
        else {
            return Err("a client without chats".to_owned());
        };
        let message = Body::Message { client_id, offends };
        let expires_at = if self.rng.bool() { u64::MAX } else { self.now + self.rng.u64(..20_000) };
        let told = if self.law == Law::Impatient { u64::MAX } else { expires_at };
        let send = u32::try_from(one.sendings.len()).expect("not as many sends");
        one.sendings.insert(send, Sending { chat, client_id, expires_at, fate: Fate::Pending });
        one.session.publish(send, id, message, told, self.now);
        self.act(client)
    }

    /// Does what a client's engine wants.
    fn act(&mut self, client: usize) -> Result<(), String> {
        while let Some(action) = self.clients[client].session.poll_action() {
            if self.clients[client].note(&action, self.law)? {
                continue;
            }
            let request = match action {
                Action::Open => {
                    self.open(client);
                    continue;
                }
                Action::Close => {
                    if let Some(link) = self.clients[client].link.take() {
                        self.links[link].at_client = false;
                        let delay = self.delay();
                        self.at(delay, Event::Lost(link));
                    }
                    continue;
                }
                Action::Hello => Request::Hello,
                Action::Subscribe { handle, chat: Body::Chat(chat), after, members, .. } => {
                    Request::Subscribe { handle, chat, after, members }
                }
                Action::Unsubscribe { handle } => Request::Unsubscribe { handle },
                Action::Publish { n, handle, message: Body::Message { client_id, offends }, expired } => {
                    let sent = self.clients[client].sendings.values().find(|sending| sending.client_id == client_id);
                    // One that goes out at once is not in the list yet.
                    if sent.is_some_and(|sending| expired != (self.now >= sending.expires_at)) {
                        return Err(format!("client_id {client_id} went out too late, or was given up too early"));
                    }
                    Request::Publish { n, handle, client_id, offends, expired }
                }
                Action::Probe => Request::Probe,
                other => return Err(format!("a body was mixed up: {other:?}")),
            };
            let link = self.clients[client].link.ok_or("a frame without a socket")?;
            self.travel(link, Way::ToServer, Event::ToServer(link, request));
        }
        let deadline = self.clients[client].session.deadline();
        self.clients[client].timer = deadline.filter(|_| self.law != Law::NoTimer);
        Ok(())
    }

    fn open(&mut self, client: usize) {
        let link = self.links.len();
        self.links.push(Link::new(client, self.now));
        self.clients[client].link = Some(link);
        let delay = self.delay();
        let event = if self.server.is_up { Event::Opened(link) } else { Event::Closed(link, 1006) };
        self.at(delay, event);
    }

    /// Breaks a link; both ends learn of it, each in its time.
    fn cut(&mut self, link: LinkId, code: u16) {
        self.lose(link);
        // What was under way to the client may still arrive before it learns.
        self.travel(link, Way::ToClient, Event::Closed(link, code));
    }

    /// Breaks a link at the server's end.
    fn lose(&mut self, link: LinkId) {
        // What was under way to the server may still arrive there: then it is stored, and nobody hears of it.
        if self.rng.bool() {
            self.links[link].at_server = false;
        }
        let delay = self.delay();
        self.at(delay, Event::Lost(link));
    }

    fn kill(&mut self) {
        self.server.kill();
        self.incarnation += 1;
        for link in 0..self.links.len() {
            if self.links[link].at_client {
                self.cut(link, 1006);
            }
            self.links[link].at_server = false;
        }
        let delay = self.rng.u64(..5_000);
        self.at(delay, Event::Restart);
    }

    /// How long something takes.
    fn delay(&mut self) -> u64 {
        if self.rng.u32(..10) == 0 && !self.is_calm { self.rng.u64(..3_000) } else { self.rng.u64(1..60) }
    }

    fn at(&mut self, delay: u64, event: Event) {
        self.plan(self.now + delay, event);
    }

    fn plan(&mut self, time: u64, event: Event) {
        self.last_event += 1;
        self.agenda.push(Reverse((time, self.last_event)));
        self.events.insert(self.last_event, event);
    }

    fn travel(&mut self, link: LinkId, way: Way, event: Event) {
        let delay = self.delay();
        let time = self.links[link].arrival(way, self.now, delay);
        self.plan(time, event);
    }

    fn reply(&mut self, replies: impl IntoIterator<Item = Reply>) {
        for (link, frame) in replies {
            self.travel(link, Way::ToClient, Event::ToClient(link, frame));
        }
    }

    /// Lets time pass until then.
    fn pass(&mut self, until: u64) -> Result<(), String> {
        loop {
            let event = self.agenda.peek().map(|Reverse((time, _))| *time);
            let timer = (0..CLIENTS).filter_map(|client| Some((self.clients[client].timer?, client))).min();
            match (event, timer) {
                // At the same time, what has arrived is handled before a timer is believed.
                (Some(time), timer) if time <= until && timer.is_none_or(|(timer, _)| time <= timer) => {
                    self.now = self.now.max(time);
                    let next = self.agenda.pop().and_then(|Reverse((_, event))| self.events.remove(&event));
                    if let Some(event) = next {
                        self.happen(event)?;
                    }
                }
                (_, Some((time, client))) if time <= until => {
                    self.now = self.now.max(time);
                    let now = self.now;
                    self.clients[client].session.timeout(now);
                    self.act(client)?;
                }
                _ => {
                    self.now = until;
                    return Ok(());
                }
            }
        }
    }

    fn happen(&mut self, event: Event) -> Result<(), String> {
        let now = self.now;
        match event {
            Event::Opened(link) => {
                let client = self.links[link].client;
                if !self.server.is_up {
                    return self.happen(Event::Closed(link, 1006));
                }
                if self.links[link].at_client {
                    self.links[link].at_server = true;
                    self.server.accept(link, client);
                    self.clients[client].session.opened(now);
                    return self.act(client);
                }
            }
            Event::Closed(link, code) => {
                let client = self.links[link].client;
                if std::mem::replace(&mut self.links[link].at_client, false) {
                    self.clients[client].link = None;
                    self.clients[client].session.closed(code, now);
                    return self.act(client);
                }
            }
            Event::Lost(link) => {
                self.links[link].at_server = false;
                self.server.forget(link);
            }
            Event::ToServer(link, request) => {
                if self.links[link].at_server && self.server.is_up {
                    let publishes = matches!(request, Request::Publish { .. });
                    let page = self.rng.u64(1..50);
                    let replies = self.server.receive(link, request, page);
                    self.reply(replies);
                    if publishes {
                        let delay = self.rng.u64(..20);
                        self.at(delay, Event::Commit(self.incarnation));
                    }
                }
            }
            Event::ToClient(link, frame) => {
                if self.links[link].at_client {
                    let client = self.links[link].client;
                    self.clients[client].session.received(frame, now);
                    return self.act(client);
                }
            }
            Event::Commit(incarnation) if incarnation == self.incarnation && self.server.is_up => {
                // Messages and acks may come in either order.
                let acks = self.server.commit();
                if self.rng.bool() {
                    self.reply(acks);
                    if self.rng.u8(..32) == 0 {
                        // All there is, before everybody has it.
                        self.server.retire(self.rng.usize(..CHATS), u64::MAX);
                    }
                    let delay = self.rng.u64(..20);
                    self.at(delay, Event::Publish(incarnation));
                } else {
                    let page = self.rng.u64(1..50);
                    let batches = self.server.publish(page);
                    self.reply(batches);
                    self.reply(acks);
                }
            }
            Event::Publish(incarnation) if incarnation == self.incarnation && self.server.is_up => {
                let page = self.rng.u64(1..50);
                let batches = self.server.publish(page);
                self.reply(batches);
            }
            Event::Commit(_) | Event::Publish(_) => {}
            Event::Heartbeat => {
                let beats = self.server.heartbeat();
                self.reply(beats);
                self.at(25_000, Event::Heartbeat);
            }
            Event::Restart => self.server.is_up = true,
        }
        Ok(())
    }

    /// Whoever asked knows who is there.
    fn judge_members(&self) -> Result<(), String> {
        for (number, client) in self.clients.iter().enumerate() {
            if let Some(reading) =
                client.readings.values().find(|reading| !reading.knows(&self.server.members[reading.chat]))
            {
                let (known, there) = (&reading.members, &self.server.members[reading.chat]);
                return Err(format!(
                    "client {number} knows other members of chat {}: {known:?}, not {there:?}",
                    reading.chat
                ));
            }
        }
        Ok(())
    }

    /// Holds what happened against what was promised.
    fn judge(&self) -> Result<(), String> {
        for (chat, log) in self.server.logs.iter().enumerate() {
            for (at, entry) in log.iter().enumerate() {
                if log[..at].contains(entry) {
                    return Err(format!("client_id {} was stored twice", entry.client_id));
                }
            }
            for (number, client) in self.clients.iter().enumerate() {
                for sending in client.sendings.values().filter(|sending| sending.chat == chat) {
                    judge_sending(sending, log, number)?;
                }
                let own: Vec<_> =
                    log.iter().filter(|entry| entry.client == number).map(|entry| entry.client_id).collect();
                if !own.is_sorted() {
                    return Err(format!("client {number}'s messages are out of their order in chat {chat}"));
                }
                for reading in client.readings.values().filter(|reading| reading.chat == chat) {
                    judge_reading(reading, log.len() as u64, self.server.removed[chat])?;
                }
            }
        }
        Ok(())
    }
}

fn judge_sending(sending: &Sending, log: &[Entry], client: usize) -> Result<(), String> {
    let entry = Entry { client, client_id: sending.client_id };
    let place = log.iter().position(|one| *one == entry).map(|at| at as u64 + 1);
    match (sending.fate, place) {
        (Fate::Stored(seq), Some(place)) if seq == place => Ok(()),
        (Fate::Refused, None) => Ok(()),
        (Fate::Refused, Some(_)) => Err(format!("client_id {} was refused and stored", sending.client_id)),
        (Fate::Pending, _) => Err(format!("client_id {} is not settled", sending.client_id)),
        (Fate::Stored(_), _) => {
            Err(format!("client_id {} was acknowledged and not stored there: {place:?}", sending.client_id))
        }
    }
}

fn judge_reading(reading: &Reading, last: u64, removed: u64) -> Result<(), String> {
    if reading.missing > removed {
        return Err(format!("seq {} was told to be missing, and was never removed", reading.missing));
    }
    let start = reading.start.ok_or("never subscribed")?;
    if let Some(pair) = reading.seen.windows(2).find(|pair| pair[1] <= pair[0]) {
        return Err(format!("seq {} came behind {}: again or out of order", pair[1], pair[0]));
    }
    let expected: Vec<u64> = (start + 1..=last).collect();
    if reading.seen != expected {
        let first = expected.iter().find(|seq| !reading.seen.contains(seq));
        return Err(format!("seq {first:?} is missing between {start} and {last}"));
    }
    Ok(())
}
