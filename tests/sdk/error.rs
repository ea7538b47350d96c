//! Coded errors have the server's form.

use micro_chat::error::{CodedError, of_reason};
use micro_chat_session::{Fault, Reason};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

fn json(value: &JsValue) -> String {
    js_sys::JSON::stringify(value).unwrap().into()
}

#[wasm_bindgen_test]
fn an_error_of_ours_reads_like_one_of_the_server() {
    let error = json(&CodedError::bad_answer(502).into());
    assert!(error.starts_with(r#"{"Id":"client.BadAnswer","Code":502,"Detail":""#), "{error}");
    assert!(error.ends_with(r#"","Status":"Client Error"}"#), "{error}");
}

#[wasm_bindgen_test]
fn every_fault_of_the_engine_has_an_id() {
    for (fault, id) in [
        (Fault::OutboxFull, "client.OutboxFull"),
        (Fault::Closed, "client.Closed"),
        (Fault::Dismissed, "client.Dismissed"),
    ] {
        assert!(json(&of_reason(Reason::Fault(fault))).contains(id));
    }
}

#[wasm_bindgen_test]
fn an_error_of_the_server_is_handed_on_as_it_came() {
    let error = JsValue::from(js_sys::Object::new());
    assert!(js_sys::Object::is(&of_reason(Reason::Error(error.clone())), &error));
}
