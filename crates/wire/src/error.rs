//! What every refusal looks like: `{"Id", "Code", "Detail", "Status"}`.

use serde::{Deserialize, Serialize};

/// An error as the gateway's answers, error frames and the session dialect carry it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ErrorBody))]
pub struct ErrorBody {
    /// What went wrong, for programs: `chat.New.MissingUserIDs`.
    #[serde(rename = "Id")]
    pub id: String,
    /// The HTTP status.
    #[serde(rename = "Code")]
    pub code: u16,
    /// What went wrong and what to do, for people.
    #[serde(rename = "Detail")]
    pub detail: String,
    /// The HTTP status in words.
    #[serde(rename = "Status")]
    pub status: String,
    /// How long to wait before trying again, in milliseconds, where that may help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub retry_after: Option<u64>,
}
