//! Groups: who may create, see, join, leave and delete them.

use std::sync::Arc;

use micro_chat_wire::limit;

use super::{Chats, History, Refusal, at_most};
use crate::auth::{Caller, Scope};
use crate::completion::whole;
use crate::store::{Group, GroupChange, GroupDraft, GroupName, Message, MessageDraft, Standing};

/// Who does what to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Its creator deletes it.
    Delete,
    /// A member brings somebody in.
    Invite,
    /// Its creator puts a member out.
    Kick,
    /// A member goes.
    Leave,
    /// Somebody comes in: where it is public.
    Join,
}

impl Chats {
    /// Creates a group. Whoever calls is its creator, and a member.
    pub async fn create_group(
        &self,
        caller: &Caller,
        name: String,
        description: String,
        mut user_ids: Vec<String>,
        private: bool,
    ) -> Result<Group, Refusal> {
        caller.may(Scope::Send)?;
        self.count_chat(caller)?;
        if name.is_empty() {
            return Err(Refusal::MissingName);
        }
        at_most(limit::SUBJECT, "name", &name)?;
        at_most(limit::TEXT, "description", &description)?;
        let creator = caller.user().map(|user| user.id.clone()).unwrap_or_default();
        if !creator.is_empty() {
            user_ids.push(creator.clone());
        }
        let user_ids = super::create::checked_users(user_ids)?;
        let namespace = caller.namespace.clone();
        let _underway = self.underway.enter(caller)?;
        Ok(self.store.create_group(GroupDraft { namespace, name, description, creator, user_ids, private }).await?)
    }

    /// The groups that the caller may see; with a member named, those of that member. And whether there may be more.
    pub async fn groups(
        &self,
        caller: &Caller,
        member: String,
        limit: u64,
        offset: u64,
    ) -> Result<(Vec<Group>, bool), Refusal> {
        caller.may(Scope::Read)?;
        if limit > limit::PAGE {
            return Err(Refusal::LimitTooLarge(limit::PAGE));
        }
        let limit = if limit == 0 { limit::PAGE } else { limit };
        let viewer = caller.user().map(|user| user.id.clone());
        let member = Some(member).filter(|member| !member.is_empty());
        Ok(self.store.groups(caller.namespace.clone(), viewer, member, limit, offset).await?)
    }

    /// Changes who is in a group, or ends it. Whom it is about is named; who leaves or joins is who calls.
    pub async fn act_on_group(
        &self,
        caller: &Caller,
        act: Act,
        group_id: String,
        named: String,
    ) -> Result<Group, Refusal> {
        // A site's own server moderates with a key that says so.
        let is_moderation = caller.as_service().is_some() && matches!(act, Act::Delete | Act::Kick);
        caller.may(if is_moderation { Scope::Admin } else { Scope::Send })?;
        if let Some(limits) = &self.limits {
            limits.send(caller).map_err(Refusal::TooMuch)?;
        }
        if group_id.is_empty() {
            return Err(Refusal::MissingGroupId);
        }
        if group_id.len() > limit::ID {
            return Err(Refusal::UnknownGroup);
        }
        let actor = caller.user().map(|user| user.id.clone());
        let target = match act {
            Act::Leave | Act::Join => caller.acts_as(named),
            Act::Delete | Act::Invite | Act::Kick => named,
        };
        if target.is_empty() && act != Act::Delete {
            return Err(Refusal::MissingUserId);
        }
        at_most(limit::ID, "user_id", &target)?;
        let name = GroupName {
            namespace: caller.namespace.clone(),
            id: group_id.clone(),
            actor: actor.clone().unwrap_or_default(),
            target,
        };
        // Who comes back to a stream is in it already, and asks nothing of the one who writes.
        if act == Act::Join
            && self.store.is_in_group(name.namespace.clone(), name.id.clone(), name.target.clone()).await?
        {
            let group = self.store.group_with_members(name.namespace, name.id).await?;
            return group.ok_or(Refusal::UnknownGroup);
        }
        let rule = move |standing: Option<&Standing>| match standing {
            Some(standing) => decide(act, actor.as_deref(), standing),
            None => Err(Refusal::UnknownGroup),
        };
        let underway = self.underway.enter(caller)?;
        let (chats, namespace) = (self.clone(), caller.namespace.clone());
        whole(async move {
            let group = chats.store.change_group(name, rule).await??;
            drop(underway);
            if act == Act::Delete {
                chats.forget(&namespace, &group_id, group.key);
                tokio::spawn(async move { chats.sweep().await });
            }
            Ok(group)
        })
        .await
    }

