//! Storing messages.

use std::pin::Pin;
use std::sync::Arc;

use micro_chat_wire::limit;
use tracing::Instrument;
use uuid::Uuid;

use super::{Chats, Refusal, at_most};
use crate::auth::{Caller, Scope};
use crate::store::{Message, MessageDraft, Sent};

/// A message in line for the next commit: what it has become.
pub type Pending = Pin<Box<dyn Future<Output = Result<Arc<Message>, Refusal>> + Send>>;

impl Chats {
    /// Stores a message and ends when it is durable.
    pub async fn send(&self, caller: &Caller, draft: MessageDraft) -> Result<Arc<Message>, Refusal> {
        self.count_send(caller)?;
        self.submit(caller, draft).await?.await
    }

    /// Counts a message of somebody who may send, before the database is asked about it.
    pub(super) fn count_send(&self, caller: &Caller) -> Result<(), Refusal> {
        let counted = caller.may(Scope::Send).map_err(Refusal::from).and_then(|()| match &self.limits {
            Some(limits) => limits.send(caller).map_err(Refusal::TooMuch),
            None => Ok(()),
        });
        counted.inspect_err(|_| self.store.metrics().send_refused())
    }

    /// Puts a message in line for the next commit, behind those that this caller submitted before. Its sender is who
    /// calls, whoever it names.
    pub async fn submit(&self, caller: &Caller, draft: MessageDraft) -> Result<Pending, Refusal> {
        let checked = caller.may(Scope::Send).map_err(Refusal::from).and_then(|()| {
            let draft = MessageDraft { user_id: caller.acts_as(draft.user_id), ..draft };
            check(&draft).map(|()| draft)
        });
        let mut draft = checked.inspect_err(|_| self.store.metrics().send_refused())?;
        if draft.client_id.is_empty() {
            draft.client_id = Uuid::new_v4().to_string();
        }
        draft.by_member |= caller.must_be_member(&draft.user_id).is_some();
        let underway = self.underway.enter(caller).inspect_err(|_| self.store.metrics().send_refused())?;
        let answer = self.store.send(caller.namespace.clone(), draft).await?;
        drop(underway);
        Ok(Box::pin(
            async {
                match answer.await? {
                    Sent::Stored(message) => Ok(message),
                    Sent::UnknownChat => Err(Refusal::UnknownChat),
                    Sent::Conflict => Err(Refusal::Conflict),
                    Sent::Expired => Err(Refusal::Expired),
                }
            }
            .in_current_span(),
        ))
    }
}

fn check(draft: &MessageDraft) -> Result<(), Refusal> {
    if draft.chat_id.is_empty() {
        return Err(Refusal::MissingChatId);
    }
    if draft.chat_id.len() > limit::ID {
        return Err(Refusal::UnknownChat);
    }
    if draft.user_id.is_empty() {
        return Err(Refusal::MissingUserId);
    }
    at_most(limit::ID, "user_id", &draft.user_id)?;
    at_most(limit::ID, "client_id", &draft.client_id)?;
    at_most(limit::SUBJECT, "subject", &draft.subject)?;
    if draft.text.is_empty() {
        return Err(Refusal::MissingText);
    }
    at_most(limit::TEXT, "text", &draft.text)?;
    // Escapes can make it six times as long: what can't be delivered in one frame isn't stored.
    let fields = [&draft.chat_id, &draft.client_id, &draft.user_id, &draft.subject, &draft.text];
    if fields.map(|field| json_len(field)).iter().sum::<usize>() + OTHER > limit::MESSAGE {
        return Err(Refusal::TooLarge { field: "message", limit: limit::MESSAGE });
    }
    Ok(())
}

/// At most what the rest of a message takes as JSON: field names, `id`, `sent_at`, `seq`.
const OTHER: usize = 512;

/// The bytes of `text` as a JSON string.
fn json_len(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0..0x20 => 6,
        _ => 1,
    };
    2 + text.bytes().map(escaped).sum::<usize>()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_length_as_json_is_counted_as_serde_json_writes_it() {
        let all: String = (0..=0x250).filter_map(char::from_u32).collect();
        assert_eq!(super::json_len(&all), serde_json::to_string(&all).map(|json| json.len()).unwrap_or(0));
    }
}
