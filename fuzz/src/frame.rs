//! What comes on a WebSocket.

use micro_chat_server::api::request::{checked_namespace, from_json};
use micro_chat_wire::chat::{ConnectRequest, Message};
use micro_chat_wire::frame::ClientFrame;
use serde_json::Value;

use crate::{is_object, is_told};

/// A frame of the session dialect: read by place, as another reader of JSON reads it.
pub fn session(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let frame = match from_json::<ClientFrame>(text) {
        Ok(frame) => frame,
        Err(fault) => return is_told(&fault),
    };
    // Another reader may know no number as large as one that nobody reads here.
    let Ok(value) = serde_json::from_str::<Value>(text) else { return };
    let element = |index: usize| value.get(index).unwrap_or(&Value::Null);
    match frame {
        ClientFrame::Subscribe { handle, chat_id, epoch, after, members } => {
            assert_eq!((element(1).as_u64(), element(2).as_str()), (Some(handle.into()), Some(chat_id.as_str())));
            assert_eq!((element(3).as_u64(), element(4).as_i64()), (Some(epoch), Some(after)));
            assert_eq!(element(5).as_bool().unwrap_or_default(), members);
        }
        ClientFrame::Unsubscribe { handle } => assert_eq!(element(1).as_u64(), Some(handle.into())),
        ClientFrame::Publish { n, handle, message, expired } => {
            assert_eq!((element(1).as_u64(), element(2).as_u64()), (Some(n.into()), Some(handle.into())));
            assert_eq!(element(4).as_bool().unwrap_or_default(), expired);
            if let Some(text) = element(3).get("text") {
                assert_eq!(text.as_str(), Some(message.text.as_str()));
            }
        }
        ClientFrame::Hello(_) | ClientFrame::Renew(_) | ClientFrame::Probe | ClientFrame::Unknown => {
            assert!(element(0).is_u64());
        }
    }
}

/// A frame of the gateway dialect: the first, or a message.
pub fn gateway(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match from_json::<ConnectRequest>(text) {
        Ok(request) => {
            assert!(is_object(data));
            checked_namespace(request.namespace).err().iter().for_each(is_told);
        }
        Err(fault) => is_told(&fault),
    }
    match from_json::<Message>(text) {
        Ok(message) => {
            assert!(is_object(data));
            // What is stored is written as it was read.
            let again: Message =
                serde_json::to_string(&message).ok().and_then(|text| from_json(&text).ok()).expect("JSON");
            assert_eq!(
                (again.text, again.client_id, again.subject),
                (message.text, message.client_id, message.subject)
            );
        }
        Err(fault) => is_told(&fault),
    }
}
