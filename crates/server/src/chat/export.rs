//! All of a chat, or of a user, a page at a time. What is in it is said at its beginning: a chat up to the `seq` that
//! it has when it is reached. What is deleted while it is read is not handed out.

use std::collections::VecDeque;

use super::{Chats, Refusal};
use crate::auth::Caller;
use crate::limits::{Exporter, Place};
use crate::store::{About, AccountData, Chat, ChatKey, Edge, MemberPage, Message, PageSize, Trace};

/// What is read at once: it lies in memory until it is taken.
const PAGE: PageSize = PageSize { messages: 128, bytes: 48 * 1024 };

/// What an export says.
#[derive(Debug)]
pub enum Part {
    /// Whose data it is, and their account, where they have one.
    User(String, Option<AccountData>),
    /// A chat; the rest of its members follows, where there is one, and then its messages.
    Chat(Box<About>),
    /// More of its members.
    Members(MemberPage),
    /// Some of its messages.
    Messages(Vec<Message>),
    /// That was all: so many chats, and so many messages.
    End(u64, u64),
}

/// An export on its way.
#[derive(Debug)]
pub struct Export {
    chats: Chats,
    caller: Caller,
    /// Whose data it is; none: all of one chat.
    user_id: Option<String>,
    /// The member for whom a chat is read; empty: nobody is named.
    named: String,
    state: State,
    /// Chats that are known to come.
    queue: VecDeque<Trace>,
    /// Where to look for more of them; none: there are no more.
    behind: Option<ChatKey>,
    /// Chats and messages so far.
    counts: (u64, u64),
    /// Among those of the caller, where they are counted.
    _place: Option<Place<Exporter>>,
}

#[derive(Debug)]
enum State {
    /// Nothing was said.
    User,
    /// The next chat is to be said.
    Next,
    /// Members of a chat behind that name.
    Members(Chat, String),
    /// Messages of a chat behind that `seq`, or of a user behind that `client_id`.
    In(Chat, u64, String),
    /// All was said.
    Over,
}

impl Chats {
    /// All of a chat, for its members and for API keys that may read it.
    pub async fn export_chat(&self, caller: &Caller, chat_id: &str, named: String) -> Result<Export, Refusal> {
        self.count_chat(caller)?;
        let chat = self.find(caller, chat_id, &named).await?;
        let queue = VecDeque::from([Trace { chat: chat.key, id: chat.id }]);
        self.export(caller, None, named, State::Next, queue, None)
    }

    /// All of a user, for them, and for who administers the namespace.
    pub fn export_user(&self, caller: &Caller, named: String) -> Result<Export, Refusal> {
        let user_id = self.whole_user(caller, named)?;
        let begin = Some(ChatKey::MIN);
        self.export(caller, Some(user_id), String::new(), State::User, VecDeque::new(), begin)
    }

    fn export(
        &self,
        caller: &Caller,
        user_id: Option<String>,
        named: String,
        state: State,
        queue: VecDeque<Trace>,
        behind: Option<ChatKey>,
    ) -> Result<Export, Refusal> {
        let _place = match &self.limits {
            Some(limits) => Some(limits.export(caller).ok_or(Refusal::TooManyExports)?),
            None => None,
        };
        let (chats, caller) = (self.clone(), caller.clone());
        Ok(Export { chats, caller, user_id, named, state, queue, behind, counts: (0, 0), _place })
    }
}

impl Export {
    /// Who asked.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// What comes next; none: all was said.
    pub async fn next(&mut self) -> Result<Option<Part>, Refusal> {
        loop {
            match std::mem::replace(&mut self.state, State::Over) {
                State::Over => return Ok(None),
                State::User => {
                    let user_id = self.user_id.clone().unwrap_or_default();
                    let namespace = self.caller.namespace.clone();
                    let account = self.chats.store.account_data(namespace, user_id.clone()).await?;
                    self.state = State::Next;
                    return Ok(Some(Part::User(user_id, account)));
                }
                State::Next => match self.next_chat().await? {
                    None => return Ok(Some(Part::End(self.counts.0, self.counts.1))),
                    Some(about) => {
                        self.counts.0 += 1;
                        self.state = behind_members(about.chat.clone(), about.members.as_ref());
                        return Ok(Some(Part::Chat(Box::new(about))));
                    }
                },
                State::Members(chat, after) => {
                    let reader = match &self.user_id {
                        Some(user_id) => Some(user_id.clone()),
                        None => self.caller.must_be_member(&self.named).map(str::to_owned),
                    };
                    // Half of them would pass for all.
                    let page = self.chats.store.members(chat.key, after, reader).await?.ok_or(Refusal::UnknownChat)?;
                    self.state = behind_members(chat, Some(&page));
                    return Ok(Some(Part::Members(page)));
                }
                State::In(chat, after, behind) => {
                    let (messages, has_more) = self.page(&chat, after, behind).await?;
                    let last = messages.last().filter(|_| has_more);
                    self.state = match last.map(|last| (last.seq, last.client_id.clone())) {
                        Some((seq, client_id)) => State::In(chat, seq, client_id),
                        None => State::Next,
                    };
                    if !messages.is_empty() {
                        self.counts.1 += messages.len() as u64;
                        return Ok(Some(Part::Messages(messages)));
                    }
                }
            }
        }
    }

    /// The next chat that is still there.
    async fn next_chat(&mut self) -> Result<Option<About>, Refusal> {
        let namespace = &self.caller.namespace;
        loop {
            if let Some(trace) = self.queue.pop_front() {
                let about = self.chats.store.about(namespace.clone(), trace.id, self.user_id.clone()).await?;
                if let Some(about) = about {
                    // Behind what was read: who is put out meanwhile does not learn who is in it.
                    self.still(&about.chat.id).await?;
                    return Ok(Some(about));
                }
            } else if let (Some(user_id), Some(behind)) = (&self.user_id, self.behind.take()) {
                let (traces, next) = self.chats.store.traces(namespace.clone(), user_id.clone(), behind).await?;
                self.queue.extend(traces);
                self.behind = next;
            } else {
                return Ok(None);
            }
        }
    }

    /// Refuses who may no more read that chat, where it is exported for its members. What a user wrote is theirs
    /// wherever it is.
    pub async fn still(&self, chat_id: &str) -> Result<(), Refusal> {
        match self.user_id {
            Some(_) => Ok(()),
            None => self.chats.find(&self.caller, chat_id, &self.named).await.map(drop),
        }
    }

    /// Messages of a chat, and whether there are more.
    async fn page(&self, chat: &Chat, after: u64, behind: String) -> Result<(Vec<Message>, bool), Refusal> {
        if let Some(user_id) = &self.user_id {
            let page = self.chats.store.messages_of(chat.clone(), user_id.clone(), behind, PAGE).await?;
            return Ok(page);
        }
        let page = self.chats.store.page(chat, after, chat.last_seq + 1, PAGE, Edge::Oldest).await?;
        // They may have been put out since the page before.
        self.still(&chat.id).await?;
        Ok((page.messages, page.has_more))
    }
}

/// What comes behind these members of a chat.
fn behind_members(chat: Chat, page: Option<&MemberPage>) -> State {
    match page.filter(|page| page.has_more).and_then(|page| page.user_ids.last()) {
        Some(last) => State::Members(chat, last.clone()),
        None => State::In(chat, 0, String::new()),
    }
}
