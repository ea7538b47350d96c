//! The services' methods and the paths that name them.

/// A method of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// `chat.New`: the chat of a set of users.
    ChatNew,
    /// `chat.Send`: store a message.
    ChatSend,
    /// `chat.History`: read messages.
    ChatHistory,
    /// `chat.Connect`: the stream of a chat's messages.
    ChatConnect,
    /// `chat.Create`: a new group.
    ChatCreate,
    /// `chat.List`: the groups that one may see.
    ChatList,
    /// `chat.Delete`: end a group.
    ChatDelete,
    /// `chat.Invite`: bring somebody into a group.
    ChatInvite,
    /// `chat.Kick`: put somebody out of a group.
    ChatKick,
    /// `chat.Leave`: go out of a group.
    ChatLeave,
    /// `chat.Join`: come into a group; as a WebSocket the stream of its messages, too.
    ChatJoin,
    /// `chat.Send` to a group: no path of its own.
    GroupSend,
    /// `chat.History` of a group: no path of its own.
    GroupHistory,
    /// `chats.CreateChat`: the chat of a set of users, or of an id.
    ChatsCreateChat,
    /// `chats.SendMessage`: store a message.
    ChatsSendMessage,
    /// `chats.ListMessages`: read messages by offset.
    ChatsListMessages,
    /// `chats.ListChats`: a user's chats, with what they have not read.
    ChatsListChats,
    /// `chats.MarkRead`: up to where a member has read.
    ChatsMarkRead,
    /// `chats.DeleteUser`: a user goes, with all that they wrote.
    ChatsDeleteUser,
    /// `chats.ExportChat`: all of a chat, a line of JSON each.
    ChatsExportChat,
    /// `chats.ExportUser`: all of a user, likewise.
    ChatsExportUser,
    /// `auth.Options`: whether this server asks for a login.
    AuthOptions,
    /// `auth.Token`: log in, or go on being so.
    AuthToken,
    /// `auth.Inspect`: whose a token is.
    AuthInspect,
    /// `auth.Revoke`: log out.
    AuthRevoke,
    /// `auth.ChangeSecret`: another password.
    AuthChangeSecret,
    /// `auth.Delete`: an account goes.
    AuthDelete,
    /// `auth.SendPasswordResetEmail`: a code for another password.
    AuthSendPasswordResetEmail,
    /// `auth.ResetPassword`: another password, for that code.
    AuthResetPassword,
    /// `signup.SendVerificationEmail`: a code for an account.
    SignupSendVerificationEmail,
    /// `signup.CompleteSignup`: an account, for that code.
    SignupCompleteSignup,
}

use Endpoint::*;

/// Every endpoint, with its service and its method as paths spell them. Sign-up is spelled in two ways.
pub const ALL: &[(Endpoint, &str, &str)] = &[
    (ChatNew, "chat", "New"),
    (ChatSend, "chat", "Send"),
    (ChatHistory, "chat", "History"),
    (ChatConnect, "chat", "Connect"),
    (ChatCreate, "chat", "Create"),
    (ChatList, "chat", "List"),
    (ChatDelete, "chat", "Delete"),
    (ChatInvite, "chat", "Invite"),
    (ChatKick, "chat", "Kick"),
    (ChatLeave, "chat", "Leave"),
    (ChatJoin, "chat", "Join"),
    (ChatsCreateChat, "chats", "CreateChat"),
    (ChatsSendMessage, "chats", "SendMessage"),
    (ChatsListMessages, "chats", "ListMessages"),
    (ChatsListChats, "chats", "ListChats"),
    (ChatsMarkRead, "chats", "MarkRead"),
    (ChatsDeleteUser, "chats", "DeleteUser"),
    (ChatsExportChat, "chats", "ExportChat"),
    (ChatsExportUser, "chats", "ExportUser"),
    (AuthOptions, "auth", "Options"),
    (AuthToken, "auth", "Token"),
    (AuthInspect, "auth", "Inspect"),
    (AuthRevoke, "auth", "Revoke"),
    (AuthChangeSecret, "auth", "ChangeSecret"),
    (AuthDelete, "auth", "Delete"),
    (AuthSendPasswordResetEmail, "auth", "SendPasswordResetEmail"),
    (AuthResetPassword, "auth", "ResetPassword"),
    (SignupSendVerificationEmail, "signup", "SendVerificationEmail"),
    (SignupSendVerificationEmail, "signup", "sendVerificationEmail"),
    (SignupCompleteSignup, "signup", "CompleteSignup"),
    (SignupCompleteSignup, "signup", "completeSignup"),
];

impl Endpoint {
    /// The endpoint that `path` names: `/chat/New`, `/chat/Chat/New`, both under `/v1/`, each with or without the
    /// leading slash.
    pub fn from_path(path: &str) -> Option<Self> {
        ALL.iter().find(|(_, service, method)| is_path(path, service, method)).map(|(endpoint, ..)| *endpoint)
    }

    /// Whether this endpoint is nothing but a stream: a WebSocket, not one answer.
    pub const fn streams(self) -> bool {
        matches!(self, ChatConnect)
    }

    /// Whether `path` names an endpoint that [streams](Self::streams). A page that asks only this needn't know them
    /// all.
    pub fn is_stream(path: &str) -> bool {
        is_path(path, "chat", "Connect")
    }

