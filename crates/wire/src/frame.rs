//! The session dialect's frames from a client, as JSON.

use std::fmt;

use serde::de::{self, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::op;

/// Who speaks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hello {
    /// The namespace.
    pub namespace: String,
    /// The user.
    pub user_id: String,
    /// What proves it; empty where the socket's handshake did, or nothing has to.
    pub token: String,
}

/// Another token of the same user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Renewal {
    /// What proves from here on who speaks.
    pub token: String,
}

/// A message to store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Publication {
    /// The sender's name for it.
    pub client_id: String,
    /// What it is about; may be empty.
    pub subject: String,
    /// What it says.
    pub text: String,
}

/// A frame from a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientFrame {
    /// [`op::HELLO`].
    Hello(Hello),
    /// [`op::SUBSCRIBE`].
    Subscribe {
        /// Names the subscription from now on.
        handle: u32,
        /// The chat.
        chat_id: String,
        /// The epoch of `after`; 0: none.
        epoch: u64,
        /// The last `seq` the client has; [`op::FROM_NOW`]: from now on.
        after: i64,
        /// Whether it is to be told who is in the chat, and who comes and goes.
        members: bool,
    },
    /// [`op::UNSUBSCRIBE`].
    Unsubscribe {
        /// The subscription.
        handle: u32,
    },
    /// [`op::PUBLISH`].
    Publish {
        /// Names this publish in its answer.
        n: u32,
        /// The subscription whose chat it goes to.
        handle: u32,
        /// The message.
        message: Publication,
        /// It is too late to store it: acknowledged where it is stored already, else refused for good.
        expired: bool,
    },
    /// [`op::PROBE`].
    Probe,
    /// [`op::RENEW`].
    Renew(Renewal),
    /// An op of a later version: to be ignored.
    Unknown,
}

impl<'de> Deserialize<'de> for ClientFrame {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(FrameVisitor)
    }
}

struct FrameVisitor;

impl<'de> Visitor<'de> for FrameVisitor {
    type Value = ClientFrame;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array that begins with an op")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<ClientFrame, A::Error> {
        let frame = match next(&mut elements, "op")? {
            op::HELLO => ClientFrame::Hello(next(&mut elements, "hello")?),
            op::SUBSCRIBE => ClientFrame::Subscribe {
                handle: next(&mut elements, "handle")?,
                chat_id: next(&mut elements, "chat_id")?,
                epoch: next(&mut elements, "epoch")?,
                after: next(&mut elements, "after")?,
                members: elements.next_element()?.unwrap_or(false),
            },
            op::UNSUBSCRIBE => ClientFrame::Unsubscribe { handle: next(&mut elements, "handle")? },
            op::PUBLISH => ClientFrame::Publish {
                n: next(&mut elements, "n")?,
                handle: next(&mut elements, "handle")?,
                message: next(&mut elements, "message")?,
                expired: elements.next_element()?.unwrap_or(false),
            },
            op::PROBE => ClientFrame::Probe,
            op::RENEW => ClientFrame::Renew(next(&mut elements, "renewal")?),
            _ => ClientFrame::Unknown,
        };
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(frame)
    }
}

fn next<'de, A: SeqAccess<'de>, T: Deserialize<'de>>(elements: &mut A, name: &'static str) -> Result<T, A::Error> {
    elements.next_element()?.ok_or_else(|| de::Error::custom(format_args!("the frame ends before its {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_by_place_and_what_is_behind_is_ignored() {
        let read = |text| serde_json::from_str::<ClientFrame>(text).ok();
        let message = Publication { client_id: "c".into(), subject: String::new(), text: "hi".into() };
        assert_eq!(
            read(r#"[4,7,1,{"client_id":"c","text":"hi","later":[]}]"#),
            Some(ClientFrame::Publish { n: 7, handle: 1, message: message.clone(), expired: false })
        );
        assert_eq!(
            read(r#"[4,7,1,{"client_id":"c","text":"hi"},true,"more"]"#),
            Some(ClientFrame::Publish { n: 7, handle: 1, message, expired: true })
        );
        let subscribe = |members| {
            Some(ClientFrame::Subscribe { handle: 1, chat_id: "chat".into(), epoch: 0, after: op::FROM_NOW, members })
        };
        assert_eq!(read(r#"[2,1,"chat",0,-1]"#), subscribe(false));
        assert_eq!(read(r#"[2,1,"chat",0,-1,false]"#), subscribe(false));
        assert_eq!(read(r#"[2,1,"chat",0,-1,true,{"later":1}]"#), subscribe(true));
        assert_eq!(read("[5]"), Some(ClientFrame::Probe));
        assert_eq!(read(r#"[6,{"token":"t","later":1},[]]"#), Some(ClientFrame::Renew(Renewal { token: "t".into() })));
        assert_eq!(read("[19,{}]"), Some(ClientFrame::Unknown));
    }

    #[test]
    fn what_is_no_frame_is_an_error() {
        for text in [
            "",
            "{}",
            "[]",
            "5",
            "[2]",
            r#"[2,-1,"chat",0,0]"#,
            r#"[2,1,"chat",0,0,1]"#,
            r#"["4"]"#,
            "[4,1,1]",
            "[6]",
            r#"[6,"token"]"#,
            "[4,1,1,{},\"more\"]",
            "[4294967296]",
            "[5",
        ] {
            assert!(serde_json::from_str::<ClientFrame>(text).is_err(), "{text}");
        }
    }
}
