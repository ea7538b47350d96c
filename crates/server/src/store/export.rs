//! What is asked for all of a chat, or of a user. A page a read: nobody who takes his time holds the log open.

use rusqlite::{Connection, OptionalExtension, params};

use super::{Chat, MemberPage, Message, Nanos, PageSize, Store, StoreError, members, reader};

/// A chat with what is known of it.
#[derive(Clone, Debug)]
pub struct About {
    /// The chat.
    pub chat: Chat,
    /// Its name and what it is about, where it is a group.
    pub group: Option<(String, String)>,
    /// Its first members; none: it was asked for a user who is not one of them, and is told nothing of what the chat
    /// is now.
    pub members: Option<MemberPage>,
    /// Up to where a user has read who was asked for, where they are a member.
    pub read_seq: Option<u64>,
}

/// What is kept of an account, but for what would let somebody use it.
#[derive(Clone, Debug)]
pub struct AccountData {
    /// In lower case.
    pub email: String,
    /// When it was made.
    pub created_at: Nanos,
    /// How many logins it has.
    pub logins: u64,
}

fn about(connection: &Connection, namespace: &str, id: &str, of: Option<&str>) -> rusqlite::Result<Option<About>> {
    let Some(chat) = reader::chat(connection, namespace, id)? else { return Ok(None) };
    let group = connection
        .prepare_cached("SELECT name, description FROM groups WHERE chat = ?1")?
        .query_row([chat.key], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let read_seq = connection
        .prepare_cached("SELECT read_seq FROM members WHERE chat = ?1 AND user_id = ?2")?
        .query_row(params![chat.key, of], |row| row.get(0))
        .optional()?;
    let is_told = of.is_none() || read_seq.is_some();
    let members = is_told.then(|| members::page(connection, chat.key, "")).transpose()?;
    Ok(Some(About { chat, group, members, read_seq }))
}

impl Store {
    /// What is known of a chat, as a user is told who is named.
    pub async fn about(&self, namespace: String, id: String, of: Option<String>) -> Result<Option<About>, StoreError> {
        self.look(move |connection| {
            // One moment for all of it.
            let snapshot = connection.unchecked_transaction()?;
            about(&snapshot, &namespace, &id, of.as_deref())
        })
        .await
    }

    /// What is kept of a user's account, where they have one.
    pub async fn account_data(&self, namespace: String, user_id: String) -> Result<Option<AccountData>, StoreError> {
        self.look(move |connection| {
            connection
                .prepare_cached(
                    "SELECT email, created_at, (SELECT count(*) FROM logins WHERE logins.account = accounts.account)
                     FROM accounts WHERE namespace = ?1 AND user_id = ?2",
                )?
                .query_row(params![namespace, user_id], |row| {
                    Ok(AccountData { email: row.get(0)?, created_at: row.get(1)?, logins: row.get(2)? })
                })
                .optional()
        })
        .await
    }

    /// Messages of a user in a chat with `seq <= last_seq`, in the order of their `client_id` and behind that one; and
    /// whether there may be more.
    pub async fn messages_of(
        &self,
        chat: Chat,
        user_id: String,
        behind: String,
        size: PageSize,
    ) -> Result<(Vec<Message>, bool), StoreError> {
        self.look(move |connection| reader::messages_of(connection, &chat, &user_id, &behind, size)).await
    }
}