    /// Whether this is never called by an address alone, such as a link.
    pub const fn changes_much(self) -> bool {
        matches!(self, ChatsDeleteUser)
    }

    /// Whether this is about groups, whose errors are worded as they always were.
    pub fn is_of_groups(self) -> bool {
        let is_lower = |letter: u8| letter.is_ascii_lowercase();
        self.name().strip_prefix("chat.").and_then(|method| method.bytes().next()).is_some_and(is_lower)
    }

    /// Whether this endpoint is how one gets a token, or gets rid of it: it is called without one.
    pub fn is_about_accounts(self) -> bool {
        self.name().starts_with("auth.") || self.name().starts_with("signup.")
    }

    /// The name error ids start with: `chat.New`.
    pub const fn name(self) -> &'static str {
        match self {
            ChatNew => "chat.New",
            ChatSend => "chat.Send",
            ChatHistory => "chat.History",
            ChatConnect => "chat.Connect",
            ChatCreate => "chat.create",
            ChatList => "chat.list",
            ChatDelete => "chat.delete",
            ChatInvite => "chat.invite",
            ChatKick => "chat.kick",
            ChatLeave => "chat.leave",
            ChatJoin => "chat.join",
            GroupSend => "chat.send",
            GroupHistory => "chat.history",
            ChatsCreateChat => "chats.CreateChat",
            ChatsSendMessage => "chats.SendMessage",
            ChatsListMessages => "chats.ListMessages",
            ChatsListChats => "chats.ListChats",
            ChatsMarkRead => "chats.MarkRead",
            ChatsDeleteUser => "chats.DeleteUser",
            ChatsExportChat => "chats.ExportChat",
            ChatsExportUser => "chats.ExportUser",
            AuthOptions => "auth.Options",
            AuthToken => "auth.Token",
            AuthInspect => "auth.Inspect",
            AuthRevoke => "auth.Revoke",
            AuthChangeSecret => "auth.ChangeSecret",
            AuthDelete => "auth.Delete",
            AuthSendPasswordResetEmail => "auth.SendPasswordResetEmail",
            AuthResetPassword => "auth.ResetPassword",
            SignupSendVerificationEmail => "signup.SendVerificationEmail",
            SignupCompleteSignup => "signup.CompleteSignup",
        }
    }

    /// What it is called where its errors are not: in OpenAPI, in figures and in logs, as its path spells it. Those of
    /// groups have older names in their errors.
    pub const fn operation(self) -> &'static str {
        match self {
            ChatCreate => "chat.Create",
            ChatList => "chat.List",
            ChatDelete => "chat.Delete",
            ChatInvite => "chat.Invite",
            ChatKick => "chat.Kick",
            ChatLeave => "chat.Leave",
            ChatJoin => "chat.Join",
            GroupSend => "chat.Send",
            GroupHistory => "chat.History",
            other => other.name(),
        }
    }
}

/// Whether `path` names that method of that service.
fn is_path(path: &str, service: &str, method: &str) -> bool {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_prefix("v1/").unwrap_or(path);
    let rest = path.strip_prefix(service).and_then(|rest| rest.strip_prefix('/'));
    // What is left is nothing, or `Chat/`.
    rest.and_then(|rest| rest.strip_suffix(method))
        .is_some_and(|name| name.is_empty() || name.strip_suffix('/').is_some_and(|name| is_capitalised(name, service)))
}

/// Whether `name` is `service` with its first letter in upper case: `Chat` for `chat`.
fn is_capitalised(name: &str, service: &str) -> bool {
    name.len() == service.len()
        && name.eq_ignore_ascii_case(service)
        && name.as_bytes().first().is_some_and(u8::is_ascii_uppercase)
        && name.get(1..) == service.get(1..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_is_found_by_each_form_of_its_path() {
        for &(endpoint, service, method) in ALL {
            let capital = service[..1].to_uppercase() + &service[1..];
            for path in [
                format!("/{service}/{method}"),
                format!("{service}/{method}"),
                format!("/{service}/{capital}/{method}"),
                format!("/v1/{service}/{method}"),
                format!("v1/{service}/{capital}/{method}"),
            ] {
                assert_eq!(Endpoint::from_path(&path), Some(endpoint), "{path}");
                assert_eq!(Endpoint::is_stream(&path), endpoint.streams(), "{path}");
            }
        }
    }

    #[test]
    fn an_operation_is_called_like_its_path() {
        let first = |endpoint: Endpoint| ALL.iter().find(|(named, ..)| *named == endpoint);
        for &(endpoint, ..) in ALL {
            let spelled = first(endpoint).map(|(_, service, method)| format!("{service}.{method}"));
            assert_eq!(Some(endpoint.operation()), spelled.as_deref(), "{endpoint:?}");
        }
        assert_eq!((GroupSend.operation(), GroupHistory.operation()), (ChatSend.operation(), ChatHistory.operation()));
    }

    #[test]
    fn a_path_that_only_resembles_an_endpoint_is_none() {
        for path in [
            "",
            "/",
            "/chat",
            "/chat/",
            "/chat/new",
            "/Chat/New",
            "/chat/chat/New",
            "/chat/Chats/New",
            "/chat/Chat/New/",
            "/chat/Chat/Chat/New",
            "/v1/v1/chat/New",
            "//chat/New",
            "/v2/chat/New",
            "/chat/é/New",
        ] {
            assert_eq!(Endpoint::from_path(path), None, "{path}");
        }
    }
}
