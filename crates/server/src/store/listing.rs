//! Pages of a chat for whoever asks, by `seq` or by number from one end. Each `seq` has its message but for those that
//! were deleted: an offset is a `seq`, moved by as many deletions as lie before it. What is walked over is deletions,
//! never messages.

use rusqlite::{Connection, params};

use super::reader::{named, page};
use super::{ChatKey, ChatName, Edge, Page, PageSize, Store, StoreError};

/// How many of a chat's deleted messages lie before the one with that number, counted from that end.
fn passed(
    connection: &Connection,
    chat: ChatKey,
    (first_seq, last_seq): (u64, u64),
    offset: u64,
    from: Edge,
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
            Edge::Oldest => seq.saturating_sub(first_seq),
            Edge::Newest => last_seq.saturating_sub(seq),
        };
        if before.saturating_sub(passed) > offset {
            break;
        }
        passed += 1;
    }
    Ok(passed)
}

/// Messages of a chat that somebody asks for.
#[derive(Clone, Copy, Debug)]
pub enum Range {
    /// Those with `after < seq < before`.
    Between {
        /// The last one before them.
        after: u64,
        /// The first one behind them.
        before: u64,
    },
    /// Those behind so many others.
    Offset(u64),
}

fn listed(
    connection: &Connection,
    name: &ChatName,
    range: Range,
    size: PageSize,
    from: Edge,
) -> rusqlite::Result<Option<Page>> {
    // Of one moment. What is deleted between two reads would be counted and not be missing, or the other way round; and
    // what is said once somebody has been put out is not theirs to read.
    let moment = connection.unchecked_transaction()?;
    let Some(chat) = named(&moment, name)? else { return Ok(None) };
    let (after, before) = match range {
        Range::Between { after, before } => (after, before),
        Range::Offset(offset) => {
            let (first_seq, last_seq) = (chat.first_seq, chat.last_seq);
            let offset = offset.saturating_add(passed(&moment, chat.key, (first_seq, last_seq), offset, from)?);
            match from {
                Edge::Oldest => ((first_seq - 1).saturating_add(offset), u64::MAX),
                Edge::Newest => (0, (last_seq + 1).saturating_sub(offset)),
            }
        }
    };
    let page = page(&moment, &chat, after, before, size, from)?;
    moment.commit()?;
    Ok(Some(page))
}

impl Store {
    /// A page of a chat's messages, in the direction in which they are read from that end; none: there is no such chat,
    /// or it is not theirs to read.
    pub async fn listed(
        &self,
        name: ChatName,
        range: Range,
        size: PageSize,
        from: Edge,
    ) -> Result<Option<Page>, StoreError> {
        self.look(move |connection| listed(connection, &name, range, size, from)).await
    }
}
