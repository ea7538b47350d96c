//! Groups: chats with a name, whose members come and go.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::batch::Batch;
use super::{
    Chat, ChatKey, Committed, MemberChange, Membership, Nanos, Store, StoreError, deletion, now, reader, traces,
};

/// A group with its members.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its chat's row.
    pub key: ChatKey,
    /// Its name in the API.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// When it was created.
    pub created_at: Nanos,
    /// In the order of their names.
    pub user_ids: Vec<String>,
    /// Whether one comes in by invitation only.
    pub private: bool,
}

/// A group to create.
#[derive(Debug)]
pub struct GroupDraft {
    /// The namespace.
    pub namespace: String,
    /// What it is called.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// Who may delete it and remove members; empty where nobody is known.
    pub creator: String,
    /// Its first members.
    pub user_ids: Vec<String>,
    /// Whether one comes in by invitation only.
    pub private: bool,
}

/// How two users stand to a group, at the moment in which it is changed.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Who created it; empty where nobody was known.
    pub creator: String,
    /// Whether one comes in by invitation only.
    pub private: bool,
    /// Whether who acts is a member.
    pub actor_is_member: bool,
    /// Whether whom it is about is one.
    pub target_is_member: bool,
    /// How many members it has.
    pub members: u64,
}

/// What becomes of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupChange {
    /// Nothing.
    None,
    /// Whom it is about comes in.
    Join,
    /// They are brought in.
    Invite,
    /// They go.
    Leave,
    /// They are put out.
    Kick,
    /// It is gone, with all its messages.
    Delete,
}

/// A group to change.
#[derive(Debug)]
pub struct GroupName {
    /// The namespace.
    pub namespace: String,
    /// The group.
    pub id: String,
    /// Who acts.
    pub actor: String,
    /// Whom it is about.
    pub target: String,
}

/// Its columns are those of [`group_of`].
pub(super) const GROUP: &str =
    "SELECT chat, id, name, description, created_at, private FROM groups JOIN chats USING (chat)";

pub(super) fn group_of(row: &Row<'_>) -> rusqlite::Result<Group> {
    Ok(Group {
        key: row.get(0)?,
        id: row.get(1)?,
        name: row.get(2)?,
        description: row.get(3)?,
        created_at: row.get(4)?,
        private: row.get(5)?,
        user_ids: Vec::new(),
    })
}

pub(super) fn with_members(connection: &Connection, mut group: Group) -> rusqlite::Result<Group> {
    group.user_ids = reader::members(connection, group.key)?;
    Ok(group)
}

fn group(connection: &Connection, namespace: &str, id: &str) -> rusqlite::Result<Option<Group>> {
    connection
        .prepare_cached(&format!("{GROUP} WHERE chats.namespace = ?1 AND id = ?2"))?
        .query_row(params![namespace, id], group_of)
        .optional()
}

