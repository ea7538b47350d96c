//! The client without a server: it keeps trying, keeps order, and nothing traps it.

use crate::CLOSED;
use crate::page::{Recorder, meddle, pretend};
use js_sys::Reflect;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
async fn without_a_server_it_waits_and_tries_again() {
    let recorder = Recorder::new(&format!("ws://{CLOSED}/chat/Connect"));
    recorder.subscribe();
    assert_eq!(recorder.log(), [r#"["state","connecting",null]"#]);
    let waiting = recorder.hears("waiting").await;
    assert!(waiting.starts_with(r#"["state","waiting","#), "{waiting}");
    recorder.call("wake", &[]).unwrap();
    assert_eq!(recorder.log()[2], r#"["state","connecting",null]"#);
    recorder.call("free", &[]).unwrap();
}

#[wasm_bindgen_test]
fn an_address_that_no_socket_takes_ends_it() {
    let recorder = Recorder::new("nonsense:/");
    let id = recorder.subscribe();
    let log = recorder.log();
    assert_eq!(log.len(), 2, "{log:?}");
    assert!(log[1].starts_with(&format!(r#"["ended",{},{{"Id":"client.BadAddress""#, id.as_f64().unwrap())), "{log:?}");
}

#[wasm_bindgen_test]
fn who_asks_for_members_gets_their_events_as_they_came() {
    let pretence = pretend();
    let recorder = Recorder::new("ws://server/chat/Connect");
    let id = recorder.subscribe_with(true);
    recorder.call("opened", &[]).unwrap();
    for frame in ["[21, 2, 1, 0]", r#"[27, 2, {"type":"left","user_id":"ben"}]"#, r#"[27, 1, {"type":"left"}]"#] {
        recorder.call("received", &[frame.into()]).unwrap();
    }
    let sent: js_sys::Array = Reflect::get(&pretence.sockets().get(0), &"sent".into()).unwrap().unchecked_into();
    assert_eq!(sent.get(1), r#"[2,2,"chat",0,0,true]"#);
    let told: Vec<String> = recorder.log().into_iter().filter(|entry| entry.starts_with(r#"["event""#)).collect();
    assert_eq!(told, [format!(r#"["event",{},{{"type":"left","user_id":"ben"}}]"#, id.as_f64().unwrap())]);
    recorder.call("free", &[]).unwrap();
    pretence.end();
}

#[wasm_bindgen_test]
fn a_session_speaks_the_protocol() {
    let pretence = pretend();
    let recorder = Recorder::new("ws://server/chat/Connect");
    let id = recorder.subscribe();
    let socket = pretence.sockets().get(0);
    assert_eq!(Reflect::get(&socket, &"protocol".into()).unwrap(), "micro.chat.v1");
    recorder.call("opened", &[]).unwrap();
    let message = js_sys::JSON::parse(r#"{"client_id":"c","subject":"","text":"hello"}"#).unwrap();
    recorder.call("publish", &[7.into(), id, message, JsValue::FALSE, 60_000.into()]).unwrap();
    for frame in [
        r#"[20, {"heartbeat": 25000, "grace": 10000}]"#,
        "[21, 2, 1, 0]",
        r#"[22, 2, 1, 2, [{"seq": 1}, {"seq": 2}]]"#,
        "[23, 2, 2]",
        r#"[24, 3, {"seq": 3}]"#,
    ] {
        recorder.call("received", &[frame.into()]).unwrap();
    }
    recorder.call("free", &[]).unwrap();
    pretence.end();

    let sent: js_sys::Array = Reflect::get(&socket, &"sent".into()).unwrap().unchecked_into();
    let sent: Vec<String> = sent.iter().filter_map(|text| text.as_string()).collect();
    let publish = r#"[4,3,2,{"client_id":"c","subject":"","text":"hello"}]"#;
    assert_eq!(sent, [r#"[1,{"user_id":"ann"}]"#, r#"[2,2,"chat",0,0]"#, publish]);
    assert_eq!(Reflect::get(&socket, &"code".into()).unwrap(), 1000);
    assert!(Reflect::get(&socket, &"onmessage".into()).unwrap().is_null());
    assert_eq!(
        recorder.log()[1..],
        [
            r#"["subscribed",1,1,0]"#,
            r#"["deliver",1,[{"seq":1},{"seq":2}],0,1,2]"#,
            r#"["caughtup",1,2]"#,
            r#"["stored",7,{"seq":3}]"#,
        ]
    );
}

#[wasm_bindgen_test]
fn another_token_goes_out_on_the_socket_that_is_open() {
    let pretence = pretend();
    let recorder = Recorder::new("ws://server/chat/Connect");
    recorder.subscribe();
    let renew = |text| recorder.call("renew", &[js_sys::JSON::parse(text).unwrap()]).unwrap();
    renew(r#"{"token":"too early"}"#);
    recorder.call("opened", &[]).unwrap();
    renew(r#"{"token":"another"}"#);
    let sockets = pretence.sockets();
    recorder.call("free", &[]).unwrap();
    pretence.end();
    assert_eq!(sockets.length(), 1);
    let sent: js_sys::Array = Reflect::get(&sockets.get(0), &"sent".into()).unwrap().unchecked_into();
    assert_eq!(sent.iter().last().and_then(|text| text.as_string()).as_deref(), Some(r#"[6,{"token":"another"}]"#));
    assert_eq!(sent.length(), 3, "hello, subscribe, renew");
}

#[wasm_bindgen_test]
fn garbage_traps_nothing() {
    let pretence = pretend();
    let recorder = Recorder::new("ws://server/chat/Connect");
    let garbage = ["", "null", "[22, 2, 1, 1, [null]]", "[25, 1, 99, null]", "[24, 3, null]", "[{\"valueOf\": 1}]"];
    let feed = || {
        for text in garbage {
            recorder.call("received", &[text.into()]).unwrap();
        }
        recorder.call("received", &[JsValue::UNDEFINED]).unwrap();
        recorder.call("timeout", &[]).unwrap();
        recorder.call("pause", &[]).unwrap();
        recorder.call("wake", &[]).unwrap();
    };
    feed();
    let id = recorder.subscribe();
    feed();
    recorder.call("opened", &[]).unwrap();
    feed();
    recorder.call("opened", &[]).unwrap();
    recorder.call("closed", &[1006.into()]).unwrap();
    feed();
    for numbers in [[f64::NAN, f64::NAN], [-1.0, f64::INFINITY], [1e300, 1e300]] {
        recorder.call("subscribe", &[JsValue::NULL, numbers[0].into(), numbers[1].into(), JsValue::TRUE]).unwrap();
    }
    recorder.call("unsubscribe", &[id]).unwrap();
    recorder.call("unsubscribe", &[JsValue::from(u32::MAX)]).unwrap();
    recorder.call("publish", &[1.into(), 77.into(), JsValue::NULL, JsValue::TRUE]).unwrap();
    let refused = recorder.log().pop().unwrap();
    assert!(refused.starts_with(r#"["refused",1,{"Id":"client.Closed""#), "{refused}");
    recorder.call("free", &[]).unwrap();
    pretence.end();
}

#[wasm_bindgen_test]
fn a_page_may_call_it_from_within_its_own_clock_and_its_own_sockets() {
    for method in ["wake", "pause", "leave", "run"] {
        let pretence = pretend();
        let recorder = Recorder::new("ws://server/chat/Connect");
        let end = meddle(&recorder.client, method);
        let id = recorder.subscribe();
        for step in ["opened", "wake", "opened", "timeout"] {
            recorder.call(step, &[]).unwrap();
        }
        let message = js_sys::JSON::parse(r#"{"client_id":"c","subject":"","text":"hello"}"#).unwrap();
        recorder.call("publish", &[7.into(), id.clone(), message, JsValue::FALSE, 60_000.into()]).unwrap();
        recorder.call("unsubscribe", &[id]).unwrap();
        let times = end.call0(&JsValue::NULL).unwrap().as_f64();
        assert!(times > Some(3.0), "{method}: {times:?}");
        recorder.call("free", &[]).unwrap();
        pretence.end();
    }
}
