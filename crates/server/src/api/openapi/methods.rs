//! Every method, in words. A new endpoint is described here, and nowhere else.

use micro_chat_wire::endpoint::Endpoint;
use micro_chat_wire::{auth, chat, chats, deletion, export, groups, inbox, limit, signup};

use super::method::{Form, Login, Method};
use crate::auth::Scope;
use crate::auth::accounts::RefusalKind as Account;
use crate::chat::RefusalKind::{
    ChosenId, Conflict, EmptyUserId, Expired, InvalidCursor, LimitTooLarge, MissingChatId, MissingGroupId, MissingName,
    MissingText, MissingUserId, MissingUserIds, NotAmongUsers, NotCreator, NotInGroup, Removed, Store, TakenId,
    TooLarge, TooManyExports, TooManyMembers, TooManyUserIds, TooMuch, UnknownChat, UnknownGroup,
};

/// What is said about that endpoint.
pub fn method(endpoint: Endpoint) -> Method {
    match endpoint {
        Endpoint::ChatNew => Method::new::<chat::NewRequest, chat::NewResponse>(
            "The chat of a set of users",
            "Answers the same chat for the same users each time; the first time it makes one. With a token the caller \
             has to be one of them.",
        )
        .takes(Scope::Send)
        .refuses(&[TooMuch, TooManyUserIds, EmptyUserId, MissingUserIds, NotAmongUsers, Store])
        .measures(&["user_ids"]),
        Endpoint::ChatSend => Method::new::<chat::SendRequest, chat::SendResponse>(
            "Store a message",
            "Answers once the message is stored for good; then everybody who is connected gets it. With a `client_id` \
             it may be tried again: the same one is stored once. With a `group_id` instead of a `chat_id` it goes to a \
             group, whose members alone may send, and the answer is the message.",
        )
        .takes(Scope::Send)
        .refuses(&[TooMuch, MissingChatId, UnknownChat, MissingUserId, MissingText, TooLarge, Conflict, Expired, Store])
        .measures(&["user_id", "client_id", "subject", "text"]),
        Endpoint::GroupSend => Method::new::<chat::SendRequest, groups::MessageResponse>(
            "Store a message of a group",
            "The same path as `chat.Send`, with a `group_id`.",
        )
        .takes(Scope::Send)
        .refuses(&[
            TooMuch,
            UnknownGroup,
            NotInGroup,
            MissingUserId,
            MissingText,
            TooLarge,
            Conflict,
            Expired,
            Store,
        ])
        .measures(&["user_id", "client_id", "subject", "text"]),
        Endpoint::ChatHistory => Method::new::<chat::HistoryRequest, chat::HistoryResponse>(
            "Read messages",
            "Answers messages in their order: the newest with a `seq` below `before`, or with `after` the oldest with \
             a `seq` above it. Where the range goes on, `has_more` says so. With a `group_id` instead of a `chat_id` it \
             reads a group.",
        )
        .takes(Scope::Read)
        .refuses(&[LimitTooLarge, MissingChatId, UnknownChat, Store]),
        Endpoint::GroupHistory => Method::new::<chat::HistoryRequest, groups::HistoryResponse>(
            "Read messages of a group",
            "The same path as `chat.History`, with a `group_id`.",
        )
        .takes(Scope::Read)
        .refuses(&[LimitTooLarge, UnknownGroup, NotInGroup, Store]),
        Endpoint::ChatConnect => Method::new::<chat::ConnectRequest, chat::Message>(
            "The stream of a chat's messages",
            "A WebSocket. Without a subprotocol every frame is a message as JSON, both ways; with the subprotocol \
             `micro.chat.v1` one socket carries all chats of a user, and resumes. Both dialects are described in docs/protocol.md.",
        )
        .called(Form::Stream)
        .takes(Scope::Read)
        .refuses(&[MissingUserId, MissingChatId, UnknownChat, Removed, Store])
        .measures(&["user_id"]),
        Endpoint::ChatCreate => Method::new::<groups::CreateRequest, groups::GroupResponse>(
            "A new group",
            "Whoever calls becomes its creator and a member. The group's `id` is good as a `chat_id` everywhere.",
        )
        .takes(Scope::Send)
        .refuses(&[TooMuch, MissingName, TooManyUserIds, EmptyUserId, Store])
        .measures(&["name", "description", "user_ids"]),
        Endpoint::ChatList => Method::new::<groups::ListRequest, groups::ListResponse>(
            "The groups that one may see",
            "Public groups and one's own, the newest first; with a `user_id` those of that member.",
        )
        .takes(Scope::Read)
        .refuses(&[LimitTooLarge, Store]),
        Endpoint::ChatDelete => Method::new::<groups::MemberRequest, groups::GroupResponse>(
            "End a group",
            "By its creator, or by an API key with the scope `admin`. Its messages go with it. Answers the group as it \
             was.",
        )
        .takes(Scope::Admin)
        .refuses(&[TooMuch, MissingGroupId, UnknownGroup, NotCreator, Store])
        .measures(&["user_id"]),
        Endpoint::ChatInvite => Method::new::<groups::MemberRequest, groups::GroupResponse>(
            "Bring somebody into a group",
            "By a member. Who is in it already stays so.",
        )
        .takes(Scope::Send)
        .refuses(&[TooMuch, MissingGroupId, UnknownGroup, MissingUserId, NotInGroup, TooManyMembers, Store])
        .measures(&["user_id"]),
        Endpoint::ChatKick => Method::new::<groups::MemberRequest, groups::GroupResponse>(
            "Put somebody out of a group",
            "By its creator, or by an API key with the scope `admin`. Their subscriptions end. Who is not in it stays out.",
        )
        .takes(Scope::Admin)
        .refuses(&[TooMuch, MissingGroupId, UnknownGroup, MissingUserId, NotCreator, Store])
        .measures(&["user_id"]),
        Endpoint::ChatLeave => Method::new::<groups::MemberRequest, groups::GroupResponse>(
            "Go out of a group",
            "Who leaves is who calls. Their subscriptions end. Who is not in it stays out.",
        )
        .takes(Scope::Send)
        .refuses(&[TooMuch, MissingGroupId, UnknownGroup, MissingUserId, Store])
        .measures(&["user_id"]),
        Endpoint::ChatJoin => Method::new::<groups::MemberRequest, groups::GroupResponse>(
            "Come into a group",
            "Who joins is who calls; a private group takes an invitation. As a WebSocket it is the stream of \
             what others say in the group, too.",
        )
        .called(Form::Both)
        .takes(Scope::Send)
        .refuses(&[TooMuch, MissingGroupId, UnknownGroup, MissingUserId, TooManyMembers, NotInGroup, Store])
        .measures(&["user_id"]),
        Endpoint::ChatsCreateChat => Method::new::<chats::CreateChatRequest, chats::CreateChatResponse>(
            "The chat of an id, or of a set of users",
            "Answers the chat with this id, else the chat of these users, else a new one. With a user's token the \
             caller has to be one of the users, and leaves `id` out.",
        )
        .takes(Scope::Send)
        .refuses(&[
            TooMuch,
            TooManyUserIds,
            EmptyUserId,
            MissingUserIds,
            NotAmongUsers,
            ChosenId,
            TakenId,
            Store,
        ])
        .measures(&["id", "user_ids"]),
        Endpoint::ChatsSendMessage => Method::new::<chats::SendMessageRequest, chats::SendMessageResponse>(
            "Store a message",
            "Answers the message once it is stored for good. The same `id` again answers the first message.",
        )
        .takes(Scope::Send)
        .refuses(&[TooMuch, MissingChatId, UnknownChat, MissingUserId, MissingText, TooLarge, Conflict, Expired, Store])
        .measures(&["user_id", "client_id", "text"]),
        Endpoint::ChatsListMessages => Method::new::<chats::ListMessagesRequest, chats::ListMessagesResponse>(
            "Read messages by offset",
            "Answers messages from one end of the chat: the newest first, or with `order` as `asc` the oldest.",
        )
        .takes(Scope::Read)
        .refuses(&[LimitTooLarge, MissingChatId, UnknownChat, Store]),
        Endpoint::ChatsListChats => Method::new::<inbox::ListChatsRequest, inbox::ListChatsResponse>(
            "A user's chats, with what they have not read",
            "Those in which something was said last come first, each with its newest message. Where the list goes on, \
             `cursor` says where. With a user's token it is about the caller.",
        )
        .takes(Scope::Read)
        .refuses(&[MissingUserId, LimitTooLarge, InvalidCursor, Store])
        .measures(&["user_id"])
        .answers_at_most(limit::CHATS),
        Endpoint::ChatsMarkRead => Method::new::<inbox::MarkReadRequest, inbox::MarkReadResponse>(
            "Up to where a member has read",
            "A mark never goes back, and not beyond the last message.",
        )
        .takes(Scope::Send)
        .refuses(&[TooMuch, MissingChatId, UnknownChat, MissingUserId, Store])
        .measures(&["user_id"]),
        Endpoint::ChatsExportChat => Method::new::<export::ExportChatRequest, export::Line>(
            "All of a chat, as JSON Lines",
            "The answer is `application/x-ndjson`: a line each for the chat and its messages, and `end` as the last. \
             An export without that line was broken off.",
        )
        .takes(Scope::Read)
        .answers_lines()
        .refuses(&[TooMuch, TooManyExports, MissingChatId, UnknownChat, Store]),
        Endpoint::ChatsExportUser => Method::new::<export::ExportUserRequest, export::Line>(
            "All of a user, as JSON Lines",
            "The answer is `application/x-ndjson`: a line each for the user, their chats and what they wrote in them, \
             and `end` as the last. By that user, or by an API key with the scope `admin`.",
        )
        .takes(Scope::Admin)
        .checks_user()
        .answers_lines()
        .refuses(&[TooMuch, TooManyExports, MissingUserId, Store])
        .measures(&["user_id"]),
        Endpoint::ChatsDeleteUser => Method::new::<deletion::DeleteUserRequest, deletion::DeleteUserResponse>(
            "Delete a user, with all that they wrote",
            "Their messages, memberships, marks and account go, and their logins end. By themselves, or by an API key \
             with the scope `admin`. A call that was cut off is finished by the server, and may be made again.",
        )
        .called(Form::Secret)
        .takes(Scope::Admin)
        .checks_user()
        .refuses(&[TooMuch, MissingUserId, Store])
        .measures(&["user_id"])
        .refuses_accounts(&[
            Account::Closed,
            Account::WrongCredentials,
            Account::TooManyAttempts,
            Account::Busy,
            Account::Store,
        ]),
        Endpoint::AuthOptions => Method::new::<auth::OptionsRequest, auth::OptionsResponse>(
            "Whether this server asks for a login",
            "And whether people log in and sign up here. It is called without a token.",
        )
        .wants(Login::None),
        Endpoint::AuthToken => Method::new::<auth::TokenRequest, auth::TokenResponse>(
            "Log in, or go on being so",
            "For a password, a refresh token, or the refresh token in the cookie. A refresh token is used up by it, \
             and the answer has the next one.",
        )
        .called(Form::Secret)
        .wants(Login::None)
        .refuses_accounts(&[
            Account::Closed,
            Account::WrongCredentials,
            Account::NoLogin,
            Account::TooManyAttempts,
            Account::Busy,
            Account::Store,
        ]),
        Endpoint::AuthInspect => Method::new::<auth::InspectRequest, auth::InspectResponse>(
            "Whose a token is",
            "Of the token in the body, or of the caller's own.",
        )
        .called(Form::Secret)
        .wants(Login::Sometimes)
        .refuses_accounts(&[Account::Closed]),
        Endpoint::AuthRevoke => Method::new::<auth::RevokeRequest, auth::Empty>(
            "Log out",
            "Ends the login of the refresh token; with `everywhere` all logins of its user; with `user_id` and an API \
             key of the scope `admin` whatever that user is logged in with. Their streams end.",
        )
        .called(Form::Secret)
        .wants(Login::Sometimes)
        .refuses_accounts(&[Account::Closed, Account::InvalidId, Account::Store]),
        Endpoint::AuthChangeSecret => Method::new::<auth::ChangeSecretRequest, auth::Empty>(
            "Another password",
            "For who knows the one so far. All other logins of the user end.",
        )
        .called(Form::Secret)
        .refuses_accounts(&[
            Account::Closed,
            Account::WrongCredentials,
            Account::InvalidEmail,
            Account::WeakSecret,
            Account::TooManyAttempts,
            Account::Busy,
            Account::Store,
        ]),
        Endpoint::AuthDelete => Method::new::<auth::DeleteRequest, auth::Empty>(
            "Remove one's account",
            "For who knows its password. What it sent stays in its chats.",
        )
        .called(Form::Secret)
        .refuses_accounts(&[
            Account::Closed,
            Account::WrongCredentials,
            Account::TooManyAttempts,
            Account::Busy,
            Account::Store,
        ]),
        Endpoint::AuthSendPasswordResetEmail => Method::new::<auth::SendPasswordResetEmailRequest, auth::Empty>(
            "A code for another password",
            "By mail. The answer does not say whether the address has an account.",
        )
        .called(Form::Secret)
        .wants(Login::None)
        .refuses_accounts(&[
            Account::Closed,
            Account::InvalidEmail,
            Account::TooManyAttempts,
            Account::Busy,
            Account::Store,
        ]),
        Endpoint::AuthResetPassword => Method::new::<auth::ResetPasswordRequest, auth::Empty>(
            "Another password, for a code",
            "All logins of the user end.",
        )
        .called(Form::Secret)
        .wants(Login::None)
        .refuses_accounts(&[
            Account::Closed,
            Account::InvalidEmail,
            Account::WeakSecret,
            Account::WrongCode,
            Account::TooManyAttempts,
            Account::Busy,
            Account::Store,
        ]),
        Endpoint::SignupSendVerificationEmail => Method::new::<signup::SendVerificationEmailRequest, auth::Empty>(
            "A code to sign up with",
            "By mail. The answer does not say whether the address has an account. The path may also be written \
             `/signup/sendVerificationEmail`.",
        )
        .called(Form::Secret)
        .wants(Login::None)
        .refuses_accounts(&[
            Account::Closed,
            Account::InvalidEmail,
            Account::TooManyAttempts,
            Account::Busy,
            Account::Store,
        ]),
        Endpoint::SignupCompleteSignup => Method::new::<signup::CompleteSignupRequest, signup::CompleteSignupResponse>(
            "An account, for a code",
            "The new user is logged in. The path may also be written `/signup/completeSignup`.",
        )
        .called(Form::Secret)
        .wants(Login::None)
        .refuses_accounts(&[
            Account::Closed,
            Account::InvalidEmail,
            Account::WeakSecret,
            Account::InvalidId,
            Account::IdTaken,
            Account::WrongCode,
            Account::TooManyAttempts,
            Account::Busy,
            Account::Store,
        ]),
    }
}
