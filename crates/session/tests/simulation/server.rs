//! The model server: what docs/protocol.md promises, and no more. What is committed outlives it; what is not, doesn't.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use micro_chat_session::Frame;
use micro_chat_wire::op;

use crate::law::Law;
use crate::network::LinkId;

/// A body, as far as this world looks into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A chat's name.
    Chat(usize),
    /// A message to store. One that `offends` is refused.
    Message { client_id: u64, offends: bool },
    /// The `seq`s of a batch.
    Messages(Vec<u64>),
    /// An ack's place.
    Stored(u64),
    /// Who is in a chat, and whether more of them follow.
    Members(Vec<u32>, bool),
    /// Somebody came in, or went.
    Change(u32, bool),
    /// An error.
    Error,
}

/// A frame from a client.
#[derive(Clone, Debug)]
pub enum Request {
    Hello,
    Subscribe { handle: u32, chat: usize, after: i64, members: bool },
    Unsubscribe { handle: u32 },
    Publish { n: u32, handle: u32, client_id: u64, offends: bool, expired: bool },
    Probe,
}

/// A stored message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub client: usize,
    pub client_id: u64,
}

/// One subscription: the chat, and how far it was sent.
#[derive(Debug)]
struct Subscription {
    chat: usize,
    cursor: u64,
    /// Whether it hears of members.
    members: bool,
}

/// What a connection has.
#[derive(Debug)]
struct Connection {
    client: usize,
    subscriptions: BTreeMap<u32, Subscription>,
    /// Batches that were sent, for sending one again.
    sent: VecDeque<Frame<Body>>,
    /// How far the next batch reaches back into what was sent.
    overlap: u64,
}

/// A message that waits for its commit.
#[derive(Debug)]
struct Uncommitted {
    link: LinkId,
    n: u32,
    chat: usize,
    entry: Entry,
    offends: bool,
    expired: bool,
}

/// The server.
pub struct Server {
    law: Law,
    /// Whether it runs.
    pub is_up: bool,
    /// What is on disk: each chat's messages, `seq` 1 first.
    pub logs: Vec<Vec<Entry>>,
    /// What it refused for being late, with its chat: that is on disk, too.
    expired: BTreeSet<(usize, Entry)>,
    /// How many of each chat's messages, from the first on, retention has removed.
    pub removed: Vec<u64>,
    /// Who is in each chat: on disk, too.
    pub members: Vec<BTreeSet<u32>>,
    /// What last changed of that.
    changes: Vec<Option<Body>>,
    connections: BTreeMap<LinkId, Connection>,
    /// In the order in which it came.
    queue: VecDeque<Uncommitted>,
}

/// A frame for a connection.
pub type Reply = (LinkId, Frame<Body>);

impl Server {
    pub fn new(law: Law, chats: usize) -> Self {
        let logs = vec![Vec::new(); chats];
        let removed = vec![0; chats];
        let (members, changes) = (vec![BTreeSet::new(); chats], vec![None; chats]);
        let (expired, connections, queue) = (BTreeSet::new(), BTreeMap::new(), VecDeque::new());
        Self { law, is_up: true, logs, expired, removed, members, changes, connections, queue }
    }

    /// Each chat's last `seq`.
    pub fn lasts(&self) -> Vec<u64> {
        self.logs.iter().map(|log| log.len() as u64).collect()
    }

    /// Dies: everything is gone but what was committed.
    pub fn kill(&mut self) {
        self.is_up = false;
        self.connections.clear();
        self.queue.clear();
    }

    pub fn accept(&mut self, link: LinkId, client: usize) {
        self.connections
            .insert(link, Connection { client, subscriptions: BTreeMap::new(), sent: VecDeque::new(), overlap: 0 });
    }

    /// What a connection had in line for a commit is committed all the same.
    pub fn forget(&mut self, link: LinkId) {
        self.connections.remove(&link);
    }

    /// A frame came.
    pub fn receive(&mut self, link: LinkId, request: Request, page: u64) -> Vec<Reply> {
        let law = self.law;
        let Some(connection) = self.connections.get_mut(&link) else { return Vec::new() };
        match request {
            Request::Hello => vec![(link, Frame::Welcome { heartbeat: 25_000, grace: 10_000 })],
            Request::Subscribe { handle, chat, after, members } => {
                let last = self.logs[chat].len() as u64;
                let cursor = match u64::try_from(after) {
                    Ok(after) if law != Law::NoResume => after.clamp(self.removed[chat], last),
                    _ => last,
                };
                connection.subscriptions.insert(handle, Subscription { chat, cursor, members });
                let mut replies = vec![(link, Frame::Subscribed { handle, epoch: 1, after: cursor })];
                // A replay comes in pages.
                while let Some(batch) = connection.batch(handle, last, self.removed[chat], page) {
                    replies.push((link, batch));
                }
                replies.push((link, Frame::Live { handle, seq: last }));
                if members && law != Law::NoMembers {
                    // In two parts, and behind them what the second of them may know already.
                    let all: Vec<u32> = self.members[chat].iter().copied().collect();
                    let (some, others) = all.split_at(all.len() / 2);
                    let parts = [Body::Members(some.to_vec(), true), Body::Members(others.to_vec(), false)];
                    let events = parts.into_iter().chain(self.changes[chat].clone());
                    replies.extend(events.map(|event| (link, Frame::Event { handle, event })));
                }
                replies
            }
            Request::Unsubscribe { handle } => {
                connection.subscriptions.remove(&handle);
                Vec::new()
            }
            Request::Publish { n, handle, client_id, offends, expired } => {
                let Some(subscription) = connection.subscriptions.get(&handle) else { return Vec::new() };
                let entry = Entry { client: connection.client, client_id };
                let chat = subscription.chat;
                self.queue.push_back(Uncommitted { link, n, chat, entry, offends, expired });
                if law == Law::AckBeforeCommit {
                    let seq = self.logs[chat].len() as u64 + 1;
                    return vec![(link, Frame::Ack { n, stored: Body::Stored(seq) })];
                }
                Vec::new()
            }
            Request::Probe => vec![(link, Frame::Other)],
        }
    }

