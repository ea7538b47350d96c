//! What the rules of chats and groups refuse, in words.

use micro_chat_wire::endpoint::Endpoint;
use micro_chat_wire::limit;

use crate::chat::Refusal;

/// The ids of the two services: `chat.Send.MissingText`, and `MISSING_TEXT`.
pub fn words(endpoint: Endpoint, refusal: &Refusal) -> (String, u16, String) {
    if let Some(words) = words_of_group(endpoint, refusal) {
        return words;
    }
    let in_chats = endpoint.name().starts_with("chats.");
    // Who sends is called so there; who does anything else is a user everywhere.
    let has_author = endpoint == Endpoint::ChatsSendMessage;
    let id = |camel: &str, screaming: &str| {
        if in_chats { screaming.to_owned() } else { format!("{}.{camel}", endpoint.name()) }
    };
    match refusal {
        Refusal::Denied(denied) => super::denied(*denied),
        Refusal::MissingUserIds => {
            let needed = if in_chats { "two different users" } else { "one user" };
            (id("MissingUserIDs", "MISSING_USER_IDs"), 400, format!("Name at least {needed} in user_ids."))
        }
        Refusal::EmptyUserId => {
            (id("EmptyUserID", "EMPTY_USER_ID"), 400, "Each of user_ids needs at least one character.".into())
        }
        Refusal::TooManyUserIds => (
            id("TooManyUserIDs", "TOO_MANY_USER_IDs"),
            413,
            format!("Name at most {} users in user_ids.", limit::USER_IDS),
        ),
        Refusal::NotAmongUsers => (
            id("NotAmongUsers", "NOT_AMONG_USERS"),
            403,
            "Name yourself in user_ids: only your own chats are yours to open.".into(),
        ),
        Refusal::ChosenId => {
            (id("ChosenID", "CHOSEN_ID"), 403, "A chat's id can't be chosen here; leave id out.".into())
        }
        Refusal::MissingUserId if has_author => ("MISSING_AUTHOR_ID".into(), 400, "Say in author_id who sends.".into()),
        Refusal::MissingUserId => (id("MissingUserID", "MISSING_USER_ID"), 400, "Say in user_id who this is.".into()),
        Refusal::MissingChatId => (id("MissingChatID", "MISSING_CHAT_ID"), 400, "Name the chat in chat_id.".into()),
        Refusal::UnknownChat if in_chats => ("NOT_FOUND".into(), 404, "There is no chat with this chat_id.".into()),
        Refusal::UnknownChat => (id("InvalidChatID", ""), 400, "There is no chat with this chat_id.".into()),
        Refusal::MissingText => (id("MissingText", "MISSING_TEXT"), 400, "A message needs a text.".into()),
        Refusal::TooLarge { field, limit } => {
            let named = if has_author && *field == "user_id" { "author_id" } else { field };
            let camel = match *field {
                "user_id" | "user_ids" => "UserIDTooLarge",
                "client_id" => "ClientIDTooLarge",
                "subject" => "SubjectTooLarge",
                "text" => "TextTooLarge",
                "message" => "MessageTooLarge",
                _ => "IDTooLarge",
            };
            let screaming = match *field {
                "user_id" if has_author => "AUTHOR_ID_TOO_LARGE",
                "user_id" | "user_ids" => "USER_ID_TOO_LARGE",
                "text" => "TEXT_TOO_LARGE",
                "message" => "MESSAGE_TOO_LARGE",
                _ => "ID_TOO_LARGE",
            };
            let what = match *field {
                "message" => "A message as JSON".to_owned(),
                "user_ids" => "Each of user_ids".to_owned(),
                _ => named.to_owned(),
            };
            (id(camel, screaming), 413, format!("{what} may have {limit} bytes at most."))
        }
        Refusal::LimitTooLarge(most) => (
            id("LimitTooLarge", "LIMIT_TOO_LARGE"),
            400,
            format!("limit is at most {most}; ask for the rest with the next request."),
        ),
        Refusal::InvalidCursor => (
            id("InvalidCursor", "INVALID_CURSOR"),
            400,
            "Take cursor from the answer before, or leave it out to begin at the front.".into(),
        ),
        Refusal::Conflict => (
            id("ClientIDConflict", "ID_CONFLICT"),
            409,
            "This client_id belongs to another message of this user; give each message its own.".into(),
        ),
        Refusal::MissingName => (id("MissingName", "MISSING_NAME"), 400, "A group needs a name.".into()),
        Refusal::MissingGroupId => {
            (id("MissingGroupID", "MISSING_GROUP_ID"), 400, "Name the group in group_id.".into())
        }
        Refusal::UnknownGroup => {
            (id("InvalidGroupID", "NOT_FOUND"), 404, "There is no group with this group_id.".into())
        }
        Refusal::NotInGroup => (id("NotInGroup", "NOT_IN_GROUP"), 403, "This user is not in the group.".into()),
        Refusal::NotCreator => (id("NotCreator", "NOT_CREATOR"), 403, "Only who created the group may do this.".into()),
        Refusal::TooManyMembers => (
            id("TooManyMembers", "TOO_MANY_MEMBERS"),
            413,
            format!("A group may have {} members at most.", limit::MEMBERS),
        ),
        Refusal::TakenId => (id("TakenID", "TAKEN_ID"), 409, "This id is taken by a group; choose another.".into()),
        Refusal::Removed => (id("Removed", "REMOVED"), 403, "You are not a member of this chat any more.".into()),
        Refusal::TooMuch(_) => {
            (id("TooMany", "TOO_MANY"), 429, "That is more than one user may; wait for a moment.".into())
        }
        Refusal::TooManyExports => (
            id("TooManyExports", "TOO_MANY_EXPORTS"),
            429,
            "As many exports as one user or API key may have are running; let one end.".into(),
        ),
        Refusal::Expired => (
            id("Expired", "EXPIRED"),
            410,
            "This message came too late and is not stored; to send it all the same, give it a new client_id.".into(),
        ),
        Refusal::Store(_) => {
            (id("Unavailable", "UNAVAILABLE"), 503, "The message store does not answer; try again.".into())
        }
    }
}

/// Errors about groups: one id a method, and what is wrong in the details, as their clients know them.
fn words_of_group(endpoint: Endpoint, refusal: &Refusal) -> Option<(String, u16, String)> {
    if !endpoint.is_of_groups() {
        return None;
    }
    let (code, detail) = match refusal {
        Refusal::MissingName => (400, "missing name".to_owned()),
        Refusal::MissingGroupId | Refusal::MissingChatId => (400, "missing group id".to_owned()),
        Refusal::MissingUserId => (400, "missing user id".to_owned()),
        Refusal::MissingText => (400, "missing text".to_owned()),
        Refusal::UnknownGroup | Refusal::UnknownChat => (400, "group not found".to_owned()),
        Refusal::NotInGroup => (400, "user is not in the group".to_owned()),
        Refusal::NotCreator => (403, "only who created the group may do this".to_owned()),
        // Who is denied is told as everywhere.
        Refusal::Denied(_) => return None,
        other => {
            let (_, code, detail) = words(Endpoint::ChatSend, other);
            (code, detail)
        }
    };
    Some((endpoint.name().to_owned(), code, detail))
}