    /// Stores a message of a group. Its members send, and nobody else, though the server believes every name.
    pub async fn send_to_group(&self, caller: &Caller, draft: MessageDraft) -> Result<Arc<Message>, Refusal> {
        self.count_send(caller)?;
        self.known_group(caller, &draft.chat_id).await?;
        let sent = async { self.submit(caller, MessageDraft { by_member: true, ..draft }).await?.await };
        sent.await.map_err(|refusal| match refusal {
            Refusal::UnknownChat => Refusal::NotInGroup,
            refusal => refusal,
        })
    }

    /// A range of a group's messages, oldest first, and whether there is more of it.
    pub async fn history_of_group(
        &self,
        caller: &Caller,
        group_id: &str,
        range: History,
    ) -> Result<(Vec<Message>, bool), Refusal> {
        caller.may(Scope::Read)?;
        self.known_group(caller, group_id).await?;
        self.history(caller, group_id, range).await.map_err(|refusal| match refusal {
            Refusal::UnknownChat => Refusal::NotInGroup,
            refusal => refusal,
        })
    }

    /// Refuses what is no group, and alike a private group that the caller is not in.
    pub async fn known_group(&self, caller: &Caller, group_id: &str) -> Result<(), Refusal> {
        if group_id.is_empty() {
            return Err(Refusal::MissingGroupId);
        }
        let found = self.store.group(caller.namespace.clone(), group_id.to_owned()).await?;
        let group = found.ok_or(Refusal::UnknownGroup)?;
        if group.private && caller.user().is_some() {
            self.find(caller, group_id, "").await.map_err(|refusal| match refusal {
                Refusal::UnknownChat => Refusal::UnknownGroup,
                refusal => refusal,
            })?;
        }
        Ok(())
    }
}

