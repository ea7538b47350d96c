//! `chats.DeleteUser`: a user goes, with all that they wrote.

use std::net::IpAddr;
use std::sync::Arc;

use axum::response::Response;
use micro_chat_wire::deletion::{DeleteUserRequest, DeleteUserResponse};
use micro_chat_wire::endpoint::Endpoint;
use zeroize::Zeroizing;

use super::auth::private;
use super::fault::Fault;
use super::request::Call;
use crate::auth::Caller;
use crate::chat::{DeletedUser, Refusal};
use crate::completion::whole;
use crate::node::Node;

/// `chats.DeleteUser`.
pub async fn delete_user(
    node: &Arc<Node>,
    caller: &Caller,
    address: Option<IpAddr>,
    call: Call,
) -> Result<Response, Fault> {
    let endpoint = Endpoint::ChatsDeleteUser;
    let refused = |refusal| Fault::Refused(endpoint, refusal);
    let DeleteUserRequest { user_id, secret } = call.read_body()?;
    let secret = Zeroizing::new(secret);
    let user_id = node.chats.whole_user(caller, user_id).map_err(refused)?;
    let has_account = caller.user().is_some_and(|user| user.login.is_some());
    if let (true, Some(accounts)) = (has_account, &node.accounts) {
        // A token that got into others' hands is not enough, no more than for the account.
        let confirmed = accounts.confirm(caller, address, secret).await;
        confirmed.map_err(|refusal| Fault::Account(endpoint, refusal))?;
    }
    let deleted = whole(delete(node.clone(), caller.namespace.clone(), user_id)).await.map_err(refused)?;
    let answer = DeleteUserResponse { messages: deleted.messages, chats: deleted.chats, ended: deleted.ended };
    Ok(private(&answer, None))
}

async fn delete(node: Arc<Node>, namespace: String, user_id: String) -> Result<DeletedUser, Refusal> {
    let (logins, at) = node.chats.begin_deletion(&namespace, &user_id).await?;
    if let Some(accounts) = &node.accounts {
        accounts.deleted(logins);
    }
    node.access.forget_user(namespace.clone(), user_id.clone(), at);
    node.chats.finish_deletion(&namespace, &user_id).await
}
