//! Reading messages back. A page costs the same wherever in a chat it begins: messages lie in the order of `seq`, and
//! an offset is a `seq`, but for deletions.

use micro_chat_wire::limit;

use super::{Chats, Refusal, readable};
use crate::auth::Caller;
use crate::store::{Edge, Message, Page, PageSize, Range};

/// What `chats.ListMessages` answers without a limit.
const LISTED: u64 = 25;

/// A range of `chat.History`.
#[derive(Clone, Copy, Debug, Default)]
pub struct History {
    /// 0: as many as a page holds.
    pub limit: u64,
    /// Only smaller `seq`s; 0: no bound.
    pub before: u64,
    /// Only larger `seq`s, the oldest of them; none: the newest.
    pub after: Option<u64>,
}

/// A range of `chats.ListMessages`.
#[derive(Clone, Copy, Debug)]
pub struct Listing {
    /// 0: 25.
    pub limit: u64,
    /// Messages to pass over.
    pub offset: u64,
    /// Which end to begin at.
    pub from: Edge,
}

impl Chats {
    /// A range of a chat, oldest first, and whether there is more of it.
    pub async fn history(
        &self,
        caller: &Caller,
        chat_id: &str,
        range: History,
    ) -> Result<(Vec<Message>, bool), Refusal> {
        let limit = page(range.limit, limit::PAGE)?;
        let name = readable(caller, chat_id, "")?;
        let before = if range.before == 0 { u64::MAX } else { range.before };
        let (after, from) = match range.after {
            Some(after) => (after, Edge::Oldest),
            None => (0, Edge::Newest),
        };
        let page = self.store.listed(name, Range::Between { after, before }, limit, from).await?;
        let Page { mut messages, has_more } = page.ok_or(Refusal::UnknownChat)?;
        if from == Edge::Newest {
            messages.reverse();
        }
        Ok((messages, has_more))
    }

    /// A range of a chat, in the order asked for, and whether there is more of it.
    pub async fn list(&self, caller: &Caller, chat_id: &str, range: Listing) -> Result<Page, Refusal> {
        let limit = page(range.limit, LISTED)?;
        let name = readable(caller, chat_id, "")?;
        let page = self.store.listed(name, Range::Offset(range.offset), limit, range.from).await?;
        page.ok_or(Refusal::UnknownChat)
    }
}

/// Text in one answer, in bytes: a thousand long messages come in several.
const BYTES: usize = 8 * 1024 * 1024;

/// How much to answer.
fn page(asked: u64, default: u64) -> Result<PageSize, Refusal> {
    match asked {
        0 => Ok(PageSize { messages: default, bytes: BYTES }),
        1..=limit::PAGE => Ok(PageSize { messages: asked, bytes: BYTES }),
        _ => Err(Refusal::LimitTooLarge(limit::PAGE)),
    }
}