fn create(connection: &Connection, draft: &GroupDraft) -> rusqlite::Result<Group> {
    let created_at = now();
    let epoch = created_at / 1_000_000;
    let chat: Chat = connection
        .prepare_cached(
            "INSERT INTO chats (namespace, id, epoch, created_at, active_at, oldest_at) VALUES (?1, ?2, ?3, ?4, ?4, ?4)
             RETURNING chat, id, epoch, first_seq, last_seq, created_at",
        )?
        .query_row(params![draft.namespace, Uuid::new_v4().to_string(), epoch, created_at], reader::chat_of)?;
    connection
        .prepare_cached(
            "INSERT INTO groups (chat, namespace, name, description, creator, private) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![chat.key, draft.namespace, draft.name, draft.description, draft.creator, draft.private])?;
    for user_id in &draft.user_ids {
        add(connection, chat.key, user_id)?;
    }
    let group = Group {
        key: chat.key,
        id: chat.id,
        name: draft.name.clone(),
        description: draft.description.clone(),
        created_at,
        user_ids: Vec::new(),
        private: draft.private,
    };
    with_members(connection, group)
}

fn add(connection: &Connection, chat: ChatKey, user_id: &str) -> rusqlite::Result<()> {
    // What was said before they came is not what they have missed.
    let added = connection
        .prepare_cached(
            "INSERT INTO members (chat, user_id, read_seq, joined_at)
             SELECT chat, ?2, last_seq, ?3 FROM chats WHERE chat = ?1
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![chat, user_id, now()])?;
    count(connection, chat, added as i64)
}

fn remove(connection: &Connection, chat: ChatKey, user_id: &str) -> rusqlite::Result<()> {
    let removed = connection
        .prepare_cached("DELETE FROM members WHERE chat = ?1 AND user_id = ?2")?
        .execute(params![chat, user_id])?;
    traces::trace_left(connection, chat, user_id)?;
    count(connection, chat, -(removed as i64))
}

/// Keeps how many members a group has: to count them takes longer the more there are.
pub fn count(connection: &Connection, chat: ChatKey, more: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE groups SET members = members + ?2 WHERE chat = ?1")?
        .execute(params![chat, more])
        .map(drop)
}

fn standing(connection: &Connection, group: &Group, name: &GroupName) -> rusqlite::Result<Standing> {
    let (creator, members) = connection
        .prepare_cached("SELECT creator, members FROM groups WHERE chat = ?1")?
        .query_row([group.key], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Standing {
        creator,
        private: group.private,
        actor_is_member: reader::is_member(connection, group.key, &name.actor)?,
        target_is_member: reader::is_member(connection, group.key, &name.target)?,
        members,
    })
}

/// Does what was decided; what subscribers have to hear of it.
fn change(
    connection: &Connection,
    group: &Group,
    name: GroupName,
    change: GroupChange,
) -> rusqlite::Result<Option<Membership>> {
    let GroupName { actor, target, .. } = name;
    let by = Some(actor).filter(|actor| !actor.is_empty());
    Ok(match change {
        GroupChange::None => None,
        GroupChange::Join => {
            add(connection, group.key, &target)?;
            Some(Membership::Joined(target))
        }
        GroupChange::Invite => {
            add(connection, group.key, &target)?;
            Some(Membership::Invited(target, by))
        }
        GroupChange::Leave => {
            remove(connection, group.key, &target)?;
            Some(Membership::Left(target))
        }
        GroupChange::Kick => {
            remove(connection, group.key, &target)?;
            Some(Membership::Kicked(target, by))
        }
        GroupChange::Delete => {
            end(connection, group.key)?;
            Some(Membership::Ended)
        }
    })
}

/// Ends a chat, whether or not it is a group: nobody finds it any more. What it held goes in further commits.
pub fn end(connection: &Connection, chat: ChatKey) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM groups WHERE chat = ?1", [chat])?;
    // The row stays, in a namespace that nobody is in: its number must not become another chat's. What it was called,
    // and whom it was for, goes. It has something to sweep, though nothing was ever said in it: its members.
    connection
        .execute(
            "UPDATE chats SET namespace = '', id = chat, user_set = NULL, last_seq = max(last_seq, first_seq)
             WHERE chat = ?1",
            [chat],
        )
        .map(drop)
}

/// Whether a chat has ended.
pub fn has_ended(connection: &Connection, chat: ChatKey) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM chats WHERE chat = ?1 AND namespace = ''")?.exists([chat])
}

