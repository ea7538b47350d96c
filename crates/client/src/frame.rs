//! The session dialect's frames, from and to text.

use micro_chat_session::Frame;
use micro_chat_wire::op;
use serde_json::Value;

/// What the server said; what is no frame is [`Frame::Other`].
pub fn read(text: &str) -> Frame<Value> {
    serde_json::from_str(text).ok().and_then(known).unwrap_or(Frame::Other)
}

fn known(mut frame: Vec<Value>) -> Option<Frame<Value>> {
    let number = |index: usize| frame.get(index).and_then(Value::as_u64);
    let short = |index: usize| number(index).and_then(|number| u32::try_from(number).ok());
    Some(match short(0)? {
        op::MESSAGES => {
            let (handle, from, to) = (short(1)?, number(2)?, number(3)?);
            let messages = frame.get_mut(4).filter(|messages| messages.is_array())?.take();
            Frame::Messages { handle, from, to, messages }
        }
        op::ACK => Frame::Ack { n: short(1)?, stored: frame.get_mut(2)?.take() },
        op::WELCOME => {
            let terms = frame.get(1)?;
            Frame::Welcome { heartbeat: terms["heartbeat"].as_u64()?, grace: terms["grace"].as_u64()? }
        }
        op::SUBSCRIBED => Frame::Subscribed { handle: short(1)?, epoch: number(2)?, after: number(3)? },
        op::LIVE => Frame::Live { handle: short(1)?, seq: number(2)? },
        op::EVENT => {
            Frame::Event { handle: short(1)?, event: frame.get_mut(2).filter(|event| event.is_object())?.take() }
        }
        op::ERROR => {
            let (scope, number) = (short(1)?, short(2)?);
            let error = frame.get_mut(3)?.take();
            let retry_after = error["retry_after"].as_u64();
            Frame::Error { scope, number, error, retry_after }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn frames_keep_their_bodies_and_what_is_none_is_harmless() {
        let messages = Frame::Messages { handle: 1, from: 5, to: 6, messages: json!([{ "seq": 5 }, { "seq": 6 }]) };
        assert_eq!(read(r#"[22,1,5,6,[{"seq":5},{"seq":6}],"later"]"#), messages);
        assert_eq!(read("[23,1,6]"), Frame::Live { handle: 1, seq: 6 });
        let event = Frame::Event { handle: 1, event: json!({ "type": "joined" }) };
        assert_eq!(read(r#"[27,1,{"type":"joined"},"later"]"#), event);
        for other in [
            "",
            "[]",
            "null",
            "[26]",
            "[22]",
            "[22,1,5,6,{}]",
            "[22,-1,5,6,[]]",
            "[99,1]",
            "[24,4294967296,{}]",
            "[27,1]",
            "[27,1,5]",
        ] {
            assert_eq!(read(other), Frame::Other, "{other}");
        }
    }
}
