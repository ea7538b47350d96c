//! Single calls: post and get, over fetch.
//!
//! Of gloo-net, headers and responses. Its request builder is left alone: it parses each URL twice, and brings the
//! formatting machinery for that; its `send` traps where a page's own `fetch` fails with something that is no `Error`.

use crate::error::CodedError;
use gloo_net::http::{Headers, Response};
use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use web_sys::RequestInit;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch)]
    fn fetch(url: &JsValue, options: &RequestInit) -> Result<Promise, JsValue>;

    /// An answer that may be an error.
    type Answer;
    #[wasm_bindgen(method, getter = Id, catch)]
    fn id(this: &Answer) -> Result<JsValue, JsValue>;
}

/// Posts `body`, a string of JSON, to `url`; gets it where `body` is undefined. Resolves to the answer, rejects with an
/// error in the server's form. The browser makes and parses the texts; neither enters wasm memory.
#[wasm_bindgen]
pub fn call(url: &JsValue, namespace: &str, body: &JsValue) -> Result<Promise, JsValue> {
    let options = RequestInit::new();
    if !namespace.is_empty() {
        // Anything else a header can't carry, and `set` would trap.
        if !namespace.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(CodedError::BAD_NAMESPACE.into());
        }
        let headers = Headers::new();
        headers.set("micro-namespace", namespace);
        options.set_headers(&headers.into_raw());
    }
    if !body.is_undefined() {
        options.set_method("POST");
        options.set_body(body);
    }
    let response = settled(fetch(url, &options));
    Ok(future_to_promise(async {
        let response = response.await.ok().filter(JsValue::is_object).ok_or(CodedError::NETWORK)?;
        let response = Response::from(response.unchecked_into::<web_sys::Response>());
        let (ok, code) = (response.ok(), response.status());
        match settled(web_sys::Response::from(response).json()).await {
            Ok(answer) if ok => Ok(answer),
            Ok(answer) if answer.unchecked_ref::<Answer>().id().is_ok_and(|id| id.is_string()) => Err(answer),
            _ => Err(CodedError::bad_answer(code).into()),
        }
    }))
}

/// What a promise comes to; where there is none, why.
fn settled(promise: Result<Promise, JsValue>) -> JsFuture {
    promise.unwrap_or_else(|error| Promise::reject(&error)).into()
}
