//! The session dialect's frames, from and to text. `docs/protocol.md` describes them.

use js_sys::Array;
use micro_chat_session::Frame;
use micro_chat_wire::op;
use wasm_bindgen::prelude::*;

// A line of JavaScript for each, because wasm-bindgen's own ways to call what may throw are slower than the parsing.
#[wasm_bindgen(inline_js = "
    export const parse = (text) => { try { return JSON.parse(text) } catch {} };
    export const part = (value, key) => value?.[key];
    export const number = (value, key) => { const number = value?.[key]; return typeof number === 'number' ? number : -1 };
")]
extern "C" {
    /// What the text says; undefined where it is no JSON.
    fn parse(text: &JsValue) -> JsValue;
    /// An element of a value, whatever that is.
    fn part(value: &JsValue, key: u32) -> JsValue;
    /// A number in a value; -1 where there is none.
    fn number(value: &JsValue, key: u32) -> f64;
    #[wasm_bindgen(js_name = number)]
    fn named(value: &JsValue, key: &str) -> f64;
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = JSON, catch)]
    fn stringify(value: &JsValue) -> Result<JsValue, JsValue>;
}

/// What the server said. Only numbers are read; bodies stay the objects that JSON.parse made.
pub fn read(text: &JsValue) -> Frame<JsValue> {
    known(&parse(text)).unwrap_or(Frame::Other)
}

/// A frame whose op and elements are as they should be.
fn known(frame: &JsValue) -> Option<Frame<JsValue>> {
    let long = |key| whole(number(frame, key));
    let short = |key| long(key).and_then(|number| u32::try_from(number).ok());
    let body = |key| part(frame, key);
    Some(match short(0)? {
        // The commonest first.
        op::MESSAGES => {
            let messages = body(4);
            if !Array::is_array(&messages) {
                return None;
            }
            Frame::Messages { handle: short(1)?, from: long(2)?, to: long(3)?, messages }
        }
        op::ACK => Frame::Ack { n: short(1)?, stored: Some(body(2)).filter(JsValue::is_object)? },
        op::EVENT => Frame::Event { handle: short(1)?, event: Some(body(2)).filter(JsValue::is_object)? },
        op::WELCOME => {
            let terms = body(1);
            Frame::Welcome { heartbeat: whole(named(&terms, "heartbeat"))?, grace: whole(named(&terms, "grace"))? }
        }
        op::SUBSCRIBED => Frame::Subscribed { handle: short(1)?, epoch: long(2)?, after: long(3)? },
        op::LIVE => Frame::Live { handle: short(1)?, seq: long(2)? },
        op::ERROR => {
            let error = body(3);
            let retry_after = whole(named(&error, "retry_after"));
            Frame::Error { scope: short(1)?, number: short(2)?, error, retry_after }
        }
        _ => return None,
    })
}

/// A number that is whole and not negative; JavaScript's others are none for us.
fn whole(number: f64) -> Option<u64> {
    let whole = number as u64;
    (whole as f64 == number).then_some(whole)
}

/// The frame of these elements, as text. Undefined if one of them can't be JSON.
pub fn write(op: u32, elements: &[&JsValue]) -> JsValue {
    let frame = Array::of1(&op.into());
    for element in elements {
        frame.push(element);
    }
    stringify(&frame).unwrap_or_default()
}
