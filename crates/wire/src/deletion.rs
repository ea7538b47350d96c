//! Request and answer of `chats.DeleteUser`.

use serde::{Deserialize, Serialize};

/// Request of `chats.DeleteUser`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = chats::DeleteUserRequest))]
#[serde(default)]
pub struct DeleteUserRequest {
    /// Who goes; where a token says who calls, it may be left out.
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    pub user_id: String,
    /// Their password, where they call with a login of an account.
    pub secret: String,
}

impl std::fmt::Debug for DeleteUserRequest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("DeleteUserRequest").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

/// Answer of `chats.DeleteUser`, once all of it is gone.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = chats::DeleteUserResponse))]
pub struct DeleteUserResponse {
    /// Messages of theirs that were deleted, but for those of chats that are gone altogether.
    pub messages: u64,
    /// Chats that they were in.
    pub chats: u64,
    /// Of those, chats that are gone: nobody was left in them.
    pub ended: u64,
}
