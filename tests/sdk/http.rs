//! Single calls that fail, each in its own way.

use crate::CLOSED;
use js_sys::Reflect;
use micro_chat::http::call;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::RequestInit;

/// Posts to `url`; the id and the code of the error.
async fn failure(url: &str) -> (String, f64) {
    let options = RequestInit::new();
    options.set_method("POST");
    options.set_body(&"{}".into());
    let error = JsFuture::from(call(&url.into(), &options)).await.expect_err("it should fail");
    let get = |key: &str| Reflect::get(&error, &key.into()).unwrap_or(JsValue::UNDEFINED);
    (get("Id").as_string().unwrap_or_default(), get("Code").as_f64().unwrap_or(-1.0))
}

fn id(id: &str, code: f64) -> (String, f64) {
    (id.to_string(), code)
}

#[wasm_bindgen_test]
async fn a_server_that_is_not_there() {
    assert_eq!(failure(&format!("http://{CLOSED}/chat/New")).await, id("client.Network", 0.0));
}

#[wasm_bindgen_test]
async fn an_address_that_is_none() {
    assert_eq!(failure("http://[").await, id("client.Network", 0.0));
}

#[wasm_bindgen_test]
async fn an_answer_that_is_no_json() {
    // The test's own server: it has pages, and no chats.
    let (id, code) = failure("/no/such/thing").await;
    assert_eq!((id.as_str(), code >= 200.0), ("client.BadAnswer", true), "{code}");
}