    /// Commits all that waits, and acknowledges it.
    pub fn commit(&mut self) -> Vec<Reply> {
        let mut replies = Vec::new();
        for Uncommitted { link, n, chat, entry, offends, expired } in std::mem::take(&mut self.queue) {
            let log = &mut self.logs[chat];
            let known = log.iter().position(|one| *one == entry).filter(|_| self.law != Law::NoDedupe);
            if expired && known.is_none() && self.law != Law::ForgetExpired {
                self.expired.insert((chat, entry));
            }
            let late = known.is_none() && (expired || self.expired.contains(&(chat, entry)));
            let seq = match known {
                Some(at) => at as u64 + 1,
                None if late || (offends && self.law != Law::StoreRefused) => 0,
                None => {
                    log.push(entry);
                    log.len() as u64
                }
            };
            let answer = if offends || late {
                Frame::Error { scope: op::SCOPE_PUBLISH, number: n, error: Body::Error, retry_after: None }
            } else {
                Frame::Ack { n, stored: Body::Stored(seq) }
            };
            if self.law != Law::AckBeforeCommit || offends || late {
                replies.push((link, answer));
            }
        }
        replies.retain(|(link, _)| self.connections.contains_key(link));
        replies
    }

    /// Sends every subscriber what it has not been sent.
    pub fn publish(&mut self, page: u64) -> Vec<Reply> {
        let mut replies = Vec::new();
        let lasts = self.lasts();
        for (link, connection) in &mut self.connections {
            for handle in connection.subscriptions.keys().copied().collect::<Vec<_>>() {
                let chat = connection.subscriptions[&handle].chat;
                let (last, removed) = (lasts[chat], self.removed[chat]);
                let gap = connection.pass(handle, removed).filter(|_| self.law != Law::HushGaps);
                let is_gap = gap.is_some();
                replies.extend(gap.map(|gap| (*link, gap)));
                while let Some(batch) = connection.batch(handle, last, removed, page) {
                    replies.push((*link, batch));
                }
                if is_gap {
                    replies.push((*link, Frame::Live { handle, seq: last }));
                }
            }
        }
        replies
    }

    /// Somebody comes into a chat, or goes: whoever asked for it is told.
    pub fn turn(&mut self, chat: usize, user: u32) -> Vec<Reply> {
        let comes = !self.members[chat].remove(&user);
        if comes {
            self.members[chat].insert(user);
        }
        let event = Body::Change(user, comes);
        self.changes[chat] = Some(event.clone());
        let mut replies = Vec::new();
        for (link, connection) in &self.connections {
            let told = connection.subscriptions.iter().filter(|(_, one)| one.chat == chat && one.members);
            replies.extend(told.map(|(handle, _)| (*link, Frame::Event { handle: *handle, event: event.clone() })));
        }
        replies.retain(|_| self.law != Law::NoChanges);
        replies
    }

    /// Sends a batch that was sent before once more.
    pub fn double(&self, link: LinkId, which: usize) -> Option<Reply> {
        let sent = &self.connections.get(&link)?.sent;
        let batch = sent.get(which.checked_rem(sent.len())?)?;
        Some((link, batch.clone()))
    }

    /// Begins a connection's next batch with what was sent before.
    pub fn overlap(&mut self, link: LinkId, messages: u64) {
        if let Some(connection) = self.connections.get_mut(&link) {
            connection.overlap = messages;
        }
    }

    /// Removes up to so many of a chat's oldest messages, also of those that were not sent to everybody yet.
    pub fn retire(&mut self, chat: usize, messages: u64) {
        self.removed[chat] = self.removed[chat].saturating_add(messages).min(self.logs[chat].len() as u64);
    }

    /// Says that it lives.
    pub fn heartbeat(&self) -> Vec<Reply> {
        self.connections.keys().map(|link| (*link, Frame::Other)).collect()
    }
}

impl Connection {
    /// Passes over what was removed before it was sent, and says so.
    fn pass(&mut self, handle: u32, removed: u64) -> Option<Frame<Body>> {
        let subscription = self.subscriptions.get_mut(&handle).filter(|one| one.cursor < removed)?;
        subscription.cursor = removed;
        Some(Frame::Subscribed { handle, epoch: 1, after: removed })
    }

    /// The next batch behind a subscription's cursor, which moves on.
    fn batch(&mut self, handle: u32, last: u64, removed: u64, page: u64) -> Option<Frame<Body>> {
        let subscription = self.subscriptions.get_mut(&handle)?;
        let from = subscription.cursor + 1;
        let to = last.min(subscription.cursor + page);
        if from > to {
            return None;
        }
        subscription.cursor = to;
        let from = from.saturating_sub(std::mem::take(&mut self.overlap)).max(1);
        let there = (from..=to).filter(|seq| *seq > removed).collect();
        let batch = Frame::Messages { handle, from, to, messages: Body::Messages(there) };
        self.sent.push_back(batch.clone());
        if self.sent.len() > 8 {
            self.sent.pop_front();
        }
        Some(batch)
    }
}
