//! The two dialects, as far as a measurement speaks them.

use micro_chat_wire::{SUBPROTOCOL, op};
use serde_json::json;

/// The handle of the one subscription that a connection has.
const HANDLE: u32 = 1;

/// What is spoken on a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `micro.chat.v1`.
    Session,
    /// Raw messages.
    Gateway,
}

impl Dialect {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Gateway => "gateway",
        }
    }

    /// The WebSocket subprotocol that asks for it.
    pub fn subprotocol(self) -> Option<&'static str> {
        match self {
            Self::Session => Some(SUBPROTOCOL),
            Self::Gateway => None,
        }
    }

    /// The frames that join a chat, behind a cursor where there is one.
    pub fn join(self, chat_id: &str, user_id: &str, cursor: Option<(u64, u64)>) -> Vec<String> {
        match self {
            Self::Session => {
                let (epoch, after) = cursor.map_or((0, op::FROM_NOW), |(epoch, seq)| (epoch, seq.cast_signed()));
                vec![
                    json!([op::HELLO, { "user_id": user_id }]).to_string(),
                    json!([op::SUBSCRIBE, HANDLE, chat_id, epoch, after]).to_string(),
                ]
            }
            Self::Gateway => vec![json!({ "chat_id": chat_id, "user_id": user_id }).to_string()],
        }
    }

    /// The frame that sends the message with that number.
    pub fn publish(self, number: u64, text: &str) -> String {
        let client_id = client_id(number);
        match self {
            Self::Session => {
                let message = json!({ "client_id": client_id, "text": text });
                json!([op::PUBLISH, number, HANDLE, message]).to_string()
            }
            Self::Gateway => json!({ "client_id": client_id, "text": text }).to_string(),
        }
    }
}

/// A name for a message, as long as a UUID.
pub fn client_id(number: u64) -> String {
    format!("{number:036}")
}
