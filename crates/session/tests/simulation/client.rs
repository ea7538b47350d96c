//! A client: the real engine in a shell that notes what its application would see.

use std::collections::{BTreeMap, BTreeSet};

use micro_chat_session::{Action, Cursor, Session};

use crate::law::Law;
use crate::network::LinkId;
use crate::server::Body;

/// What became of a message that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing is known yet.
    Pending,
    /// Acknowledged, with its place.
    Stored(u64),
    /// Refused for good.
    Refused,
}

/// What an application reads of one chat.
#[derive(Debug)]
pub struct Reading {
    /// The chat.
    pub chat: usize,
    /// Where the server let it begin, once it has said so.
    pub start: Option<u64>,
    /// Every `seq` that was handed on, or told to be missing for good, in that order.
    pub seen: Vec<u64>,
    /// The last `seq` that it was told to be missing for good.
    pub missing: u64,
    /// Whether it was told that it has all there is, since it last was subscribed.
    pub caught_up: bool,
    /// Where the engine says it stands.
    pub cursor: Option<Cursor>,
    /// Who is in the chat, as far as it was told; none: it did not ask.
    pub members: Option<BTreeSet<u32>>,
    /// More of who is there is to follow.
    pub is_listing: bool,
}

impl Reading {
    /// An event came.
    fn hear(&mut self, event: &Body) -> Result<(), String> {
        let members = self.members.as_mut().ok_or("told of members without having asked")?;
        match event {
            Body::Members(users, has_more) => {
                if !std::mem::replace(&mut self.is_listing, *has_more) {
                    members.clear();
                }
                members.extend(users);
            }
            Body::Change(user, true) => drop(members.insert(*user)),
            Body::Change(user, false) => drop(members.remove(user)),
            _ => return Err("a body was mixed up".to_owned()),
        }
        Ok(())
    }

    /// Whether these are the members that it knows of, if it asked for any.
    pub fn knows(&self, members: &BTreeSet<u32>) -> bool {
        self.members.as_ref().is_none_or(|known| known == members)
    }
}

/// A message that the application sent.
#[derive(Debug)]
pub struct Sending {
    /// The chat.
    pub chat: usize,
    /// The client's name for it.
    pub client_id: u64,
    /// From when on it is not to go out as if it were in time.
    pub expires_at: u64,
    /// What became of it.
    pub fate: Fate,
}

/// A client and its application.
pub struct Client {
    /// The engine under test.
    pub session: Session<Body>,
    /// The link in use.
    pub link: Option<LinkId>,
    /// When its timer fires; a machine that sleeps has it fire late.
    pub timer: Option<u64>,
    /// By the engine's number.
    pub readings: BTreeMap<u32, Reading>,
    /// By the application's number.
    pub sendings: BTreeMap<u32, Sending>,
}

impl Client {
    pub fn new(seed: u32) -> Self {
        let session = Session::new(seed);
        Self { session, link: None, timer: None, readings: BTreeMap::new(), sendings: BTreeMap::new() }
    }

    /// Notes an action that is for the application; false for one that is for the network.
    pub fn note(&mut self, action: &Action<Body>, law: Law) -> Result<bool, String> {
        let (filters, hides_gaps) = (law != Law::NoFilter, law == Law::HideGaps);
        match action {
            Action::Subscribed { id, cursor } => {
                let reading = self.readings.get_mut(id).ok_or("subscribed to nothing")?;
                reading.start.get_or_insert(cursor.seq);
                reading.cursor = Some(*cursor);
                reading.caught_up = false;
                reading.is_listing = false;
            }
            Action::Gap { id, gap } => {
                let reading = self.readings.get_mut(id).ok_or("a gap of nobody's")?;
                reading.missing = reading.missing.max(gap.to);
                if !hides_gaps {
                    reading.seen.extend(gap.from..=gap.to);
                }
            }
            Action::CaughtUp { id, cursor } => {
                let reading = self.readings.get_mut(id).ok_or("nobody has caught up")?;
                reading.cursor = Some(*cursor);
                reading.caught_up = true;
            }
            Action::Deliver { id, messages, after, cursor } => {
                let reading = self.readings.get_mut(id).ok_or("delivered to nobody")?;
                let Body::Messages(seqs) = messages else { return Err("a body was mixed up".to_owned()) };
                reading.seen.extend(seqs.iter().filter(|seq| **seq > *after || !filters));
                reading.cursor = Some(*cursor);
            }
            Action::Event { id, event } => {
                let reading = self.readings.get_mut(id).ok_or("an event of nobody's")?;
                reading.hear(event)?;
            }
            Action::Stored { send, stored } => {
                let Body::Stored(seq) = stored else { return Err("a body was mixed up".to_owned()) };
                self.settle(*send, Fate::Stored(*seq))?;
            }
            Action::Refused { send, .. } => self.settle(*send, Fate::Refused)?,
            Action::Ended { .. } => return Err("a subscription ended that nobody refused".to_owned()),
            Action::Waiting { .. } | Action::Offline => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn settle(&mut self, send: u32, fate: Fate) -> Result<(), String> {
        let sending = self.sendings.get_mut(&send).ok_or("an answer to nothing")?;
        if sending.fate != Fate::Pending {
            return Err(format!("client_id {} was answered twice", sending.client_id));
        }
        sending.fate = fate;
        Ok(())
    }

    /// Whether nothing is left to wait for, where the chats end at `lasts`.
    pub fn is_settled(&self, lasts: &[u64], members: &[BTreeSet<u32>]) -> bool {
        self.sendings.values().all(|sending| sending.fate != Fate::Pending)
            && self.readings.values().all(|reading| {
                reading.caught_up
                    && reading.cursor.is_some_and(|cursor| cursor.seq == lasts[reading.chat])
                    && reading.knows(&members[reading.chat])
            })
    }
}
