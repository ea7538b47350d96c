//! Messages by their number from one end of a chat. Each `seq` has its message but for those that were deleted: an offset
//! is a `seq`, moved by as many deletions as lie before it. What is walked over is deletions, never messages.

use rusqlite::{Connection, params};

use super::reader::{bounds, page};
use super::{Chat, ChatKey, From, Page, PageSize, Store, StoreError};

/// How many of a chat's deleted messages lie before the one with that number, counted from that end.
fn passed(
    connection: &Connection,
    chat: ChatKey,
    (first_seq, last_seq): (u64, u64),
    offset: u64,
    from: From,
) -> rusqlite::Result<u64> {
    let direction = from.direction();
    let mut select = connection.prepare_cached(&format!(
        "SELECT seq FROM tombstones WHERE chat = ?1 AND seq >= ?2 ORDER BY seq {direction}"
    ))?;
    let mut deleted = select.query(params![chat, first_seq])?;
    let mut passed = 0;
    while let Some(row) = deleted.next()? {
        let seq: u64 = row.get(0)?;
        let before = match from {
            From::Oldest => seq.saturating_sub(first_seq),
            From::Newest => last_seq.saturating_sub(seq),
        };
        if before.saturating_sub(passed) > offset {
            break;
        }
        passed += 1;
    }
    Ok(passed)
}

fn listed(connection: &Connection, chat: &Chat, offset: u64, size: PageSize, from: From) -> rusqlite::Result<Page> {
    // Of one moment: what is deleted between two reads would be counted and not be missing, or the other way round.
    let moment = connection.unchecked_transaction()?;
    let (first_seq, last_seq) = bounds(&moment, chat.key)?;
    let offset = offset.saturating_add(passed(&moment, chat.key, (first_seq, last_seq), offset, from)?);
    let (after, before) = match from {
        From::Oldest => ((first_seq - 1).saturating_add(offset), u64::MAX),
        From::Newest => (0, (last_seq + 1).saturating_sub(offset)),
    };
    let page = page(&moment, chat, after, before, size, from)?;
    moment.commit()?;
    Ok(page)
}

impl Store {
    /// A page of a chat's messages behind so many others, counted from that end, in that direction.
    pub async fn listed(&self, chat: &Chat, offset: u64, size: PageSize, from: From) -> Result<Page, StoreError> {
        let chat = chat.clone();
        self.look(move |connection| listed(connection, &chat, offset, size, from)).await
    }
}
