//! Frames: what is read is what was sent, and what is no frame does no harm.

use js_sys::{Array, Object, Reflect, Uint8Array};
use micro_chat::frame::{read, write};
use micro_chat_session::Frame;
use micro_chat_wire::op;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen(inline_js = "
    export function spy() {
        const parse = JSON.parse;
        const spied = { texts: 0, value: undefined };
        JSON.parse = (text) => {
            spied.texts += 1;
            return (spied.value = parse(text));
        };
        spied.end = () => (JSON.parse = parse);
        return spied;
    }
")]
extern "C" {
    type Spied;
    fn spy() -> Spied;
    #[wasm_bindgen(method)]
    fn end(this: &Spied);
    #[wasm_bindgen(method, getter)]
    fn texts(this: &Spied) -> u32;
    #[wasm_bindgen(method, getter)]
    fn value(this: &Spied) -> Array;
}

fn frame(text: &str) -> Frame<JsValue> {
    read(&text.into())
}

#[wasm_bindgen_test]
fn bodies_stay_the_objects_that_one_parse_made() {
    let spied = spy();
    let read = frame(r#"[22, 7, 3, 4, [{"text": "a"}, {"text": "b"}]]"#);
    spied.end();
    let Frame::Messages { handle: 7, from: 3, to: 4, messages } = read else { panic!("{read:?}") };
    assert_eq!(spied.texts(), 1);
    assert!(Object::is(&messages, &spied.value().get(4)));
}

#[wasm_bindgen_test]
fn every_frame_of_the_server_is_read() {
    assert_eq!(
        frame(r#"[20, {"heartbeat": 25000, "grace": 10000}]"#),
        Frame::Welcome { heartbeat: 25_000, grace: 10_000 }
    );
    assert_eq!(
        frame("[21, 7, 1, 9007199254740991]"),
        Frame::Subscribed { handle: 7, epoch: 1, after: 9_007_199_254_740_991 }
    );
    assert_eq!(frame("[23, 7, 12, \"a later version's\"]"), Frame::Live { handle: 7, seq: 12 });
    assert_eq!(frame("[26]"), Frame::Other);
    let event = frame(r#"[27, 7, {"type": "joined", "user_id": "ann"}, "a later version's"]"#);
    assert!(matches!(event, Frame::Event { handle: 7, event } if event.is_object()));
    assert!(matches!(frame(r#"[24, 9, {"id": "x"}]"#), Frame::Ack { n: 9, stored } if stored.is_object()));
    let refused = frame(r#"[25, 2, 9, {"Id": "x", "retry_after": 500}]"#);
    assert!(matches!(refused, Frame::Error { scope: 2, number: 9, retry_after: Some(500), .. }), "{refused:?}");
    let refused = frame(r#"[25, 0, 0, {"Id": "x"}]"#);
    assert!(matches!(refused, Frame::Error { scope: 0, number: 0, retry_after: None, .. }), "{refused:?}");
}

#[wasm_bindgen_test]
fn what_is_no_frame_is_passed_over() {
    for text in [
        "",
        "{",
        "null",
        "5",
        "\"22\"",
        "{}",
        "[]",
        "[[]]",
        "[null]",
        "[\"22\", 1, 1, 1, []]",
        "[99, 1]",
        "[-22]",
        "[1e400]",
        "[20]",
        "[20, null]",
        "[20, {}]",
        "[20, {\"heartbeat\": -1, \"grace\": 0}]",
        "[21, 1]",
        "[21, 4294967296, 1, 1]",
        "[22]",
        "[22, 1, 1, 1]",
        "[22, 1, 1, 1, {}]",
        "[22, 1.5, 1, 1, []]",
        "[22, 1, null, 1, []]",
        "[22, 1, -1, 1, []]",
        "[23]",
        "[23, 1, \"1\"]",
        "[24]",
        "[24, 3, null]",
        "[24, 3, 5]",
        "[25, 1]",
        "[27, 7]",
        "[27, 7, null]",
        "[27, -1, {}]",
        "[25, \"0\", 0, {}]",
        "[{\"valueOf\": 1, \"toString\": 1}]",
        "[22, {\"valueOf\": 1, \"toString\": 1}, 1, 1, []]",
        "[20, {\"heartbeat\": {\"valueOf\": 1, \"toString\": 1}}]",
    ] {
        assert_eq!(frame(text), Frame::Other, "{text}");
    }
    for value in
        [JsValue::UNDEFINED, JsValue::NULL, 5.into(), Uint8Array::new_with_length(3).into(), JsValue::symbol(None)]
    {
        assert_eq!(read(&value), Frame::Other);
    }
    assert_eq!(frame(&"[".repeat(100_000)), Frame::Other);
}

#[wasm_bindgen_test]
fn frames_are_written_as_the_protocol_has_them() {
    let message = Object::new();
    Reflect::set(&message, &"text".into(), &"a \"word\"".into()).unwrap();
    let text = write(op::PUBLISH, &[&7.into(), &2.into(), &message]);
    assert_eq!(text.as_string().unwrap(), r#"[4,7,2,{"text":"a \"word\""}]"#);
    let text = write(op::SUBSCRIBE, &[&2.into(), &"chat".into(), &0.into(), &(-1).into()]);
    assert_eq!(text.as_string().unwrap(), r#"[2,2,"chat",0,-1]"#);
    assert_eq!(write(op::PROBE, &[]).as_string().unwrap(), "[5]");
}

#[wasm_bindgen_test]
fn what_cannot_be_written_traps_nothing() {
    let circle = Array::new();
    circle.push(&circle);
    assert!(write(op::PUBLISH, &[&circle]).is_undefined());
}
