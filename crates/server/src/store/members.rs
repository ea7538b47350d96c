//! Who is in a chat, and what changes of that.

use rusqlite::{Connection, params};

use super::{ChatKey, Store, StoreError, groups, reader};

/// No further member on a page once those on it have so many bytes of JSON: a page is one frame, and a connection's
/// buffers stay small.
const PAGE: usize = 32 * 1024;

/// A change of who is in a chat.
#[derive(Clone, Debug)]
pub struct MemberChange {
    /// The chat's row.
    pub chat: ChatKey,
    /// What changed.
    pub membership: Membership,
}

/// What changed of who is in a chat. Nobody is named as the one who did it where nobody is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Membership {
    /// That user came in.
    Joined(String),
    /// That user was brought in, by whom.
    Invited(String, Option<String>),
    /// That user went.
    Left(String),
    /// That user was put out, by whom.
    Kicked(String, Option<String>),
    /// The chat is gone, and so is everybody in it.
    Ended,
}

impl Membership {
    /// Who is a member no more, if it is not everybody.
    pub fn gone(&self) -> Option<&str> {
        match self {
            Self::Left(user_id) | Self::Kicked(user_id, _) => Some(user_id),
            Self::Joined(_) | Self::Invited(..) | Self::Ended => None,
        }
    }

    /// Whether that user is a member no more.
    pub fn ends_for(&self, user_id: &str) -> bool {
        *self == Self::Ended || self.gone() == Some(user_id)
    }
}

/// Some of a chat's members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberPage {
    /// In the order of their names.
    pub user_ids: Vec<String>,
    /// Whether there are more behind the last of them.
    pub has_more: bool,
}

/// Some of the members behind that name.
pub(super) fn page(connection: &Connection, chat: ChatKey, after: &str) -> rusqlite::Result<MemberPage> {
    let mut select =
        connection.prepare_cached("SELECT user_id FROM members WHERE chat = ?1 AND user_id > ?2 ORDER BY user_id")?;
    let mut rows = select.query(params![chat, after])?;
    let mut page = MemberPage { user_ids: Vec::new(), has_more: false };
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        if bytes >= PAGE {
            page.has_more = true;
            break;
        }
        let user_id: String = row.get(0)?;
        bytes += serde_json::to_string(&user_id).map_or(0, |json| json.len() + 1);
        page.user_ids.push(user_id);
    }
    Ok(page)
}

impl Store {
    /// A chat's members behind that name, as many as fit into a frame. None: `reader` is named, and is none of them, or
    /// the chat has ended.
    pub async fn members(
        &self,
        chat: ChatKey,
        after: String,
        reader: Option<String>,
    ) -> Result<Option<MemberPage>, StoreError> {
        self.look(move |connection| {
            let page = page(connection, chat, &after)?;
            // Behind what was read: who is put out meanwhile gets none of it.
            let may = match &reader {
                Some(user_id) => reader::is_member(connection, chat, user_id)?,
                None => true,
            };
            let may = may && !groups::has_ended(connection, chat)?;
            Ok(may.then_some(page))
        })
        .await
    }
}