/// Removes some of what a deleted chat held, a few rows; whether there may be more.
pub fn sweep(connection: &Connection) -> rusqlite::Result<bool> {
    let mut deleted = connection.prepare_cached(
        "SELECT chat FROM chats INDEXED BY chats_to_sweep WHERE namespace = '' AND first_seq <= last_seq",
    )?;
    let Some(chat) = deleted.query_row([], |row| row.get::<_, ChatKey>(0)).optional()? else { return Ok(false) };
    let mut batch = Batch::default();
    for (table, columns) in [("members", "user_id"), ("traces", "user_id"), ("expired", "user_id, client_id")] {
        let gone = connection
            .prepare_cached(&format!(
                "DELETE FROM {table} WHERE chat = ?1
                 AND ({columns}) IN (SELECT {columns} FROM {table} WHERE chat = ?1 LIMIT ?2)"
            ))?
            .execute(params![chat, batch.room()])?;
        (0..gone).for_each(|_| batch.add(0));
    }
    for (table, bytes) in [("tombstones", "0"), ("messages", "octet_length(text) + octet_length(subject)")] {
        let mut select =
            connection.prepare_cached(&format!("SELECT seq, {bytes} FROM {table} WHERE chat = ?1 ORDER BY seq"))?;
        let (mut rows, mut last) = (select.query([chat])?, None::<i64>);
        while !batch.is_full() {
            let Some(row) = rows.next()? else { break };
            batch.add(row.get(1)?);
            last = Some(row.get(0)?);
        }
        drop(rows);
        connection
            .prepare_cached(&format!("DELETE FROM {table} WHERE chat = ?1 AND seq <= ?2"))?
            .execute(params![chat, last])?;
    }
    if !batch.is_full() {
        connection.prepare_cached("UPDATE chats SET first_seq = last_seq + 1 WHERE chat = ?1")?.execute([chat])?;
    }
    Ok(true)
}

impl Store {
    /// Creates a group.
    pub async fn create_group(&self, draft: GroupDraft) -> Result<Group, StoreError> {
        self.change(move |connection| create(connection, &draft)).await
    }

    /// The group of that name, with its members.
    pub async fn group_with_members(&self, namespace: String, id: String) -> Result<Option<Group>, StoreError> {
        self.look(move |connection| {
            group(connection, &namespace, &id)?.map(|group| with_members(connection, group)).transpose()
        })
        .await
    }

    /// The group of that name, without its members.
    pub async fn group(&self, namespace: String, id: String) -> Result<Option<Group>, StoreError> {
        self.look(move |connection| group(connection, &namespace, &id)).await
    }

    /// Changes a group as `rule` decides, which is told how the two users stand to it at that moment; nothing, where
    /// there is no such group. The group as it is then; a deleted one as it was.
    pub async fn change_group<R: Send + 'static>(
        &self,
        name: GroupName,
        rule: impl FnOnce(Option<&Standing>) -> Result<GroupChange, R> + Send + 'static,
    ) -> Result<Result<Group, R>, StoreError> {
        let write = move |connection: &Connection, committed: &mut Vec<Committed>| {
            let found = group(connection, &name.namespace, &name.id)?;
            let standing = found.as_ref().map(|group| standing(connection, group, &name)).transpose()?;
            let decided = match rule(standing.as_ref()) {
                Ok(decided) => decided,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let mut group = found.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
            if decided == GroupChange::Delete {
                group = with_members(connection, group)?;
            }
            if let Some(membership) = change(connection, &group, name, decided)? {
                committed.push(Committed::Member(Arc::new(MemberChange { chat: group.key, membership })));
            }
            Ok(Ok((group, decided)))
        };
        let (group, decided) = match self.change_and_tell(write).await? {
            Ok(changed) => changed,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if decided == GroupChange::Delete {
            return Ok(Ok(group));
        }
        // Not where everybody's writes would wait for it.
        self.look(move |connection| with_members(connection, group)).await.map(Ok)
    }

    /// Whether that user is a member of that group.
    pub async fn is_in_group(&self, namespace: String, id: String, user_id: String) -> Result<bool, StoreError> {
        self.look(move |connection| match group(connection, &namespace, &id)? {
            Some(group) => reader::is_member(connection, group.key, &user_id),
            None => Ok(false),
        })
        .await
    }

    /// Removes what is left of deleted chats, a few rows at a time.
    pub async fn sweep(&self) -> Result<(), StoreError> {
        while self.change(|connection| deletion::overwriting(connection, || sweep(connection))).await? {}
        Ok(())
    }
}