/// Whether it may be done. Where nobody is known, only what makes no sense is refused: that is for developing, and for
/// a site's own server, which asks its users itself.
fn decide(act: Act, actor: Option<&str>, standing: &Standing) -> Result<GroupChange, Refusal> {
    // A private group and one that isn't there are alike to whoever is not in it.
    if standing.private && actor.is_some() && !standing.actor_is_member {
        return Err(Refusal::UnknownGroup);
    }
    let is_creator = actor.is_none_or(|actor| actor == standing.creator);
    match act {
        Act::Delete if is_creator => Ok(GroupChange::Delete),
        Act::Delete => Err(Refusal::NotCreator),
        Act::Invite if actor.is_some() && !standing.actor_is_member => Err(Refusal::NotInGroup),
        Act::Invite if standing.target_is_member => Ok(GroupChange::None),
        Act::Join if standing.target_is_member => Ok(GroupChange::None),
        Act::Join if standing.private => Err(Refusal::UnknownGroup),
        Act::Invite | Act::Join if standing.members >= limit::MEMBERS => Err(Refusal::TooManyMembers),
        Act::Invite => Ok(GroupChange::Invite),
        Act::Join => Ok(GroupChange::Join),
        Act::Kick if !is_creator => Err(Refusal::NotCreator),
        // Who is not in it is out of it: that was wanted.
        Act::Kick | Act::Leave if !standing.target_is_member => Ok(GroupChange::None),
        Act::Kick => Ok(GroupChange::Kick),
        Act::Leave => Ok(GroupChange::Leave),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{Denied, Service};
    use crate::chat::join::tests::{draft, open};
    use crate::limits::{Limits, Rate, Rates};
    use crate::metrics::Metrics;
    use std::time::Duration;

    fn standing(private: bool, actor_is_member: bool, target_is_member: bool) -> Standing {
        Standing { creator: "ann".to_owned(), private, actor_is_member, target_is_member, members: 2 }
    }

    #[test]
    fn only_the_creator_deletes_and_kicks_and_only_members_invite() {
        for private in [false, true] {
            let member = standing(private, true, true);
            assert!(matches!(decide(Act::Delete, Some("ann"), &member), Ok(GroupChange::Delete)));
            assert!(matches!(decide(Act::Delete, Some("ben"), &member), Err(Refusal::NotCreator)));
            assert!(matches!(decide(Act::Kick, Some("ann"), &member), Ok(GroupChange::Kick)));
            assert!(matches!(decide(Act::Kick, Some("ben"), &member), Err(Refusal::NotCreator)));
            let invited = decide(Act::Invite, Some("ben"), &standing(private, true, false));
            assert!(matches!(invited, Ok(GroupChange::Invite)));
        }
        assert!(matches!(decide(Act::Invite, Some("eve"), &standing(false, false, false)), Err(Refusal::NotInGroup)));
    }

    #[test]
    fn to_a_stranger_a_private_group_is_none_whatever_they_do() {
        for act in [Act::Delete, Act::Invite, Act::Kick, Act::Leave, Act::Join] {
            for target_is_member in [false, true] {
                let decided = decide(act, Some("eve"), &standing(true, false, target_is_member));
                assert!(matches!(decided, Err(Refusal::UnknownGroup)), "{act:?}");
            }
        }
    }

    #[tokio::test]
    async fn who_may_not_or_not_so_often_is_refused_before_the_database_is_asked() {
        let folder = tempfile::tempdir().expect("a folder");
        let (chats, _guard) = open(folder.path());
        let once = Rates { sends_of_namespace: Rate::within(Duration::from_secs(3_600), 1, 1), ..Rates::default() };
        let limits = Some(Arc::new(Limits::new(&once, Metrics::new().expect("names"))));
        let chats = Chats { limits, ..chats };
        let key = |scopes: &str| {
            let service = Service { key: "key".to_owned(), scopes: scopes.parse().expect("scopes") };
            Caller::service("micro".to_owned(), service)
        };
        let (sender, reader) = (key("send"), key("read"));
        let since =
            |before, refused: Result<(), Refusal>| (refused.expect_err("no group"), chats.store.reads() - before);
        let send = async |caller| {
            let before = chats.store.reads();
            since(before, chats.send_to_group(caller, draft("none", "hello")).await.map(drop))
        };
        let read = async |caller| {
            let before = chats.store.reads();
            since(before, chats.history_of_group(caller, "none", History::default()).await.map(drop))
        };
        assert!(matches!(send(&reader).await, (Refusal::Denied(Denied::NoScope(Scope::Send)), 0)));
        assert!(matches!(read(&sender).await, (Refusal::Denied(Denied::NoScope(Scope::Read)), 0)));
        // The controls: there it is asked.
        assert!(matches!(send(&sender).await, (Refusal::UnknownGroup, 1)));
        assert!(matches!(read(&reader).await, (Refusal::UnknownGroup, 1)));
        assert!(matches!(send(&sender).await, (Refusal::TooMuch(_), 0)));
    }

    #[test]
    fn a_public_group_is_joined_once_and_has_so_many_members() {
        assert!(matches!(decide(Act::Join, Some("eve"), &standing(false, false, false)), Ok(GroupChange::Join)));
        assert!(matches!(decide(Act::Join, Some("ben"), &standing(false, true, true)), Ok(GroupChange::None)));
        let full = Standing { members: limit::MEMBERS, ..standing(false, false, false) };
        assert!(matches!(decide(Act::Join, Some("eve"), &full), Err(Refusal::TooManyMembers)));
    }
}
